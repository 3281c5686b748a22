import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import (
    InputError,
    NotSupported,
    SourceProtocolError,
    SourceRateLimited,
    SourceUnavailable,
)
from domain.ids import Kind, SourceKey
from domain.ports import IndexedContact, SyncCursor
from domain.provenance import Provenance, SourceStatus, System
from domain.records import Contact, Order
from domain.sources import Changes, CursorKind, CursorPolicy, Source
from domain.vocabulary import SourceState, SystemKind
from resolvers.ingest import SyncProgress, sync_all, sync_source
from state.engine import open_state

PAGE = 3
POLICY = CursorPolicy(
    kind=CursorKind.OPAQUE,
    resolution=timedelta(seconds=1),
    overlap=timedelta(0),
    covers=frozenset({Kind.CONTACT}),
    full_scan_every=timedelta(days=1),
)


@dataclass
class Vendor:
    """A system with people in it and a log of what happened to them. Its cursor is a place in its
    list ("scan:3:7": the scan began when the log had 7 entries) or in its log ("log:7").
    """

    name: str
    clock: Callable[[], datetime]
    people: dict[str, str] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    changed: dict[str, datetime] = field(default_factory=dict)
    asked: list[str | None] = field(default_factory=list)
    policy: CursorPolicy = POLICY
    before_answer: Callable[[int, str | None], None] = lambda *_: None

    def put(self, id: str, name: str) -> None:
        self.people[id] = name
        self.changed[id] = self.clock()
        self.log.append(id)

    def remove(self, id: str, *, quietly: bool = False) -> None:
        del self.people[id]
        if not quietly:
            self.log.append(id)

    async def changed_since(self, cursor, deadline) -> Changes:
        assert deadline > asyncio.get_running_loop().time()
        self.asked.append(cursor)
        self.before_answer(len(self.asked), cursor)
        if cursor is None or cursor.startswith("scan:"):
            return self._scanned(cursor or f"scan:0:{len(self.log)}")
        return self._logged(int(cursor.removeprefix("log:")))

    def _scanned(self, cursor: str) -> Changes:
        _, start, begun = cursor.split(":")
        ids = sorted(self.people)[int(start) : int(start) + PAGE]
        more = int(start) + PAGE < len(self.people)
        following = f"scan:{int(start) + PAGE}:{begun}" if more else f"log:{begun}"
        return self._page(ids, following, more=more)

    def _logged(self, start: int) -> Changes:
        end = min(start + PAGE, len(self.log))
        ids = list(dict.fromkeys(self.log[start:end]))
        return self._page(ids, f"log:{end}", more=end < len(self.log))

    def _page(self, ids: list[str], cursor: str, *, more: bool) -> Changes:
        return Changes(
            records=tuple(self.contact(id) for id in ids if id in self.people),
            deleted=tuple(self.key(id) for id in ids if id not in self.people),
            cursor=cursor,
            more=more,
        )

    def key(self, id: str) -> SourceKey:
        return SourceKey(self.name, Kind.CONTACT, id)

    def contact(self, id: str) -> Contact:
        said = Provenance(
            system=self.system(),
            external_id=id,
            fetched_at=self.clock(),
            source_updated_at=self.changed[id],
        )
        return Contact(key=self.key(id), provenance=said, full_name=self.people[id])

    def system(self) -> System:
        return System(name=self.name, kind=SystemKind.CRM, connector="fake")

    def source(self, **more: object) -> Source:
        source = Source(
            system=self.system(),
            gets={Kind.CONTACT: None},
            children={},
            search=None,
            changes={Kind.CONTACT: self},
            webhooks=None,
            status=lambda: SourceStatus(system=self.system(), state=SourceState.OK),
        )
        return replace(source, **more)


def index(contact: Contact) -> IndexedContact:
    return IndexedContact(contact=contact, identifiers=(), words=(contact.full_name.lower(),))


@pytest.fixture
def vendor(clock):
    vendor = Vendor("crm", clock.now)
    for number in range(10):
        vendor.put(str(number), f"Person {number}")
    return vendor


