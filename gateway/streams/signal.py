"""Wakes the other processes when something was written into a log. Nothing depends on it: who is
not woken looks by itself.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Final

from domain.events import Activity, EventStore, Interaction, Noted, Told
from domain.ids import SourceKey
from domain.sources import Position
from gateway.redis_cache import PREFIX

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger(__name__)

CHANNEL: Final = f"{PREFIX}activity"
RETRY_S: Final = 1.0
POLL_S: Final = 0.25
HEARD_POLL_S: Final = 2.0
"""How often a process looks that is woken by others."""

Wake = Callable[[], None]


class RedisSignal:
    """Publishes that there is something new, and hears when others do."""

    def __init__(self, client: "Redis", timeout_s: float) -> None:
        self._client = client
        self._failures = import_module("gateway.redis_client").FAILURES
        self._timeout_s = timeout_s
        self._telling: set[asyncio.Task[None]] = set()
        self.is_heard = False

    def tell(self) -> None:
        """Nobody waits for it."""
        task = asyncio.ensure_future(self._tell())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def hear(self, wake: Wake) -> None:
        """For as long as this runs; a Redis that is lost is asked again."""
        while True:
            try:
                await self._hear(wake)
            except self._failures as error:
                if self.is_heard:
                    logger.warning("signal_lost error=%s", type(error).__name__)
            self.is_heard = False
            await asyncio.sleep(RETRY_S)

    async def close(self) -> None:
        if self._telling:
            await asyncio.wait(self._telling)
        await self._client.aclose()

    async def _tell(self) -> None:
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._client.publish(CHANNEL, b"")
        except self._failures as error:
            logger.debug("signal_untold error=%s", type(error).__name__)

    async def _hear(self, wake: Wake) -> None:
        async with self._client.pubsub() as listening:
            await listening.subscribe(CHANNEL)
            async for _ in listening.listen():  # the first says that we are subscribed
                self.is_heard = True
                wake()


def open_signal(url: str, timeout_s: float) -> RedisSignal:
    """Not yet connected. Raises ConfigError."""
    return RedisSignal(import_module("gateway.redis_client").listening(url, timeout_s), timeout_s)


class ToldEvents:
    """EventStore in front of another one: what it writes into the log is told at once."""

    def __init__(self, events: EventStore, tell: Wake) -> None:
        self._events = events
        self._tell = tell

    async def append(self, told: Sequence[Told]) -> Noted:
        noted = await self._events.append(told)
        if noted.activities:
            self._tell()
        return noted

    async def note(self, activities: Sequence[Activity]) -> tuple[Activity, ...]:
        noted = await self._events.note(activities)
        if noted:
            self._tell()
        return noted

    async def interactions(self, keys: Sequence[SourceKey]) -> list[Interaction | None]:
        return await self._events.interactions(keys)

    async def of_contacts(
        self,
        contacts: Collection[SourceKey],
        *,
        first: int,
        after: Position | None = None,
        active_at: datetime | None = None,
    ) -> list[Interaction]:
        return await self._events.of_contacts(
            contacts, first=first, after=after, active_at=active_at
        )

    async def activities(
        self, after: int, first: int, contacts: Collection[SourceKey] | None = None
    ) -> list[Activity]:
        return await self._events.activities(after, first, contacts)

    async def head(self) -> int:
        return await self._events.head()
