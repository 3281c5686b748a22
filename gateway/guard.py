"""What surrounds every request: its id, its line in the log, safe headers, and a last net."""

import logging
import re
from random import getrandbits
from time import perf_counter
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.errors import GatewayError
from gateway import answers
from gateway.logs import request_id
from gateway.negotiation import Media

logger = logging.getLogger(__name__)

REQUEST_ID: Final = "x-request-id"
_FOREIGN_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
SAFE_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}


class Guard:
    """Outermost: an exception nobody expected becomes INTERNAL, and is logged once, by its id.

    The log names method, path and status, never the query of the address: it may hold variables.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        known = id_of(Headers(scope=scope).get(REQUEST_ID))
        token = request_id.set(known)
        started, seen = perf_counter(), _Seen(send, known)
        try:
            await self._app(scope, receive, seen.send)
        except Exception as error:  # noqa: BLE001  # the last net: told by its id, logged once
            await _internal(error, scope, receive, seen)
        finally:
            note(scope["method"], scope["path"], seen.status, perf_counter() - started)
            request_id.reset(token)


class _Seen:
    """Sends on, with the headers every answer has, and remembers the status."""

    def __init__(self, send: Send, known: str) -> None:
        self._send = send
        self._id = known
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = self._id
            for name, value in SAFE_HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)


async def _internal(error: Exception, scope: Scope, receive: Receive, seen: _Seen) -> None:
    answer = answers.failed(error)
    if seen.status:  # half an answer is out: the connection is all that can still be ended
        raise GatewayError("an answer was cut off") from None
    del answer["data"]
    body = answers.encoded(answer)
    response = Response(body, status_code=500, headers={"content-type": Media.GRAPHQL.header})
    await response(scope, receive, seen.send)


def id_of(foreign: str | None) -> str:
    """The id a proxy in front has given, where it is one; else a new one."""
    return foreign if foreign and _FOREIGN_ID.fullmatch(foreign) else f"{getrandbits(64):016x}"


def note(method: str, path: str, status: int, seconds: float) -> None:
    level = logging.DEBUG if path in {"/healthz", "/readyz", "/metrics"} else logging.INFO
    if not logger.isEnabledFor(level):
        return
    fields = {
        "method": method,
        "path": path[:100],
        "status": status,
        "ms": round(seconds * 1000, 1),
    }
    logger.log(level, "request", extra={"fields": fields})
