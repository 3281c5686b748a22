import asyncio
from datetime import UTC, date, datetime

import pytest

from domain.customer import CanonicalIdentifier
from domain.errors import StoreError
from domain.ids import Kind
from domain.ports import StoredPage, SyncCursor
from domain.records import Address, Handle
from domain.vocabulary import IdentifierKind, Verification


def stored(changed=0, unchanged=0, deleted=0):
    return StoredPage(changed=changed, unchanged=unchanged, deleted=deleted)


async def names(state, *keys):
    return [found and found.full_name for found in await state.records.contacts(keys)]


async def test_a_contact_reads_back_exactly(state, put, contact, key):
    whole = contact(
        "1",
        email="Zoë@example.com",
        full_name="Zoë \N{GRINNING FACE} O'Brien",
        phones=("+44 20 7946 0000", ""),
        handles=(Handle("twitter", "@zoe"),),
        account_number="A-1",
        address=Address(street="1 High St", country="GB"),
        birth_date=date(1980, 2, 29),
        created_at=datetime(2020, 1, 1, 23, 59, 59, 999999, tzinfo=UTC),
        verification=Verification.VERIFIED,
        merged_ids=("2",),
        foreign_ids=(("shop", "77"),),
        raw={"nested": [1, 2.5, None, {"deep": True}], "big": 2**70},
    )
    await put(whole)
    assert await state.records.contacts([key("1")]) == [whole.contact]


async def test_contacts_are_answered_in_order_with_holes_and_duplicates(state, put, contact, key):
    await put(contact("1", full_name="One"), contact("2", full_name="Two"))
    asked = [key("2"), key("none"), key("1"), key("2"), key("1", "shop")]
    assert await names(state, *asked) == ["Two", None, "One", "Two", None]


async def test_no_keys_are_no_contacts(state):
    assert await state.records.contacts([]) == []
    assert await state.records.find([]) == []
    assert await state.records.find_words([], 10) == []
    assert await state.records.kept_children(Kind.ORDER, []) == []


async def test_what_reads_the_same_is_unchanged_and_only_its_time_of_reading_moves(
    state, put, contact, key, at
):
    assert await put(contact("1", full_name="One")) == stored(changed=1)
    assert await put(contact("1", full_name="One", read=5)) == stored(unchanged=1)
    (found,) = await state.records.contacts([key("1")])
    assert found.provenance.fetched_at == at(5)
    assert await put(contact("1", full_name="One", read=3)) == stored(unchanged=1)
    (found,) = await state.records.contacts([key("1")])
    assert found.provenance.fetched_at == at(5)


async def test_an_older_version_never_overwrites_a_newer_one(state, put, contact, key):
    await put(contact("1", full_name="New", changed=10, read=11))
    assert await put(contact("1", full_name="Old", changed=5, read=20)) == stored(unchanged=1)
    assert await names(state, key("1")) == ["New"]


async def test_versions_of_one_instant_are_told_apart_by_when_they_were_read(
    state, put, contact, key
):
    await put(contact("1", full_name="Second", changed=10, read=12))
    await put(contact("1", full_name="First", changed=10, read=11))
    assert await names(state, key("1")) == ["Second"]
    await put(contact("1", full_name="Third", changed=10, read=13))
    assert await names(state, key("1")) == ["Third"]


async def test_a_source_that_says_no_time_is_believed_by_when_it_was_read(state, put, contact, key):
    await put(contact("1", full_name="Second", changed=None, read=2))
    await put(contact("1", full_name="First", changed=None, read=1))
    assert await names(state, key("1")) == ["Second"]
    await put(contact("1", full_name="Third", changed=None, read=3))
    assert await names(state, key("1")) == ["Third"]


async def test_the_newest_of_two_versions_in_one_page_is_kept(state, put, contact, key):
    newer, older = (contact("1", full_name=name, changed=at) for name, at in (("N", 2), ("O", 1)))
    assert await put(newer, older) == stored(changed=1)
    assert await names(state, key("1")) == ["N"]


# ---------------------------------------------------------------- deletion


async def test_a_deleted_contact_is_gone_from_every_answer(state, put, contact, key):
    await put(contact("1", email="a@example.com", words=("anna",)))
    assert await put(deleted=[key("1")], told=1) == stored(deleted=1)
    assert await state.records.contacts([key("1")]) == [None]
    mail = CanonicalIdentifier(IdentifierKind.EMAIL, "a@example.com")
    assert await state.records.find([mail]) == [()]
    assert await state.records.find_words(["anna"], 10) == []
    assert [batch async for batch in state.records.every_contact()] == []


async def test_deleting_again_or_deleting_the_unknown_counts_nothing(state, put, contact, key):
    await put(contact("1"))
    assert await put(deleted=[key("1"), key("1")]) == stored(deleted=1)
    assert await put(deleted=[key("1"), key("unknown")]) == stored()


