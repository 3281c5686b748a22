"""Who is who and what the store holds of them, remembered in the process.

A look-up through the database costs half a millisecond, and who is who changes rarely. What is
remembered holds as long as the identity version stands. That is asked for at once when this process
has changed anything, and every LOOK_S otherwise, for what other processes do. What is not
remembered is read for many requests together.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from dataclasses import replace
from time import monotonic
from typing import Final, Generic, TypeVar

from domain.customer import CanonicalIdentifier, Cluster, KeyKind, Link, LinkEvidence, LookupKey
from domain.errors import StoreError
from domain.ids import CustomerId, Kind, SourceKey
from domain.ports import (
    Found,
    IdentityIndex,
    IndexedContact,
    RecordStore,
    StoredPage,
    SyncCursor,
)
from domain.records import Contact, Record
from domain.sources import ChildPage, Parent
from domain.vocabulary import LinkStatus, ServedFrom
from domain.waiting import running_loop
from gateway.gathered import Gathered
from gateway.weights import ENTRY, weight

logger = logging.getLogger(__name__)

LOOK_S: Final = 0.05
EARLY_S: Final = 0.02
"""How long before that the version is looked up, so that requests need not wait for it."""
USED_S: Final = 2.0
"""How long after a request it is looked up all the same, for the next one."""
MOST_BYTES: Final = 8 * 2**20
"""Of who is who, and of contacts as much again (`cache.people_bytes` is both)."""
ROW_S: Final = 60.0
"""How long a row is remembered: another process may have stored a newer one. Its age is told by the
row itself, so an old one is never taken for young.
"""
WRITE_S: Final = 0.25
"""How long pages are gathered before they are kept."""
MOST_WAITING: Final = 5_000
"""Pages that wait to be kept; more are let go, since each will be read again some day."""

_LOOK: Final = (None,)
"""There is one version to ask for."""

K = TypeVar("K")
V = TypeVar("V")
Spot = tuple[str, Parent]
_RowKey = tuple[str, Kind, str]
"""The parts of a SourceKey, which as a tuple hash without a call."""


class Recent(Generic[K, V]):
    """The entries used last, as many as weigh `most_bytes` together."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._weights: dict[K, int] = {}

    def get_many(self, keys: Iterable[K]) -> list[V | None]:
        """One entry per key, in order."""
        entries = self._entries
        found: list[V | None] = []
        for key in keys:
            one = entries.get(key)
            if one is not None:
                entries.move_to_end(key)
            found.append(one)
        return found

    def put(self, key: K, value: V) -> None:
        entries, weights = self._entries, self._weights
        entries[key] = value
        entries.move_to_end(key)
        self._bytes -= weights.get(key, 0)
        weights[key] = ENTRY + weight(key) + weight(value)
        self._bytes += weights[key]
        while self._bytes > self._most_bytes and entries:
            oldest, _ = entries.popitem(last=False)
            self._bytes -= weights.pop(oldest)

    def clear(self) -> None:
        self._entries.clear()
        self._weights.clear()
        self._bytes = 0