@pytest.fixture
async def new_records(clock, migrated, tmp_path):
    """Fresh record stores."""
    states = []

    async def build():
        own = shutil.copy(migrated, tmp_path / f"{len(states)}.db")
        states.append(open_state(f"sqlite:///{own}", clock=clock))
        return states[-1].records

    yield build
    for state in states:
        await state.close()


@pytest.fixture
async def records(new_records):
    return await new_records()


@pytest.fixture
def sync(records, clock):
    async def run(vendor, **options):
        return await sync_source(vendor.source(), records, index, clock, **options)

    return run


async def kept(records) -> dict[str, str]:
    return {
        contact.key.external_id: contact.full_name
        async for batch in records.every_contact()
        for contact in batch
    }


async def test_the_first_sync_reads_everything(vendor, records, sync, clock):
    report = await sync(vendor)
    assert await kept(records) == vendor.people
    assert (report.full, report.pages, report.read, report.changed) == (True, 4, 10, 10)
    assert await records.cursor("crm", Kind.CONTACT) == SyncCursor(
        cursor="log:10", scan_finished_at=clock.now(), updated_at=clock.now()
    )


async def test_the_next_sync_reads_what_changed(vendor, records, sync, clock):
    await sync(vendor)
    clock.advance(timedelta(minutes=5))
    vendor.put("3", "Renamed")
    vendor.put("99", "New")
    vendor.remove("4")
    report = await sync(vendor)
    assert await kept(records) == vendor.people
    assert (report.full, report.pages, report.read) == (False, 1, 2)
    assert (report.changed, report.deleted, report.unchanged) == (2, 1, 0)
    assert vendor.asked[-1] == "log:10"


async def test_nothing_new_is_one_call_and_no_change(vendor, sync):
    await sync(vendor)
    report = await sync(vendor)
    assert (report.pages, report.read, report.changed, report.deleted) == (1, 0, 0, 0)


async def test_everything_is_read_on_request_and_when_it_is_time(vendor, records, sync, clock):
    await sync(vendor)
    vendor.remove("5", quietly=True)
    clock.advance(timedelta(hours=1))
    assert (await sync(vendor)).deleted == 0
    report = await sync(vendor, full=True)
    assert (report.full, report.deleted, report.unchanged) == (True, 1, 9)
    vendor.remove("6", quietly=True)
    clock.advance(timedelta(hours=23))
    assert (await sync(vendor)).full is False
    clock.advance(timedelta(hours=1))
    report = await sync(vendor)
    assert (report.full, report.deleted) == (True, 1)
    assert await kept(records) == vendor.people


async def test_progress_is_told_page_by_page(vendor, sync):
    told: list[SyncProgress] = []
    report = await sync(vendor, progress=told.append)
    assert [step.read for step in told] == [3, 6, 9, 10, 10]
    assert {step.source for step in told} == {"crm"}
    assert told[-1].changed == report.changed == 10


async def play(vendor: Vendor, clock, run: Callable) -> None:
    """A full scan, changes, a full scan on request: `run` is called until each is done."""
    await run(full=False)
    clock.advance(timedelta(minutes=5))
    for number in (1, 3, 5, 7):
        vendor.put(str(number), f"Renamed {number}")
    vendor.remove("8")
    await run(full=False)
    clock.advance(timedelta(minutes=5))
    vendor.remove("2", quietly=True)
    vendor.put("11", "Late")
    await run(full=True)


async def outcome(records) -> tuple[dict[str, str], SyncCursor]:
    return await kept(records), await records.cursor("crm", Kind.CONTACT)


