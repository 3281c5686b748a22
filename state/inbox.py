"""The inbox on SQL: a queue whose entries are leased, and a memory against repetition.

A claim is a token and a time to come in `due_at`: when its worker is never heard of again the entry
is due once more, and that it still has a token tells so. On PostgreSQL workers pass over rows that
another one is just claiming; SQLite has one writer at a time anyway.
"""

import secrets
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b
from operator import attrgetter
from time import monotonic
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    select,
    update,
)

from domain.errors import InboxFull
from domain.ids import SourceKey
from domain.inbox import Appended, Claim, Entry, EntryState, InboxFigures, Postponed, Unread
from domain.ports import Clock
from domain.sources import ChangeKind, SourceEvent
from state import bulk, codec, leases
from state.codec import storable
from state.keys import indexed, pack, unpack
from state.tables import inbox
from state.transactions import Transactions

RETRY_AFTER_S = 30.0
RECOUNT_S = 1.0
"""How old a count of what waits may be while there is room. Before anything is refused it is made
anew.
"""
_LONGEST_REASON = 500

_WAITING, _DONE, _DEAD = (
    state.value for state in (EntryState.WAITING, EntryState.DONE, EntryState.DEAD)
)
_KNOWN = select(inbox.c.source, inbox.c.event_id).where(bulk.among(inbox.c.event_id))
_KNOWN_DEAD = _KNOWN.where(inbox.c.state == _DEAD)
_NAMED = update(inbox).where(bulk.among(inbox.c.event_id), inbox.c.source == bindparam("of_source"))
_CLAIM = _NAMED.where(inbox.c.state == _WAITING, inbox.c.due_at <= bindparam("since")).values(
    claim=bindparam("token"),
    due_at=bindparam("until"),
    attempts=inbox.c.attempts + 1,
    strikes=inbox.c.strikes + case((inbox.c.claim.is_not(None), 1), else_=0),  # it was left
)
_FINISH = _NAMED.where(inbox.c.claim == bindparam("token")).values(
    state=_DONE, due_at=bindparam("now"), claim=None, reason=None
)


class SqlInbox:
    """Implements `domain.inbox.Inbox`. More than `most` waiting entries are not taken."""

    def __init__(self, transactions: Transactions, clock: Clock, most: int) -> None:
        self._transactions = transactions
        self._clock = clock
        self._most = most
        self._waiting = 0
        self._counted_at = float("-inf")

    async def append(self, events: Sequence[SourceEvent]) -> Appended:
        return await self._append([_of_event(event) for event in events])

    async def keep_unread(self, delivery: Unread) -> Appended:
        return await self._append([_of_unread(delivery)])

    async def _append(self, entries: Sequence[bulk.Values]) -> Appended:
        if not entries:
            return Appended(accepted=0, duplicates=0)
        await self._make_sure_of_room()
        now = self._clock.now()
        rows = [{**entry, "received_at": now, "due_at": now} for entry in entries]
        accepted = await self._transactions.write_apart(_append, rows)
        self._waiting += accepted
        return Appended(accepted=accepted, duplicates=len(entries) - accepted)

    async def _make_sure_of_room(self) -> None:
        fresh = monotonic() - self._counted_at < RECOUNT_S
        if fresh and self._waiting < self._most:
            return
        self._waiting = await self._transactions.read(_count, _WAITING)
        self._counted_at = monotonic()
        if self._waiting >= self._most:
            raise InboxFull(f"{self._waiting} events wait to be applied", RETRY_AFTER_S)

    async def claim(
        self, limit: int, lease_s: float, *, without: Collection[str] = ()
    ) -> Claim | None:
        now = self._clock.now()
        if not await self._transactions.read(_is_due, now):
            return None
        blank = Claim(token=secrets.token_hex(8), since=now, until=now + timedelta(seconds=lease_s))
        claim = await self._transactions.write_apart(_claim, blank, limit, without)
        return claim if claim.entries else None

    async def extend(self, claim: Claim, lease_s: float) -> None:
        until = self._clock.now() + timedelta(seconds=lease_s)
        held = update(inbox).where(inbox.c.claim == claim.token).values(due_at=until)

        def extended(connection: Connection) -> None:
            connection.execute(held)

        await self._transactions.write_apart(extended)

    async def settle(
        self, claim: Claim, *, done: Sequence[Entry], again: Sequence[Postponed], limit: int
    ) -> int:
        now = self._clock.now()

        def settled(connection: Connection) -> int:
            _finish(connection, claim.token, done, now)
            for one in again:
                _postpone(connection, claim.token, one, limit)
            return _died(connection, again)

        return await self._transactions.write_apart(settled)

    async def entries(
        self, state: EntryState | None, source: str | None, first: int
    ) -> list[Entry]:
        return await self._transactions.read(_entries, state, source, first)

    async def entry(self, handle: str) -> Entry | None:
        return await self._transactions.read(_entry, handle)

    async def revive(self, entries: Sequence[Entry]) -> int:
        now = self._clock.now()

        def revived(connection: Connection) -> int:
            return sum(_revive(connection, one, now) for one in entries if one.event is not None)

        return await self._transactions.write_apart(revived)

    async def forget(self, entry: Entry) -> None:
        def forgotten(connection: Connection) -> None:
            connection.execute(delete(inbox).where(_is(entry.source, entry.event_id)))

        await self._transactions.write_apart(forgotten)

    async def tidy(self, done_before: datetime, dead_before: datetime) -> int:
        return await self._transactions.write_apart(_tidy, done_before, dead_before)

    async def figures(self) -> InboxFigures:
        return await self._transactions.read(_figures)

    async def lead(self, name: str, holder: str, lease_s: float) -> bool:
        now = self._clock.now()
        return await self._transactions.write_apart(
            leases.take, f"lead {name}", holder, now, lease_s
        )


