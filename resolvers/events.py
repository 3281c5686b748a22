"""Applying what vendors told: each row once, read anew, all of a claim together.

claim of entries > by row > re-read in batches > people: store, then identity
                                               > other things: pages kept of them
                                               > told to whoever listens
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from domain.errors import (
    GatewayError,
    IdentityError,
    SourceAuthError,
    SourceError,
    SourceProtocolError,
    SourceRateLimited,
    SourceTimeout,
    SourceUnavailable,
    StaleVersion,
)
from domain.ids import Kind, SourceKey
from domain.inbox import Entry, Farewell, Intake, Postponed
from domain.records import Contact, Record
from domain.sources import Deadline, Source, SourceEvent
from resolvers.arrivals import Arrivals
from resolvers.hints import Finding, Read, judge
from resolvers.kept import outdate
from resolvers.services import Services

READ_TIMEOUT_S = 30.0
"""For the rows of one claim. Nobody waits for it, so it is patient where a request is not."""
FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 300.0
PASSING = (SourceUnavailable, SourceTimeout, SourceRateLimited, SourceAuthError, StaleVersion)
"""What has nothing to do with the event: it waits until that is over, however long it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """Rows that are other than they were, for whoever listens. `records` are those that live of
    orders, tickets, conversations and calls.
    """

    changed: tuple[SourceKey, ...]
    gone: tuple[SourceKey, ...]
    records: tuple[Record, ...] = field(default=(), compare=False, repr=False)


Listener = Callable[[Applied], Awaitable[None]]


async def nobody(_: Applied) -> None:
    """Where nobody listens."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """How the entries of a claim ended. `counts` are by (source, outcome); `paused` are sources
    that do not answer, and until when they are left alone.
    """

    done: list[Entry] = field(default_factory=list)
    again: list[Postponed] = field(default_factory=list)
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    paused: dict[str, datetime] = field(default_factory=dict)


class Events:
    """Applies claims. `dice` spreads waits."""

    def __init__(
        self,
        services: Services,
        intake: Intake,
        arrivals: Arrivals,
        *,
        dice: Random,
        listener: Listener = nobody,
    ) -> None:
        self._services = services
        self._intake = intake
        self._arrivals = arrivals
        self._dice = dice
        self._listener = listener

    async def apply(self, entries: Sequence[Entry]) -> Outcome:
        """Never raises for an entry's sake. Raises StoreError: then nothing is known to be done."""
        work = _Work(entries)
        read_at = self._services.clock.now()
        read = await self._read(work.keys)
        for key, answer in read.items():
            if isinstance(answer, SourceError):
                self._postpone(work, key, answer)
            else:
                work.findings[key] = judge(key, work.events(key), answer)
        await self._people(work, read_at)
        await self._things(work)
        await self._listener(work.applied())
        return work.ended()

    async def _read(self, keys: Iterable[SourceKey]) -> dict[SourceKey, Read]:
        """Every row as its source has it now; calls side by side."""
        by_kind: dict[tuple[str, Kind], list[str]] = defaultdict(list)
        for key in sorted(keys):
            by_kind[key.source, key.kind].append(key.external_id)
        calls = (self._read_kind(name, kind, ids) for (name, kind), ids in by_kind.items())
        found: dict[SourceKey, Read] = {}
        for part in await asyncio.gather(*calls):
            found |= part
        return found

    async def _read_kind(
        self, name: str, kind: Kind, ids: Sequence[str]
    ) -> Mapping[SourceKey, Read]:
        source = self._services.sources.get(name)
        keys = [SourceKey(name, kind, one) for one in ids]
        if source is None:
            return dict.fromkeys(keys, SourceProtocolError(name, "no source has this name"))
        if kind not in source.gets:
            return {}
        return dict(zip(keys, await _asked(source, kind, ids), strict=True))

    def _postpone(self, work: "_Work", key: SourceKey, error: GatewayError) -> None:
        now = self._services.clock.now()
        passing = isinstance(error, PASSING)
        wait_s = error.retry_after_s if isinstance(error, SourceRateLimited) else None
        for entry in work.entries(key):
            due_at = now + timedelta(seconds=wait_s or self._wait_s(entry))
            work.postpone(entry, due_at, str(error), strike=not passing)
        if passing and isinstance(error, SourceError):
            work.pause(key.source, now + timedelta(seconds=wait_s or FIRST_WAIT_S))

    def _wait_s(self, entry: Entry) -> float:
        """Twice as long each time, and a little different for each."""
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** max(0, entry.attempts - 1))
        return wait_s * self._dice.uniform(0.75, 1.25)

    async def _people(self, work: "_Work", read_at: datetime) -> None:
        found = work.of(Kind.CONTACT)
        if not found:
            return
        contacts = [one.record for one in found.values() if isinstance(one.record, Contact)]
        try:
            placed = await self._arrivals.place(contacts, _farewells(found.values()), read_at)
        except IdentityError as error:
            for key in found:
                self._postpone(work, key, error)
            return
        for key, finding in found.items():
            failure = _first(placed.failed, key, finding)
            if failure is not None:
                self._postpone(work, key, failure)
        work.changed |= placed.received.changed & placed.received.kept
        work.gone |= placed.received.changed & placed.received.gone

    async def _things(self, work: "_Work") -> None:
        found = {key: one for key, one in work.findings.items() if key.kind is not Kind.CONTACT}
        alive = [one.record for one in found.values() if one.record and not one.farewell]
        gone = [one.farewell.key for one in found.values() if one.farewell]
        if alive:
            await self._intake.refresh(alive)
            await outdate(self._services, alive)
        if gone:
            await self._intake.remove(gone)
        work.changed |= {record.key for record in alive}
        work.alive.extend(alive)
        work.gone |= set(gone)


