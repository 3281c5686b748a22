"""The cache over a real Redis, and over one that is broken in every way it can be."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from domain.errors import ConfigError
from gateway import redis_cache
from gateway.redis_cache import MAX_OWED, PAUSE_S, PREFIX, RedisCache, open_redis

TIMEOUT_S = 0.5


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def pass_pause(self) -> None:
        self.now += PAUSE_S


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
async def cache(own_redis: Any, seconds: Seconds) -> AsyncIterator[RedisCache]:
    opened = open_redis(own_redis.url, TIMEOUT_S)
    opened._now_s = seconds
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
def _hear_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="gateway.redis_cache")


def _told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage().split(" ")[0] for r in caplog.records if r.name == redis_cache.__name__]


async def test_answers_are_in_the_order_of_the_keys(redis_url: str) -> None:
    cache = open_redis(redis_url, TIMEOUT_S)
    await cache.set_many({"a": b"1", "b": b"\xff\x00"}, 60)
    assert await cache.get_many(["b", "x", "a", "b"]) == [b"\xff\x00", None, b"1", b"\xff\x00"]
    assert await cache.get_many([]) == []
    await cache.delete_many(["a", "x"])
    assert await cache.get_many(["a", "b"]) == [None, b"\xff\x00"]
    await cache.close()


async def test_entries_get_a_prefix_and_an_end(redis_url: str) -> None:
    cache = open_redis(redis_url, TIMEOUT_S)
    await cache.set_many({"a": b"1"}, 0.5)
    await cache.set_many({"never": b"1"}, 0)
    assert 0 < await cache._client.pttl(f"{PREFIX}a") <= 500
    assert await cache._client.keys("*") == [f"{PREFIX}a".encode()]
    await cache.close()


async def test_a_batch_is_one_round_trip(cache: RedisCache, own_redis: Any) -> None:
    await cache.set_many({f"k{n}": b"v" for n in range(100)}, 60)
    before = (await cache._client.info("stats"))["total_reads_processed"]
    await cache.set_many({f"k{n}": b"w" for n in range(100)}, 60)
    await cache.get_many([f"k{n}" for n in range(100)])
    after = (await cache._client.info("stats"))["total_reads_processed"]
    assert after - before <= 4


async def test_what_many_ask_in_one_turn_is_one_round_trip(cache: RedisCache) -> None:
    await cache.set_many({f"k{n}": str(n).encode() for n in range(300)}, 60)
    before = (await cache._client.info("stats"))["total_reads_processed"]
    answers = await asyncio.gather(*(cache.get_many([f"k{n}", "x"]) for n in range(300)))
    assert answers == [[str(n).encode(), None] for n in range(300)]
    after = (await cache._client.info("stats"))["total_reads_processed"]
    assert after - before <= 3


async def test_a_caller_that_gives_up_takes_nobody_with_it(cache: RedisCache) -> None:
    await cache.set_many({"a": b"1"}, 60)
    patient = asyncio.create_task(cache.get_many(["a"]))
    hasty = asyncio.create_task(cache.get_many(["a"]))
    await asyncio.sleep(0)
    hasty.cancel()
    assert await patient == [b"1"]


async def test_a_killed_redis_is_an_empty_cache_that_comes_back_by_itself(
    cache: RedisCache, own_redis: Any, seconds: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    await cache.set_many({"a": b"1"}, 60)
    own_redis.kill()
    for _ in range(3):
        assert await cache.get_many(["a", "b"]) == [None, None]
        await cache.set_many({"b": b"2"}, 60)
        seconds.pass_pause()
    assert _told(caplog) == ["cache_lost"]
    own_redis.start()
    seconds.pass_pause()
    await cache.set_many({"a": b"3"}, 60)
    assert await cache.get_many(["a"]) == [b"3"]
    assert _told(caplog) == ["cache_lost", "cache_recovered"]


async def test_a_redis_that_was_never_there_is_an_empty_cache(
    own_redis: Any, caplog: pytest.LogCaptureFixture
) -> None:
    own_redis.kill()
    cache = open_redis(own_redis.url, TIMEOUT_S)
    await cache.set_many({"a": b"1"}, 60)
    assert await cache.get_many(["a"]) == [None]
    await cache.delete_many(["a"])
    await cache.close()
    assert _told(caplog) == ["cache_lost"]


async def test_a_full_redis_is_an_empty_cache_until_it_has_room(
    cache: RedisCache, own_redis: Any, seconds: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    own_redis.tell("CONFIG", "SET", "maxmemory", "1")
    for _ in range(3):
        await cache.set_many({"a": b"1"}, 60)
        assert await cache.get_many(["a"]) == [None]
        seconds.pass_pause()
    assert _told(caplog) == ["cache_lost"]
    own_redis.tell("CONFIG", "SET", "maxmemory", "0")
    seconds.pass_pause()
    await cache.set_many({"a": b"1"}, 60)
    assert await cache.get_many(["a"]) == [b"1"]
    assert _told(caplog) == ["cache_lost", "cache_recovered"]


async def test_a_read_only_redis_is_an_empty_cache(
    cache: RedisCache, own_redis: Any, seconds: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    await cache.set_many({"a": b"old"}, 60)
    own_redis.tell("REPLICAOF", "127.0.0.1", "1")
    await cache.delete_many(["a"])
    for _ in range(3):
        seconds.pass_pause()
        assert await cache.get_many(["a"]) == [None]
    assert _told(caplog) == ["cache_lost"]
    own_redis.tell("REPLICAOF", "NO", "ONE")
    seconds.pass_pause()
    assert await cache.get_many(["a"]) == [None]  # what could not be deleted then is deleted now
    assert _told(caplog) == ["cache_lost", "cache_recovered"]


async def test_a_hanging_redis_costs_one_time_out_and_then_nothing(
    cache: RedisCache, own_redis: Any, seconds: Seconds
) -> None:
    cache._timeout_s = 0.05
    await cache.set_many({"a": b"1"}, 60)
    own_redis.tell("CLIENT", "PAUSE", "400", "ALL")
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert await cache.get_many(["a"]) == [None]
    assert loop.time() - started < 0.3
    started = loop.time()
    for _ in range(200):
        assert await cache.get_many(["a"]) == [None]
    assert loop.time() - started < 0.05


async def test_answers_are_never_mixed_up_after_a_time_out(
    cache: RedisCache, own_redis: Any, seconds: Seconds
) -> None:
    await cache.set_many({f"k{n}": f"v{n}".encode() for n in range(40)}, 600)
    cache._timeout_s = 0.02
    own_redis.tell("CLIENT", "PAUSE", "60", "ALL")
    await asyncio.gather(*(cache.get_many([f"k{n}"]) for n in range(40)))
    cache._timeout_s = TIMEOUT_S
    seconds.pass_pause()
    await cache.get_many(["k0"])  # tries whether it is back
    for n in range(40):
        assert await cache.get_many([f"k{n}"]) in ([f"v{n}".encode()], [None])
    assert await cache.get_many(["k7", "k8"]) == [b"v7", b"v8"]


async def test_while_one_tries_again_the_others_do_not_wait(
    cache: RedisCache, own_redis: Any, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_redis.kill()
    await cache.get_many(["a"])
    own_redis.start()
    seconds.pass_pause()
    send, tried, go_on = cache._send, asyncio.Event(), asyncio.Event()

    async def slowly(turn: Any) -> Any:
        tried.set()
        await go_on.wait()
        return await send(turn)

    monkeypatch.setattr(cache, "_send", slowly)
    cache._paused_until = seconds.now + PAUSE_S
    assert await cache.get_many(["a"]) == [None]
    seconds.pass_pause()
    trying = asyncio.create_task(cache.set_many({"a": b"1"}, 60))
    await tried.wait()
    go_on.set()
    await trying
    assert await cache.get_many(["a"]) == [b"1"]


async def test_many_at_once_share_the_connections_without_an_error(
    cache: RedisCache, caplog: pytest.LogCaptureFixture
) -> None:
    await cache.set_many({"a": b"1"}, 60)
    assert await asyncio.gather(*(cache.get_many(["a"]) for _ in range(500))) == [[b"1"]] * 500
    assert _told(caplog) == []


async def test_what_is_owed_is_bounded(cache: RedisCache, own_redis: Any) -> None:
    own_redis.kill()
    await cache.delete_many([f"k{n}" for n in range(MAX_OWED + 500)])
    await cache.delete_many(["one more"])
    assert len(cache._owed) == MAX_OWED


@pytest.mark.parametrize("url", ["redis://host:port/0", "http://127.0.0.1", "nonsense"])
def test_an_address_that_is_none_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_redis(url, TIMEOUT_S)
    assert url not in str(caught.value)
