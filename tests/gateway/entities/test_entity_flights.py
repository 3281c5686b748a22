"""Whose answer is waited for, what of it is kept, and what is counted. Over both forms."""

import asyncio
from collections.abc import Callable
from typing import Any

from domain.vocabulary import ServedFrom
from gateway.entities import store

NUMBER = frozenset({"number", "owner_ids"})
LINES = frozenset({"lines", "owner_ids"})


def numbers(page: Any) -> list[str]:
    return [one.number for one in page.items]


async def _called(counter: Any, times: int) -> None:
    async with asyncio.timeout(5):
        while len(counter.shop.calls) < times:  # noqa: ASYNC110  # a source tells nobody
            await asyncio.sleep(0)


async def _held(counter: Any, **how: Any) -> asyncio.Task[Any]:
    """A question that is not answered yet."""
    counter.shop.gate = asyncio.Event()
    asking = asyncio.create_task(counter.page("ann", **how))
    await _called(counter, 1)
    return asking


async def test_who_wants_it_younger_does_not_take_what_was_asked_for_before(
    counter: Any, later: Callable[[float], None]
) -> None:
    first = await _held(counter)
    later(10)
    counter.shop.word = " new"
    patient = asyncio.create_task(counter.page("ann", age_s=60))
    strict = asyncio.create_task(counter.page("ann", age_s=5))
    await _called(counter, 2)
    counter.shop.gate.set()
    assert numbers(await strict) == ["1 new", "2 new"]
    assert (await strict).served_from is ServedFrom.LIVE
    await asyncio.gather(first, patient)
    assert len(counter.shop.calls) == 2


async def test_who_reads_more_does_not_take_what_was_asked_for_less(counter: Any) -> None:
    first = await _held(counter, fields=NUMBER)
    more = asyncio.create_task(counter.page("ann", fields=NUMBER | LINES))
    await _called(counter, 2)
    counter.shop.gate.set()
    await asyncio.gather(first, more)
    assert counter.shop.fields == [NUMBER, NUMBER | LINES]


async def test_a_question_that_ends_leaves_the_one_after_it_to_be_joined(counter: Any) -> None:
    first = await _held(counter, fields=NUMBER)
    held, counter.shop.gate = counter.shop.gate, asyncio.Event()
    more = asyncio.create_task(counter.page("ann", age_s=0.001, fields=NUMBER | LINES))
    await _called(counter, 2)
    held.set()
    await first
    joining = asyncio.create_task(counter.page("ann", age_s=0.001, fields=NUMBER | LINES))
    for _ in range(200):
        await asyncio.sleep(0)
    counter.shop.gate.set()
    await asyncio.gather(more, joining)
    assert len(counter.shop.calls) == 2


async def test_an_answer_from_before_a_change_is_handed_out_and_not_kept(counter: Any) -> None:
    before = await _held(counter)
    await counter.told_changed("1", "ann")
    counter.shop.word = " new"
    counter.shop.gate.set()
    assert numbers(await before) == ["1", "2"]
    assert numbers(await counter.page("ann")) == ["1 new", "2 new"]


async def test_what_was_asked_for_before_what_is_forgotten_is_not_kept(
    make: Any, monkeypatch: Any
) -> None:
    """Whether it was thrown away meanwhile, nobody knows any more."""
    monkeypatch.setattr(store, "MOST_DROPPED", 2)
    counter = make()
    before = await _held(counter)
    await counter.told_changed("1", "ann")
    for number in range(5, 9):
        await counter.told_changed(str(number), f"other {number}")
    counter.shop.word = " new"
    counter.shop.gate.set()
    assert numbers(await before) == ["1", "2"]
    assert numbers(await counter.page("ann")) == ["1 new", "2 new"]


async def test_what_is_at_hand_is_counted(make: Any) -> None:
    counter = make()
    told: list[tuple[str, float]] = []
    telemetry = counter.keeping._cache._telemetry
    telemetry.count = lambda name, labels, amount=1.0: told.append((labels["outcome"], amount))
    await counter.pages(["ann", "bob"])
    await counter.pages(["ann", "bob"])
    assert told == [("miss", 2), ("hit", 2)]