class _Work:
    """The entries of one claim, by row, on their way to an outcome."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.findings: dict[SourceKey, Finding] = {}
        self.changed: set[SourceKey] = set()
        self.gone: set[SourceKey] = set()
        self.alive: list[Record] = []
        self._by_key: dict[SourceKey, list[Entry]] = defaultdict(list)
        self._all = list(entries)
        self._outcome = Outcome()
        for entry in entries:
            if entry.event is not None:
                self._by_key[entry.event.key].append(entry)

    @property
    def keys(self) -> Iterable[SourceKey]:
        return self._by_key.keys()

    def entries(self, key: SourceKey) -> Sequence[Entry]:
        return self._by_key[key]

    def events(self, key: SourceKey) -> list[SourceEvent]:
        return [entry.event for entry in self._by_key[key] if entry.event is not None]

    def of(self, kind: Kind) -> dict[SourceKey, Finding]:
        return {key: one for key, one in self.findings.items() if key.kind is kind}

    def postpone(self, entry: Entry, due_at: datetime, reason: str, *, strike: bool) -> None:
        self._outcome.again.append(
            Postponed(
                source=entry.source,
                event_id=entry.event_id,
                due_at=due_at,
                reason=reason,
                strike=strike,
            )
        )
        self._count(entry, "failed" if strike else "postponed")

    def pause(self, source: str, until: datetime) -> None:
        self._outcome.paused[source] = max(until, self._outcome.paused.get(source, until))

    def applied(self) -> Applied:
        return Applied(
            changed=tuple(sorted(self.changed)),
            gone=tuple(sorted(self.gone)),
            records=tuple(self.alive),
        )

    def ended(self) -> Outcome:
        """Everything that was not postponed is done."""
        later = {(one.source, one.event_id) for one in self._outcome.again}
        for entry in self._all:
            if (entry.source, entry.event_id) not in later:
                self._outcome.done.append(entry)
                self._count(entry, self._word(entry))
        return self._outcome

    def _word(self, entry: Entry) -> str:
        key = entry.event.key if entry.event else None
        if key in self.gone:
            return "gone"
        return "changed" if key in self.changed else "unchanged"

    def _count(self, entry: Entry, outcome: str) -> None:
        self._outcome.counts[entry.source, outcome] += 1


async def _asked(source: Source, kind: Kind, ids: Sequence[str]) -> Sequence[Read]:
    """One entry per id, whatever happens."""
    deadline = Deadline(asyncio.get_running_loop().time() + READ_TIMEOUT_S)
    try:
        answers = await source.gets[kind].get_many(ids, None, deadline)
    except SourceError as error:
        return [error] * len(ids)
    if len(answers) == len(ids):
        return answers
    said = f"{len(answers)} answers to {len(ids)} questions"
    return [SourceProtocolError(source.name, said)] * len(ids)


def _farewells(findings: Iterable[Finding]) -> list[Farewell]:
    return [finding.farewell for finding in findings if finding.farewell is not None]


def _first(
    failed: Mapping[SourceKey, IdentityError], key: SourceKey, finding: Finding
) -> IdentityError | None:
    record: Record | None = finding.record
    return failed.get(key) or (failed.get(record.key) if record is not None else None)
