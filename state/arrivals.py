"""Settling single records in the transaction that brings them."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, delete, exists, select, update

from domain.ids import SourceKey
from domain.live import Drift, Judge
from domain.ports import Clock, IndexedContact
from domain.records import Contact
from state import bulk, contacts, identities, live_index
from state.contacts import restored
from state.desk import SqlDesk
from state.keys import number, pack, unpack
from state.live_tables import compared_records, identity_drift, unsettled_records
from state.tables import contacts as contacts_table
from state.tables import identity_state
from state.transactions import Transactions

_LOCK = select(identity_state.c.version).with_for_update()
_WAITING = select(unsettled_records.c.key).where(bulk.among(unsettled_records.c.key))
_INDEXED = select(compared_records.c.key).where(bulk.among_numbers(compared_records.c.number))
_KEPT = select(contacts_table.c.key, contacts_table.c.body, contacts_table.c.fetched_at).where(
    contacts_table.c.deleted_at.is_(None)
)
_THESE = _KEPT.where(bulk.among(contacts_table.c.key))


class SqlArrivals:
    """Implements `domain.live.Arrivals`."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def settle(
        self,
        judge: Judge,
        *,
        contacts: Sequence[IndexedContact] = (),
        keys: Collection[SourceKey] = (),
    ) -> int:
        return await self._transactions.write(self._settle, judge, contacts, keys)

    def _settle(
        self,
        connection: Connection,
        judge: Judge,
        incoming: Sequence[IndexedContact],
        keys: Collection[SourceKey],
    ) -> int:
        ((version,),) = bulk.fetch(connection, _LOCK)  # no other publication until then
        due = {pack(one.contact.key) for one in incoming}
        named = {*map(pack, keys), *self._put(connection, incoming)} - due
        due.update(key for (key,) in bulk.answers(connection, _WAITING, named))
        if not due:
            return int(version)
        resolution = judge(SqlDesk(connection, [unpack(key) for key in sorted(due)]))
        version = identities.write(connection, resolution)
        bulk.delete_among(connection, unsettled_records.c.key, due)
        return version

    def _put(self, connection: Connection, incoming: Sequence[IndexedContact]) -> list[str]:
        """Returns what was changed, or buried with them; what was kept by a release that did not
        index it is indexed.
        """
        if not incoming:
            return []
        told = contacts.put(connection, incoming, (), self._clock.now())
        kept = {pack(one.contact.key): one.comparable for one in incoming}
        found = bulk.answers(connection, _INDEXED, map(number, kept))
        for key in kept.keys() - {key for (key,) in found}:
            _index(connection, [one for one in incoming if pack(one.contact.key) == key])
        return list(map(pack, told.unsettled))

    async def waiting(self, first: int) -> list[SourceKey]:
        return await self._transactions.read(_first_waiting, first)

    async def unindexed(self, form: int, first: int) -> list[Contact]:
        return await self._transactions.read(_unindexed, form, first)

    async def index(self, contacts: Sequence[IndexedContact]) -> None:
        await self._transactions.write(_index, contacts)

    async def begin_census(self) -> None:
        await self._transactions.write(_begin_census)

    async def end_census(self, drift: Drift | None) -> None:
        await self._transactions.write(_end_census, drift)

    async def drift(self) -> Drift | None:
        return await self._transactions.read(_drift)


def _first_waiting(connection: Connection, first: int) -> list[SourceKey]:
    waiting = select(unsettled_records.c.key).order_by(unsettled_records.c.key).limit(first)
    return [unpack(key) for (key,) in connection.execute(waiting)]


def _unindexed(connection: Connection, form: int, first: int) -> list[Contact]:
    same = compared_records.c.key == contacts_table.c.key
    fitting = exists().where(same, compared_records.c.form == form)
    missing = _KEPT.where(~fitting).order_by(contacts_table.c.key).limit(first)
    return [restored(body, fetched_at) for _, body, fetched_at in connection.execute(missing)]


def _index(connection: Connection, incoming: Sequence[IndexedContact]) -> None:
    """A contact that has changed since it was read has been indexed by who changed it."""
    by_key = {pack(one.contact.key): one for one in incoming}
    contacts.lock_sources(connection, by_key)
    standing = {
        key: restored(body, fetched_at)
        for key, body, fetched_at in bulk.answers(connection, _THESE, by_key)
    }
    same = (key for key, kept in standing.items() if kept == by_key[key].contact)
    found = {key: by_key[key].comparable for key in same}
    live_index.renew(connection, {key: one for key, one in found.items() if one is not None})


def _begin_census(connection: Connection) -> None:
    connection.execute(update(unsettled_records).values(taken=True))


def _end_census(connection: Connection, drift: Drift | None) -> None:
    connection.execute(delete(unsettled_records).where(unsettled_records.c.taken))
    if drift is not None:
        row = {name: getattr(drift, name) for name in Drift.__slots__} | {"id": 1}
        bulk.upsert(connection, identity_drift, [row])


def _drift(connection: Connection) -> Drift | None:
    row = connection.execute(select(*(identity_drift.c[n] for n in Drift.__slots__))).first()
    return None if row is None else Drift(**row._mapping)
