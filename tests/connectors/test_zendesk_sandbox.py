"""The Zendesk connector against the emulated platform: same rows, and as few calls as promised."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from math import ceil

import pytest

from domain.customer import KeyKind, LookupKey
from domain.errors import NotSupported, SourceRateLimited
from domain.ids import Kind
from domain.sources import ChildFilter, PageRequest, Parent, ParentBy, Position
from domain.vocabulary import ActorKind, TicketStatus
from sandbox.faults import Fault, FaultKind

FIRST = 20


@pytest.fixture
def desk(sandboxed):
    return sandboxed("zendesk")


def within(seconds=5.0):
    return asyncio.get_running_loop().time() + seconds


def customers(desk):
    return [row for row in desk.world.ticket_users.live() if row.role == "end-user"]


def tickets_of(desk, user_id):
    rows = [row for row in desk.world.tickets.live() if row.requester_id == user_id]
    return [row.id for row in sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)]


def children(desk, parents, page=None, where=None, kind=Kind.TICKET):
    asked = [Parent(ParentBy.OWN, value) for value in parents]
    page, where = page or PageRequest(FIRST), where or ChildFilter()
    return desk.source.children[kind].children_of(asked, page, where, None, within())


async def read_all(desk, kind, cursor=None):
    """Everything since a cursor, page by page; records by id, deleted ids, the last cursor."""
    records, deleted = {}, set()
    while True:
        page = await desk.source.changes[kind].changed_since(cursor, within())
        records |= {record.key.external_id: record for record in page.records}
        deleted |= {key.external_id for key in page.deleted}
        cursor = page.cursor
        if not page.more:
            return records, deleted, cursor


async def test_users_are_read_in_batches_and_in_order(desk):
    rows = customers(desk)
    ids = [rows[0].id, "1", *(row.id for row in rows), rows[0].id]
    got = await desk.source.gets[Kind.CONTACT].get_many(ids, None, within())
    assert [record and record.key.external_id for record in got] == [ids[0], None, *ids[2:]]
    assert desk.calls.count() == ceil((len(rows) + 1) / 100)
    first = got[0]
    assert (first.full_name, first.account_number) == (rows[0].name, rows[0].external_id)
    assert first.emails == ((rows[0].email,) if rows[0].email else ())


async def test_staff_are_not_read_as_customers(desk):
    (agent_id, *_) = desk.world.agent_ids
    assert await desk.source.gets[Kind.CONTACT].get_many([agent_id], None, within()) == [None]


async def test_tickets_of_fifty_people_are_one_search_and_further_pages(desk):
    ids = [row.id for row in customers(desk)][:50]
    assert len(ids) == 50
    expected = [tickets_of(desk, user_id) for user_id in ids]
    pages = await children(desk, ids)
    assert [[r.key.external_id for r in page.items] for page in pages] == expected
    assert not any(page.has_more or page.dropped for page in pages)
    assert desk.calls.count("GET", "/api/v2/search") == ceil(sum(map(len, expected)) / 100)
    assert desk.calls.count() == desk.calls.count("GET", "/api/v2/search")


async def test_pages_of_one_persons_tickets_follow_each_other(desk):
    user_id = max((row.id for row in customers(desk)), key=lambda one: len(tickets_of(desk, one)))
    seen, after = [], None
    while True:
        (page,) = await children(desk, [user_id], PageRequest(1, after))
        seen += [record.key.external_id for record in page.items]
        if not page.has_more:
            break
        after = Position(page.items[-1].occurred_at, page.items[-1].key.external_id)
    assert seen == tickets_of(desk, user_id)
    assert len(seen) > 2


async def test_a_status_is_filtered_where_the_tickets_are(desk):
    ids = [row.id for row in customers(desk)][:50]
    wanted = frozenset({TicketStatus.PENDING, TicketStatus.ON_HOLD})
    pages = await children(desk, ids, where=ChildFilter(ticket_status=wanted))
    found = {record.key.external_id for page in pages for record in page.items}
    assert found == {
        row.id
        for row in desk.world.tickets.live()
        if row.requester_id in ids and row.status in {"pending", "hold"}
    }
    assert desk.calls.count() == 1


async def test_tickets_name_their_owner_without_another_call(desk):
    assigned = [row for row in desk.world.tickets.live() if row.assignee_id][:5]
    got = await desk.source.gets[Kind.TICKET].get_many([r.id for r in assigned], None, within())
    names = {row.id: row.name for row in desk.world.ticket_users.live()}
    assert [(r.owner.kind, r.owner.name) for r in got] == [
        (ActorKind.HUMAN, names[row.assignee_id]) for row in assigned
    ]
    assert desk.calls.count() == 1


async def test_comments_are_read_ticket_by_ticket_with_their_speakers(desk):
    tickets = [row for row in desk.world.tickets.live() if len(row.comments) > 2][:4]
    pages = await children(desk, [row.id for row in tickets], kind=Kind.MESSAGE)
    assert desk.calls.count() == len(tickets)
    for row, page in zip(tickets, pages, strict=True):
        newest_first = [*reversed(row.comments)]
        assert [record.body for record in page.items] == [c.body for c in newest_first]
        assert [record.internal for record in page.items] == [not c.public for c in newest_first]
        for record, comment in zip(page.items, newest_first, strict=True):
            asked = comment.author_id == row.requester_id
            assert record.author.kind is (ActorKind.CUSTOMER if asked else ActorKind.HUMAN)
            assert record.author.name


async def test_comments_of_a_ticket_that_is_gone_are_none(desk):
    (page,) = await children(desk, ["999999"], kind=Kind.MESSAGE)
    assert page.items == ()


async def test_people_are_found_by_each_key(desk):
    row = next(r for r in customers(desk) if r.email and r.phone and r.external_id)
    for kind, value in (
        (KeyKind.EMAIL, row.email.upper()),
        (KeyKind.PHONE, row.phone),
        (KeyKind.ACCOUNT_NUMBER, row.external_id),
        (KeyKind.EXTERNAL, row.id),
    ):
        key = LookupKey(kind, value, "here" if kind is KeyKind.EXTERNAL else "")
        found = await desk.source.search.search(key, within())
        assert row.id in {contact.key.external_id for contact in found}, kind
    with pytest.raises(NotSupported):
        await desk.source.search.search(LookupKey(KeyKind.VISITOR_ID, "x"), within())


async def test_a_number_typed_without_its_country_is_found_with_it(desk):
    row = next(r for r in customers(desk) if r.phone and r.phone.startswith("07"))
    key = LookupKey(KeyKind.PHONE, f"+44{row.phone.replace(' ', '')[1:]}")
    found = await desk.source.search.search(key, within())
    assert row.id in {contact.key.external_id for contact in found}


async def test_everybody_is_exported_and_then_only_what_changed(desk, clock):
    records, deleted, cursor = await read_all(desk, Kind.CONTACT)
    assert set(records) == {row.id for row in customers(desk)}
    assert deleted == set(desk.world.agent_ids)
    changed, gone = customers(desk)[:2]
    desk.world.ticket_users.change(changed.id, name="Renamed Since")
    desk.world.ticket_users.remove(gone.id)
    clock.advance(timedelta(minutes=5))
    records, deleted, later = await read_all(desk, Kind.CONTACT, cursor)
    assert {one: record.full_name for one, record in records.items()} == {
        changed.id: "Renamed Since"
    }
    assert deleted == {gone.id}
    assert (await read_all(desk, Kind.CONTACT, later))[:2] == ({}, set())
    assert set((await read_all(desk, Kind.CONTACT, cursor))[0]) == {changed.id}


async def test_tickets_are_followed_by_their_comments(desk, clock):
    records, _, cursor = await read_all(desk, Kind.TICKET)
    assert set(records) == {row.id for row in desk.world.tickets.live()}
    row, gone = [*desk.world.tickets.live()][:2]
    said = replace(row.comments[0], id="1", created_at=clock.now())
    desk.world.tickets.change(row.id, comments=(*row.comments, said))
    desk.world.tickets.remove(gone.id)
    clock.advance(timedelta(minutes=5))
    records, deleted, _ = await read_all(desk, Kind.TICKET, cursor)
    assert (set(records), deleted) == ({row.id}, {gone.id})


async def test_a_refusal_is_said_with_its_wait(sandboxed):
    desk = sandboxed("zendesk", people=20)
    ids = [customers(desk)[0].id]
    desk.faults.add(Fault(kind=FaultKind.RATE_LIMITED, retry_after_s=60))
    (got,) = await desk.source.gets[Kind.CONTACT].get_many(ids, None, within(1.0))
    assert isinstance(got, SourceRateLimited)
    assert got.retry_after_s == pytest.approx(60, abs=1)