# ---------------------------------------------------------------- appending


def _of_event(event: SourceEvent) -> bulk.Values:
    return _row(
        event.key.source,
        event.event_id,
        key=pack(event.key),
        change=event.change.value,
        into_id=None if event.into is None else storable(event.into),
        occurred_at=event.occurred_at,
    )


def _of_unread(delivery: Unread) -> bulk.Values:
    return _row(
        delivery.source,
        delivery.event_id,
        state=_DEAD,
        strikes=1,
        reason=delivery.reason[:_LONGEST_REASON],
        raw=codec.encode(delivery),
    )


def _row(source: str, event_id: str, **values: object) -> bulk.Values:
    empty = dict.fromkeys(("key", "change", "into_id", "occurred_at", "claim", "reason", "raw"))
    fresh = {"state": _WAITING, "attempts": 0, "strikes": 0}
    place = {"source": source, "event_id": indexed(event_id)}
    handle = blake2b("\0".join(place.values()).encode(), digest_size=6).hexdigest()
    return {**place, **empty, **fresh, **values, "handle": handle}


def _append(connection: Connection, rows: Sequence[bulk.Values]) -> int:
    unique = {(row["source"], row["event_id"]): row for row in reversed(rows)}
    ids = (str(event_id) for _, event_id in unique)
    known = {(row.source, row.event_id) for row in bulk.answers(connection, _KNOWN, ids)}
    new = sorted(unique.keys() - known)
    bulk.insert_missing(connection, inbox, (unique[place] for place in new))
    return len(new)


# ---------------------------------------------------------------- claiming


def _is_due(connection: Connection, now: datetime) -> bool:
    """Asked first, by a reader: who waits for work must not keep writers waiting."""
    due = select(inbox.c.source).where(inbox.c.state == _WAITING, inbox.c.due_at <= now)
    return connection.execute(due.limit(1)).first() is not None


