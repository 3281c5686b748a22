"""At most so many requests to the graph are worked on at one time; the others wait in line.

One core answers a thousand requests no sooner by working on all of them at once: each would hold
what it has read until the last is done, and all would be late. Who waits holds a body.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from domain.waiting import before, in_task, running_loop
from gateway import answers
from gateway.refusals import Overloaded


class Line:
    """The places there are, and who waits for one. Who takes one of those `free`, or is let in,
    leaves it again.
    """

    def __init__(self, *, at_once: int, patience_s: float) -> None:
        self.free = at_once
        self._patience_s = patience_s
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def is_let_in(self) -> bool:
        """Whether a place came before patience ended."""
        await in_task()
        if self.free:
            self.free -= 1
            return True
        loop = running_loop()
        place: asyncio.Future[None] = loop.create_future()
        self._waiting.append(place)
        try:
            with before(loop.time() + self._patience_s):
                await place
        except TimeoutError:
            pass
        except asyncio.CancelledError:
            if _is_given(place):
                self.leave()
            raise
        return _is_given(place)

    def leave(self) -> None:
        """The next in line takes the place; who has gone was cancelled."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self.free += 1


class Turnstile:
    """In front of an application. A request at `path` is through when its answer begins, so that a
    stream keeps nobody out. Who has waited too long is turned away.
    """

    def __init__(self, app: ASGIApp, path: str, line: Line) -> None:
        self._app = app
        self._path = path
        self._line = line

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        line = self._line
        if line.free:
            line.free -= 1
        elif not await line.is_let_in():
            await _turned_away(scope, receive, send)
            return
        is_within = True

        def sent(message: Message) -> Awaitable[None]:
            nonlocal is_within
            if is_within:
                is_within = False
                line.leave()
            return send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            if is_within:  # there is no answer
                line.leave()


def overloaded() -> Overloaded:
    return Overloaded("so many requests are in front of this one that it was not begun")


def _is_given(place: "asyncio.Future[None]") -> bool:
    return place.done() and not place.cancelled()


async def _turned_away(scope: Scope, receive: Receive, send: Send) -> None:
    refusal = overloaded()
    headers = {**refusal.headers, "cache-control": "no-store"}
    told = JSONResponse(answers.refused(refusal), status_code=refusal.status, headers=headers)
    await told(scope, receive, send)
