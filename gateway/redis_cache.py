"""The Cache port over Redis. A Redis that is gone, full, slow or read-only is an empty cache.

A call waits `timeout_s` at most. After a failure nothing is asked for PAUSE_S; then one caller
tries whether Redis takes, gives and forgets a value again, while the others go on without. So a
dead Redis costs one time-out in a while and no request an error, and one that does only half of
what it is asked counts as dead. The log has one line when it is lost and one when it is back.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Final, TypeVar, cast

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from domain.errors import ConfigError

logger = logging.getLogger(__name__)

PREFIX: Final = "knownas:"
PAUSE_S: Final = 1.0
MAX_CONNECTIONS: Final = 32
MAX_OWED: Final = 10_000
"""Deletions kept for when Redis is back. Entries beyond live until their time is up."""

_PROBE: Final = f"{PREFIX}probe"

T = TypeVar("T")


class RedisCache:
    """Keys get a prefix; values are kept as they are."""

    def __init__(
        self, client: Redis, timeout_s: float, now_s: Callable[[], float] = monotonic
    ) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._now_s = now_s
        self._is_lost = False
        self._paused_until = 0.0
        self._owed: dict[str, None] = {}

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        nothing: list[bytes | None] = [None] * len(keys)
        return await self._tried(lambda: self._get(keys), nothing) if keys else nothing

    async def set_many(self, items: Mapping[str, bytes], ttl_s: float) -> None:
        if items and ttl_s > 0:
            await self._tried(lambda: self._set(items, ttl_s), None)

    async def delete_many(self, keys: Sequence[str]) -> None:
        """What could not be deleted is owed: it is deleted before anything is read again."""
        if keys and not await self._tried(lambda: self._delete(keys), otherwise=False):
            self._owed.update(dict.fromkeys(keys[: MAX_OWED - len(self._owed)]))

    async def close(self) -> None:
        await self._client.aclose()

    async def _get(self, keys: Sequence[str]) -> list[bytes | None]:
        return cast("list[bytes | None]", await self._client.mget([PREFIX + key for key in keys]))

    async def _set(self, items: Mapping[str, bytes], ttl_s: float) -> None:
        """One round trip, without a transaction: entries do not depend on each other."""
        async with self._client.pipeline(transaction=False) as pipe:
            for key, value in items.items():
                pipe.set(PREFIX + key, value, px=max(1, round(ttl_s * 1000)))
            await pipe.execute()

    async def _delete(self, keys: Sequence[str]) -> bool:
        await self._client.unlink(*(PREFIX + key for key in keys))
        return True

    async def _tried(self, call: Callable[[], Awaitable[T]], otherwise: T) -> T:
        if self._now_s() < self._paused_until:
            return otherwise
        try:
            async with asyncio.timeout(self._timeout_s):
                if self._is_lost:
                    await self._recover()
                return await call()
        except (RedisError, OSError, TimeoutError) as error:
            self._lose(error)
            return otherwise

    async def _recover(self) -> None:
        """Raises where Redis does not do all a cache needs."""
        self._paused_until = self._now_s() + PAUSE_S  # the other callers do not wait for this
        async with self._client.pipeline(transaction=False) as pipe:
            pipe.set(_PROBE, b"", px=1_000)
            pipe.get(_PROBE)
            pipe.unlink(_PROBE, *(PREFIX + key for key in self._owed))
            await pipe.execute()
        self._owed.clear()
        self._is_lost = False
        self._paused_until = 0.0
        logger.info("cache_recovered")

    def _lose(self, error: Exception) -> None:
        self._paused_until = self._now_s() + PAUSE_S
        if not self._is_lost:
            self._is_lost = True
            logger.warning("cache_lost error=%s", type(error).__name__)


def open_redis(url: str, timeout_s: float) -> RedisCache:
    """A cache at `url`, not yet connected. Raises ConfigError."""
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=MAX_CONNECTIONS,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise ConfigError("redis.url: not an address of a Redis") from error
    return RedisCache(Redis(connection_pool=pool), timeout_s)
