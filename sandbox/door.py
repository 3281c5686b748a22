"""What a REST emulator's every request passes first: credentials, then the rate limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.allowance import Standing, Window
from sandbox.vendor import Answer, Dialect


class Door:
    """ASGI middleware. `told` names the rate-limit headers of an answer on this path."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        dialect: Dialect,
        authorized: Callable[[str | None], bool],
        window: Window,
        told: Callable[[str, Standing], Mapping[str, str]],
    ) -> None:
        self._app = app
        self._dialect = dialect
        self._authorized = authorized
        self._window = window
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._authorized(Headers(scope=scope).get("authorization")):
            await response(self._dialect.unauthorized())(scope, receive, send)
            return
        standing = self._window.take()
        headers = self._told(scope["path"], standing)

        async def send_told(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        if standing.allowed:
            await self._app(scope, receive, send_told)
        else:
            refusal = self._dialect.rate_limited(standing.reset_s)
            await response(refusal)(scope, receive, send_told)


def response(answer: Answer) -> Response:
    return JSONResponse(answer.body, status_code=answer.status, headers=dict(answer.headers))
