"""Batches: what is asked for in one turn of the event loop is fetched by one call."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Batch(Generic[K, V]):
    """Each key is fetched once. Whoever asks first makes the call, after a turn of the event loop
    in which others add their keys; they wait for it without a task or a timer of their own.

    A waiter that is cancelled (GraphQL cancels the siblings of a field that failed) does not take
    the shared answer with it: where it made the call, the others make it again. An entry that is an
    exception is raised to whom it is loaded for.
    """

    def __init__(self, fetch: Callable[[list[K]], Awaitable[Sequence[V]]]) -> None:
        self._fetch = fetch
        self._found: dict[K, V] = {}
        self._calls: dict[K, asyncio.Future[None]] = {}
        """By key, the call it is part of; one that failed stays."""
        self._gathering: list[K] | None = None
        self._next: asyncio.Future[None] | None = None

    async def load(self, key: K) -> V:
        return (await self.load_many((key,)))[0]

    async def load_many(self, keys: Sequence[K]) -> list[V]:
        """One entry per key, in order. Raises the first that is an exception."""
        found = await self.settle(keys)
        for one in found:
            if isinstance(one, BaseException):
                raise one
        return found

    async def settle(self, keys: Sequence[K]) -> list[V]:
        """One entry per key, in order. Raises only where a call failed as a whole."""
        found = self._found
        while missing := [key for key in keys if key not in found]:
            await self._ask(missing)
        return [found[key] for key in keys]

    def prime(self, key: K, value: V) -> None:
        """Known from elsewhere; what is already asked for stays."""
        if key not in self._calls:
            self._found.setdefault(key, value)

    async def _ask(self, missing: Iterable[K]) -> None:
        """Have these keys fetched, or see that a call that was to fetch one was given up."""
        fresh = [key for key in dict.fromkeys(missing) if key not in self._calls]
        if fresh and self._gathering is None:
            await self._lead(fresh)
        elif fresh:
            self._add(fresh)
        for call in dict.fromkeys(self._calls[key] for key in missing if key in self._calls):
            if call.done():
                # What fails before it has waited leaves graphql-core with siblings it never awaits.
                await asyncio.sleep(0)
            await asyncio.shield(call)

    def _add(self, keys: list[K]) -> None:
        assert self._gathering is not None and self._next is not None  # noqa: S101, PT018
        self._gathering += keys
        self._calls |= dict.fromkeys(keys, self._next)

    async def _lead(self, keys: list[K]) -> None:
        call: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gathering, self._next = [], call
        self._add(keys)
        try:
            # What is resolved beside this asks within one turn, what lies one level below in two.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            keys, self._gathering = self._gathering, None
            self._found |= dict(zip(keys, await self._fetch(keys), strict=True))
        except BaseException as error:
            self._failed(keys, call, error)
            raise
        call.set_result(None)

    def _failed(self, keys: list[K], call: "asyncio.Future[None]", error: BaseException) -> None:
        if isinstance(error, Exception):
            call.set_exception(error)
            call.exception()  # it is raised to the one who asked; others may not be waiting
            return
        for key in self._gathering or keys:
            del self._calls[key]
        if self._gathering is not None:
            self._gathering = None
        call.set_result(None)
