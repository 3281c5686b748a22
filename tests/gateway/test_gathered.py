"""Reads that go together: who joins which one, and who is told of what went wrong."""

import asyncio
from collections.abc import Sequence

import pytest

from domain.errors import StoreError
from gateway.gathered import ALONE, Gathered


class Read:
    """Doubles numbers, once it may; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.began = asyncio.Event()
        self.may = asyncio.Event()
        self.may.set()
        self.failure: Exception | None = None

    async def __call__(self, keys: list[int]) -> list[int]:
        self.asked.append(keys)
        self.began.set()
        await self.may.wait()
        if self.failure is not None and 0 in keys:
            raise self.failure
        return [2 * key for key in keys]


def _ask(gathered: Gathered[int, int], *lists: Sequence[int]) -> list[asyncio.Future[list[int]]]:
    return [asyncio.ensure_future(gathered.read(keys)) for keys in lists]


async def _under_way(gathered: Gathered[int, int], read: Read, keys: Sequence[int]) -> None:
    """A read of these keys that does not end yet."""
    read.may.clear()
    _ask(gathered, keys)
    await read.began.wait()


async def test_who_asks_while_a_read_is_under_way_goes_together_with_the_next() -> None:
    read = Read()
    gathered = Gathered(read)
    await _under_way(gathered, read, [1])
    asks = _ask(gathered, [2, 3], [3, 4], [1])
    await asyncio.sleep(0)
    read.may.set()
    assert await asyncio.gather(*asks) == [[4, 6], [6, 8], [2]]
    assert read.asked == [[1], [2, 3, 4, 1]]


async def test_a_read_that_has_begun_is_joined_by_nobody() -> None:
    """What it answers may be from before the ask."""
    read = Read()
    gathered = Gathered(read)
    await _under_way(gathered, read, [1])
    asks = _ask(gathered, [1])
    await asyncio.sleep(0)
    read.may.set()
    await asyncio.gather(*asks)
    assert read.asked == [[1], [1]]


async def test_a_long_list_goes_by_itself_and_keeps_nobody_waiting() -> None:
    read = Read()
    gathered = Gathered(read)
    await _under_way(gathered, read, [1])
    asks = _ask(gathered, range(ALONE), [5])
    await asyncio.sleep(0)
    assert [len(keys) for keys in read.asked] == [1, ALONE]
    read.may.set()
    assert (await asyncio.gather(*asks))[1] == [10]


async def test_a_lost_store_is_told_to_all_at_once() -> None:
    read = Read()
    gathered = Gathered(read)
    await _under_way(gathered, read, [1])
    read.failure = StoreError("gone")
    asks = _ask(gathered, [0], [2])
    await asyncio.sleep(0)
    read.may.set()
    outcomes = await asyncio.gather(*asks, return_exceptions=True)
    assert outcomes == [read.failure, read.failure]
    assert len(read.asked) == 2


async def test_what_one_ask_breaks_is_told_to_it_alone() -> None:
    read = Read()
    gathered = Gathered(read)
    await _under_way(gathered, read, [1])
    read.failure = ValueError("no such number")
    asks = _ask(gathered, [0], [2])
    await asyncio.sleep(0)
    read.may.set()
    outcomes = await asyncio.gather(*asks, return_exceptions=True)
    assert outcomes == [read.failure, [4]]


@pytest.mark.parametrize("failure", [None, StoreError("gone")])
async def test_who_leaves_takes_nobody_along(failure: Exception | None) -> None:
    reported: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    read = Read()
    gathered = Gathered(read)
    await _under_way(gathered, read, [1])
    read.failure = failure
    leaving, staying = _ask(gathered, [0], [2])
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    read.may.set()
    assert await staying == [4]
    assert read.asked == [[1], [2]]
    assert reported == []


async def test_what_nobody_waits_for_is_not_read() -> None:
    read = Read()
    gathered = Gathered(read)
    await _under_way(gathered, read, [1])
    (leaving,) = _ask(gathered, [2])
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    read.may.set()
    assert await gathered.read([3]) == [6]
    assert read.asked == [[1], [3]]
