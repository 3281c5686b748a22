"""Bringing people in: whole at first and now and then, by what changed in between.

A page is stored together with its cursor, so that a sync may be stopped anywhere and goes on there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace

from domain.errors import (
    GatewayError,
    InputError,
    NotSupported,
    SourceProtocolError,
    SourceRateLimited,
)
from domain.ids import Kind, SourceKey
from domain.ports import Clock, IndexedContact, RecordStore, SyncCursor
from domain.records import Contact, Record
from domain.sources import ChangedSince, Changes, Deadline, Source

PAGE_TIMEOUT_S = 60.0
"""For one page. Nobody waits for a sync, so it is patient where a request is not."""
WAITS = 5
"""How often in a row a source may say that we come too soon."""
WAIT_S = 30.0
"""How long to wait where it does not say how long."""
MAX_WAIT_S = 300.0

KIND = Kind.CONTACT

Index = Callable[[Contact], IndexedContact]
Pause = Callable[[float], Awaitable[None]]
Settle = Callable[[Sequence[SourceKey]], Awaitable[None]]
"""Resolves records that were stored, or are gone; see IdentityGraph.settle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncProgress:
    """What a sync has come to. `read` counts records, `dropped` rows that were none."""

    source: str
    full: bool = False
    """Everything was read, not only what changed."""
    pages: int = 0
    read: int = 0
    changed: int = 0
    unchanged: int = 0
    deleted: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncReport(SyncProgress):
    """How a sync ended. With an `error` it stopped there; what was counted is stored."""

    error: GatewayError | None = None


Progress = Callable[[SyncProgress], None]


async def sync_source(
    source: Source,
    records: RecordStore,
    index: Index,
    clock: Clock,
    *,
    full: bool = False,
    progress: Progress = lambda _: None,
    pause: Pause = asyncio.sleep,
    settle: Settle | None = None,
) -> SyncReport:
    """Bring in the people of one source: what changed since the last time, or everything at the
    first time, on request, and as often as its policy says. A scan that was interrupted goes on.
    What changed is settled page by page; what a scan brings waits for a resolution of everything.

    Raises the error that stopped it; what was read before is stored.
    """
    sync = _Sync(
        source=source,
        records=records,
        index=index,
        clock=clock,
        progress=progress,
        pause=pause,
        settle=settle,
    )
    report = await _attempt(sync, full=full)
    if report.error is not None:
        raise report.error
    return report


async def sync_all(
    sources: Iterable[Source],
    records: RecordStore,
    index: Index,
    clock: Clock,
    *,
    full: bool = False,
    progress: Progress = lambda _: None,
    pause: Pause = asyncio.sleep,
    settle: Settle | None = None,
) -> list[SyncReport]:
    """Bring in the people of every source that holds any, side by side. One report per source, in
    order; a source that fails does not stop the others.
    """
    syncs = [
        _Sync(
            source=source,
            records=records,
            index=index,
            clock=clock,
            progress=progress,
            pause=pause,
            settle=settle,
        )
        for source in sources
        if source.holds_people
    ]
    ended = await asyncio.gather(
        *(_attempt(sync, full=full) for sync in syncs), return_exceptions=True
    )
    for result in ended:
        if isinstance(result, BaseException):
            raise result
    return [result for result in ended if isinstance(result, SyncReport)]


async def _attempt(sync: "_Sync", *, full: bool) -> SyncReport:
    error = None
    try:
        await sync.run(full=full)
    except GatewayError as raised:
        error = raised
    counts = {each.name: getattr(sync.done, each.name) for each in fields(SyncProgress)}
    return SyncReport(**counts, error=error)


