"""Records that are placed among others while others publish, and found again."""

import asyncio
from dataclasses import replace

import pytest

from domain.customer import KeyKind, LookupKey
from domain.errors import StoreError
from domain.ids import Kind, SourceKey
from domain.ports import Found
from domain.provenance import Provenance, System
from domain.records import Contact
from domain.vocabulary import SystemKind
from identity.graph import People
from identity.model import bundled
from identity.referee import Referee
from state.engine import open_state


def contact(external_id, name, clock):
    said = Provenance(
        system=System(name="crm", kind=SystemKind.CRM, connector="test"),
        external_id=external_id,
        fetched_at=clock.now(),
    )
    return Contact(key=SourceKey("crm", Kind.CONTACT, external_id), provenance=said, full_name=name)


def people_of(state, judge):
    return People(
        state.records, state.identities, state.arrivals,
        judge=judge, explain=lambda links: [], regions={"crm": None},
    )  # fmt: skip


@pytest.fixture
async def state(clock, sqlite_state):
    opened = open_state(sqlite_state, clock=clock)
    yield opened
    await opened.close()


async def test_a_record_that_could_not_be_placed_is_not_stored(state, clock):
    """Else a later reading would find it unchanged, and nothing would tell that it has no owner."""

    def judge(desk):
        raise StoreError("the disk is full")

    known = contact("1", "Ada", clock)
    with pytest.raises(StoreError):
        await people_of(state, judge).adopt([known])
    assert await state.records.contacts([known.key]) == [None]
    assert await state.arrivals.waiting(10) == []


async def test_records_that_arrive_at_once_are_all_placed(state, clock):
    referee = Referee(
        bundled(), auto_link_weight=9.0, review_weight=3.0, regions={"crm": None}, clock=clock
    )
    people = people_of(state, referee.judge)
    crowd = [contact(str(number), f"Ada Byron{number:02}", clock) for number in range(12)]
    adopted = await asyncio.gather(*(people.adopt([one]) for one in crowd))
    assert len({owner for owners in adopted for owner in owners}) == len(crowd)
    assert await state.records.contacts([one.key for one in crowd]) == crowd


async def test_keys_of_every_kind_are_looked_up_in_one_transaction(state, clock, monkeypatch):
    referee = Referee(
        bundled(), auto_link_weight=9.0, review_weight=3.0, regions={"crm": None}, clock=clock
    )
    people = people_of(state, referee.judge)
    ada = replace(contact("1", "Ada Byron", clock), emails=("ada@example.com",))
    eve = replace(contact("2", "Eve Adams", clock), phones=("+44 7911 123456",))
    of_ada, of_eve = await people.adopt([ada, eve])
    asked = [
        LookupKey(KeyKind.EMAIL, "Ada@Example.com"),
        LookupKey(KeyKind.PHONE, "+447911123456"),
        LookupKey(KeyKind.EXTERNAL, "2", "crm"),
        LookupKey(KeyKind.EXTERNAL, "3", "crm"),
        LookupKey(KeyKind.EMAIL, "nobody@example.com"),
        LookupKey(KeyKind.ORDER_NUMBER, "#1"),
        LookupKey(KeyKind.EMAIL, "Ada@Example.com"),
    ]
    reads, read = [], state._transactions.read

    async def counted(work, *arguments):
        reads.append(work)
        return await read(work, *arguments)

    monkeypatch.setattr(state._transactions, "read", counted)
    owners = [of_ada, of_eve, of_eve, None, None, None, of_ada]
    expected = [Found(customers=() if one is None else (one,)) for one in owners]
    known = await people.look_up(asked)
    assert known.found == expected
    assert len(reads) == 1
    assert {id: cluster.members for id, cluster in known.clusters.items()} == {
        of_ada: (ada.key,), of_eve: (eve.key,)
    }  # fmt: skip
    assert known.contacts == {ada.key: ada, eve.key: eve}
    assert await people.find([LookupKey(KeyKind.ID, of_ada), LookupKey(KeyKind.ID, "cus_x")]) == [
        Found(customers=(of_ada,)), Found(customers=())
    ]  # fmt: skip
    assert len(reads) == 2
    assert await people.find([LookupKey(KeyKind.ORDER_NUMBER, "#1")]) == [Found(customers=())]
    assert len(reads) == 2
