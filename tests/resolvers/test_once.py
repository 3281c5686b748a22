"""What is fetched at once: each key once, for all who wait, whatever becomes of it."""

import asyncio

from resolvers.batches import Once


class Fetch:
    """Doubles numbers, once it may; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.may = asyncio.Event()
        self.may.set()

    async def __call__(self, keys: list[int]) -> list[int]:
        self.asked.append(keys)
        await self.may.wait()
        if 0 in keys:
            raise ValueError("nothing to double")
        return [2 * key for key in keys]


async def test_keys_are_fetched_once_and_come_in_the_order_asked_for():
    fetch = Fetch()
    once = Once(fetch)
    assert await once.load_many([2, 1, 2]) == [4, 2, 4]
    assert await once.load_many([3, 1]) == [6, 2]
    assert await once.load_many([3]) == [6]
    assert fetch.asked == [[2, 1], [3]]


async def test_who_asks_while_a_key_is_fetched_waits_for_it():
    fetch = Fetch()
    fetch.may.clear()
    once = Once(fetch)
    first = asyncio.ensure_future(once.load_many([1, 2]))
    second = asyncio.ensure_future(once.load_many([2, 3]))
    await asyncio.sleep(0)
    fetch.may.set()
    assert await asyncio.gather(first, second) == [[2, 4], [4, 6]]
    assert fetch.asked == [[1, 2], [3]]


async def test_what_fails_as_a_whole_fails_for_all_who_wait():
    fetch = Fetch()
    fetch.may.clear()
    once = Once(fetch)
    both = [asyncio.ensure_future(once.load_many(keys)) for keys in ([0, 1], [1])]
    await asyncio.sleep(0)
    fetch.may.set()
    failed = await asyncio.gather(*both, return_exceptions=True)
    assert [type(one) for one in failed] == [ValueError, ValueError]
    assert len(fetch.asked) == 1


async def test_what_is_known_from_elsewhere_is_not_fetched():
    fetch = Fetch()
    once = Once(fetch)
    once.prime(1, 7)
    assert await once.load_many([1]) == [7]
    assert not fetch.asked


async def test_who_waits_for_one_that_was_cancelled_is_cancelled_too():
    fetch = Fetch()
    fetch.may.clear()
    once = Once(fetch)
    first, second = (asyncio.ensure_future(once.load_many([1])) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first, second])
    assert first.cancelled()
    assert second.cancelled()
