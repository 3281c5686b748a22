"""The cache in the process."""

import pytest

from gateway.cache import OVERHEAD_BYTES, MemoryCache


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def _room_for(entries: int) -> int:
    return entries * (1 + 10 + OVERHEAD_BYTES)


async def test_answers_are_in_the_order_of_the_keys(seconds: Seconds) -> None:
    cache = MemoryCache(10_000, seconds)
    await cache.set_many({"a": b"1", "b": b"2"}, 60)
    assert await cache.get_many(["b", "x", "a", "b"]) == [b"2", None, b"1", b"2"]
    assert await cache.get_many([]) == []


async def test_nothing_outlives_its_time(seconds: Seconds) -> None:
    cache = MemoryCache(10_000, seconds)
    await cache.set_many({"a": b"1"}, 60)
    seconds.now += 59.9
    assert await cache.get_many(["a"]) == [b"1"]
    seconds.now += 0.1
    assert await cache.get_many(["a"]) == [None]
    assert cache.size_bytes == 0


async def test_the_least_used_goes_first_when_there_is_no_room(seconds: Seconds) -> None:
    cache = MemoryCache(_room_for(3), seconds)
    for key in "abc":
        await cache.set_many({key: b"0" * 10}, 60)
    await cache.get_many(["a"])
    await cache.set_many({"d": b"0" * 10}, 60)
    assert [v is not None for v in await cache.get_many(list("abcd"))] == [True, False, True, True]
    assert cache.size_bytes == _room_for(3)


async def test_a_value_larger_than_the_cache_is_not_kept_and_pushes_nothing_out(
    seconds: Seconds,
) -> None:
    cache = MemoryCache(_room_for(1), seconds)
    await cache.set_many({"a": b"0" * 10}, 60)
    await cache.set_many({"b": b"0" * 11}, 60)
    assert await cache.get_many(["a", "b"]) == [b"0" * 10, None]


async def test_a_value_that_is_set_again_takes_its_room_once(seconds: Seconds) -> None:
    cache = MemoryCache(10_000, seconds)
    for _ in range(5):
        await cache.set_many({"a": b"0" * 10}, 60)
    assert cache.size_bytes == _room_for(1)


async def test_deleted_and_timeless_entries_are_gone(seconds: Seconds) -> None:
    cache = MemoryCache(10_000, seconds)
    await cache.set_many({"a": b"1", "b": b"2"}, 60)
    await cache.delete_many(["a", "nobody"])
    await cache.set_many({"b": b"3"}, 0)
    assert await cache.get_many(["a", "b"]) == [None, None]
    assert cache.size_bytes == 0


async def test_a_cache_of_no_size_keeps_nothing(seconds: Seconds) -> None:
    cache = MemoryCache(0, seconds)
    await cache.set_many({"a": b"1"}, 60)
    assert await cache.get_many(["a"]) == [None]


async def test_a_closed_cache_is_empty(seconds: Seconds) -> None:
    cache = MemoryCache(10_000, seconds)
    await cache.set_many({"a": b"1"}, 60)
    await cache.close()
    assert await cache.get_many(["a"]) == [None]