class StandingPeople:
    """IdentityGraph in front of another one. `changes` rises when this process writes."""

    def __init__(
        self,
        people: IdentityIndex,
        version: Callable[[], Awaitable[int]],
        changes: Callable[[], int],
        most_bytes: int = MOST_BYTES,
        remember: Callable[[Mapping[SourceKey, Contact]], None] = lambda _: None,
    ) -> None:
        """`remember` gets the rows that were read with who is who."""
        self._people = people
        self._remember = remember
        self._read_version = version
        self._changes = changes
        self._seen = -1
        self._due = 0.0
        self._version: int | None = None
        self._looks: Gathered[None, int] = Gathered(self._look)
        self._early: asyncio.Future[list[int]] | None = None
        self._used = 0.0
        self._next: asyncio.TimerHandle | None = None
        self._keys: Recent[LookupKey, Found] = Recent(most_bytes // 2)
        self._clusters: Recent[CustomerId, Cluster] = Recent(most_bytes // 2)
        self._finding: Gathered[LookupKey, Found] = Gathered(self._find)
        self._reading: Gathered[CustomerId, Cluster | None] = Gathered(people.clusters)

    async def find(self, keys: Sequence[LookupKey]) -> list[Found]:
        """As the port says; only who is somebody is remembered. An order number leads nowhere."""
        version = self._version
        self._used = now = monotonic()
        if now >= self._due or self._changes() != self._seen:
            version = await self._standing(now)
        remembered = self._keys.get_many(keys)
        if all(remembered):
            return remembered  # type: ignore[return-value]  # nothing is missing
        known = dict(zip(keys, remembered, strict=True))
        missing = [key for key, found in known.items() if found is None]
        fresh = await self._finding.read(missing)
        for key, found in zip(missing, fresh, strict=True):
            known[key] = found
            if found.customers and key.kind is not KeyKind.ID and version == self._version:
                self._keys.put(key, found)
        return [known[key] or Found(customers=()) for key in keys]

    async def clusters(self, ids: Sequence[CustomerId]) -> list[Cluster | None]:
        version = self._version
        self._used = now = monotonic()
        if now >= self._due or self._changes() != self._seen:
            version = await self._standing(now)
        remembered = self._clusters.get_many(ids)
        if all(remembered):
            return remembered
        known = dict(zip(ids, remembered, strict=True))
        missing = [one for one, cluster in known.items() if cluster is None]
        fresh = await self._reading.read(missing)
        for one, cluster in zip(missing, fresh, strict=True):
            known[one] = cluster
            if cluster is not None and version == self._version:
                self._clusters.put(one, cluster)
        return [known[one] for one in ids]

    async def _find(self, keys: Sequence[LookupKey]) -> list[Found]:
        """Their clusters and rows, which will be asked for next, come with them."""
        version, changes = self._version, self._changes()
        known = await self._people.look_up(keys)
        if version == self._version:
            for id, cluster in known.clusters.items():
                self._clusters.put(id, cluster)
        if changes == self._changes():
            self._remember(known.contacts)
        return known.found

    async def of_records(self, keys: Sequence[SourceKey]) -> list[CustomerId | None]:
        return await self._people.of_records(keys)

    async def links(
        self, ids: Sequence[CustomerId], status: Collection[LinkStatus] | None = None
    ) -> list[tuple[Link, ...]]:
        return await self._people.links(ids, status)

    async def explain(
        self, links: Sequence[tuple[Link, Contact | None, Contact | None]]
    ) -> list[tuple[LinkEvidence, ...]]:
        return await self._people.explain(links)

    async def adopt(self, contacts: Sequence[Contact]) -> list[CustomerId | None]:
        return await self._people.adopt(contacts)

    async def settle(self, keys: Sequence[SourceKey]) -> None:
        await self._people.settle(keys)

    async def search(self, text: str, first: int) -> list[CustomerId]:
        return await self._people.search(text, first)

    def canonical(self, contact: Contact) -> tuple[CanonicalIdentifier, ...]:
        return self._people.canonical(contact)

    async def shared(self, identifiers: Sequence[CanonicalIdentifier]) -> list[bool]:
        return await self._people.shared(identifiers)

    async def close(self) -> None:
        if self._early is not None:
            await asyncio.wait([self._early])
        if self._next is not None:  # which a look sets as it ends
            self._next.cancel()

    async def _standing(self, now: float) -> int:
        """The version that holds; what was remembered of another one is forgotten."""
        if self._version is None or self._changes() != self._seen or now >= self._due + EARLY_S:
            return (await self._looks.read(_LOOK))[0]
        self._look_early()
        return self._version

    def _look_early(self) -> None:
        if self._early is None:
            self._early = asyncio.ensure_future(self._looks.read(_LOOK))
            self._early.add_done_callback(self._landed)

    def _look_on(self) -> None:
        if monotonic() < self._used + USED_S:
            self._look_early()

    def _landed(self, early: "asyncio.Future[list[int]]") -> None:
        self._early = None
        if not early.cancelled():
            early.exception()  # where the store is lost, who has to wait for a look is told

    async def _look(self, asked: Sequence[None]) -> list[int]:
        changes = self._changes()
        version = await self._read_version()
        if version != self._version:
            self._keys.clear()
            self._clusters.clear()
        self._version, self._seen = version, changes
        self._due = monotonic() + LOOK_S - EARLY_S
        if self._next is not None:
            self._next.cancel()
        self._next = running_loop().call_later(LOOK_S - EARLY_S, self._look_on)
        return [version for _ in asked]


class StandingRecords:
    """RecordStore in front of another one: contacts are remembered, and pages of children are kept
    in one write for many requests.
    """

    def __init__(
        self, records: RecordStore, changes: Callable[[], int], most_bytes: int = MOST_BYTES
    ) -> None:
        self._records = records
        self._changes = changes
        self._seen = -1
        self._rows: Recent[_RowKey, tuple[float, Contact]] = Recent(most_bytes)
        self._reading: Gathered[SourceKey, Contact | None] = Gathered(records.contacts)
        self._waiting: dict[Kind, dict[Spot, ChildPage[Record]]] = {}
        self._held = 0
        self._writing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    async def contacts(self, keys: Sequence[SourceKey]) -> list[Contact | None]:
        changes, now = self._changes(), monotonic()
        if changes != self._seen:
            self._rows.clear()
            self._seen = changes
        spots: list[_RowKey] = []
        for key in keys:
            spots.append((key.source, key.kind, key.external_id))
        rows: list[Contact | None] = []
        due: list[int] = []
        for entry in self._rows.get_many(spots):
            if entry is None or now - entry[0] >= ROW_S:
                due.append(len(rows))
                rows.append(None)
            else:
                rows.append(entry[1])
        if not due:
            return rows
        for i, row in zip(due, await self._reading.read([keys[i] for i in due]), strict=True):
            if row is None:
                continue
            rows[i] = kept = _from_store(row)
            if self._changes() == changes:
                self._rows.put(spots[i], (now, kept))
        return rows

    def remember(self, rows: Mapping[SourceKey, Contact]) -> None:
        """What was read just now, with nothing changed since."""
        now = monotonic()
        for key, row in rows.items():
            self._rows.put((key.source, key.kind, key.external_id), (now, _from_store(row)))

    async def keep_children(self, kind: Kind, pages: Mapping[Spot, ChildPage[Record]]) -> None:
        if self._held + len(pages) > MOST_WAITING:
            return
        self._waiting.setdefault(kind, {}).update(pages)
        self._held += len(pages)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_later())

    async def kept_children(
        self, kind: Kind, parents: Sequence[Spot]
    ) -> list[ChildPage[Record] | None]:
        await self.write()
        return await self._records.kept_children(kind, parents)

    async def write(self) -> None:
        """Keep what waits to be kept. What the store does not take is let go: it is missing only
        where its source fails later, and not for who reads what was kept before.
        """
        async with self._turn:  # who reads next comes after what is being written
            waiting, self._waiting, self._held = self._waiting, {}, 0
            for kind, pages in waiting.items():
                try:
                    await self._records.keep_children(kind, pages)
                except StoreError as error:
                    logger.warning("pages_unkept error=%s", error.code)

    async def close(self) -> None:
        if self._writing is not None:
            if not self._turn.locked():  # it waits for more
                self._writing.cancel()
            await asyncio.wait([self._writing])
        await self.write()

    async def _write_later(self) -> None:
        await asyncio.sleep(WRITE_S)
        await self.write()

    # ---------------------------------------------------------------- as it is

    async def cursor(self, source: str, kind: Kind) -> SyncCursor:
        return await self._records.cursor(source, kind)

    async def put_page(
        self,
        source: str,
        kind: Kind,
        contacts: Sequence[IndexedContact],
        deleted: Sequence[SourceKey],
        cursor: SyncCursor,
    ) -> StoredPage:
        return await self._records.put_page(source, kind, contacts, deleted, cursor)

    async def finish_scan(self, source: str, kind: Kind, cursor: SyncCursor) -> int:
        return await self._records.finish_scan(source, kind, cursor)

    def every_contact(self, batch: int = 5_000) -> AsyncIterator[list[Contact]]:
        return self._records.every_contact(batch)

    def every_body(self, batch: int = 20_000) -> AsyncIterator[list[tuple[str, bytes]]]:
        return self._records.every_body(batch)

    async def find(self, identifiers: Sequence[CanonicalIdentifier]) -> list[tuple[SourceKey, ...]]:
        return await self._records.find(identifiers)

    async def find_words(self, words: Sequence[str], limit: int) -> list[SourceKey]:
        return await self._records.find_words(words, limit)


def _from_store(row: Contact) -> Contact:
    """Said once here, and not for each request that reads it."""
    return replace(row, provenance=replace(row.provenance, served_from=ServedFrom.CACHE))