def _claim(connection: Connection, claim: Claim, limit: int, without: Collection[str]) -> Claim:
    """The claim, with the entries that are due."""
    due = (
        select(inbox)
        .where(inbox.c.state == _WAITING, inbox.c.due_at <= claim.since)
        .order_by(inbox.c.due_at, inbox.c.source, inbox.c.event_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if without:
        due = due.where(inbox.c.source.not_in(sorted(without)))
    rows = _together(connection.execute(due).all())
    said = {"since": claim.since, "token": claim.token, "until": claim.until}
    for source, ids in _by_source(rows).items():
        bulk.update_among(connection, _CLAIM, ids, of_source=source, **said)
    held = connection.execute(select(inbox).where(inbox.c.claim == claim.token))
    return replace(claim, entries=tuple(map(_read, held)))


def _together(rows: Sequence[Row[*tuple[Any, ...]]]) -> Sequence[Row[*tuple[Any, ...]]]:
    """The rows that may be applied together: the first alone where it has failed before."""
    if rows and rows[0].strikes:
        return rows[:1]
    return [row for row in rows if not row.strikes]


class _Named(Protocol):
    @property
    def source(self) -> str: ...

    @property
    def event_id(self) -> str: ...


def _by_source(named: Iterable[_Named]) -> dict[str, list[str]]:
    """Event ids by source, in the order of the sources' names."""
    found: dict[str, list[str]] = defaultdict(list)
    for one in sorted(named, key=attrgetter("source")):
        found[one.source].append(one.event_id)
    return found


def _finish(connection: Connection, token: str, done: Iterable[Entry], now: datetime) -> None:
    """What is done holds an id and a key, and nothing personal."""
    for source, ids in _by_source(done).items():
        bulk.update_among(connection, _FINISH, ids, of_source=source, token=token, now=now)


def _postpone(connection: Connection, token: str, one: Postponed, limit: int) -> None:
    strikes = inbox.c.strikes + (1 if one.strike else 0)
    connection.execute(
        update(inbox)
        .where(_is(one.source, one.event_id), inbox.c.claim == token)
        .values(
            state=case((strikes >= limit, _DEAD), else_=_WAITING),
            strikes=strikes,
            due_at=one.due_at,
            claim=None,
            reason=storable(one.reason[:_LONGEST_REASON]),
        )
    )


def _died(connection: Connection, again: Sequence[Postponed]) -> int:
    named = {(one.source, one.event_id) for one in again}
    rows = bulk.answers(connection, _KNOWN_DEAD, (event_id for _, event_id in named))
    return sum((row.source, row.event_id) in named for row in rows)


# ---------------------------------------------------------------- looking


def _is(source: str, event_id: str) -> ColumnElement[bool]:
    return and_(inbox.c.source == source, inbox.c.event_id == event_id)


def _entries(
    connection: Connection, state: EntryState | None, source: str | None, first: int
) -> list[Entry]:
    found = select(inbox).order_by(inbox.c.received_at.desc(), inbox.c.event_id).limit(first)
    if state is None:
        found = found.where(inbox.c.state != _DONE)
    else:
        found = found.where(inbox.c.state == state.value)
    if source is not None:
        found = found.where(inbox.c.source == source)
    return [_read(row) for row in connection.execute(found)]


def _entry(connection: Connection, handle: str) -> Entry | None:
    row = connection.execute(select(inbox).where(inbox.c.handle == handle)).first()
    return None if row is None else _read(row)


def _revive(connection: Connection, entry: Entry, now: datetime) -> int:
    alive = (
        update(inbox)
        .where(_is(entry.source, entry.event_id), inbox.c.state == _DEAD)
        .values(state=_WAITING, due_at=now, attempts=0, strikes=0, claim=None, reason=None)
    )
    return connection.execute(alive).rowcount


def _tidy(connection: Connection, done_before: datetime, dead_before: datetime) -> int:
    removed = 0
    for state, before in ((_DONE, done_before), (_DEAD, dead_before)):
        old = delete(inbox).where(inbox.c.state == state, inbox.c.due_at < before)
        removed += connection.execute(old).rowcount
    return removed


def _count(connection: Connection, state: str) -> int:
    counted = select(func.count()).select_from(inbox).where(inbox.c.state == state)
    return connection.execute(counted).scalar_one()


def _figures(connection: Connection) -> InboxFigures:
    oldest = select(func.min(inbox.c.received_at)).where(inbox.c.state == _WAITING)
    return InboxFigures(
        waiting=_count(connection, _WAITING),
        dead=_count(connection, _DEAD),
        oldest=connection.execute(oldest).scalar_one(),
    )


def _read(row: Row[*tuple[Any, ...]]) -> Entry:
    return Entry(
        source=row.source,
        event_id=row.event_id,
        event=_event(row),
        state=EntryState(row.state),
        received_at=row.received_at,
        due_at=row.due_at,
        attempts=row.attempts,
        strikes=row.strikes,
        reason=row.reason,
        unread=None if row.raw is None else codec.decode(row.raw, Unread),
        handle=row.handle,
    )


def _event(row: Row[*tuple[Any, ...]]) -> SourceEvent | None:
    if row.key is None:
        return None
    key: SourceKey = unpack(row.key)
    return SourceEvent(
        event_id=row.event_id,
        key=key,
        change=ChangeKind(row.change),
        occurred_at=row.occurred_at,
        into=row.into_id,
    )