@pytest.mark.parametrize("where", ["before the answer", "after the page is stored"])
async def test_interrupted_after_any_page_and_repeated_is_as_uninterrupted(
    clock, new_records, where
):
    """Cancelled once after every page in turn, over a full scan, a change and a full scan more."""

    def company() -> Vendor:
        vendor = Vendor("crm", clock.now)
        for number in range(10):
            vendor.put(str(number), f"Person {number}")
        return vendor

    start = clock.now()

    async def story(interrupted_at: int | None) -> tuple[object, int]:
        clock.set(start)
        vendor, records = company(), await new_records()
        pages = 0

        def step(*_: object) -> None:
            nonlocal pages
            pages += 1
            if pages == interrupted_at:
                task.cancel()
                if where == "before the answer":
                    raise asyncio.CancelledError

        async def run(*, full: bool) -> None:
            nonlocal task
            heard = {"progress": step} if where != "before the answer" else {}
            for _ in range(2):
                task = asyncio.create_task(
                    sync_source(vendor.source(), records, index, clock, full=full, **heard)
                )
                await asyncio.wait({task})
                if not task.cancelled():
                    task.result()
                    return

        task: asyncio.Task
        if where == "before the answer":
            vendor.before_answer = step
        await play(vendor, clock, run)
        return await outcome(records), pages

    expected, pages = await story(None)
    assert expected[0]["1"] == "Renamed 1"
    assert "2" not in expected[0]
    for turn in range(1, pages + 1):
        found, _ = await story(turn)
        assert found == expected, f"interrupted at {turn} of {pages}"


async def test_an_interrupted_full_scan_goes_on_where_it_stopped(vendor, records, sync):
    def fail(calls: int, _: str | None) -> None:
        if calls == 3:
            raise SourceUnavailable("crm", "gone")

    vendor.before_answer = fail
    with pytest.raises(SourceUnavailable):
        await sync(vendor, full=True)
    assert len(await kept(records)) == 6
    report = await sync(vendor, full=True)
    assert vendor.asked == [None, "scan:3:10", "scan:6:10", "scan:6:10", "scan:9:10"]
    assert (report.full, report.read) == (True, 4)
    assert await kept(records) == vendor.people


async def test_a_scan_interrupted_too_long_ago_starts_anew(vendor, records, sync, clock):
    def fail(calls: int, _: str | None) -> None:
        if calls == 2:
            raise SourceUnavailable("crm", "gone")

    vendor.before_answer = fail
    with pytest.raises(SourceUnavailable):
        await sync(vendor)
    clock.advance(timedelta(days=1))
    await sync(vendor)
    assert vendor.asked[2] is None
    assert await kept(records) == vendor.people


async def test_a_cursor_that_is_no_longer_understood_leads_to_a_full_scan(
    vendor, records, sync, clock
):
    await sync(vendor)
    vendor.remove("5", quietly=True)
    clock.advance(timedelta(minutes=1))

    def forget(_: int, cursor: str | None) -> None:
        if cursor == "log:10":
            vendor.before_answer = lambda *_: None
            raise InputError("crm: not a cursor of this source")

    vendor.before_answer = forget
    report = await sync(vendor)
    assert (report.full, report.deleted) == (True, 1)
    assert await kept(records) == vendor.people


async def test_a_broken_answer_is_an_error_and_not_a_full_scan(vendor, sync):
    await sync(vendor)

    def lie(*_: object) -> None:
        raise SourceProtocolError("crm", "broken JSON")

    vendor.before_answer = lie
    asked = len(vendor.asked)
    with pytest.raises(SourceProtocolError):
        await sync(vendor)
    assert vendor.asked[asked:] == ["log:10"]


@pytest.mark.parametrize("circle", [["a", "a"], ["a", "b", "a"]])
async def test_a_list_that_makes_no_progress_is_an_error(vendor, records, sync, circle):
    answers = iter(circle)

    async def turn(cursor, deadline) -> Changes:
        return Changes(records=(), deleted=(), cursor=next(answers), more=True)

    vendor.changed_since = turn
    with pytest.raises(SourceProtocolError, match="circle"):
        await sync(vendor)


async def test_a_source_that_says_wait_is_waited_for(vendor, records, sync):
    def limit(calls: int, _: str | None) -> None:
        if calls in (2, 3):
            raise SourceRateLimited("crm", "slow down", 7.0 if calls == 2 else None)

    waited: list[float] = []

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    vendor.before_answer = limit
    await sync(vendor, pause=pause)
    assert waited == [7.0, 30.0]
    assert await kept(records) == vendor.people


