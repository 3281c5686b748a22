"""Reading the people of a source into the record store, page by page.

The cursor is saved in the transaction that stores its page, so a run that was killed goes on where
it stood. A full scan comes first, then only changes; once the policy of the source says so, a full
scan again, as the net below: what it does not see any more is deleted.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from domain.errors import GatewayError
from domain.ids import Kind
from domain.ports import Clock, IndexedContact, RecordStore, SyncCursor
from domain.records import Contact, Record
from domain.sources import ChangedSince, Changes, Deadline, Source

PAGE_TIMEOUT_S: Final = 60.0
"""For one page, with the waiting that the source's rate limit asks for."""


class Index(Protocol):
    """What makes a contact findable."""

    def index(self, contact: Contact) -> IndexedContact: ...


@dataclass(slots=True, kw_only=True)
class Progress:
    """What a run of one source has come to, in records; `error` ended it."""

    source: str
    is_full: bool = False
    pages: int = 0
    read: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    failed: int = 0
    is_done: bool = False
    error: GatewayError | None = None


Watch = Callable[[Progress], None]


class Sync:
    """Reads sources into the store."""

    def __init__(self, records: RecordStore, index: Index, clock: Clock) -> None:
        self._records = records
        self._index = index
        self._clock = clock

    async def run(
        self, sources: Sequence[Source], *, full: bool = False, watch: Watch = lambda _: None
    ) -> list[Progress]:
        """All sources that hold people, side by side; each ends by itself."""
        reading = [self._source(s, full, watch) for s in sources if Kind.CONTACT in s.changes]
        return await asyncio.gather(*reading)

    async def _source(self, source: Source, full: bool, watch: Watch) -> Progress:
        progress = Progress(source=source.name)
        try:
            await self._read(source, full, progress, watch)
        except GatewayError as error:
            progress.error = error
        progress.is_done = True
        watch(progress)
        return progress

    async def _read(self, source: Source, full: bool, progress: Progress, watch: Watch) -> None:
        changes = source.changes[Kind.CONTACT]
        stand = await self._start(source, changes, full)
        progress.is_full = stand.scan_started_at is not None
        more = True
        while more:
            watch(progress)
            page = await changes.changed_since(stand.cursor, _deadline())
            stand = replace(stand, cursor=page.cursor, updated_at=self._clock.now())
            await self._store(source, page, stand, progress)
            more = page.more
        if progress.is_full:
            await self._finish(source, stand, progress)

    async def _start(self, source: Source, changes: ChangedSince[Record], full: bool) -> SyncCursor:
        """Where to go on: in a scan that was not finished, after the last change, or anew."""
        stand = await self._records.cursor(source.name, Kind.CONTACT)
        now = self._clock.now()
        scanned = stand.scan_finished_at
        is_due = scanned is None or now - scanned >= changes.policy.full_scan_every
        if stand.scan_started_at is not None and not full:
            return stand
        if full or stand.cursor is None or is_due:
            return SyncCursor(cursor=None, scan_started_at=now, scan_finished_at=scanned)
        return stand

    async def _store(
        self, source: Source, page: Changes[Record], stand: SyncCursor, progress: Progress
    ) -> None:
        contacts = [self._index.index(one) for one in page.records if isinstance(one, Contact)]
        stored = await self._records.put_page(
            source.name, Kind.CONTACT, contacts, page.deleted, stand
        )
        progress.pages += 1
        progress.read += len(page.records) + page.dropped
        progress.changed += stored.changed
        progress.unchanged += stored.unchanged
        progress.deleted += stored.deleted
        progress.failed += page.dropped

    async def _finish(self, source: Source, stand: SyncCursor, progress: Progress) -> None:
        """Rows that could not be read were there all the same: after such a scan nothing is held to
        be deleted.
        """
        done = replace(stand, scan_finished_at=self._clock.now())
        if progress.failed:
            done = replace(done, scan_started_at=None)
            await self._records.put_page(source.name, Kind.CONTACT, [], [], done)
        else:
            progress.deleted += await self._records.finish_scan(source.name, Kind.CONTACT, done)


def _deadline() -> Deadline:
    return Deadline(asyncio.get_running_loop().time() + PAGE_TIMEOUT_S)
