"""Events are hints: the source is asked again, the newer is kept, the dead stay dead."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from domain.errors import (
    ClusterConflict,
    SourceError,
    SourceProtocolError,
    SourceRateLimited,
    SourceUnavailable,
    StaleVersion,
)
from domain.ids import CustomerId, Kind, SourceKey
from domain.inbox import EntryState
from domain.ports import Assignment, IndexedContact, Resolution
from domain.provenance import Provenance, SourceStatus, System
from domain.records import Contact
from domain.sources import ChangeKind, Changes, CursorKind, CursorPolicy, Source, SourceEvent
from domain.vocabulary import SourceState, SystemKind
from resolvers.arrivals import Arrivals
from resolvers.events import Applied, Events
from resolvers.ingest import sync_source
from resolvers.reconcile import reconcile
from resolvers.services import Services
from state.engine import open_state

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
STRIKES = 5
POLICY = CursorPolicy(
    kind=CursorKind.OPAQUE,
    resolution=timedelta(seconds=1),
    overlap=timedelta(0),
    covers=frozenset({Kind.CONTACT}),
    full_scan_every=timedelta(days=1),
)


@dataclass
class Vendor:
    """People by id, as (name, changed at, absorbed ids); what was absorbed leads on."""

    system: System
    clock: object
    rows: dict[str, Contact] = field(default_factory=dict)
    leads: dict[str, str] = field(default_factory=dict)
    failure: SourceError | None = None
    asked: list[list[str]] = field(default_factory=list)
    policy: CursorPolicy = POLICY

    def put(self, one: str, name: str, minutes: float = 0.0, *absorbed: str) -> None:
        at = NOON + timedelta(minutes=minutes)
        self.rows[one] = Contact(
            key=SourceKey(self.system.name, Kind.CONTACT, one),
            provenance=Provenance(
                system=self.system, external_id=one, fetched_at=NOON, source_updated_at=at
            ),
            full_name=name,
            merged_ids=absorbed,
        )
        for gone in absorbed:
            self.rows.pop(gone, None)
            self.leads[gone] = one

    def _read(self, row: Contact) -> Contact:
        return replace(row, provenance=replace(row.provenance, fetched_at=self.clock.now()))

    async def get_many(self, ids: Sequence[str], fields: object, deadline: float) -> list[object]:
        self.asked.append(list(ids))
        if self.failure is not None:
            return [self.failure] * len(ids)
        found = [self.rows.get(self.leads.get(one, one)) for one in ids]
        return [row and self._read(row) for row in found]

    async def changed_since(self, cursor: str | None, deadline: float) -> Changes:
        if self.failure is not None:
            raise self.failure
        rows = tuple(map(self._read, self.rows.values()))
        return Changes(records=rows, deleted=(), cursor="end", more=False)


@dataclass
class Identity:
    """Everybody with one name is one person; who is settled is counted."""

    state: object
    settled: list[list[str]] = field(default_factory=list)
    refuses: dict[str, Exception] = field(default_factory=dict)
    minted: int = 0

    async def settle(self, keys: Sequence[SourceKey]) -> None:
        due = [key for key in keys if key in await self.state.arrivals.waiting(1_000)]
        for key in keys:
            if key.external_id in self.refuses:
                raise self.refuses[key.external_id]
        if due:
            self.settled.append([key.external_id for key in due])
            await self._publish(due)
            await self.state.arrivals.settle(_nothing, keys=due)

    async def _publish(self, due: Sequence[SourceKey]) -> None:
        kept = [c async for page in self.state.records.every_contact() for c in page]
        standing = await self.state.identities.memberships()
        owners = {key: one for one, keys in standing.items() for key in keys}
        by_name: dict[str, list[SourceKey]] = defaultdict(list)
        for contact in sorted(kept, key=lambda one: one.key):
            if contact.key in owners or contact.key in due:
                by_name[contact.full_name].append(contact.key)
        assignments, used, redirects = [], set(), {}
        for keys in by_name.values():
            mine = sorted({owners[key] for key in keys if key in owners} - used)
            self.minted += not mine
            one = mine[0] if mine else CustomerId(f"cus_{self.minted}")
            redirects |= dict.fromkeys(mine[1:], one)
            used.update(mine, [one])
            assignments.append(Assignment(id=one, members=tuple(keys), confidence=1.0))
        retired = sorted(standing.keys() - used)
        await self.state.identities.publish(
            Resolution(assignments=assignments, redirects=redirects, retired=retired)
        )


def _nothing(_desk: object) -> Resolution:
    return Resolution(assignments=[], redirects={})


class Bench:
    """Vendors, a store, and events between them."""

    def __init__(self, state, clock):
        self.state, self.clock = state, clock
        self.vendors = {
            name: Vendor(System(name=name, kind=SystemKind.CRM, connector="test"), clock)
            for name in ("crm", "shop")
        }
        self.crm = self.vendors["crm"]
        self.identity = Identity(state)
        self.heard: list[Applied] = []
        self.services = Services(
            sources={name: self._source(vendor) for name, vendor in self.vendors.items()},
            identity=self.identity,
            decisions=state.decisions,
            mint=lambda: CustomerId("cus_x"),
            records=state.records,
            cache=None,
            clock=clock,
            telemetry=None,
        )
        arrivals = Arrivals(self.services, state.intake, state.identities, index)
        self.events = Events(
            self.services, state.intake, arrivals, dice=Random(7), listener=self._hear
        )

    def _source(self, vendor):
        people = {Kind.CONTACT: vendor}
        status = SourceStatus(system=vendor.system, state=SourceState.OK)
        return Source(
            system=vendor.system,
            gets=people,
            children={},
            search=None,
            changes=people,
            webhooks=None,
            status=lambda: status,
        )

    async def _hear(self, applied):
        self.heard.append(applied)

    async def tell(self, *events):
        await self.state.inbox.append(events)

    async def work(self):
        """Apply until nothing is due; the outcome counts of all of it."""
        counts = {}
        while claim := await self.state.inbox.claim(100, 60):
            outcome = await self.events.apply(claim.entries)
            await self.state.inbox.settle(
                claim, done=outcome.done, again=outcome.again, limit=STRIKES
            )
            for (_, what), count in outcome.counts.items():
                counts[what] = counts.get(what, 0) + count
        return counts

    async def told(self, *events):
        await self.tell(*events)
        return await self.work()

    async def names(self):
        kept = [c async for page in self.state.records.every_contact() for c in page]
        return {one.key.external_id: one.full_name for one in kept}

    async def people(self):
        """Who is together, by ids."""
        clusters = await self.state.identities.memberships()
        return sorted(sorted(key.external_id for key in keys) for keys in clusters.values())


def index(contact):
    return IndexedContact(contact=contact, identifiers=(), words=())


@pytest.fixture
async def bench(sqlite_state, clock):
    clock.set(NOON + timedelta(hours=1))
    state = open_state(sqlite_state, clock=clock)
    yield Bench(state, clock)
    await state.close()


_numbers = iter(range(10**9))


def event(one, change=ChangeKind.CHANGED, *, source="crm", at=None, into=None, id=None):
    return SourceEvent(
        event_id=id or f"e{next(_numbers)}",
        key=SourceKey(source, Kind.CONTACT, one),
        change=change,
        occurred_at=None if at is None else NOON + timedelta(minutes=at),
        into=into,
    )


async def test_many_events_of_a_row_are_one_question_and_many_rows_one_call(bench):
    bench.crm.put("1", "Ada")
    bench.crm.put("2", "Bob")
    counts = await bench.told(event("1"), event("2"), event("1"), event("1"))
    assert bench.crm.asked == [["1", "2"]]
    assert counts == {"changed": 4}
    assert await bench.names() == {"1": "Ada", "2": "Bob"}
    assert await bench.people() == [["1"], ["2"]]
    assert bench.heard[-1].changed == tuple(sorted(event(one).key for one in "12"))


async def test_what_reads_as_before_is_not_resolved_again(bench):
    bench.crm.put("1", "Ada")
    await bench.told(event("1"))
    assert await bench.told(event("1")) == {"unchanged": 1}
    assert bench.identity.settled == [["1"]]


async def test_whose_worker_died_is_resolved_although_it_reads_as_before(bench, clock):
    bench.crm.put("1", "Ada")
    await bench.tell(event("1"))
    claim = await bench.state.inbox.claim(10, 60)
    await bench.state.intake.receive(
        [index((await bench.crm.get_many(["1"], None, 0))[0])], [], clock.now()
    )
    assert claim is not None
    assert await bench.people() == []
    clock.advance(timedelta(seconds=60))
    await bench.work()
    assert await bench.people() == [["1"]]


async def test_order_and_repetition_do_not_matter(bench):
    bench.crm.put("1", "Ada", 1)
    bench.crm.put("2", "Ada", 2)
    events = [event(one, id=f"{one}-{n}") for one in "12" for n in range(4)]
    events.append(event("3", ChangeKind.DELETED, at=3, id="gone"))
    for seed in range(5):
        shuffled = [*events, *events[:3]]
        Random(seed).shuffle(shuffled)
        for one in shuffled:
            await bench.told(one)
    assert await bench.names() == {"1": "Ada", "2": "Ada"}
    assert await bench.people() == [["1", "2"]]


async def test_deleted_then_updated_late_stays_deleted(bench):
    bench.crm.put("1", "Ada", 1)
    await bench.told(event("1"))
    # The vendor's index lags: it still shows the row as it was before the deletion.
    assert await bench.told(event("1", ChangeKind.DELETED, at=5)) == {"gone": 1}
    assert await bench.told(event("1", at=1)) == {"unchanged": 1}
    assert await bench.names() == {}
    assert await bench.people() == []


async def test_a_deletion_that_comes_late_does_not_kill_who_came_back(bench):
    bench.crm.put("1", "Ada", 9)
    await bench.told(event("1", ChangeKind.DELETED, at=5))
    assert await bench.names() == {"1": "Ada"}


async def test_who_was_redacted_is_gone_whatever_is_shown(bench):
    bench.crm.put("1", "Ada", 1)
    await bench.told(event("1"))
    await bench.told(event("1", ChangeKind.REDACTED))
    assert await bench.names() == {}
    assert await bench.people() == []
    assert await bench.told(event("1")) == {"unchanged": 1}
    assert await bench.names() == {}


@pytest.mark.parametrize("full", [True, False])
async def test_who_was_redacted_is_not_brought_back_by_a_sync(bench, clock, full):
    """The source shows the row on, and changes it."""
    crm = bench.services.sources["crm"]
    bench.crm.put("1", "Ada", 1)
    bench.crm.put("2", "Bob", 1)
    await sync_source(crm, bench.services.records, index, clock)
    await bench.told(event("1", ChangeKind.REDACTED), event("2", ChangeKind.DELETED))
    clock.advance(timedelta(hours=2))
    bench.crm.put("1", "Ada again", 150)
    bench.crm.put("2", "Bob again", 150)
    await sync_source(crm, bench.services.records, index, clock, full=full)
    assert await bench.names() == {"2": "Bob again"}
    assert await bench.told(event("1")) == {"unchanged": 1}
    assert await bench.names() == {"2": "Bob again"}


async def test_a_merge_at_the_source_leads_to_the_survivor(bench):
    bench.crm.put("1", "Ada", 1)
    bench.crm.put("2", "Bob", 1)
    await bench.told(event("1"), event("2"))
    bench.crm.put("3", "Bob", 5, "1", "2")
    await bench.told(
        event("1", ChangeKind.MERGED, into="3"), event("2", ChangeKind.MERGED, into="3")
    )
    assert await bench.names() == {"3": "Bob"}
    assert await bench.people() == [["3"]]


async def test_who_went_is_taken_from_its_customer_and_history_says_so(bench):
    for one in "123":
        bench.crm.put(one, "Ada", 1)
    await bench.told(*(event(one) for one in "123"))
    del bench.crm.rows["2"]
    bench.identity.settled.clear()
    await bench.told(event("2", ChangeKind.DELETED))
    assert bench.identity.settled == [["2"]]
    assert await bench.people() == [["1", "3"]]
    (happened, *_) = await bench.state.identities.history(CustomerId("cus_1"), 1, None)
    assert happened.kind.value == "UNLINKED"


@pytest.mark.parametrize(
    "failure",
    [SourceUnavailable("crm", "down"), SourceRateLimited("crm", "wait", retry_after_s=40.0)],
)
async def test_a_source_that_is_down_costs_no_strike_and_keeps_nobody_else_waiting(
    bench, clock, failure
):
    bench.crm.put("1", "Ada")
    bench.vendors["shop"].put("9", "Zoe")
    bench.crm.failure = failure
    counts = await bench.told(event("1"), event("9", source="shop"))
    assert counts == {"postponed": 1, "changed": 1}
    for _ in range(2 * STRIKES):
        clock.advance(timedelta(minutes=10))
        await bench.work()
    bench.crm.failure = None
    clock.advance(timedelta(minutes=10))
    assert await bench.work() == {"changed": 1}
    assert await bench.names() == {"1": "Ada", "9": "Zoe"}


async def test_what_cannot_be_read_is_put_aside_with_its_reason(bench, clock):
    bench.crm.failure = SourceProtocolError("crm", "an answer of another form")
    await bench.tell(event("1"))
    for _ in range(STRIKES):
        await bench.work()
        clock.advance(timedelta(minutes=10))
    (dead,) = await bench.state.inbox.entries(EntryState.DEAD, None, 10)
    assert dead.reason == "crm: an answer of another form"
    bench.crm.failure = None
    bench.crm.put("1", "Ada")
    await bench.state.inbox.revive([dead])
    assert await bench.work() == {"changed": 1}


async def test_one_who_cannot_be_placed_does_not_keep_the_others_out(bench, clock):
    for one in "123":
        bench.crm.put(one, f"Ada {one}")
    bench.identity.refuses["2"] = ClusterConflict("a rule forbids it")
    counts = await bench.told(*(event(one) for one in "123"))
    assert counts == {"changed": 2, "failed": 1}
    assert await bench.people() == [["1"], ["3"]]
    bench.identity.refuses["2"] = StaleVersion("somebody was first")
    clock.advance(timedelta(minutes=10))
    assert await bench.work() == {"postponed": 1}
    del bench.identity.refuses["2"]
    clock.advance(timedelta(minutes=10))
    await bench.work()
    assert await bench.people() == [["1"], ["2"], ["3"]]


async def test_an_event_of_a_source_that_is_no_more_is_put_aside(bench, clock):
    await bench.tell(event("1", source="gone"))
    for _ in range(STRIKES):
        await bench.work()
        clock.advance(timedelta(minutes=10))
    (dead,) = await bench.state.inbox.entries(EntryState.DEAD, None, 10)
    assert "no source has this name" in dead.reason


class Reconciled:
    def __init__(self, bench):
        self.bench = bench

    async def __call__(self):
        bench = self.bench
        source = bench.services.sources["crm"]
        state = bench.state
        return await reconcile(source, bench.services, state.arrivals, index)


async def test_a_reconcile_finds_what_no_webhook_told(bench, clock):
    found = Reconciled(bench)
    bench.crm.put("1", "Ada", 1)
    assert await found() is None, "the first reading of everybody is for `knownas sync`"
    scan = await bench.state.records.cursor("crm", Kind.CONTACT)
    await bench.state.records.put_page(
        "crm", Kind.CONTACT, [], [], replace(scan, cursor="end", scan_finished_at=clock.now())
    )
    assert (await found()).changed == 1
    assert await bench.people() == [["1"]]
    assert (await found()).changed == 0
    assert bench.identity.settled == [["1"]], "nothing was new"

    bench.crm.put("2", "Ada", 5)
    del bench.crm.rows["1"]
    clock.advance(timedelta(days=2))
    assert (await found()).deleted == 1, "a scan was due, which shows who is missing"
    assert await bench.people() == [["2"]]


async def test_two_workers_end_where_one_does(bench):
    for one in range(20):
        bench.crm.put(str(one), f"Ada {one % 5}")
    await bench.tell(*(event(str(one)) for one in range(20) for _ in range(2)))
    await asyncio.gather(bench.work(), bench.work())
    assert sorted(await bench.names()) == sorted(map(str, range(20)))
    assert len(await bench.state.inbox.entries(EntryState.DONE, None, 100)) == 40
