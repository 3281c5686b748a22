"""Deadlines that share a timer, against those of asyncio."""

import asyncio
from typing import Any

import pytest

from domain.waiting import before, together


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_what_is_awaited_is_cut_at_its_deadline_and_what_is_done_in_time_is_not() -> None:
    async def wait(seconds: float, deadline_s: float) -> str:
        try:
            with before(now() + deadline_s):
                await asyncio.sleep(seconds)
        except TimeoutError:
            return "cut"
        return "done"

    began = now()
    waits = [wait(50, 0.03), wait(0, 0.02), wait(50, 0.01), wait(50, 0.02), wait(0, 10)]
    assert await asyncio.gather(*waits) == ["cut", "done", "cut", "cut", "done"]
    assert now() - began < 1


async def test_a_deadline_that_has_passed_cuts_what_waits() -> None:
    with pytest.raises(TimeoutError), before(now() - 1):
        await asyncio.sleep(50)


async def test_the_inner_of_two_deadlines_is_told_to_the_inner_one() -> None:
    with before(now() + 10):
        with pytest.raises(TimeoutError), before(now() + 0.01):
            await asyncio.sleep(50)
        await asyncio.sleep(0)
    with pytest.raises(TimeoutError), before(now() + 0.01), before(now() + 10):
        await asyncio.sleep(50)


async def test_a_deadline_may_be_put_off() -> None:
    async def wait() -> None:
        with before(now() + 0.01) as patience:
            patience.deadline = now() + 0.03
            await asyncio.sleep(50)

    began = now()
    with pytest.raises(TimeoutError):
        await wait()
    assert 0.025 < now() - began < 1


async def test_a_cancelled_caller_is_cancelled_and_not_timed_out() -> None:
    async def wait() -> None:
        with before(now() + 10):
            await asyncio.sleep(50)

    task = asyncio.ensure_future(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_inside_is_raised_as_it_is() -> None:
    with pytest.raises(KeyError), before(now() + 10):
        raise KeyError


def test_each_event_loop_has_a_timer_of_its_own() -> None:
    async def cut() -> None:
        with pytest.raises(TimeoutError), before(now() + 0.01):
            await asyncio.sleep(50)

    for _ in range(2):
        asyncio.run(cut())


async def test_jobs_are_done_side_by_side_and_told_in_order() -> None:
    async def job(value: Any) -> Any:
        return value

    assert await together([]) == []
    assert await together([job(1)]) == [1]
    assert await together([job(1), job(2)]) == [1, 2]
