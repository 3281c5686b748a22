"""Handoffs are kept once, accepted by one, and told to those who follow the log."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.handoffs import Handoff, ScoreTerm
from domain.ids import CustomerId, Kind, SourceKey
from domain.records import Actor
from domain.vocabulary import ActivityKind, ActorKind, HandoffMode

BOT = Actor(kind=ActorKind.AI, id="bot")
ANN = Actor(kind=ActorKind.HUMAN, id="ann", name="Ann")
BEN = Actor(kind=ActorKind.HUMAN, id="ben")


@pytest.fixture
def handoff(clock):
    return Handoff(
        number="01J",
        customer=CustomerId("cus_1"),
        anchor=SourceKey("chat", Kind.CONVERSATION, "7"),
        by=BOT,
        reason="needs a person",
        mode=HandoffMode.AUTO,
        decision=(ScoreTerm(name="emotional", value=1.0, weight=1.0),),
        created_at=clock.now(),
        idempotency_key="k",
        digest="d",
    )


@pytest.fixture
def told(state):
    async def after(sequence=0):
        return await state.events(lambda _: None).activities(sequence, 10)

    return after


async def test_a_handoff_is_kept_whole(state, handoff):
    await state.handoffs.create(handoff)
    assert await state.handoffs.by_numbers(["01J", "nobody's"]) == [handoff, None]


async def test_the_same_key_of_the_same_actor_makes_one(state, handoff, told):
    await state.handoffs.create(handoff)
    again = await state.handoffs.create(replace(handoff, number="01K"))
    other = await state.handoffs.create(replace(handoff, number="01L", by=ANN))
    assert (again.number, other.number) == ("01J", "01L")
    assert [one.kind for one in await told()] == [ActivityKind.HANDOFF] * 2


async def test_the_first_who_accepts_has_it(state, handoff, told):
    await state.handoffs.create(handoff)
    at = handoff.created_at + timedelta(seconds=5)
    taken = await asyncio.gather(*(state.handoffs.accept("01J", by, at) for by in (ANN, BEN)))
    assert {one.to.id for one in taken} in ({"ann"}, {"ben"})
    assert len(await told()) == 2, "made and accepted, once each"


async def test_what_is_ended_stays_ended(state, handoff):
    await state.handoffs.create(handoff)
    first, later = (handoff.created_at + timedelta(minutes=n) for n in (1, 2))
    await state.handoffs.end("01J", first)
    assert (await state.handoffs.end("01J", later)).ended_at == first


async def test_nobody_accepts_what_nobody_made(state, clock):
    assert await state.handoffs.accept("01X", ANN, clock.now()) is None
    assert await state.handoffs.end("01X", clock.now()) is None


async def test_the_log_tells_around_whom(state, handoff, told):
    await state.handoffs.create(handoff)
    (one,) = await told()
    assert (one.customer, one.item) == (handoff.customer, handoff.anchor)


async def test_a_handoff_outdates_nothing_that_is_remembered_of_people(state, handoff):
    before = state.changes()
    await state.handoffs.create(handoff)
    await state.handoffs.accept("01J", ANN, handoff.created_at)
    assert state.changes() == before
