"""Single records coming and going: what a page of a sync does, without a cursor."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Row, select, update

from domain.customer import CanonicalIdentifier
from domain.ids import SourceKey
from domain.inbox import Farewell, Received
from domain.ports import IndexedContact
from domain.records import Record
from domain.vocabulary import IdentifierKind
from state import bulk, contacts, kept_pages
from state.keys import pack, unpack
from state.tables import contact_identifiers
from state.tables import contacts as contacts_table
from state.transactions import Transactions

_STANDING = select(
    contacts_table.c.key,
    contacts_table.c.digest,
    contacts_table.c.deleted_at,
    contacts_table.c.fetched_at,
    contacts_table.c.merged_into,
).where(bulk.among(contacts_table.c.key))
_CARRIED = select(contact_identifiers).where(bulk.among(contact_identifiers.c.key))

Standing = dict[str, Row[str, bytes | None, datetime | None, datetime, str | None]]


class SqlIntake:
    """Implements `domain.inbox.Intake`."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def receive(
        self,
        contacts: Sequence[IndexedContact],
        farewells: Sequence[Farewell],
        read_at: datetime,
    ) -> Received:
        return await self._transactions.write(_receive, contacts, farewells, read_at)

    async def refresh(self, records: Sequence[Record]) -> None:
        await self._transactions.write(kept_pages.refresh, records)

    async def remove(self, keys: Sequence[SourceKey]) -> None:
        await self._transactions.write(kept_pages.remove, keys)


def _receive(
    connection: Connection,
    incoming: Sequence[IndexedContact],
    farewells: Sequence[Farewell],
    read_at: datetime,
) -> Received:
    gone = {pack(one.key): one for one in farewells}
    arriving = {pack(one.contact.key): one.contact.key for one in incoming}
    absorbed = {
        pack(replace(key, external_id=merged))
        for one in incoming
        for key in (one.contact.key,)
        for merged in one.contact.merged_ids
    }
    named = gone.keys() | arriving.keys() | absorbed
    contacts.lock_sources(connection, named)
    before = _standing(connection, named)
    leaving = [
        key
        for key, one in gone.items()
        if one.redacted or not _was_read_later(before, key, read_at)
    ]
    carried = _carried(connection, {*leaving, *absorbed})
    told = contacts.put(connection, incoming, map(unpack, leaving), read_at)
    _inscribe(connection, [gone[key] for key in leaving])
    after = _standing(connection, named)
    dead = {key for key, row in after.items() if row.deleted_at is not None}
    for key in sorted(dead & carried.keys()):
        kept_pages.forget_owner(connection, unpack(key), carried[key])
    return Received(
        changed=frozenset(unpack(key) for key in after if _differs(before, after, key)),
        gone=frozenset(map(unpack, dead)),
        kept=frozenset(map(unpack, after.keys() - dead)),
        beside=frozenset(told.unsettled) - {unpack(key) for key in after},
    )


def _standing(connection: Connection, keys: Iterable[str]) -> Standing:
    return {row.key: row for row in bulk.answers(connection, _STANDING, keys)}


def _was_read_later(standing: Standing, key: str, read_at: datetime) -> bool:
    """Somebody else has seen the record alive since it was found to be gone."""
    row = standing.get(key)
    return row is not None and row.deleted_at is None and row.fetched_at > read_at


def _differs(before: Standing, after: Standing, key: str) -> bool:
    was, is_ = before.get(key), after[key]
    if was is None:
        return True
    return (was.digest, was.deleted_at is None) != (is_.digest, is_.deleted_at is None)


def _inscribe(connection: Connection, farewells: Iterable[Farewell]) -> None:
    for one in farewells:
        tomb = update(contacts_table).where(contacts_table.c.key == pack(one.key))
        if one.into is not None:
            connection.execute(tomb.values(merged_into=pack(one.into)))
        if one.redacted:
            connection.execute(tomb.values(redacted=True))


def _carried(connection: Connection, keys: Iterable[str]) -> dict[str, list[CanonicalIdentifier]]:
    """What the records are known by, while that is still kept; a key each, also without any."""
    found: dict[str, list[CanonicalIdentifier]] = {key: [] for key in keys}
    for row in bulk.answers(connection, _CARRIED, found):
        known = CanonicalIdentifier(IdentifierKind(row.kind), row.value, row.scope)
        found[row.key].append(known)
    return found
