"""The event store on SQL: events as they came, interactions worked out anew with each of them, and
the log that listeners follow.

Whoever writes takes the head of the log first and holds it to the end of the transaction: entries
become readable in the order of their sequence and without gaps, on PostgreSQL too.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, select, tuple_

from domain.events import (
    Activity,
    EventType,
    Fold,
    Interaction,
    InteractionEvent,
    Noted,
    Told,
)
from domain.ids import Kind, SourceKey
from domain.ports import Clock
from domain.sources import Position
from domain.vocabulary import ActivityKind, Channel
from state import bulk, codec, courses, guests, log
from state.codec import storable
from state.event_tables import interaction_contacts, interaction_events, interactions
from state.keys import indexed, pack, unpack
from state.transactions import Transactions

AHEAD: Final = timedelta(minutes=1)
"""How far the clock of a system may be ahead of ours: what it says has begun has begun."""

_KINDS = (Kind.CALL, Kind.VISIT, Kind.CONVERSATION, Kind.TICKET)
_KNOWN = select(interaction_events.c.system, interaction_events.c.event_id).where(
    bulk.among(interaction_events.c.event_id)
)
_EVENTS = select(interaction_events.c.subject, interaction_events.c.body).where(
    bulk.among(interaction_events.c.subject)
)
_KEYS = select(interactions.c.key).where(bulk.among(interactions.c.key))
_WHO = select(interaction_contacts.c.interaction, interaction_contacts.c.contact).where(
    bulk.among(interaction_contacts.c.interaction)
)
_BARE = select(interactions.c.key, interactions.c.record, interactions.c.course)
_WHOLE = _BARE.add_columns(interactions.c.messages).where(
    bulk.among(interactions.c.key), interactions.c.record.is_not(None)
)
_OF_CONTACTS = (
    _BARE.where(
        interactions.c.record.is_not(None),
        interactions.c.key.in_(
            select(interaction_contacts.c.interaction).where(
                bulk.among(interaction_contacts.c.contact)
            )
        ),
    )
    .order_by(
        interactions.c.began_at.desc(),
        interactions.c.external_id.desc(),
        interactions.c.source.desc(),
    )
    .limit(bindparam("most"))
)
_AFTER = tuple_(interactions.c.began_at, interactions.c.external_id) < tuple_(
    bindparam("after_at", type_=interactions.c.began_at.type),
    bindparam("after_id", type_=interactions.c.external_id.type),
)
_ACTIVE = (interactions.c.began_at <= bindparam("begun_by", type_=interactions.c.began_at.type)) & (
    interactions.c.until > bindparam("active_at", type_=interactions.c.until.type)
)
_PAGES = {
    (False, False): _OF_CONTACTS,
    (True, False): _OF_CONTACTS.where(_AFTER),
    (False, True): _OF_CONTACTS.where(_ACTIVE),
    (True, True): _OF_CONTACTS.where(_AFTER, _ACTIVE),
}

_OF_TYPES = {
    EventType.STARTED: ActivityKind.STARTED,
    EventType.ENDED: ActivityKind.ENDED,
    EventType.MESSAGE_CREATED: ActivityKind.MESSAGE,
    EventType.MESSAGE_UPDATED: ActivityKind.MESSAGE,
    EventType.MESSAGE_DELETED: ActivityKind.MESSAGE,
    EventType.TRANSFERRED: ActivityKind.TRANSFERRED,
}


class SqlEvents:
    """Implements `domain.events.EventStore`."""

    def __init__(self, transactions: Transactions, clock: Clock, fold: Fold) -> None:
        self._transactions = transactions
        self._clock = clock
        self._fold = fold

    async def append(self, told: Sequence[Told]) -> Noted:
        if not told:
            return Noted(accepted=(), duplicates=0)
        return await self._transactions.write_apart(_append, told, self._fold)

    async def note(self, activities: Sequence[Activity]) -> tuple[Activity, ...]:
        if not activities:
            return ()
        return await self._transactions.write_apart(_note, activities)

    async def interactions(self, keys: Sequence[SourceKey]) -> list[Interaction | None]:
        found = await self._transactions.read(_interactions, keys)
        now = self._clock.now()
        return [one and one.as_of(now) for one in found]

    async def of_contacts(
        self,
        contacts: Collection[SourceKey],
        *,
        first: int,
        after: Position | None = None,
        active_at: datetime | None = None,
    ) -> list[Interaction]:
        read = self._transactions.read
        found = await read(_of_contacts, contacts, first, after, active_at)
        now = self._clock.now()
        return [one.as_of(now) for one in found]

    async def activities(
        self, after: int, first: int, contacts: Collection[SourceKey] | None = None
    ) -> list[Activity]:
        return await self._transactions.read(log.after, after, first, contacts)

    async def head(self) -> int:
        return await self._transactions.read(log.head)


# ---------------------------------------------------------------- coming in


def _append(connection: Connection, told: Sequence[Told], fold: Fold) -> Noted:
    head = log.take(connection)
    fresh = _fresh(connection, told)
    if not fresh:
        return Noted(accepted=(), duplicates=len(told))
    fresh, met = _in_their_kinds(connection, fresh)
    bulk.insert_missing(connection, interaction_events, map(_row, _sorted(fresh)))
    folded = _refold(connection, {one.event.subject for one in fresh}, fold)
    who = _join(connection, fresh)
    made = list(_activities(fresh, folded, who, met))
    return Noted(
        accepted=tuple(one.event for one in fresh),
        duplicates=len(told) - len(fresh),
        activities=log.write(connection, head, made),
    )


def _note(connection: Connection, activities: Sequence[Activity]) -> tuple[Activity, ...]:
    return log.write(connection, log.take(connection), activities)


def _place(event: InteractionEvent) -> tuple[str, str]:
    return event.system, indexed(event.event_id)


def _fresh(connection: Connection, told: Sequence[Told]) -> list[Told]:
    """Those that are not known, each once: the first wins."""
    unique: dict[tuple[str, str], Told] = {}
    for one in told:
        unique.setdefault(_place(one.event), one)
    rows = bulk.answers(connection, _KNOWN, (event_id for _, event_id in unique))
    known = {(row.system, row.event_id) for row in rows}
    return [one for place, one in unique.items() if place not in known]


def _in_their_kinds(
    connection: Connection, fresh: Sequence[Told]
) -> tuple[list[Told], frozenset[SourceKey]]:
    """The same, under the kinds in which their interactions were first told of; and which of the
    interactions were known before.
    """
    subjects = {one.event.subject for one in fresh}
    kin = {pack(replace(subject, kind=kind)) for subject in subjects for kind in _KINDS}
    met = frozenset(unpack(row.key) for row in bulk.answers(connection, _KEYS, kin))
    first = {_thread(key): key.kind for key in sorted(met)}
    for subject in (one.event.subject for one in fresh):
        first.setdefault(_thread(subject), subject.kind)
    return [_moved(one, first[_thread(one.event.subject)]) for one in fresh], met


def _thread(subject: SourceKey) -> tuple[str, str]:
    return subject.source, storable(subject.external_id)


def _moved(told: Told, kind: Kind) -> Told:
    subject = told.event.subject
    if kind is subject.kind:
        return told
    return replace(told, event=replace(told.event, subject=replace(subject, kind=kind)))


def _sorted(fresh: Iterable[Told]) -> list[InteractionEvent]:
    return sorted((one.event for one in fresh), key=_place)


def _row(event: InteractionEvent) -> bulk.Values:
    system, event_id = _place(event)
    return {
        "system": system,
        "event_id": event_id,
        "subject": pack(event.subject),
        "body": codec.encode(event),
    }


def _refold(
    connection: Connection, subjects: Collection[SourceKey], fold: Fold
) -> dict[SourceKey, Interaction | None]:
    """Work out the interactions from all their events, and keep them."""
    events: dict[str, list[InteractionEvent]] = defaultdict(list)
    for subject, body in bulk.answers(connection, _EVENTS, map(pack, subjects)):
        events[subject].append(codec.decode(body, InteractionEvent))
    folded = {subject: fold(events[pack(subject)]) for subject in sorted(subjects)}
    rows = (courses.row(subject, one) for subject, one in folded.items())
    bulk.upsert(connection, interactions, rows)
    return folded


def _join(connection: Connection, fresh: Sequence[Told]) -> Mapping[str, tuple[SourceKey, ...]]:
    """Keep who took part. All who did by now, by interaction."""
    pairs = {(pack(key), pack(one.event.subject)) for one in fresh for key in one.contacts}
    rows = ({"contact": contact, "interaction": which} for contact, which in sorted(pairs))
    bulk.insert_missing(connection, interaction_contacts, rows)
    return _participants(connection, (pack(one.event.subject) for one in fresh))


def _participants(
    connection: Connection, packed: Iterable[str]
) -> Mapping[str, tuple[SourceKey, ...]]:
    found: dict[str, list[SourceKey]] = defaultdict(list)
    for interaction, contact in bulk.pairs(connection, _WHO, packed):
        found[interaction].append(unpack(contact))
    return {interaction: tuple(sorted(keys)) for interaction, keys in found.items()}


def _activities(
    fresh: Sequence[Told],
    folded: Mapping[SourceKey, Interaction | None],
    who: Mapping[str, tuple[SourceKey, ...]],
    met: Collection[SourceKey],
) -> Iterable[Activity]:
    """One for each event. A visit has no other beginning than the first that is heard of it."""
    begun = set(met)
    for one in fresh:
        subject, interaction = one.event.subject, folded[one.event.subject]
        kind = _OF_TYPES.get(one.event.type, ActivityKind.UPDATED)
        if one.event.type is EventType.VISIT_RECORDED and subject not in begun:
            kind = ActivityKind.STARTED
        begun.add(subject)
        channel: Channel | None = interaction.record.channel if interaction else None
        yield Activity(
            sequence=0,
            kind=kind,
            at=one.event.occurred_at,
            item=subject,
            contacts=who.get(pack(subject), ()),
            channel=channel,
        )


# ---------------------------------------------------------------- reading


def _interactions(connection: Connection, keys: Sequence[SourceKey]) -> list[Interaction | None]:
    packed = [pack(key) for key in keys]
    rows = {row.key: row for row in bulk.answers(connection, _WHOLE, packed)}
    who = _participants(connection, rows)
    found = {
        key: replace(
            courses.read(unpack(key), row.record, row.course, row.messages),
            contacts=who.get(key, ()),
        )
        for key, row in rows.items()
    }
    return [found.get(key) for key in packed]


def _of_contacts(
    connection: Connection,
    contacts: Collection[SourceKey],
    first: int,
    after: Position | None,
    active_at: datetime | None,
) -> list[Interaction]:
    said: dict[str, object] = {"most": first}
    if after is not None:
        said |= {"after_at": after.at, "after_id": storable(after.external_id)}
    if active_at is not None:
        said |= {"active_at": active_at, "begun_by": active_at + AHEAD}
    statement = _PAGES[after is not None, active_at is not None]
    around = guests.with_visitors(connection, contacts)
    rows = list(bulk.answers(connection, statement, around, **said))
    who = _participants(connection, (row.key for row in rows))
    read = (courses.read(unpack(row.key), row.record, row.course, None) for row in rows)
    return [replace(one, contacts=who.get(pack(one.key), ())) for one in read]
