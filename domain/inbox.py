"""The inbox: what vendors told us, written down before they are thanked, kept until it is applied
and, against repetition, for some days after. What comes of it goes through `Intake`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.ids import SourceKey
from domain.ports import IndexedContact
from domain.records import Record
from domain.sources import SourceEvent


class EntryState(StrEnum):
    """DONE entries are kept to know a repetition by; DEAD ones wait for a person."""

    WAITING = "waiting"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A delivery that was proved to be the vendor's and could not be read, as it came."""

    source: str
    event_id: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event of one source. `event` is None for a delivery nobody could read (`unread`).

    `attempts`: how often it was claimed. `strikes`: how often it was its own fault that it was not
    applied, or that whoever had claimed it was never heard of again.
    """

    source: str
    event_id: str
    event: SourceEvent | None
    state: EntryState
    received_at: datetime
    due_at: datetime
    attempts: int = 0
    strikes: int = 0
    reason: str | None = None
    unread: Unread | None = field(default=None, repr=False)
    handle: str = ""
    """A short name for people, which gives nothing away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Entries that are this worker's from `since` until `until`. Who is late finds them gone to
    another.
    """

    token: str
    since: datetime
    until: datetime
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    accepted: int
    duplicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Postponed:
    """An entry to be tried again. A `strike` says that the fault was its own."""

    event_id: str
    source: str
    due_at: datetime
    reason: str
    strike: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxFigures:
    waiting: int
    dead: int
    oldest: datetime | None
    """When the oldest waiting entry came."""


class Inbox(Protocol):
    """Every method is one transaction. An entry is known by its source and event id."""

    async def append(self, events: Sequence[SourceEvent]) -> Appended:
        """Write down what is not known yet. Raises InboxFull, and then has kept nothing."""
        ...

    async def keep_unread(self, delivery: Unread) -> Appended:
        """As `append`; it is DEAD from the beginning."""
        ...

    async def claim(
        self, limit: int, lease_s: float, *, without: Collection[str] = ()
    ) -> Claim | None:
        """The entries that are due longest, of other sources than `without`; None where there are
        none. One whose last claim ran out has a strike more, and what has strikes comes alone:
        should it be what kills its workers, it takes nobody with it for long.
        """
        ...

    async def extend(self, claim: Claim, lease_s: float) -> None:
        """Keep the claim, as far as it was not taken over, so long from now on."""
        ...

    async def settle(
        self, claim: Claim, *, done: Sequence[Entry], again: Sequence[Postponed], limit: int
    ) -> int:
        """End the claim on these entries, unless they were taken over. What has `limit` strikes is
        DEAD. Returns how many died.
        """
        ...

    async def entries(
        self, state: EntryState | None, source: str | None, first: int
    ) -> list[Entry]:
        """The latest ones; without `state`, those that are not DONE."""
        ...

    async def entry(self, handle: str) -> Entry | None: ...

    async def revive(self, entries: Sequence[Entry]) -> int:
        """Let DEAD entries wait again, from now on and without strikes. Returns how many."""
        ...

    async def forget(self, entry: Entry) -> None:
        """Remove one entry: what it held has been appended in another form."""
        ...

    async def tidy(self, done_before: datetime, dead_before: datetime) -> int:
        """Remove DONE and DEAD entries of before. Returns how many."""
        ...

    async def figures(self) -> InboxFigures: ...

    async def lead(self, name: str, holder: str, lease_s: float) -> bool:
        """Whether `holder` has the lease on work that one process does for all: it had it, or
        nobody had.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Farewell:
    """A record that is gone from its source; `into` is the one that absorbed it. Who is `redacted`
    does not come back, whatever the source goes on showing.
    """

    key: SourceKey
    into: SourceKey | None = None
    redacted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What became of contacts and farewells. `changed`: records that are new or read otherwise than
    before; `gone`: records that are tombstones now, whether or not they were before; `kept`: the
    records that live; `beside`: others that have to be settled again with them.
    """

    changed: frozenset[SourceKey]
    gone: frozenset[SourceKey]
    kept: frozenset[SourceKey]
    beside: frozenset[SourceKey] = frozenset()


class Intake(Protocol):
    """Where single records enter and leave the store. Every method is one transaction."""

    async def receive(
        self,
        contacts: Sequence[IndexedContact],
        farewells: Sequence[Farewell],
        read_at: datetime,
    ) -> Received:
        """Keep the newer of what is kept and what comes in, by the rules of `put_page`; bury what
        is gone, with what was kept of its orders, tickets and conversations. Who was read after
        `read_at` by somebody else is not buried, unless it is redacted.
        """
        ...

    async def refresh(self, records: Sequence[Record]) -> None:
        """Put orders, tickets, conversations in the place of older versions of them, in the pages
        kept for their owners.
        """
        ...

    async def remove(self, keys: Sequence[SourceKey]) -> None:
        """Take orders, tickets, conversations that are gone out of every page kept."""
        ...
