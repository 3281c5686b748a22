"""Deadlines that share a timer, against those of asyncio."""

import asyncio
import os
import threading
from typing import Any

import pytest

from domain.waiting import Later, before, in_task, running_loop, together


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


def test_the_loop_that_runs_is_known_in_each_thread() -> None:
    def loops() -> list[asyncio.AbstractEventLoop]:
        async def asked() -> list[asyncio.AbstractEventLoop]:
            return [running_loop(), running_loop(), asyncio.get_running_loop()]

        found = asyncio.run(asked())
        assert len(set(map(id, found))) == 1
        return found

    async def around() -> None:
        ours = running_loop()
        theirs = await asyncio.to_thread(loops)
        assert theirs[0] is not ours
        assert running_loop() is ours is asyncio.get_running_loop()

    first = loops()
    asyncio.run(around())
    assert loops()[0] is not first[0]


async def test_where_no_loop_runs_none_is_known() -> None:
    assert running_loop() is asyncio.get_running_loop()
    told: list[str] = []

    def ask() -> None:
        try:
            running_loop()
        except RuntimeError as error:
            told.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert told == ["no running event loop"]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
async def test_a_fork_has_no_running_loop() -> None:
    assert running_loop() is asyncio.get_running_loop()
    child = os.fork()
    if child == 0:
        try:
            running_loop()
        except RuntimeError:
            os._exit(7)
        os._exit(1)
    _, status = os.waitpid(child, 0)  # noqa: ASYNC222  # it ends at once
    assert os.waitstatus_to_exitcode(status) == 7


async def test_what_comes_later_is_waited_for_by_a_task() -> None:
    later = Later()

    async def waits() -> str:
        await later
        return "there"

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    assert not task.done()
    asyncio.get_running_loop().call_soon(later.come)
    assert await task == "there"
    later.come()  # and nobody waits any more


async def test_a_task_that_ends_before_is_not_told() -> None:
    later = Later()

    async def waits() -> None:
        await later

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    task.cancel()
    later.come()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_without_a_task_who_runs_a_coroutine_is_handed_what_comes_later() -> None:
    later, went_on = Later(), []

    async def waits() -> None:
        await later
        went_on.append(True)

    async def main() -> None:
        work = waits()

        def begin() -> None:
            assert work.send(None) is later
            later.then = go_on

        def go_on() -> None:
            with pytest.raises(StopIteration):
                work.send(None)

        asyncio.get_running_loop().call_soon(begin)
        asyncio.get_running_loop().call_soon(later.come)
        await asyncio.sleep(0)
        assert went_on

    asyncio.run(main())


async def test_a_task_is_made_only_where_there_is_none() -> None:
    work, turns = in_task(), []
    with pytest.raises(StopIteration):
        work.send(None)

    def begin() -> None:
        turns.append(in_task())
        assert turns[0].send(None) is None

    asyncio.get_running_loop().call_soon(begin)
    await asyncio.sleep(0)
    await asyncio.create_task(turns[0])