async def test_a_late_old_update_does_not_bring_back_what_was_deleted(state, put, contact, key):
    await put(contact("1", changed=10, read=11))
    await put(deleted=[key("1")], told=20)
    assert await put(contact("1", changed=10, read=12)) == stored(unchanged=1)
    assert await put(contact("1", changed=15, read=16)) == stored(unchanged=1)
    assert await put(contact("1", changed=10, read=30)) == stored(unchanged=1)
    assert await state.records.contacts([key("1")]) == [None]


async def test_a_newer_version_brings_back_what_was_deleted(state, put, contact, key):
    await put(contact("1", changed=10, read=11, email="a@example.com", words=("anna",)))
    await put(deleted=[key("1")], told=20)
    back = contact("1", changed=25, read=30, email="b@example.com", words=("berta",))
    assert await put(back) == stored(changed=1)
    assert await state.records.contacts([key("1")]) == [back.contact]
    assert await state.records.find_words(["berta"], 10) == [key("1")]


async def test_a_deletion_that_comes_before_its_record_holds(state, put, contact, key):
    await put(deleted=[key("1")], told=20)
    await put(contact("1", changed=15, read=21))
    assert await state.records.contacts([key("1")]) == [None]
    await put(contact("1", changed=22, read=23))
    assert await state.records.contacts([key("1")]) != [None]


async def test_what_one_page_both_shows_and_deletes_is_deleted(state, put, contact, key):
    assert await put(contact("1", changed=5), deleted=[key("1")], told=6) == stored()
    assert await put(contact("1", changed=5, read=9)) == stored(unchanged=1)
    assert await state.records.contacts([key("1")]) == [None]


async def test_what_a_contact_absorbed_is_deleted_with_it(state, put, contact, key):
    await put(contact("1"), contact("2"), contact("3"))
    merged = contact("1", changed=5, merged_ids=("1", "2", "unknown"))
    assert await put(merged, told=6) == stored(changed=1, deleted=1)
    found = await state.records.contacts([key("1"), key("2"), key("3"), key("unknown")])
    assert [contact is not None for contact in found] == [True, False, True, False]


async def test_a_scan_does_not_bring_back_what_was_absorbed(state, put, contact, key):
    await put(contact("1", merged_ids=("2",)), told=1)
    await put(contact("2", read=11), scan=10, told=11)
    assert await state.records.contacts([key("2")]) == [None]


# ---------------------------------------------------------------- full scans


async def finish(state, at, scan, told):
    cursor = SyncCursor(
        cursor="end", scan_started_at=at(scan), scan_finished_at=at(told), updated_at=at(told)
    )
    return await state.records.finish_scan("crm", Kind.CONTACT, cursor)


async def test_a_full_scan_deletes_what_it_did_not_see(state, put, contact, key, at):
    await put(contact("1"), contact("2", email="b@example.com", words=("berta",)), contact("3"))
    await put(contact("1", source="shop"), source="shop")
    await put(contact("10", source="crm2"), source="crm2")
    await put(contact("1", read=11), contact("3", changed=11, read=11), scan=10, told=11)
    assert await finish(state, at, scan=10, told=12) == 1
    asked = [key("1"), key("2"), key("3"), key("1", "shop"), key("10", "crm2")]
    found = await state.records.contacts(asked)
    assert [contact is not None for contact in found] == [True, False, True, True, True]
    assert await state.records.find_words(["berta"], 10) == []
    assert await state.records.find_words(["b@"], 10) == []


async def test_a_scan_that_sees_an_old_version_has_still_seen_the_record(
    state, put, contact, key, at
):
    await put(contact("1", full_name="New", changed=5, read=6))
    await put(contact("1", full_name="Old", changed=1, read=11), scan=10, told=11)
    assert await finish(state, at, scan=10, told=12) == 0
    assert await names(state, key("1")) == ["New"]


async def test_a_scan_brings_back_what_was_deleted_before_it_began(state, put, contact, key, at):
    await put(contact("1", changed=0))
    assert await finish(state, at, scan=10, told=12) == 1
    assert await put(contact("1", changed=0, read=21), scan=20, told=21) == stored(changed=1)
    assert await state.records.contacts([key("1")]) != [None]


async def test_a_finished_scan_is_remembered_and_no_longer_under_way(state, put, contact, at):
    await put(contact("1"), scan=10, told=11, cursor="middle")
    middle = await state.records.cursor("crm", Kind.CONTACT)
    assert middle == SyncCursor(cursor="middle", scan_started_at=at(10), updated_at=at(11))
    await finish(state, at, scan=10, told=12)
    done = await state.records.cursor("crm", Kind.CONTACT)
    assert done == SyncCursor(cursor="end", scan_finished_at=at(12), updated_at=at(12))


async def test_a_scan_that_never_began_cannot_be_finished(state):
    with pytest.raises(StoreError, match="no full scan"):
        await state.records.finish_scan("crm", Kind.CONTACT, SyncCursor(cursor=None))


# ---------------------------------------------------------------- cursors


