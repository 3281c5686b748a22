"""Reading people into a real store: whole, resumed, and what a broken run leaves behind."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from domain.errors import SourceTimeout, SourceUnavailable
from domain.ids import Kind, SourceKey
from domain.ports import IndexedContact
from domain.provenance import Provenance, SourceStatus, System
from domain.records import Contact
from domain.sources import Changes, CursorKind, CursorPolicy, Deadline, Source
from domain.vocabulary import SourceState, SystemKind
from gateway.sync import Progress, Sync
from state.engine import State, open_state


class Plain:
    """An index that finds nothing."""

    def index(self, contact: Contact) -> IndexedContact:
        return IndexedContact(contact=contact, identifiers=(), words=())


POLICY = CursorPolicy(
    kind=CursorKind.OPAQUE,
    resolution=timedelta(0),
    overlap=timedelta(0),
    covers=frozenset(),
    full_scan_every=timedelta(days=7),
)


@dataclass
class Crm:
    """A source of numbered people, two a page. The cursor is how many changes were handed out."""

    clock: Any
    people: list[str] = field(default_factory=lambda: [str(n) for n in range(1, 8)])
    changes: list[str] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)
    fails_at: int | None = None
    dropped: int = 0
    policy: CursorPolicy = POLICY

    async def changed_since(self, cursor: str | None, deadline: Deadline) -> Changes[Any]:
        self.asked.append(cursor)
        if self.fails_at is not None and len(self.asked) > self.fails_at:
            raise SourceTimeout("crm", "no answer")
        kind, start = (cursor or "scan:0").split(":")
        listed = self.people if kind == "scan" else self.changes
        page, end = listed[int(start) : int(start) + 2], int(start) + 2
        more = end < len(listed)
        following = f"{kind}:{end}" if more else f"changes:{len(self.changes)}"
        records = tuple(self._contact(one) for one in page)
        return Changes(
            records=records, deleted=(), cursor=following, more=more, dropped=self.dropped
        )

    def _contact(self, external_id: str) -> Contact:
        system = System(name="crm", kind=SystemKind.CRM, connector="test")
        return Contact(
            key=SourceKey("crm", Kind.CONTACT, external_id),
            provenance=Provenance(
                system=system, external_id=external_id, fetched_at=self.clock.now()
            ),
            full_name=f"Person {external_id}",
        )

    @property
    def source(self) -> Source:
        system = System(name="crm", kind=SystemKind.CRM, connector="test")
        return Source(
            system=system,
            gets={},
            children={},
            search=None,
            changes={Kind.CONTACT: self},
            webhooks=None,
            status=lambda: SourceStatus(system=system, state=SourceState.OK),
        )


@pytest.fixture
async def state(clock: Any) -> AsyncIterator[State]:
    opened = open_state("sqlite://", clock=clock)
    await opened.upgrade()
    yield opened
    await opened.close()


@pytest.fixture
def crm(clock: Any) -> Crm:
    return Crm(clock)


async def _run(state: State, crm: Crm, **options: Any) -> Progress:
    (done,) = await Sync(state.records, Plain(), crm.clock).run([crm.source], **options)
    return done


async def _stored(state: State) -> list[str]:
    pages = [page async for page in state.records.every_contact()]
    return [one.key.external_id for page in pages for one in page]


async def test_the_first_run_reads_everything(state: State, crm: Crm) -> None:
    done = await _run(state, crm)
    assert (done.read, done.changed, done.deleted, done.failed) == (7, 7, 0, 0)
    assert (done.is_full, done.pages, done.error) == (True, 4, None)
    assert await _stored(state) == crm.people


async def test_the_next_run_reads_what_changed(state: State, crm: Crm) -> None:
    await _run(state, crm)
    crm.changes = ["3", "8"]
    crm.asked.clear()
    done = await _run(state, crm)
    assert crm.asked == ["changes:0"]
    assert (done.is_full, done.read, done.changed, done.unchanged) == (False, 2, 1, 1)
    assert await _stored(state) == [*crm.people, "8"]


async def test_a_run_that_was_cut_goes_on_where_it_stood(state: State, crm: Crm) -> None:
    crm.fails_at = 2
    cut = await _run(state, crm)
    assert isinstance(cut.error, SourceTimeout)
    assert await _stored(state) == ["1", "2", "3", "4"]
    crm.fails_at = None
    crm.asked.clear()
    done = await _run(state, crm)
    assert crm.asked == ["scan:4", "scan:6"]
    assert done.is_full
    assert await _stored(state) == crm.people


async def test_a_cut_run_ends_in_the_state_of_a_whole_one(state: State, crm: Crm) -> None:
    await _run(state, crm)
    whole = await state.records.cursor("crm", Kind.CONTACT)
    crm.fails_at = 0
    await _run(state, crm, full=True)
    for _ in range(3):
        crm.fails_at = len(crm.asked) + 1
        assert (await _run(state, crm)).pages == 1
    crm.fails_at = None
    assert (await _run(state, crm)).pages == 1
    assert await _stored(state) == crm.people
    assert await state.records.cursor("crm", Kind.CONTACT) == whole


async def test_who_is_gone_is_deleted_by_the_next_full_scan(state: State, crm: Crm) -> None:
    await _run(state, crm)
    crm.people.remove("4")
    assert (await _run(state, crm)).deleted == 0
    crm.clock.advance(timedelta(seconds=1))
    done = await _run(state, crm, full=True)
    assert done.deleted == 1
    assert await _stored(state) == crm.people


async def test_a_full_scan_comes_by_itself_once_it_is_due(state: State, crm: Crm) -> None:
    await _run(state, crm)
    crm.people.remove("4")
    crm.clock.advance(timedelta(days=7))
    done = await _run(state, crm)
    assert (done.is_full, done.deleted) == (True, 1)


async def test_a_scan_that_could_not_read_every_row_deletes_nobody(state: State, crm: Crm) -> None:
    await _run(state, crm)
    crm.people.remove("4")
    crm.dropped = 1
    crm.clock.advance(timedelta(seconds=1))
    done = await _run(state, crm, full=True)
    assert (done.failed, done.deleted) == (3, 0)
    assert len(await _stored(state)) == 7
    crm.dropped = 0
    crm.asked.clear()
    await _run(state, crm)
    assert crm.asked == ["changes:0"]


async def test_one_source_that_fails_does_not_end_the_others(state: State, crm: Crm) -> None:
    class Dead(Crm):
        async def changed_since(self, cursor: str | None, deadline: Deadline) -> Changes[Any]:
            raise SourceUnavailable("shop", "refused")

    dead = Dead(crm.clock).source
    sync = Sync(state.records, Plain(), crm.clock)
    failed, done = await sync.run([dead, crm.source])
    assert isinstance(failed.error, SourceUnavailable)
    assert done.read == 7


async def test_a_source_without_people_is_left_out(state: State, crm: Crm) -> None:
    source = crm.source
    bare = Source(
        system=source.system,
        gets={},
        children={},
        search=None,
        changes={},
        webhooks=None,
        status=source.status,
    )
    assert await Sync(state.records, Plain(), crm.clock).run([bare]) == []


async def test_progress_is_told_page_by_page_and_at_the_end(state: State, crm: Crm) -> None:
    told: list[tuple[int, bool]] = []

    def watch(one: Progress) -> None:
        told.append((one.read, one.is_done))

    await _run(state, crm, watch=watch)
    assert told == [(0, False), (2, False), (4, False), (6, False), (7, True)]