@pytest.mark.parametrize("retry_after_s", [1.0, 3600.0])
async def test_a_source_that_only_ever_says_wait_is_left(vendor, sync, retry_after_s):
    def limit(*_: object) -> None:
        raise SourceRateLimited("crm", "slow down", retry_after_s)

    async def pause(seconds: float) -> None:
        assert seconds < 3600

    vendor.before_answer = limit
    with pytest.raises(SourceRateLimited):
        await sync(vendor, pause=pause)
    assert len(vendor.asked) <= 6


async def test_dropped_rows_are_counted(vendor, sync):
    whole = vendor.changed_since

    async def lossy(cursor, deadline) -> Changes:
        return replace(await whole(cursor, deadline), dropped=2)

    vendor.changed_since = lossy
    assert (await sync(vendor)).dropped == 8


async def test_a_full_scan_that_could_not_read_every_row_holds_nobody_to_be_gone(
    vendor, records, sync
):
    await sync(vendor)
    whole = vendor.changed_since
    unreadable = SourceKey("crm", Kind.CONTACT, "3")

    async def lossy(cursor, deadline) -> Changes:
        page = await whole(cursor, deadline)
        readable = tuple(one for one in page.records if one.key != unreadable)
        return replace(page, records=readable, dropped=len(page.records) - len(readable))

    vendor.changed_since = lossy
    report = await sync(vendor, full=True)
    assert (report.dropped, report.deleted) == (1, 0)
    assert "3" in await kept(records)
    assert (await records.cursor("crm", Kind.CONTACT)).scan_started_at is None


async def test_other_things_among_people_are_an_error(vendor, records, sync):
    order = Order(
        key=SourceKey("crm", Kind.ORDER, "1"),
        provenance=vendor.contact("1").provenance,
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
    )

    async def mixed(cursor, deadline) -> Changes:
        return Changes(records=(order,), deleted=(), cursor="a", more=False)

    vendor.changed_since = mixed
    with pytest.raises(SourceProtocolError, match="other things"):
        await sync(vendor)
    assert (await records.cursor("crm", Kind.CONTACT)).cursor is None


async def test_a_source_without_the_capability_says_so(vendor, records, clock):
    with pytest.raises(NotSupported):
        await sync_source(vendor.source(changes={}), records, index, clock)


async def test_one_failing_source_does_not_stop_the_others(vendor, records, clock):
    def fail(calls: int, _: str | None) -> None:
        if calls == 3:
            raise SourceUnavailable("chat", "gone")

    chat = Vendor("chat", clock.now, people=dict(vendor.people), changed=dict(vendor.changed))
    chat.before_answer = fail
    shop = vendor.source(gets={}, changes={})
    unable = replace(vendor.source(changes={}), system=replace(vendor.system(), name="old"))
    sources = [chat.source(), shop, unable, vendor.source()]
    failed, refused, done = await sync_all(sources, records, index, clock)
    assert (failed.source, failed.read, str(failed.error)) == ("chat", 6, "chat: gone")
    assert isinstance(refused.error, NotSupported)
    assert (done.source, done.read, done.error) == ("crm", 10, None)


async def test_a_fault_of_ours_is_raised_after_the_other_sources_are_done(vendor, records, clock):
    async def broken(cursor, deadline) -> Changes:
        raise ZeroDivisionError

    chat = Vendor("chat", clock.now)
    chat.changed_since = broken
    with pytest.raises(ZeroDivisionError):
        await sync_all([chat.source(), vendor.source()], records, index, clock)
    assert await kept(records) == vendor.people


async def test_what_changed_is_settled_page_by_page_and_a_scan_leaves_it_to_the_referee(
    vendor, sync
):
    settled = []

    async def settle(keys):
        settled.append(sorted(key.external_id for key in keys))

    await sync(vendor, settle=settle)
    assert settled == []
    vendor.put("3", "Person Three")
    vendor.put("11", "Person 11")
    vendor.remove("5")
    await sync(vendor, settle=settle)
    assert sorted(key for page in settled for key in page) == ["11", "3", "5"]
