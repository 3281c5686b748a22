"""What a resolution of everything reads is what the store was given."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import duckdb
import pytest

from domain.ids import Kind, SourceKey
from domain.ports import Clock, IndexedContact, SyncCursor
from domain.provenance import Provenance, System
from domain.records import Address, Contact, Handle
from domain.vocabulary import SystemKind
from identity import census
from identity.index import raw_person
from identity.normalise import LISTS, TEXTS
from state.engine import State, open_state

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SAID = {
    "full_name": 'Zoë "Zo" O\'Brien\\Smith',
    "given_name": "Зоя",
    "emails": ("zoe@example.com", "z,o@example.org"),
    "phones": ("+44 (0)7700 900123",),
    "handles": (Handle("Instagram", "@zoe"), Handle("web", "zo\te")),
    "account_number": "AC-1",
    "address": Address(street="1 High St\nFlat 2", city="Łódź", postcode="90-001", country="PL"),
    "birth_date": date(1990, 2, 3),
    "company": "",
    "raw": {"emails": ["not@this.one"], "deep": {"given_name": "No"}},
}


def contact(external_id: str, **said: object) -> Contact:
    system = System(name="crm", kind=SystemKind.CRM, connector="fake")
    provenance = Provenance(system=system, external_id=external_id, fetched_at=AT)
    key = SourceKey("crm", Kind.CONTACT, external_id)
    return Contact(key=key, provenance=provenance, **said)  # type: ignore[arg-type]


@pytest.fixture
async def state(sqlite_state: str, clock: Clock) -> AsyncIterator[State]:
    opened = open_state(sqlite_state, clock=clock)
    yield opened
    await opened.close()


async def test_records_are_unfolded_as_they_were_put(
    state: State, connection: duckdb.DuckDBPyConnection
) -> None:
    people = [contact("1", **SAID), contact("2"), contact("10", full_name="A\u2028B \U0001f600")]
    indexed = [IndexedContact(contact=one, identifiers=(), words=()) for one in people]
    cursor = SyncCursor(cursor="end", updated_at=AT)
    await state.records.put_page("crm", Kind.CONTACT, indexed, [], cursor)
    assert await census.read(connection, state.records, state.identities) == 3
    names = ", ".join((*TEXTS, *LISTS))
    rows = connection.execute(f"select id, {names} from raw_people order by uid").fetchall()  # noqa: S608
    assert [row[0] for row in rows] == ["1", "10", "2"]
    for id_, *values in rows:
        (given,) = [one for one in people if one.key.external_id == id_]
        raw = raw_person(given)
        assert values[: len(TEXTS)] == [getattr(raw, name) for name in TEXTS]
        lists = [tuple(value or ()) for value in values[len(TEXTS) :]]
        assert lists == [getattr(raw, name) for name in LISTS]
    assert census.platforms(connection) == ["instagram", "web"]


async def test_an_empty_store_is_read_as_nobody(
    state: State, connection: duckdb.DuckDBPyConnection
) -> None:
    assert await census.read(connection, state.records, state.identities) == 0
    assert census.platforms(connection) == []