@dataclass(slots=True, kw_only=True)
class _Sync:
    """One run over one source."""

    source: Source
    records: RecordStore
    index: Index
    clock: Clock
    progress: Progress
    pause: Pause
    settle: Settle | None
    done: SyncProgress = field(init=False)

    def __post_init__(self) -> None:
        self.done = SyncProgress(source=self.source.name)

    async def run(self, *, full: bool) -> None:
        changes = self.source.changes.get(KIND)
        if changes is None:
            raise NotSupported(self.source.name, "it cannot say whose records changed")
        stand = self._begin(await self.records.cursor(self.source.name, KIND), changes, full=full)
        try:
            page = await self._page(changes, stand)
        except (InputError, SourceProtocolError) as error:
            if not _is_lost(stand, error):
                raise
            stand = self._scan(stand)
            page = await self._page(changes, stand)
        await self._read_on(changes, stand, page)

    def _begin(self, stand: SyncCursor, changes: ChangedSince[Record], *, full: bool) -> SyncCursor:
        """Where to start: a scan under way is gone on with, unless it has grown too old."""
        since = stand.scan_started_at or stand.scan_finished_at
        due = since is None or self.clock.now() - since >= changes.policy.full_scan_every
        if due or (full and stand.scan_started_at is None):
            return self._scan(stand)
        self.done = replace(self.done, full=stand.scan_started_at is not None)
        return stand

    def _scan(self, stand: SyncCursor) -> SyncCursor:
        self.done = replace(self.done, full=True)
        return replace(stand, cursor=None, scan_started_at=self.clock.now())

    async def _read_on(
        self, changes: ChangedSince[Record], stand: SyncCursor, page: Changes[Record]
    ) -> None:
        passed = {stand.cursor}
        while True:
            if page.more and page.cursor in passed:
                raise SourceProtocolError(self.source.name, "its list of changes goes in a circle")
            passed.add(page.cursor)
            stand = await self._store(stand, page)
            if not page.more:
                break
            page = await self._page(changes, stand)
        if stand.scan_started_at is not None:
            await self._finish(stand)

    async def _page(self, changes: ChangedSince[Record], stand: SyncCursor) -> Changes[Record]:
        """The next page; waits where the source says that we come too soon."""
        for _ in range(WAITS):
            try:
                return await changes.changed_since(stand.cursor, _deadline())
            except SourceRateLimited as limited:
                wait_s = WAIT_S if limited.retry_after_s is None else limited.retry_after_s
                if wait_s > MAX_WAIT_S:
                    raise
            await self.pause(wait_s)
        return await changes.changed_since(stand.cursor, _deadline())

    async def _store(self, stand: SyncCursor, page: Changes[Record]) -> SyncCursor:
        contacts = self._contacts(page.records)
        # Normalising a page takes longer than the event loop may be held.
        indexed = await asyncio.to_thread(lambda: [self.index(contact) for contact in contacts])
        stand = replace(stand, cursor=page.cursor, updated_at=self.clock.now())
        stored = await self.records.put_page(self.source.name, KIND, indexed, page.deleted, stand)
        if self.settle is not None and stand.scan_started_at is None and stored.unsettled:
            await self.settle(stored.unsettled)
        self._tell(
            pages=1,
            read=len(contacts),
            changed=stored.changed,
            unchanged=stored.unchanged,
            deleted=stored.deleted,
            dropped=page.dropped,
        )
        return stand

    async def _finish(self, stand: SyncCursor) -> None:
        """Rows that could not be read were there all the same: after such a scan nobody is held to
        be gone.
        """
        now = self.clock.now()
        stand = replace(stand, scan_finished_at=now, updated_at=now)
        if self.done.dropped:
            stand = replace(stand, scan_started_at=None)
            await self.records.put_page(self.source.name, KIND, [], [], stand)
            return
        self._tell(deleted=await self.records.finish_scan(self.source.name, KIND, stand))

    def _contacts(self, found: Sequence[Record]) -> list[Contact]:
        contacts = [record for record in found if isinstance(record, Contact)]
        if len(contacts) < len(found):
            raise SourceProtocolError(self.source.name, "it lists other things among people")
        return contacts

    def _tell(self, **more: int) -> None:
        sums = {name: getattr(self.done, name) + count for name, count in more.items()}
        self.done = replace(self.done, **sums)
        self.progress(self.done)


def _is_lost(stand: SyncCursor, error: GatewayError) -> bool:
    """Whether a kept cursor leads nowhere any more, and everything has to be read anew: its form is
    no longer the connector's, or the vendor has forgotten it in the middle of a scan.
    """
    if stand.cursor is None:
        return False
    return isinstance(error, InputError) or stand.scan_started_at is not None


def _deadline() -> Deadline:
    return Deadline(asyncio.get_running_loop().time() + PAGE_TIMEOUT_S)
