"""What no webhook told: read as a sync reads it, and put into the inbox with everything else."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from domain.ids import Kind, SourceKey
from domain.inbox import Inbox, Intake
from domain.ports import Clock, IndexedContact, RecordStore, StoredPage, SyncCursor
from domain.records import Contact
from domain.sources import ChangeKind, Source, SourceEvent
from resolvers.hints import FOUND
from resolvers.ingest import KIND, Index, SyncReport, sync_source
from resolvers.services import Services

GHOSTS = 1_000


async def reconcile(
    source: Source, services: Services, inbox: Inbox, intake: Intake, index: Index
) -> SyncReport | None:
    """Read what changed at a source since the last time, and tell the inbox of every difference.
    None for a source whose people were never read whole: that is for `knownas sync`.

    Raises what `sync_source` raises, and InboxFull; what was stored by then is in the inbox.
    """
    records, clock = services.records, services.clock
    stand = await records.cursor(source.name, KIND)
    if KIND not in source.changes or stand.scan_finished_at is None:
        return None
    watched = cast(RecordStore, _Watched(records, inbox, clock))
    report = await sync_source(source, watched, index, clock)
    if report.deleted or report.full:
        ghosts = await intake.ghosts(source.name, GHOSTS)
        await inbox.append([_hint(key, ChangeKind.DELETED, clock.now()) for key in ghosts])
    return report


def _hint(key: SourceKey, change: ChangeKind, found_at: datetime) -> SourceEvent:
    event_id = f"{FOUND}{found_at.isoformat()}/{key.external_id}"
    return SourceEvent(event_id=event_id, key=key, change=change)


class _Watched:
    """A record store of which every page is compared with what stood before. The hints are written
    first: a fall between the two repeats them, and loses none.
    """

    def __init__(self, records: RecordStore, inbox: Inbox, clock: Clock) -> None:
        self._records = records
        self._inbox = inbox
        self._clock = clock

    async def put_page(
        self,
        source: str,
        kind: Kind,
        contacts: Sequence[IndexedContact],
        deleted: Sequence[SourceKey],
        cursor: SyncCursor,
    ) -> StoredPage:
        now = self._clock.now()
        found = [one.contact for one in contacts]
        kept = await self._records.contacts([one.key for one in found])
        changed = [new.key for new, old in zip(found, kept, strict=True) if _differs(new, old)]
        lost = [key for key, old in await self._named(deleted) if old is not None]
        hints = [_hint(key, ChangeKind.CHANGED, now) for key in changed]
        await self._inbox.append([*hints, *(_hint(key, ChangeKind.DELETED, now) for key in lost)])
        return await self._records.put_page(source, kind, contacts, deleted, cursor)

    async def _named(self, keys: Sequence[SourceKey]) -> list[tuple[SourceKey, Contact | None]]:
        kept = await self._records.contacts(keys) if keys else []
        return list(zip(keys, kept, strict=True))

    def __getattr__(self, name: str) -> object:
        """Everything else is the store's own."""
        return getattr(self._records, name)


def _differs(new: Contact, old: Contact | None) -> bool:
    """Whether it reads otherwise, whenever it was read."""
    if old is None:
        return True
    return new != replace(
        old, provenance=replace(old.provenance, fetched_at=new.provenance.fetched_at)
    )
