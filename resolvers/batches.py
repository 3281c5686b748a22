"""Batches: what several places of an operation ask for is fetched by one call.

Batch   gathers what is asked for in one turn of the event loop
Once    fetches at once, for operations no two places of which ask for the same kind of thing
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from itertools import chain
from typing import Generic, TypeVar

from aiodataloader import DataLoader

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Fetched(Generic[K, V]):
    """What was fetched, and what is under way."""

    def __init__(self, fetch: Callable[[list[K]], Awaitable[Sequence[V]]]) -> None:
        self._fetch = fetch
        self._found: dict[K, V] = {}
        self._calls: dict[K, asyncio.Future[None]] = {}

    def at_hand(self, keys: Sequence[K]) -> list[V] | None:
        """One entry per key, in order; None where one of them has not come yet."""
        try:
            return [*map(self._found.__getitem__, keys)]
        except KeyError:
            return None

    def prime(self, key: K, value: V) -> None:
        """Known from elsewhere; what is already asked for stays."""
        if key not in self._calls:
            self._found.setdefault(key, value)


class Batch(Fetched[K, V]):
    """Each key is fetched once. What aiodataloader gathers here are lists of keys, not keys: a list
    costs its caller one future and one wait, where one for each key took a third of the time of
    a list of fifty.

    A waiter that is cancelled (GraphQL cancels the siblings of a field that failed) does not take
    the shared answer with it. An entry that is an exception is raised to whom it is loaded for.
    """

    def __init__(self, fetch: Callable[[list[K]], Awaitable[Sequence[V]]]) -> None:
        super().__init__(fetch)
        self._lists: DataLoader[tuple[K, ...], list[Exception]] = DataLoader(
            self._gathered, cache=False
        )

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
        if any(key not in found for key in keys):
            for failure in await asyncio.shield(self._lists.load(tuple(keys))):
                raise failure
        return [found[key] for key in keys]

    async def _gathered(self, lists: list[tuple[K, ...]]) -> list[list[Exception]]:
        """Nothing for each list that has all its keys now, or why it has not: a value and not
        raised, since asyncio logs an exception whose waiter was cancelled in the turn it came.
        """
        fresh = [key for key in dict.fromkeys(chain(*lists)) if self._is_new(key)]
        if fresh:
            self._calls |= dict.fromkeys(fresh, asyncio.ensure_future(self._call(fresh)))
        return [await self._failure(keys) for keys in lists]

    def _is_new(self, key: K) -> bool:
        return key not in self._calls and key not in self._found

    async def _call(self, keys: list[K]) -> None:
        self._found |= dict(zip(keys, await self._fetch(keys), strict=True))

    async def _failure(self, keys: tuple[K, ...]) -> list[Exception]:
        for call in dict.fromkeys(self._calls[key] for key in keys if key in self._calls):
            try:
                await call
            except Exception as error:  # noqa: BLE001  # it is told to whoever waits for the list
                return [error]
        return []


class Once(Fetched[K, V]):
    """`Batch` for who knows that nobody else will ask in this turn: what there is to fetch is
    fetched by whoever needs it first, without a task, a turn or a loader. Each key is fetched once
    all the same.
    """

    async def load_many(self, keys: Sequence[K]) -> list[V]:
        """One entry per key, in order."""
        found = self._found
        if keys and not found and not self._calls:
            await self._call(list(dict.fromkeys(keys)))
        else:
            missing = [key for key in keys if key not in found]
            if missing:
                await self._fetched(missing)
        return [*map(found.__getitem__, keys)]

    async def _fetched(self, missing: list[K]) -> None:
        calls = self._calls
        under_way = {calls[key] for key in missing if key in calls}
        fresh = list(dict.fromkeys(key for key in missing if key not in calls))
        if fresh:
            await self._call(fresh)
        for call in under_way:
            await asyncio.shield(call)

    async def _call(self, keys: list[K]) -> None:
        call = asyncio.get_running_loop().create_future()
        self._calls.update(dict.fromkeys(keys, call))
        try:
            self._found.update(zip(keys, await self._fetch(keys), strict=True))
        except Exception as error:
            call.set_exception(error)
            call.exception()  # it is raised here; who else waits is told as well
            raise
        except BaseException:
            call.cancel()
            raise
        finally:
            for key in keys:
                del self._calls[key]
        call.set_result(None)
