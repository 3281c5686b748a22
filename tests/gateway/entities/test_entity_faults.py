"""The cache over a Redis that breaks: no caller sees an error, no source a run."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from domain.sources import ChildPage
from domain.vocabulary import ServedFrom
from gateway.redis_cache import PAUSE_S, RedisCache, open_redis

OWNERS = ("ann", "bob", "cid")
CALLERS = 30
"""At the same time, each for all owners."""


class Seconds:
    """The clock by which a lost Redis is tried again."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
async def breaking(own_redis: Any, seconds: Seconds) -> AsyncIterator[RedisCache]:
    opened = open_redis(own_redis.url, 0.5)
    opened._now_s = seconds
    yield opened
    await opened.close()


@pytest.fixture
def counter(make: Callable[..., Any], breaking: RedisCache) -> Any:
    return make(breaking)


@pytest.fixture
def ask(counter: Any) -> Callable[[], Any]:
    """All callers at once; how often the source was asked for it."""

    async def run() -> int:
        before = len(counter.shop.calls)
        answers = await asyncio.gather(*(counter.pages(OWNERS) for _ in range(CALLERS)))
        for pages in answers:
            assert [type(page) for page in pages] == [ChildPage] * 3
            assert [len(page.items) for page in pages] == [2, 1, 0]
        return len(counter.shop.calls) - before

    return run


def _kill(redis: Any) -> None:
    redis.kill()


def _fill(redis: Any) -> None:
    redis.tell("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis.tell("CONFIG", "SET", "maxmemory", "1")


def _make_read_only(redis: Any) -> None:
    redis.tell("REPLICAOF", "127.0.0.1", "1")


def _start(redis: Any) -> None:
    redis.start()


def _empty(redis: Any) -> None:
    redis.tell("CONFIG", "SET", "maxmemory", "0")


def _make_writable(redis: Any) -> None:
    redis.tell("REPLICAOF", "NO", "ONE")


Fault = tuple[Callable[[Any], None], Callable[[Any], None]]


@pytest.mark.parametrize(
    "fault",
    [(_kill, _start), (_fill, _empty), (_make_read_only, _make_writable)],
    ids=["killed", "full", "read-only"],
)
async def test_answers_go_on_and_each_thing_is_asked_for_once(
    own_redis: Any,
    ask: Callable[[], Any],
    counter: Any,
    seconds: Seconds,
    fault: Fault,
) -> None:
    break_, mend = fault
    assert await ask() == 1
    assert await ask() == 0
    break_(own_redis)
    await counter.told_changed("1", "ann")  # what notices that nothing can be written any more
    asked = [await ask() for _ in range(5)]
    assert sum(asked) <= 2, "in the process from then on"
    assert asked[-3:] == [0, 0, 0]
    mend(own_redis)
    seconds.now += PAUSE_S
    asked = [await ask() for _ in range(4)]
    assert sum(asked) <= 2
    assert asked[-2:] == [0, 0], "in Redis again"


async def test_a_redis_that_is_away_for_a_minute_costs_one_question_a_minute(
    own_redis: Any,
    ask: Callable[[], Any],
    counter: Any,
    seconds: Seconds,
    later: Callable[[float], None],
) -> None:
    assert await ask() == 1
    own_redis.kill()
    asked = 0
    for _ in range(58):
        later(1)
        seconds.now += 1  # it is tried again each time, and is not there
        asked += await ask()
    assert asked == 1
    own_redis.start()
    later(1)
    seconds.now += 1
    await ask()
    assert await ask() == 0


async def test_what_changed_while_redis_was_away_is_not_read_from_it_afterwards(
    own_redis: Any, counter: Any, breaking: RedisCache, seconds: Seconds
) -> None:
    await counter.pages(OWNERS)
    own_redis.tell("REPLICAOF", "127.0.0.1", "1")  # what it holds, it keeps
    counter.shop.word = " new"
    await counter.told_changed("1", "ann")
    page = await counter.page("ann")
    assert [one.number for one in page.items] == ["1 new", "2 new"]
    own_redis.tell("REPLICAOF", "NO", "ONE")
    seconds.now += PAUSE_S
    await counter.page("cid")
    assert not breaking.is_lost
    page = await counter.page("ann")
    assert [one.number for one in page.items] == ["1 new", "2 new"]
    assert (await counter.page("bob")).served_from is ServedFrom.CACHE


async def test_a_redis_that_was_never_there_is_a_cache_in_the_process(
    own_redis: Any, ask: Callable[[], Any]
) -> None:
    own_redis.kill()
    assert [await ask() for _ in range(3)] == [1, 0, 0]


async def test_an_event_reaches_what_is_kept_while_redis_is_away(
    own_redis: Any, counter: Any
) -> None:
    own_redis.kill()
    await counter.pages(OWNERS)
    await counter.told_changed("1", "ann")
    await counter.pages(OWNERS)
    assert counter.shop.calls == [OWNERS, ("ann",)]
