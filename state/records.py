"""The record store on SQL."""

from collections.abc import AsyncIterator, Mapping, Sequence

from sqlalchemy import Connection, select

from domain.customer import CanonicalIdentifier
from domain.errors import StoreError
from domain.ids import Kind, SourceKey
from domain.ports import Clock, IndexedContact, StoredPage, SyncCursor
from domain.records import Contact, Record
from domain.sources import ChildPage
from state import bulk, children, terms
from state.children import Owner
from state.contacts import LIVING, bury_unseen, put, restored, stored
from state.tables import contacts, sync_cursors
from state.transactions import Transactions

_BODIES = select(contacts.c.key, contacts.c.body).where(contacts.c.deleted_at.is_(None))


class SqlRecords:
    """Implements `domain.ports.RecordStore`."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def cursor(self, source: str, kind: Kind) -> SyncCursor:
        return await self._transactions.read(_cursor, source, kind)

    async def put_page(
        self,
        source: str,
        kind: Kind,
        contacts: Sequence[IndexedContact],
        deleted: Sequence[SourceKey],
        cursor: SyncCursor,
    ) -> StoredPage:
        """As the port says. Deletions count as known since `cursor.updated_at`, else since now."""
        _require(source, kind, [*(item.contact.key for item in contacts), *deleted])
        told_at = cursor.updated_at or self._clock.now()

        def store(connection: Connection) -> StoredPage:
            stored = put(connection, contacts, deleted, told_at, cursor.scan_started_at)
            _save_cursor(connection, source, kind, cursor)
            return stored

        return await self._transactions.write(store)

    async def finish_scan(self, source: str, kind: Kind, cursor: SyncCursor) -> int:
        since = cursor.scan_started_at
        if since is None:
            raise StoreError(f"{source}: no full scan is under way that could be finished")
        told_at = cursor.updated_at or self._clock.now()
        done = SyncCursor(
            cursor=cursor.cursor,
            scan_finished_at=cursor.scan_finished_at,
            updated_at=cursor.updated_at,
        )

        def finish(connection: Connection) -> int:
            deleted = bury_unseen(connection, source, kind, since, told_at)
            _save_cursor(connection, source, kind, done)
            return deleted

        return await self._transactions.write(finish)

    async def contacts(self, keys: Sequence[SourceKey]) -> list[Contact | None]:
        return await self._transactions.read(_contacts, keys)

    async def every_contact(self, batch: int = 5_000) -> AsyncIterator[list[Contact]]:
        """As the port says. Each batch is a snapshot of its own: a reader that holds one snapshot
        over a million rows keeps the database from tidying up behind its writers.
        """
        after = ""
        while True:
            after, found = await self._transactions.read(_following, after, batch)
            if not found:
                return
            yield found

    async def every_body(self, batch: int = 20_000) -> AsyncIterator[list[tuple[str, bytes]]]:
        """As the port says; each batch is a snapshot of its own, as in `every_contact`."""
        after = ""
        while rows := await self._transactions.read(_bodies, after, batch):
            yield rows
            after = rows[-1][0]

    async def find(self, identifiers: Sequence[CanonicalIdentifier]) -> list[tuple[SourceKey, ...]]:
        return await self._transactions.read(terms.find, identifiers)

    async def find_words(self, words: Sequence[str], limit: int) -> list[SourceKey]:
        return await self._transactions.read(terms.find_words, words, limit)

    async def keep_children(self, kind: Kind, pages: Mapping[Owner, ChildPage[Record]]) -> None:
        await self._transactions.write_apart(children.keep, kind, pages)

    async def kept_children(
        self, kind: Kind, parents: Sequence[Owner]
    ) -> list[ChildPage[Record] | None]:
        return await self._transactions.read(children.kept, kind, parents)


def _require(source: str, kind: Kind, keys: Sequence[SourceKey]) -> None:
    """A page holds records of one source and kind: deletions at the end of a scan go by that."""
    strangers = {(key.source, key.kind) for key in keys} - {(source, kind)}
    if strangers:
        raise StoreError(f"{source}: a page of {kind.value}s holds others: {sorted(strangers)}")


def _cursor(connection: Connection, source: str, kind: Kind) -> SyncCursor:
    columns = [sync_cursors.c[name] for name in SyncCursor.__slots__]
    key = (sync_cursors.c.source == source) & (sync_cursors.c.kind == kind.value)
    row = connection.execute(select(*columns).where(key)).mappings().first()
    return SyncCursor(**row) if row else SyncCursor(cursor=None)


def _save_cursor(connection: Connection, source: str, kind: Kind, cursor: SyncCursor) -> None:
    place = {"source": source, "kind": kind.value}
    stand = {name: getattr(cursor, name) for name in SyncCursor.__slots__}
    bulk.upsert(connection, sync_cursors, [place | stand])


def _contacts(connection: Connection, keys: Sequence[SourceKey]) -> list[Contact | None]:
    return [*map(stored(connection, keys).get, keys)]


def _bodies(connection: Connection, after: str, batch: int) -> list[tuple[str, bytes]]:
    following = _BODIES.where(contacts.c.key > after).order_by(contacts.c.key).limit(batch)
    return [(key, body) for key, body in connection.execute(following)]


def _following(connection: Connection, after: str, batch: int) -> tuple[str, list[Contact]]:
    """The next contacts by key, and the last key among them."""
    following = LIVING.where(contacts.c.key > after).order_by(contacts.c.key).limit(batch)
    rows = connection.execute(following).all()
    found = [restored(body, fetched_at) for _, body, fetched_at in rows]
    return (rows[-1][0] if rows else after), found
