"""The Intercom connector against the emulated platform: same rows, and as few calls as promised."""

import asyncio
from datetime import timedelta
from math import ceil

import pytest

from domain.customer import KeyKind, LookupKey
from domain.ids import Kind
from domain.sources import ChildFilter, PageRequest, Parent, ParentBy, Position
from domain.vocabulary import ActorKind, Channel, InteractionState
from sandbox.intercom.wire import plain_text

FIRST = 20


@pytest.fixture
def chat(sandboxed):
    return sandboxed("intercom")


def within(seconds=5.0):
    return asyncio.get_running_loop().time() + seconds


def people(chat):
    return [*chat.world.chat_contacts.live()]


def conversations_of(chat, contact_id):
    rows = [row for row in chat.world.conversations.live() if contact_id in row.contact_ids]
    rows.sort(key=lambda row: (int(row.created_at.timestamp()), row.id), reverse=True)
    return [row.id for row in rows]


def children(chat, parents, page=None, kind=Kind.CONVERSATION, by=ParentBy.OWN):
    asked = [Parent(by, value) for value in parents]
    return chat.source.children[kind].children_of(
        asked, page or PageRequest(FIRST), ChildFilter(), None, within()
    )


async def read_all(chat, cursor=None):
    records, pages = {}, 0
    while True:
        page = await chat.source.changes[Kind.CONTACT].changed_since(cursor, within())
        records |= {record.key.external_id: record for record in page.records}
        cursor, pages = page.cursor, pages + 1
        if not page.more:
            return records, cursor, pages


async def test_contacts_are_read_in_batches_and_in_order(sandboxed):
    chat = sandboxed("intercom", people=220)
    rows = people(chat)
    assert len(rows) > 150
    ids = [rows[0].id, "0" * 24, *(row.id for row in rows), rows[0].id, "not an id"]
    got = await chat.source.gets[Kind.CONTACT].get_many(ids, None, within())
    found = [record and record.key.external_id for record in got]
    assert found == [rows[0].id, None, *ids[2:-1], None]
    assert chat.calls.count() == ceil((len(rows) + 1) / 150)
    assert (got[0].full_name, got[0].account_number) == (rows[0].name, rows[0].external_id)


async def test_conversations_are_read_in_batches(chat):
    rows = [*chat.world.conversations.live()][:120]
    got = await chat.source.gets[Kind.CONVERSATION].get_many(
        [row.id for row in rows], None, within()
    )
    assert chat.calls.count() == 1
    states = {"open": InteractionState.IN_PROGRESS, "snoozed": InteractionState.WAITING}
    channels = {"conversation": Channel.WEB_CHAT, "email": Channel.EMAIL}
    for record, row in zip(got, rows, strict=True):
        assert record.owner_ids == row.contact_ids
        assert record.state is states.get(row.state, InteractionState.ENDED)
        assert record.channel is channels.get(row.source_type, Channel.WHATSAPP)


async def test_conversations_of_fifty_people_are_four_searches(chat):
    ids = [row.id for row in people(chat)][:50]
    assert len(ids) == 50
    pages = await children(chat, ids)
    assert [[r.key.external_id for r in page.items] for page in pages] == [
        conversations_of(chat, contact_id) for contact_id in ids
    ]
    assert not any(page.has_more or page.dropped for page in pages)
    assert chat.calls.count() == ceil(50 / 15)


async def test_pages_of_one_persons_conversations_follow_each_other(chat):
    contact_id = max(
        (row.id for row in people(chat)), key=lambda one: len(conversations_of(chat, one))
    )
    seen, after = [], None
    while True:
        (page,) = await children(chat, [contact_id], PageRequest(1, after))
        seen += [record.key.external_id for record in page.items]
        if not page.has_more:
            break
        after = Position(page.items[-1].occurred_at, page.items[-1].key.external_id)
    assert seen == conversations_of(chat, contact_id)
    assert len(seen) > 2


@pytest.mark.parametrize(("by", "name"), [(ParentBy.EMAIL, "email"), (ParentBy.PHONE, "phone")])
async def test_conversations_are_found_by_an_address(chat, by, name):
    rows = [row for row in people(chat) if getattr(row, name) and conversations_of(chat, row.id)]
    (page,) = await children(chat, [getattr(rows[0], name)], by=by)
    assert set(conversations_of(chat, rows[0].id)) <= {r.key.external_id for r in page.items}
    assert chat.calls.count() == 2


async def test_a_thread_is_read_whole_in_one_call(chat):
    rows = [row for row in chat.world.conversations.live() if len(row.parts) > 3][:4]
    pages = await children(chat, [row.id for row in rows], kind=Kind.MESSAGE)
    assert chat.calls.count() == len(rows)
    for row, page in zip(rows, pages, strict=True):
        said = [(row.source_body, "source"), *((p.body, p.part_type) for p in row.parts if p.body)]
        newest_first = [*reversed(said)]
        assert [record.body for record in page.items] == [plain_text(b) for b, _ in newest_first]
        assert [r.internal for r in page.items] == [kind == "note" for _, kind in newest_first]
        assert page.items[-1].author.kind is ActorKind.CUSTOMER
        assert {r.author.kind for r in page.items} <= {ActorKind.CUSTOMER, ActorKind.HUMAN}
        assert all(r.author.name for r in page.items if r.author.kind is ActorKind.HUMAN)


async def test_messages_of_a_conversation_that_is_gone_are_none(chat):
    (page,) = await children(chat, ["999999"], kind=Kind.MESSAGE)
    assert page.items == ()


async def test_people_are_found_by_each_key(chat):
    row = next(r for r in people(chat) if r.email and r.phone and r.external_id)
    for kind, value in (
        (KeyKind.EMAIL, row.email.upper()),
        (KeyKind.PHONE, row.phone),
        (KeyKind.ACCOUNT_NUMBER, row.external_id),
        (KeyKind.EXTERNAL, row.id),
    ):
        key = LookupKey(kind, value, "here" if kind is KeyKind.EXTERNAL else "")
        found = await chat.source.search.search(key, within())
        assert row.id in {contact.key.external_id for contact in found}, kind


async def test_everybody_is_read_and_then_what_changed(sandboxed, clock):
    chat = sandboxed("intercom", people=220)
    records, cursor, pages = await read_all(chat)
    assert set(records) == {row.id for row in people(chat)}
    assert pages == ceil(len(records) / 150)
    changed = people(chat)[3]
    clock.advance(timedelta(minutes=30))
    chat.world.chat_contacts.change(changed.id, name="Renamed Since")
    clock.advance(timedelta(minutes=1))
    found, later, _ = await read_all(chat, cursor)
    assert found[changed.id].full_name == "Renamed Since"
    assert set(found) == {changed.id}
    assert set((await read_all(chat, cursor))[0]) == {changed.id}
    clock.advance(timedelta(days=3))
    chat.world.chat_contacts.change(changed.id, name="Renamed Again")
    assert set((await read_all(chat, later))[0]) == {changed.id}


async def test_a_change_just_before_midnight_is_not_lost(chat, clock):
    """A search by day for "after 23:59" would begin with tomorrow."""
    _, cursor, _ = await read_all(chat)
    changed = people(chat)[5]
    clock.advance(clock.now().replace(hour=23, minute=59) - clock.now())
    chat.world.chat_contacts.change(changed.id, name="Late")
    clock.advance(timedelta(minutes=5))
    found, _, _ = await read_all(chat, cursor)
    assert found[changed.id].full_name == "Late"
