"""Waiting for many things at once, and not for ever.

A request to a customer's context waits in a dozen places, each with a deadline and hardly any of
them reached. Here they share one timer for each event loop; `asyncio.timeout_at` starts one for
every wait, which takes ten times as long as what it guards against.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Generator, Sequence
from functools import partial
from math import inf
from threading import get_ident
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

T = TypeVar("T")

_EARLY_S: Final = 0.001
"""Timers of an event loop may go off this much before their time."""


class before:  # read as a statement: `with before(deadline):`
    """As `async with asyncio.timeout_at(deadline)`: what is awaited inside is cancelled at the
    deadline (seconds of the event loop's clock), and TimeoutError is raised for it. One that has
    passed gives what is awaited until the event loop looks at it.
    """

    __slots__ = ("_cancelling", "_expired", "_task", "_watch", "deadline")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self._expired = False

    def __enter__(self) -> Self:
        # In one piece, since a request comes by a dozen times.
        watch = _watches[0]
        if watch.thread != get_ident() or not watch.loop.is_running():
            watch = _renewed()
        task = asyncio.current_task(watch.loop)
        if task is None:
            raise RuntimeError("a deadline is for what runs in a task")
        self._task = task
        self._cancelling = task.cancelling()
        self._watch = watch
        watch.waits.add(self)
        if self.deadline < watch.at:
            watch.look_at(self.deadline)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if not self._expired:
            self._watch.waits.discard(self)
        elif self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        self._expired = True
        self._task.cancel()


async def in_task() -> None:
    """Before what needs a task, as `before` does: who began a coroutine without one makes one of
    the rest of it when it comes by here.
    """
    if asyncio.current_task(running_loop()) is None:
        await asyncio.sleep(0)


class Later:
    """What is awaited by tasks and without them: a coroutine that was begun by hand stops here, and
    whoever runs it sets `then`, to go on. Awaited at once where it is made.
    """

    __slots__ = ("then",)

    def __init__(self) -> None:
        self.then: Callable[[], None] | None = None

    def come(self) -> None:
        """It is there. Called from the event loop itself, not from within a task."""
        then, self.then = self.then, None
        if then is not None:
            then()

    def __await__(self) -> Generator[Any, None, None]:
        loop = running_loop()
        if asyncio.current_task(loop) is None:
            yield self
        else:
            coming: asyncio.Future[None] = loop.create_future()
            self.then = partial(_settle, coming)
            yield from coming


def _settle(coming: "asyncio.Future[None]") -> None:
    if not coming.done():
        coming.set_result(None)


class _Watch:
    """The deadlines under way in one event loop, and a timer for the first of them."""

    __slots__ = ("_timer", "at", "loop", "thread", "waits")

    def __init__(self, loop: asyncio.AbstractEventLoop, thread: int) -> None:
        self.loop = loop
        self.thread = thread
        self.waits: set[before] = set()
        self.at = inf
        """When it is looked at them next."""
        self._timer: asyncio.TimerHandle | None = None

    def look_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.at = when
        self._timer = self.loop.call_at(when, self._look)

    def _look(self) -> None:
        self.at, self._timer = inf, None
        now = self.loop.time() + _EARLY_S
        for wait in [wait for wait in self.waits if wait.deadline <= now]:
            self.waits.discard(wait)
            wait.expire()
        if self.waits:
            self.look_at(min(wait.deadline for wait in self.waits))


_NO_THREAD: Final = 0
_NO_LOOP: Final = cast("asyncio.AbstractEventLoop", None)
"""Nobody asks it: the thread has been looked at before."""
_watches: Final[list[_Watch]] = [_Watch(_NO_LOOP, _NO_THREAD)]
"""That of the event loop asked last. Each wait knows its own, so several loops only share less."""


def running_loop() -> asyncio.AbstractEventLoop:
    """As `asyncio.get_running_loop`, which asks the system each time for the id of the process: it
    may be a fork of the one in which the loop ran. A request asks a dozen times; here a fork
    forgets.
    """
    watch = _watches[0]
    if watch.thread != get_ident() or not watch.loop.is_running():
        watch = _renewed()
    return watch.loop


def _renewed() -> _Watch:
    """For another event loop than the one asked last, or another thread. A loop that is running in
    this thread is the one that runs here: they do not nest.
    """
    _watches[0] = watch = _Watch(asyncio.get_running_loop(), get_ident())
    return watch


def _forget() -> None:
    _watches[0].thread = _NO_THREAD


os.register_at_fork(after_in_child=_forget)


async def together(jobs: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """The results in order. One job, the usual number, is spared a task of its own."""
    if len(jobs) == 1:
        return [await jobs[0]]
    return list(await asyncio.gather(*jobs)) if jobs else []
