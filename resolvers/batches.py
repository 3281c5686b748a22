"""Batches: what is asked for in one turn of the event loop is fetched by one call."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Round(Generic[K, V]):
    """The keys of one call, and what came of it."""

    __slots__ = ("done", "found", "keys")

    def __init__(self, done: "asyncio.Future[None]") -> None:
        self.done = done
        self.keys: list[K] = []
        self.found: dict[K, V] = {}


class Batch(Generic[K, V]):
    """A loader: each key is fetched once. It waits per call rather than per key, so that a list of
    keys costs its caller one wait; aiodataloader's futures, one for each key, took a third of the
    time of a list of fifty.

    A waiter that is cancelled (GraphQL cancels the siblings of a field that failed) does not take
    the shared answer with it. An entry that is an exception is raised to whom it is loaded for.
    """

    def __init__(self, fetch: Callable[[list[K]], Awaitable[Sequence[V]]]) -> None:
        self._fetch = fetch
        self._rounds: dict[K, _Round[K, V]] = {}
        self._open: _Round[K, V] | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def load(self, key: K) -> V:
        return (await self.load_many([key]))[0]

    async def load_many(self, keys: Sequence[K]) -> list[V]:
        """One entry per key, in order. Raises the first that is an exception."""
        found = await self.settle(keys)
        for one in found:
            if isinstance(one, BaseException):
                raise one
        return found

    async def settle(self, keys: Sequence[K]) -> list[V]:
        """One entry per key, in order. Raises only where a call failed as a whole."""
        rounds = self._rounds
        for key in keys:
            if key not in rounds:
                self._ask(key)
        for one in dict.fromkeys(rounds[key] for key in keys):
            if not one.done.done():
                await asyncio.shield(one.done)
            one.done.result()
        return [rounds[key].found[key] for key in keys]

    def prime(self, key: K, value: V) -> None:
        """Known from elsewhere; what is already asked for stays."""
        if key not in self._rounds:
            known: _Round[K, V] = _Round(asyncio.get_running_loop().create_future())
            known.found[key] = value
            known.done.set_result(None)
            self._rounds[key] = known

    def _ask(self, key: K) -> None:
        if self._open is None:
            loop = asyncio.get_running_loop()
            self._open = _Round(loop.create_future())
            # Two turns: whoever is woken by what was done in this one can still join.
            loop.call_soon(loop.call_soon, self._start)
        self._open.keys.append(key)
        self._rounds[key] = self._open

    def _start(self) -> None:
        started, self._open = self._open, None
        if started is not None:
            task = asyncio.ensure_future(self._run(started))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, one: _Round[K, V]) -> None:
        try:
            found = await self._fetch(one.keys)
            one.found = dict(zip(one.keys, found, strict=True))
        except Exception as error:  # noqa: BLE001  # it is everybody's who waits for this call
            one.done.set_exception(error)
            one.done.exception()  # those who wait raise it; nobody may be left who does
        except BaseException:
            one.done.cancel()
            raise
        else:
            one.done.set_result(None)
