"""The HubSpot connector against the emulated platform: same rows, and as few calls as promised."""

from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import Any

import pytest

from domain.customer import KeyKind, LookupKey
from domain.errors import SourceError
from domain.ids import Kind
from domain.records import Contact
from sandbox.faults import Fault, FaultKind

OPTIONS = {"account_number_property": "account_number"}


@pytest.fixture
def crm(sandboxed: Any) -> Any:
    return sandboxed("hubspot", options=OPTIONS)


async def read_all(crm: Any, harness: Any, cursor: str | None = None) -> tuple[Any, str, int]:
    records: dict[str, Contact] = {}
    pages = 0
    while True:
        page = await crm.source.changes[Kind.CONTACT].changed_since(cursor, harness.within())
        assert page.dropped == 0
        records |= {record.key.external_id: record for record in page.records}
        cursor, pages = page.cursor, pages + 1
        if not page.more:
            return records, cursor, pages


async def test_contacts_are_read_in_batches_of_a_hundred(sandboxed: Any, harness: Any) -> None:
    crm = sandboxed("hubspot", people=260, options=OPTIONS)
    rows = [*crm.world.crm_contacts.live()]
    assert len(rows) > 200
    ids = [rows[0].id, "1", *(row.id for row in rows), rows[0].id]
    got = await crm.source.gets[Kind.CONTACT].get_many(ids, None, harness.within())
    assert [r and r.key.external_id for r in got] == [rows[0].id, None, *ids[2:]]
    assert crm.calls.count() == ceil((len(rows) + 1) / 100)
    for record, row in zip(got[2:], [*rows, rows[0]], strict=True):
        assert (record.given_name, record.family_name) == (row.firstname, row.lastname)
        assert record.account_number == row.account_number
        assert record.emails == tuple(e for e in (row.email, *row.additional_emails) if e)
        assert record.provenance.source_updated_at == row.updated_at


@pytest.mark.parametrize("kind", [KeyKind.EMAIL, KeyKind.PHONE, KeyKind.ACCOUNT_NUMBER])
async def test_everybody_is_found_by_what_they_are_known_by(
    crm: Any, harness: Any, kind: KeyKind
) -> None:
    attribute = {KeyKind.EMAIL: "email", KeyKind.PHONE: "phone"}.get(kind, "account_number")
    asked = 0
    for row in [*crm.world.crm_contacts.live()][:40]:
        value = getattr(row, attribute)
        if value:
            found = await crm.source.search.search(LookupKey(kind, value), harness.within())
            assert row.id in {contact.key.external_id for contact in found}, value
            asked += 1
    assert crm.calls.count() == asked > 5


async def test_a_number_is_found_however_it_is_written(crm: Any, harness: Any) -> None:
    row = next(iter(crm.world.crm_contacts.live()))
    for written in ("0113 496 0777", "+44 113 496 0777", "(0113) 4960777", "0044 113 496 0777"):
        crm.world.crm_contacts.change(row.id, phone=written)
        key = LookupKey(KeyKind.PHONE, "+441134960777")
        found = await crm.source.search.search(key, harness.within())
        assert [contact.key.external_id for contact in found] == [row.id], written


async def test_a_sync_that_is_stopped_and_begun_again_reads_the_same(
    sandboxed: Any, harness: Any
) -> None:
    crm = sandboxed("hubspot", people=260, options=OPTIONS)
    whole, _, pages = await read_all(crm, harness)
    assert set(whole) == {row.id for row in crm.world.crm_contacts.live()}
    assert pages == ceil(len(whole) / 100)
    first = await crm.source.changes[Kind.CONTACT].changed_since(None, harness.within())
    rest, _, _ = await read_all(crm, harness, first.cursor)
    stopped = {record.key.external_id for record in first.records} | set(rest)
    assert stopped == set(whole)


async def test_a_change_is_followed_from_the_saved_cursor(
    crm: Any, harness: Any, clock: Any
) -> None:
    _, cursor, _ = await read_all(crm, harness)
    rows = [*crm.world.crm_contacts.live()]
    clock.advance(timedelta(hours=1))
    crm.world.crm_contacts.change(rows[3].id, lastname="Changed")
    changed, cursor, _ = await read_all(crm, harness, cursor)
    assert changed[rows[3].id].family_name == "Changed"
    assert len(changed) < len(rows)


async def test_a_merge_is_read_by_old_ids_and_names_them(crm: Any, harness: Any) -> None:
    one, other = [*crm.world.crm_contacts.live()][:2]
    merged = crm.world.crm_contacts.add(
        replace(one, id=crm.world.crm_contacts.next_id(), merged_ids=(one.id, other.id))
    )
    got = await crm.source.gets[Kind.CONTACT].get_many([merged.id], None, harness.within())
    assert set(got[0].merged_ids) == {one.id, other.id}


@pytest.mark.parametrize(
    "kind", [FaultKind.BROKEN, FaultKind.UNAUTHORIZED, FaultKind.TRUNCATED, FaultKind.WRONG_JSON]
)
async def test_a_fault_is_an_error_and_over_with_its_cause(
    crm: Any, harness: Any, kind: FaultKind
) -> None:
    row = next(iter(crm.world.crm_contacts.live()))
    crm.faults.add(Fault(kind=kind))
    ask = crm.source.gets[Kind.CONTACT].get_many
    (got,) = await ask([row.id], None, harness.within())
    assert isinstance(got, SourceError)
    crm.faults.clear()
    (got,) = await ask([row.id], None, harness.within())
    assert isinstance(got, Contact)
