"""Commitments are recorded once, found under every id of a person, and kept once."""

from dataclasses import replace

import pytest

from domain.context import NotedCommitment
from domain.ids import CustomerId, Kind, SourceKey
from domain.issues import issue_id
from domain.records import Actor
from domain.vocabulary import ActivityKind, ActorKind

ALICE, BOB = CustomerId("cus_1"), CustomerId("cus_2")


@pytest.fixture
def noted(clock):
    return NotedCommitment(
        number="01J",
        customer=ALICE,
        issue=issue_id(ALICE, SourceKey("chat", Kind.CONVERSATION, "7")),
        what="send a new kettle",
        by=Actor(kind=ActorKind.HUMAN, id="ann"),
        at=clock.now(),
        due_at=clock.now(),
        idempotency_key="k",
    )


async def test_a_commitment_is_recorded_once_under_a_key(state, noted):
    assert await state.commitments.record(noted) == noted
    again = await state.commitments.record(replace(noted, number="01K"))
    other = await state.commitments.record(replace(noted, number="01L", idempotency_key="l"))
    assert (again.number, other.number) == ("01J", "01L")
    assert await state.commitments.by_numbers(["01J", "nobody's"]) == [noted, None]


async def test_commitments_are_found_by_whose_they_are(state, noted):
    theirs = replace(noted, number="01B", customer=BOB, idempotency_key="b")
    for one in (noted, theirs):
        await state.commitments.record(one)
    assert await state.commitments.of_customers([ALICE, BOB]) == {ALICE: (noted,), BOB: (theirs,)}


async def test_the_first_evidence_stands_and_is_told_once(state, noted, clock):
    await state.commitments.record(noted)
    for evidence in ("message_1", "message_2"):
        stands = await state.commitments.fulfil(noted.id, evidence, ALICE, clock.now())
        assert stands == "message_1"
    assert await state.commitments.fulfilments([noted.id, "other"]) == {noted.id: "message_1"}
    told = await state.events(lambda _: None).activities(0, 10)
    assert [(one.kind, one.customer) for one in told] == [(ActivityKind.COMMITMENT, ALICE)] * 2
