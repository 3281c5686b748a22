"""One call for several callers who ask the same at the same time."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from domain.sources import Deadline
from domain.waiting import before

T = TypeVar("T")


class _Flight(Generic[T]):
    __slots__ = ("task", "waiters")

    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        self.waiters = 0


class Flights(Generic[T]):
    """Calls under way, by what they ask and with whose credentials. What they return is shared and
    must not be changed.
    """

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight[T]] = {}

    def __contains__(self, key: Hashable) -> bool:
        return key in self._flights

    async def join(
        self, key: Hashable, start: Callable[[], Coroutine[Any, Any, T]], deadline: Deadline
    ) -> T:
        """The result of the call under way, or of the one started here (which keeps its own time).

        A caller who is cancelled leaves the call to the others; the last one ends it. Raises
        TimeoutError where a call of somebody else outlasts `deadline`.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._take_off(key, start)
            return await self._aboard(key, flight, None)
        return await self._aboard(key, flight, deadline)

    def _take_off(self, key: Hashable, start: Callable[[], Coroutine[Any, Any, T]]) -> _Flight[T]:
        flight = _Flight(asyncio.create_task(start()))
        self._flights[key] = flight
        flight.task.add_done_callback(lambda _: self._land(key, flight))
        return flight

    async def _aboard(self, key: Hashable, flight: _Flight[T], deadline: Deadline | None) -> T:
        flight.waiters += 1
        try:
            if deadline is None:
                return await asyncio.shield(flight.task)
            with before(deadline):
                return await asyncio.shield(flight.task)
        finally:
            flight.waiters -= 1
            if not flight.waiters and not flight.task.done():
                self._land(key, flight)
                flight.task.cancel()

    def _land(self, key: Hashable, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
