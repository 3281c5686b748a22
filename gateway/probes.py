"""`/healthz`, `/readyz`, `/metrics` and `/schema.graphql`: for those who run the thing.

healthz   the process answers
readyz    the state store answers, and every source has answered once since the start; a source
          that is lost later, or has not come for READY_WAIT_S, is reported and keeps nobody out:
          its branch is missing, the others are whole
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from domain.errors import GatewayError
from domain.provenance import SourceStatus
from domain.sources import Source
from domain.vocabulary import SourceState
from gateway.refusals import Refusal

READY_WAIT_S: Final = 30.0
STATE_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether requests should come here."""

    state: bool
    sources: Mapping[str, SourceStatus]
    is_ready: bool


class Probes:
    """What the probes ask. `ping` raises a GatewayError where the state store does not answer, and
    so does `measure`, which brings the figures up to date that the store alone knows.
    """

    def __init__(
        self,
        ping: Callable[[], Awaitable[None]],
        sources: Mapping[str, Source],
        measure: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._ping = ping
        self._measure = measure
        self._sources = sources
        self._started = monotonic()

    async def readiness(self) -> Readiness:
        state = await self._state_answers()
        sources = {name: source.status() for name, source in self._sources.items()}
        proven = all(status.last_success_at is not None for status in sources.values())
        waited = monotonic() - self._started >= READY_WAIT_S
        return Readiness(state=state, sources=sources, is_ready=state and (proven or waited))

    async def measure(self) -> None:
        """Figures of a store that does not answer stay as they were: whether it does is told by
        readiness.
        """
        if self._measure is not None:
            with suppress(GatewayError, TimeoutError):
                async with asyncio.timeout(STATE_TIMEOUT_S):
                    await self._measure()

    async def _state_answers(self) -> bool:
        try:
            async with asyncio.timeout(STATE_TIMEOUT_S):
                await self._ping()
        except (GatewayError, TimeoutError):
            return False
        return True


def routes(
    probes: Probes, figures: Callable[[], bytes], sdl: str, admit: Callable[[Request], None]
) -> list[BaseRoute]:
    """`admit` raises a Refusal for who may see no more than whether the process is up and ready."""

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        found = await probes.readiness()
        body: dict[str, object] = {"status": "ready" if found.is_ready else "not ready"}
        if _is_admitted(admit, request):
            body["state"] = "OK" if found.state else "UNAVAILABLE"
            body["sources"] = {name: _told(status) for name, status in found.sources.items()}
        return JSONResponse(body, status_code=200 if found.is_ready else 503)

    async def metrics(request: Request) -> Response:
        admit(request)
        await probes.measure()
        return Response(figures(), media_type="text/plain; version=1.0.0; charset=utf-8")

    async def schema(request: Request) -> Response:
        admit(request)
        return PlainTextResponse(sdl)

    return [
        Route("/healthz", healthz, methods=["GET"]),
        Route("/readyz", readyz, methods=["GET"]),
        Route("/metrics", metrics, methods=["GET"]),
        Route("/schema.graphql", schema, methods=["GET"]),
    ]


def _is_admitted(admit: Callable[[Request], None], request: Request) -> bool:
    try:
        admit(request)
    except Refusal:
        return False
    return True


def _told(status: SourceStatus) -> dict[str, object]:
    told: dict[str, object] = {"state": status.state.value}
    if status.last_success_at is not None:
        told["lastSuccessAt"] = status.last_success_at.isoformat()
    if status.latency_ms is not None:
        told["latencyMs"] = status.latency_ms
    if status.state is not SourceState.OK and status.message:
        told["message"] = status.message
    return told
