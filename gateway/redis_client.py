"""The client of Redis. Loaded where a Redis is configured: it takes 6 MB."""

from typing import Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from domain.errors import ConfigError

FAILURES: Final = (RedisError, OSError)
"""What a Redis that is gone, full or slow raises; a time-out is an OSError."""


def pooled(url: str, timeout_s: float, connections: int) -> Redis:
    """Not yet connected; what is sent waits for a connection, and for its answer. Raises
    ConfigError.
    """
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise ConfigError("redis.url: not an address of a Redis") from error
    return Redis.from_pool(pool)


def listening(url: str, timeout_s: float) -> Redis:
    """Not yet connected; waits for ever for what it has subscribed to. Raises ConfigError."""
    try:
        return Redis.from_url(url, socket_connect_timeout=timeout_s, retry=Retry(NoBackoff(), 0))
    except ValueError as error:
        raise ConfigError("redis.url: not an address of a Redis") from error