async def test_a_source_never_synced_has_no_cursor(state):
    assert await state.records.cursor("crm", Kind.CONTACT) == SyncCursor(cursor=None)


async def test_cursors_are_kept_per_source_and_kind(state, put, at):
    await put(cursor="crm 1")
    await put(cursor="shop 1", source="shop")
    await put(cursor="crm 2", told=3)
    assert (await state.records.cursor("crm", Kind.CONTACT)).cursor == "crm 2"
    assert (await state.records.cursor("shop", Kind.CONTACT)).cursor == "shop 1"
    assert (await state.records.cursor("crm", Kind.ORDER)).cursor is None


async def test_a_page_that_cannot_be_stored_moves_no_cursor(state, put, contact, key):
    await put(contact("1"), cursor="good")
    with pytest.raises(StoreError, match="no form"):
        await put(contact("2"), contact("3", raw={"set": {1, 2}.__iter__()}), cursor="bad")
    assert (await state.records.cursor("crm", Kind.CONTACT)).cursor == "good"
    assert await state.records.contacts([key("2")]) == [None]


async def test_a_page_of_another_source_is_refused(state, put, contact, key):
    with pytest.raises(StoreError, match="holds others"):
        await put(contact("1", source="shop"), source="crm")
    with pytest.raises(StoreError, match="holds others"):
        await put(deleted=[key("1", "crm", Kind.ORDER)])


# ---------------------------------------------------------------- finding


async def test_contacts_are_found_by_identifier_of_the_same_kind_and_scope(
    state, put, contact, key
):
    def identifier(kind, value, scope=""):
        return CanonicalIdentifier(kind, value, scope)

    plain = contact("1", email="x")
    await put(plain, contact("3", email="x"), contact("2", email="x"), contact("4", email="y"))
    asked = [
        identifier(IdentifierKind.EMAIL, "x"),
        identifier(IdentifierKind.PHONE, "x"),
        identifier(IdentifierKind.EMAIL, "x", "scope"),
        identifier(IdentifierKind.EMAIL, "y"),
        identifier(IdentifierKind.EMAIL, "X"),
        identifier(IdentifierKind.EMAIL, "x"),
    ]
    three, four = (key("1"), key("2"), key("3")), (key("4"),)
    assert await state.records.find(asked) == [three, (), (), four, (), three]


async def test_a_changed_contact_is_found_by_what_it_has_now(state, put, contact, key):
    await put(contact("1", email="old@example.com", words=("anna", "old")))
    await put(contact("1", email="new@example.com", words=("anna", "new"), changed=1))
    find = state.records.find
    old, new = (
        CanonicalIdentifier(IdentifierKind.EMAIL, f"{age}@example.com") for age in ("old", "new")
    )
    assert await find([old, new]) == [(), (key("1"),)]
    assert await state.records.find_words(["old"], 10) == []
    assert await state.records.find_words(["new", "anna"], 10) == [key("1")]


async def test_text_no_database_can_index_is_still_kept_and_found(state, put, contact, key):
    long, broken = "x" * 10_000, "a\0b\ud800c"
    await put(contact("1", full_name=broken, email=broken, words=(broken, long)))
    identifier = CanonicalIdentifier(IdentifierKind.EMAIL, broken)
    assert await state.records.find([identifier]) == [(key("1"),)]
    assert await state.records.find_words([long], 10) == [key("1")]
    assert await state.records.find_words(["x" * 100], 10) == [key("1")]
    assert await state.records.find_words(["x" * 9_999], 10) == []
    assert await names(state, key("1")) == ["a\0b\N{REPLACEMENT CHARACTER}c"]
    assert await state.records.contacts([key("a\0b"), key("\ud800")]) == [None, None]


async def test_every_contact_comes_once_in_the_order_of_keys(state, put, contact, key):
    ids = [str(number) for number in range(25)]
    await put(*(contact(id) for id in ids))
    await put(*(contact(id, source="crm2") for id in ids), source="crm2")
    batches = [batch async for batch in state.records.every_contact(batch=10)]
    found = [contact.key for batch in batches for contact in batch]
    assert found == sorted(key(id, source) for id in ids for source in ("crm", "crm2"))
    assert [len(batch) for batch in batches] == [10, 10, 10, 10, 10]


async def test_thirty_two_writers_of_the_same_contacts_end_with_the_newest(
    state, put, contact, key
):
    ids = [str(number) for number in range(20)]

    async def write(version):
        rows = [
            contact(id, changed=version, full_name=f"v{version}", words=(f"v{version}",))
            for id in (ids if version % 2 else reversed(ids))
        ]
        deleted = [key(f"gone {version}")] if version % 3 else []
        await put(*rows, deleted=deleted, cursor=str(version))

    await asyncio.gather(*(write(version) for version in range(32)))
    assert await names(state, *map(key, ids)) == ["v31"] * 20
    assert len(await state.records.find_words(["v31"], 100)) == 20
    assert await state.records.find_words(["v30"], 100) == []
