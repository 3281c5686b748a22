"""Reads of many requests as one: who asks while a read is under way goes with the next one.

A transaction for one row costs the store and the event loop about what one for twenty does. Who is
alone waits for nobody, and the more requests there are, the more go together.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from itertools import chain
from typing import Final, Generic, NamedTuple, TypeVar

from domain.errors import StoreError

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

ALONE: Final = 100
"""As many keys of one ask, or more, go by themselves: nobody shall wait for a long list."""


class _Ask(NamedTuple, Generic[K, V]):
    keys: Sequence[K]
    answer: asyncio.Future[list[V]]


class Gathered(Generic[K, V]):
    """`read` gets each key once and answers with one entry per key, in order."""

    def __init__(self, read: Callable[[list[K]], Awaitable[Sequence[V]]]) -> None:
        self._read = read
        self._waiting: list[_Ask[K, V]] = []
        self._reading: asyncio.Task[None] | None = None

    async def read(self, keys: Sequence[K]) -> list[V]:
        """One entry per key, in order, of a read that begins after the call. A StoreError is raised
        to all who asked together; after anything else each is asked for alone.
        """
        if len(keys) >= ALONE:
            return list(await self._read(list(keys)))
        ask: _Ask[K, V] = _Ask(keys, asyncio.get_running_loop().create_future())
        self._waiting.append(ask)
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_on())
        return await ask.answer

    async def _read_on(self) -> None:
        try:
            while self._waiting:
                asks, self._waiting = self._waiting, []
                await self._answer([ask for ask in asks if not ask.answer.done()])
        finally:
            self._reading = None

    async def _answer(self, asks: Sequence[_Ask[K, V]]) -> None:
        keys = list(dict.fromkeys(chain.from_iterable(ask.keys for ask in asks)))
        if not keys:
            return
        try:
            found = dict(zip(keys, await self._read(keys), strict=True))
        except asyncio.CancelledError:
            for ask in asks:
                ask.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001  # it is told to those it is of
            await self._failed(asks, error)
        else:
            for ask in asks:
                if not ask.answer.done():
                    ask.answer.set_result([found[key] for key in ask.keys])

    async def _failed(self, asks: Sequence[_Ask[K, V]], error: Exception) -> None:
        if len(asks) > 1 and not isinstance(error, StoreError):
            for ask in asks:
                await self._answer([ask])
            return
        for ask in asks:
            if not ask.answer.done():
                ask.answer.set_exception(error)
                ask.answer.exception()  # asyncio logs what a waiter that is leaving does not take
