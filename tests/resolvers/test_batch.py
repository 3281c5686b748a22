"""What is gathered in one turn: who leaves takes nothing along, and leaves nothing behind."""

import asyncio
import gc
from typing import Any

import pytest

from resolvers.batches import Batch


async def _refused(keys: list[int]) -> list[int]:
    raise ValueError(f"cannot fetch {keys}")


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


@pytest.mark.parametrize("turns", range(12))
async def test_a_failure_nobody_waits_for_any_more_is_not_reported_to_the_loop(turns: int):
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    batch = Batch(_refused)
    waiting = asyncio.ensure_future(batch.load_many([1, 2]))
    await _turns(turns)
    waiting.cancel()
    await asyncio.wait([waiting])
    if not waiting.cancelled():
        assert isinstance(waiting.exception(), ValueError)
    await _turns(12)
    del waiting, batch
    gc.collect()
    assert reported == []


async def test_a_failure_is_raised_to_everybody_who_waits():
    batch = Batch(_refused)
    outcomes = await asyncio.gather(
        batch.load_many([1]), batch.load_many([1, 2]), return_exceptions=True
    )
    assert [str(one) for one in outcomes] == ["cannot fetch [1, 2]"] * 2
