"""The ASGI middleware in front of every emulator: counts calls, adds latency, plays faults.

request > /__ routes (no auth, not counted, no faults)
        > counted > faults > the emulator > held until `latency_ms` after the request came
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.admin import admin_app
from sandbox.calls import Call, CallLog
from sandbox.faults import Fault, FaultBoard, FaultKind
from sandbox.vendor import Answer, Dialect

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class _Wire:
    """An answer as it goes out."""

    status: int
    headers: Headers
    body: bytes


class Gate:
    """One emulator as the outside meets it; `faults` and `calls` are its switches and its log."""

    def __init__(self, app: ASGIApp, dialect: Dialect, *, latency_ms: float = 0.0) -> None:
        self.faults = FaultBoard()
        self.calls = CallLog()
        self.latency_ms = latency_ms
        self._app = app
        self._dialect = dialect
        self._admin = admin_app(self.faults, self.calls)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"].startswith("/__"):
            await self._admin(scope, receive, send)
            return
        body = await _read(receive)
        self.calls.add(_call(scope, body))
        await self._serve(scope, body, receive, _held(send, self.latency_ms))

    async def _serve(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        for fault in self.faults.strike(scope["path"]):
            if fault.kind is FaultKind.DELAY:
                await self.faults.pause(fault.ms)
            elif fault.kind is FaultKind.HANG:
                if not await self._outlasts_hang(receive):
                    return
            else:
                await self._misbehave(fault, scope, body, receive, send)
                return
        await self._app(scope, _replay(body, receive), send)

    async def _outlasts_hang(self, receive: Receive) -> bool:
        """Wait for the faults to be cleared (True) or the client to leave (False)."""
        cleared: asyncio.Future[Any] = self.faults.until_cleared()
        left: asyncio.Future[Any] = asyncio.ensure_future(_until_left(receive))
        try:
            await asyncio.wait((cleared, left), return_when=asyncio.FIRST_COMPLETED)
            return cleared.done()
        finally:
            for waiting in (cleared, left):
                waiting.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await waiting

    async def _misbehave(
        self, fault: Fault, scope: Scope, body: bytes, receive: Receive, send: Send
    ) -> None:
        if (refusal := self._refusal(fault)) is not None:
            await _send(send, _encoded(refusal))
            return
        wire = await _captured(self._app, scope, _replay(body, receive))
        if fault.kind is FaultKind.TRUNCATED:
            await _send(send, _Wire(wire.status, wire.headers, wire.body[: len(wire.body) // 2]))
        elif fault.kind is FaultKind.SLOW_DRIP:
            await self._drip(send, wire, fault)
        else:
            await _reset(send, wire, receive)

    async def _drip(self, send: Send, wire: _Wire, fault: Fault) -> None:
        """The body in small pieces; what is left comes at once when the faults are cleared."""
        await _start(send, wire)
        sent, step = 0, fault.chunk_bytes
        while sent < len(wire.body):
            piece = wire.body[sent : sent + step]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            sent += step
            if await self.faults.pause(fault.ms):
                step = len(wire.body)
        await send({"type": "http.response.body", "body": b""})

    def _refusal(self, fault: Fault) -> Answer | None:
        if fault.kind is FaultKind.RATE_LIMITED:
            return self._dialect.rate_limited(fault.retry_after_s)
        if fault.kind is FaultKind.BROKEN:
            return self._dialect.broken()
        if fault.kind is FaultKind.UNAUTHORIZED:
            return self._dialect.unauthorized()
        if fault.kind is FaultKind.WRONG_JSON:
            return Answer(status=200, body=fault.body)
        return None


def _held(send: Send, latency_ms: float) -> Send:
    """What is sent leaves no sooner than `latency_ms` from now.

    The emulator's own time is part of that latency: a source of 20 ms answers in 20 ms.
    """
    if not latency_ms:
        return send
    loop = asyncio.get_running_loop()
    due = loop.time() + latency_ms / 1_000

    async def later(message: Message) -> None:
        await asyncio.sleep(due - loop.time())
        await send(message)

    return later


def _call(scope: Scope, body: bytes) -> Call:
    return Call(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("ascii", "replace"),
        body=body,
    )


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """The request once more for the app, then whatever the server has to say (disconnects)."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again


async def _until_left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _captured(app: ASGIApp, scope: Scope, receive: Receive) -> _Wire:
    start: Message = {}
    chunks: list[bytes] = []

    async def catch(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            chunks.append(message.get("body", b""))

    await app(scope, receive, catch)
    return _Wire(start["status"], list(start["headers"]), b"".join(chunks))


def _encoded(answer: Answer) -> _Wire:
    headers: Mapping[str, str] = {"content-type": "application/json", **answer.headers}
    return _Wire(
        answer.status,
        [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        json.dumps(answer.body).encode(),
    )


async def _start(send: Send, wire: _Wire) -> None:
    headers = [(name, value) for name, value in wire.headers if name.lower() != b"content-length"]
    headers.append((b"content-length", str(len(wire.body)).encode()))
    await send({"type": "http.response.start", "status": wire.status, "headers": headers})


async def _send(send: Send, wire: _Wire) -> None:
    await _start(send, wire)
    await send({"type": "http.response.body", "body": wire.body})


async def _reset(send: Send, wire: _Wire, receive: Receive) -> None:
    """Half an answer, then a TCP reset; without a socket (in process) a ConnectionResetError.

    ASGI has no word for a reset, so the transport is taken from uvicorn's cycle behind `send`.
    """
    await _start(send, wire)
    half = wire.body[: len(wire.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if not isinstance(transport, asyncio.Transport):
        raise ConnectionResetError("the sandbox reset this connection")
    sock: socket.socket = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _until_left(receive)
