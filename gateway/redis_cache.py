"""The Cache port over Redis. A Redis that is gone, full, slow or read-only is an empty cache.

Whatever is asked in one turn of the event loop goes out as one pipeline and waits `timeout_s` at
most. After a failure nothing is asked for PAUSE_S; then one pipeline tries whether Redis takes,
gives and forgets a value again, while the others go on without. So a dead Redis costs one time-out
in a while and no request an error, and one that does only half of what it is asked counts as dead.
The log has one line when it is lost and one when it is back.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import Pipeline

logger = logging.getLogger(__name__)

PREFIX: Final = "knownas:"
PAUSE_S: Final = 1.0
MAX_CONNECTIONS: Final = 32
MAX_OWED: Final = 10_000
"""Deletions kept for when Redis is back. Entries beyond live until their time is up."""

_PROBE: Final = f"{PREFIX}probe"

Found = Mapping[str, bytes]


@dataclass(slots=True)
class _Turn:
    """What is asked in one turn of the event loop. Reads go first and deletions last: a value that
    is read may be a moment old, one that was deleted is gone.
    """

    reads: dict[str, None] = field(default_factory=dict)
    writes: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    deletions: dict[str, None] = field(default_factory=dict)
    run: asyncio.Task[Found] | None = None


class RedisCache:
    """Keys get a prefix; values are kept as they are."""

    def __init__(
        self, client: "Redis", timeout_s: float, now_s: Callable[[], float] = monotonic
    ) -> None:
        self._client = client
        self._failures = import_module("gateway.redis_client").FAILURES
        self._timeout_s = timeout_s
        self._now_s = now_s
        self._turn = _Turn()
        self._running: set[asyncio.Task[Found]] = set()
        self._is_lost = False
        self._paused_until = 0.0
        self._owed: dict[str, None] = {}

    @property
    def is_lost(self) -> bool:
        """It answers as an empty cache, until it is found to do all a cache needs."""
        return self._is_lost

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        if not keys or self._is_paused:
            return [None] * len(keys)
        turn = self._joined()
        turn.reads.update(dict.fromkeys(keys))
        found = await self._done(turn)
        return [found.get(key) for key in keys]

    async def set_many(self, items: Mapping[str, bytes], ttl_s: float) -> None:
        if not items or ttl_s <= 0 or self._is_paused:
            return
        turn = self._joined()
        ttl_ms = max(1, round(ttl_s * 1000))
        turn.writes.update({key: (value, ttl_ms) for key, value in items.items()})
        await self._done(turn)

    async def delete_many(self, keys: Sequence[str]) -> None:
        """What cannot be deleted is owed: it is deleted before anything is read again."""
        if self._is_paused:
            self._owe(keys)
        elif keys:
            turn = self._joined()
            turn.deletions.update(dict.fromkeys(keys))
            await self._done(turn)

    async def close(self) -> None:
        await asyncio.gather(*self._running)
        await self._client.aclose()

    @property
    def _is_paused(self) -> bool:
        return self._now_s() < self._paused_until

    def _joined(self) -> _Turn:
        """The turn under way; its pipeline goes out once all callers of this turn have joined."""
        turn = self._turn
        if turn.run is None:
            turn.run = asyncio.create_task(self._run(turn))
            self._running.add(turn.run)
            turn.run.add_done_callback(self._running.discard)
        return turn

    async def _done(self, turn: _Turn) -> Found:
        """A caller that gives up does not take the pipeline of the others with it."""
        assert turn.run is not None  # noqa: S101  # joined turns run
        return await asyncio.shield(turn.run)

    async def _run(self, turn: _Turn) -> Found:
        self._turn = _Turn()
        try:
            async with asyncio.timeout(self._timeout_s):
                if self._is_lost:
                    await self._recover()
                return await self._send(turn)
        except self._failures as error:
            self._owe(list(turn.deletions))
            self._lose(error)
            return {}

    async def _send(self, turn: _Turn) -> Found:
        """One round trip, without a transaction: entries do not depend on each other."""
        async with self._client.pipeline(transaction=False) as pipe:
            if turn.reads:
                pipe.mget([PREFIX + key for key in turn.reads])
            for key, (value, ttl_ms) in turn.writes.items():
                pipe.set(PREFIX + key, value, px=ttl_ms)
            _forget(pipe, turn.deletions)
            answers = await pipe.execute()
        found = zip(turn.reads, answers[0] if turn.reads else (), strict=True)
        return {key: value for key, value in found if value is not None}

    async def _recover(self) -> None:
        """Raises where Redis does not do all a cache needs."""
        self._paused_until = self._now_s() + PAUSE_S  # the others do not wait for this
        async with self._client.pipeline(transaction=False) as pipe:
            pipe.set(_PROBE, b"", px=1_000)
            pipe.get(_PROBE)
            pipe.unlink(_PROBE)
            _forget(pipe, self._owed)
            await pipe.execute()
        self._owed.clear()
        self._is_lost = False
        self._paused_until = 0.0
        logger.info("cache_recovered")

    def _owe(self, keys: Sequence[str]) -> None:
        self._owed.update(dict.fromkeys(keys[: MAX_OWED - len(self._owed)]))

    def _lose(self, error: Exception) -> None:
        self._paused_until = self._now_s() + PAUSE_S
        if not self._is_lost:
            self._is_lost = True
            logger.warning("cache_lost error=%s", type(error).__name__)


def _forget(pipe: "Pipeline", keys: Mapping[str, None]) -> None:
    if keys:
        pipe.unlink(*(PREFIX + key for key in keys))


def open_redis(url: str, timeout_s: float) -> RedisCache:
    """A cache at `url`, not yet connected. Raises ConfigError."""
    client = import_module("gateway.redis_client").pooled(url, timeout_s, MAX_CONNECTIONS)
    return RedisCache(client, timeout_s)
