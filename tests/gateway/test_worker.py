"""The worker's loop: claims, strikes, chores."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest

from domain.errors import ClusterConflict, SourceUnavailable
from domain.ids import Kind, SourceKey
from domain.inbox import EntryState
from domain.sources import ChangeKind, SourceEvent
from gateway.config_kept import Inbox as Settings
from gateway.telemetry import PrometheusTelemetry
from gateway.worker import STRIKES, Worker
from resolvers.events import Outcome
from state.engine import open_state


class Events:
    """Applies what it is told to; breaks on ids that say so."""

    def __init__(self):
        self.applied = []
        self.has_applied = asyncio.Event()
        self.paused = {}

    async def apply(self, entries):
        for entry in entries:
            if entry.event.key.external_id == "poison":
                raise RuntimeError("planted-7f3a: what a customer wrote")
        self.has_applied.set()
        self.applied.append(sorted(entry.event_id for entry in entries))
        outcome = Outcome(done=list(entries), paused=dict(self.paused))
        outcome.counts.update((entry.source, "changed") for entry in entries)
        return outcome


@pytest.fixture
async def state(sqlite_state, clock):
    state = open_state(sqlite_state, clock=clock)
    yield state
    await state.close()


@pytest.fixture
def events():
    return Events()


@pytest.fixture
def worker(state, clock, events):
    telemetry = PrometheusTelemetry("test")
    reconciled = []

    async def reconcile(name):
        reconciled.append(name)
        if name == "lost":
            raise SourceUnavailable("lost", "down")

    resolved = []

    async def resolve():
        resolved.append(clock.now())
        if len(resolved) == 2:
            raise ClusterConflict("identities kept changing")

    made = Worker(
        inbox=state.inbox,
        events=events,
        sources=["lost", "crm"],
        reconcile=reconcile,
        resolve=resolve,
        resolve_s=86_400,
        settings=Settings(),
        clock=clock,
        telemetry=telemetry,
    )
    made.reconciled, made.resolved, made.figures = reconciled, resolved, telemetry
    return made


numbers: Iterator[int] = count()


def event(external_id="1", source="crm"):
    key = SourceKey(source, Kind.CONTACT, external_id)
    return SourceEvent(event_id=f"e{next(numbers)}", key=key, change=ChangeKind.CHANGED)


async def drain(worker):
    while await worker.apply_some():
        pass


async def test_everything_that_waits_is_applied_and_counted(worker, state, events):
    await state.inbox.append([event(str(n)) for n in range(250)])
    await drain(worker)
    assert [len(one) for one in events.applied] == [100, 100, 50]
    figures = worker.figures.exposition().decode()
    assert 'knownas_inbox_events_total{outcome="changed",source="crm"} 250.0' in figures


async def test_poison_is_put_aside_and_takes_nobody_with_it(worker, state, events, clock, caplog):
    await state.inbox.append([event("1"), event("poison"), event("2")])
    for _ in range(STRIKES):
        await drain(worker)
        clock.advance(timedelta(hours=2))
    assert [len(one) for one in events.applied] == [1, 1]
    (dead,) = await state.inbox.entries(EntryState.DEAD, None, 10)
    assert "RuntimeError" in dead.reason
    assert "planted" not in dead.reason + caplog.text
    assert any("inbox_dead" in record.message for record in caplog.records)


async def test_a_source_that_is_down_is_left_alone(worker, state, events, clock):
    events.paused = {"crm": clock.now() + timedelta(seconds=30)}
    await state.inbox.append([event("1")])
    await drain(worker)
    events.paused = {}
    await state.inbox.append([event("2"), event("3", "shop")])
    await drain(worker)
    assert len(events.applied) == 2
    clock.advance(timedelta(seconds=30))
    await drain(worker)
    assert len(events.applied) == 3


async def test_a_nudge_wakes_it_and_leaving_waits_for_what_is_under_way(worker, state, events):
    async with worker.running():
        await state.inbox.append([event("1")])
        worker.nudge()
        async with asyncio.timeout(10):
            await events.has_applied.wait()
    assert (await state.inbox.figures()).waiting == 0


async def test_it_tells_how_much_waits_and_how_long(worker, state, clock):
    await state.inbox.append([event("1")])
    clock.advance(timedelta(minutes=1))
    await worker.measure()
    figures = worker.figures.exposition().decode()
    assert "knownas_inbox_waiting 1.0" in figures
    assert "knownas_inbox_oldest_seconds 60.0" in figures


async def test_without_applying_nothing_is_claimed(worker, state, events):
    await state.inbox.append([event("1")])
    async with worker.running(applying=False):
        worker.nudge()
    assert events.applied == []


async def test_a_source_that_cannot_be_reconciled_keeps_no_other_from_it(worker, caplog):
    await worker.reconcile_all(asyncio.Event())
    assert worker.reconciled == ["lost", "crm"]
    assert "reconcile_failed source=lost code=SOURCE_UNAVAILABLE" in caplog.text


async def test_only_who_has_the_lease_reconciles(worker, state):
    await state.inbox.lead("chores", "another", 60)
    await worker.reconcile_all(asyncio.Event())
    assert worker.reconciled == []


async def test_everything_is_resolved_once_in_its_time_whoever_does_it(worker, clock, caplog):
    for _ in range(3):
        await worker.resolve_all(asyncio.Event())
    assert len(worker.resolved) == 1
    clock.advance(timedelta(days=1))
    await worker.resolve_all(asyncio.Event())
    assert len(worker.resolved) == 2
    assert "resolve_failed" in caplog.text
    clock.advance(timedelta(days=1))
    await worker.resolve_all(asyncio.Event())
    figures = worker.figures.exposition().decode()
    assert 'knownas_resolves_total{outcome="done"} 2.0' in figures
    assert 'knownas_resolves_total{outcome="failed"} 1.0' in figures


async def test_what_takes_long_is_given_up_when_it_is_time_to_stop(worker):
    stopping, under_way = asyncio.Event(), asyncio.Event()

    async def long():
        under_way.set()
        await asyncio.Event().wait()

    worker._resolve = long
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(worker.resolve_all(stopping))
        await under_way.wait()
        stopping.set()


async def test_what_is_past_its_time_is_forgotten(worker, state, clock):
    await state.inbox.append([event("1")])
    await drain(worker)
    clock.advance(timedelta(days=8))
    assert await worker.tidy() == 1
