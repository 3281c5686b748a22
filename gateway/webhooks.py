"""`POST /webhooks/{source}`: proved, written down, thanked. What it means is found out later.

    body, at most so large > signature and time > events > the inbox, once each > 200
                                                        > full: 429, and nothing of it is kept

Nothing is answered with 2xx that is not durable. A delivery that is proved and cannot be read is
kept as it came: the vendor has done its part, and asking it again would bring the same.
"""

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.errors import (
    BadSignature,
    InboxFull,
    SourceProtocolError,
    StoreError,
    TooOld,
    WebhookRejected,
)
from domain.inbox import Appended, Inbox, Unread
from domain.ports import Clock, Telemetry
from domain.sources import Source, WebhookRequest, Webhooks
from gateway.refusals import TooLarge
from gateway.request import read_body

logger = logging.getLogger(__name__)

PATH: Final = "/webhooks/{source}"
BODY_TIMEOUT_S: Final = 10.0
_NOT_KEPT: Final = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """Where deliveries come in. `public_url` is what vendors call, where that is not what arrives
    here; `nudge` wakes whoever applies events in this process.
    """

    sources: Mapping[str, Source]
    inbox: Inbox
    clock: Clock
    telemetry: Telemetry
    public_url: str
    body_bytes: int
    nudge: Callable[[], None]

    @property
    def routes(self) -> list[Route]:
        """HEAD is how some vendors try an address before they take it."""
        return [
            Route(PATH, self.receive, methods=["POST"]),
            Route(PATH, self.show, methods=["HEAD"]),
        ]

    async def show(self, request: Request) -> Response:
        known = self._webhooks(request.path_params["source"])
        return Response(status_code=200 if known else 404)

    async def receive(self, request: Request) -> Response:
        name = request.path_params["source"]
        webhooks = self._webhooks(name)
        if webhooks is None:
            return _refused(404, "BAD_REQUEST", "no webhooks are taken here")
        try:
            body = await read_body(request, self.body_bytes, BODY_TIMEOUT_S)
        except TooLarge:
            self._count(name, "too_large")
            raise
        delivery = self._delivery(request, body)
        try:
            webhooks.verify(delivery)
        except WebhookRejected as rejected:
            return self._rejected(name, rejected)
        return await self._kept(name, webhooks, delivery)

    def _webhooks(self, name: str) -> Webhooks | None:
        source = self.sources.get(name)
        return None if source is None else source.webhooks

    def _delivery(self, request: Request, body: bytes) -> WebhookRequest:
        """The address as the vendor wrote it: path and query untouched, for they are signed."""
        raw_path = request.scope.get("raw_path") or request.scope["path"].encode()
        path = raw_path.decode("latin-1").partition("?")[0]
        query = request.scope["query_string"].decode("latin-1")
        origin = self.public_url.rstrip("/") or f"{request.url.scheme}://{request.url.netloc}"
        return WebhookRequest(
            method=request.method,
            url=origin + path + (f"?{query}" if query else ""),
            headers=dict(request.headers),
            body=body,
            received_at=self.clock.now(),
        )

    def _rejected(self, name: str, rejected: WebhookRejected) -> Response:
        outcome = "too_old" if isinstance(rejected, TooOld) else "bad_signature"
        self._count(name, outcome)
        logger.warning("webhook_rejected source=%s reason=%s", name, outcome)
        told = "not signed as it has to be" if isinstance(rejected, BadSignature) else str(rejected)
        return _refused(401, rejected.code, told)

    async def _kept(self, name: str, webhooks: Webhooks, delivery: WebhookRequest) -> Response:
        try:
            appended = await self._append(name, webhooks, delivery)
        except InboxFull as full:
            self._count(name, "full")
            wait = {"retry-after": str(round(full.retry_after_s))}
            return _refused(429, full.code, "too much waits to be applied; come again", wait)
        except StoreError:
            self._count(name, "not_kept")
            logger.exception("webhook_unkept source=%s", name)
            wait = {"retry-after": "30"}
            return _refused(503, "INTERNAL", "it could not be written down; come again", wait)
        if appended.accepted:
            self._count(name, "accepted", appended.accepted)
            self.nudge()
        if appended.duplicates:
            self._count(name, "duplicate", appended.duplicates)
        return Response(status_code=200)

    async def _append(self, name: str, webhooks: Webhooks, delivery: WebhookRequest) -> Appended:
        try:
            events = webhooks.parse(delivery)
        except SourceProtocolError as error:
            self._count(name, "unread")
            logger.warning("webhook_unread source=%s", name)
            await self.inbox.keep_unread(_unread(name, delivery, str(error)))
            return Appended(accepted=0, duplicates=0)
        if not events:
            self._count(name, "ignored")
        return await self.inbox.append(events)

    def _count(self, source: str, outcome: str, amount: float = 1.0) -> None:
        labels = {"source": source, "outcome": outcome}
        self.telemetry.count("webhook_events", labels, amount)


def delivery_of(unread: Unread, received_at: Clock) -> WebhookRequest:
    """The delivery once more, to be read by a connector that has learned to."""
    return WebhookRequest(
        method="POST",
        url=unread.url,
        headers=dict(unread.headers),
        body=unread.body,
        received_at=received_at.now(),
    )


def _unread(name: str, delivery: WebhookRequest, reason: str) -> Unread:
    digest = hashlib.sha256(delivery.body).hexdigest()
    kept = {key: value for key, value in delivery.headers.items() if key not in _NOT_KEPT}
    return Unread(
        source=name,
        event_id=f"unread/{digest}",
        url=delivery.url,
        headers=tuple(kept.items()),
        body=delivery.body,
        reason=reason,
    )


def _refused(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    body = {"errors": [{"message": message, "extensions": {"code": code}}]}
    return JSONResponse(body, status_code=status, headers=dict(headers or {}))
