"""Tasks of one run of a plan: all are awaited, and none outlives what it was begun for."""

import asyncio

import pytest

from gateway.execution.tasks import Tasks


async def wait(gate: asyncio.Event, done: list[str], name: str) -> None:
    await gate.wait()
    done.append(name)


async def test_the_rest_is_done_when_all_are_and_what_they_have_begun():
    tasks, gate, done = Tasks(), asyncio.Event(), []

    async def begins_another() -> None:
        tasks.begin(wait(gate, done, "inner"))
        done.append("outer")

    tasks.begin(begins_another())
    rest = tasks.rest()
    await asyncio.sleep(0)
    assert (done, rest.done()) == (["outer"], False)
    gate.set()
    await rest
    assert done == ["outer", "inner"]
    assert tasks.left == 0


@pytest.mark.parametrize("early", [True, False])
async def test_what_one_raises_is_raised_for_the_rest_and_the_others_can_be_stopped(early):
    tasks, gate, done = Tasks(), asyncio.Event(), []

    async def fails() -> None:
        raise ZeroDivisionError

    tasks.begin(wait(gate, done, "never"))
    tasks.begin(fails())
    if early:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    with pytest.raises(ZeroDivisionError):
        await tasks.rest()
    await tasks.stop()
    assert (done, tasks.left) == ([], 0)


async def test_a_task_that_was_cancelled_cancels_who_waits_for_it():
    tasks, gate = Tasks(), asyncio.Event()

    async def is_cancelled() -> None:
        raise asyncio.CancelledError

    tasks.begin(is_cancelled())
    tasks.begin(wait(gate, [], "never"))
    with pytest.raises(asyncio.CancelledError):
        await tasks.rest()
    await tasks.stop()
    assert tasks.left == 0
