"""The log of activities."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import Connection, Row, bindparam, select, update

from domain.events import Activity
from domain.ids import CustomerId, SourceKey
from domain.vocabulary import ActivityKind, Channel
from state import bulk, codec, guests
from state.event_tables import activities, activity_contacts, activity_head
from state.keys import pack, pack_all, unpack

_HEAD = select(activity_head.c.sequence)
_TAKEN = _HEAD.with_for_update()
_MOVE = update(activity_head).values(sequence=bindparam("last"))
_ALL = (
    select(activities)
    .where(activities.c.sequence > bindparam("after"))
    .order_by(activities.c.sequence)
    .limit(bindparam("most"))
)
_AROUND = _ALL.where(
    activities.c.sequence.in_(
        select(activity_contacts.c.sequence)
        .where(bulk.among(activity_contacts.c.contact))
        .where(activity_contacts.c.sequence > bindparam("after"))
    )
)


def head(connection: Connection) -> int:
    return int(connection.execute(_HEAD).scalar_one())


def take(connection: Connection) -> int:
    """The head; until the end of the transaction nobody else can add to the log."""
    return int(connection.execute(_TAKEN).scalar_one())


def write(connection: Connection, last: int, entries: Sequence[Activity]) -> tuple[Activity, ...]:
    """Add entries after the head that was taken. Returns them with their sequences."""
    told = tuple(replace(one, sequence=last + i) for i, one in enumerate(entries, 1))
    bulk.insert_missing(connection, activities, map(_row, told))
    around = sorted((pack(key), one.sequence) for one in told for key in set(one.contacts))
    rows = ({"contact": contact, "sequence": sequence} for contact, sequence in around)
    bulk.insert_missing(connection, activity_contacts, rows)
    connection.execute(_MOVE, {"last": last + len(told)})
    return told


def after(
    connection: Connection, last: int, first: int, contacts: Collection[SourceKey] | None
) -> list[Activity]:
    said = {"after": last, "most": first}
    if contacts is None:
        return [_read(row) for row in connection.execute(_ALL, said)]
    around = guests.with_visitors(connection, contacts)
    return [_read(row) for row in bulk.answers(connection, _AROUND, around, **said)]


def _row(one: Activity) -> bulk.Values:
    return {
        "sequence": one.sequence,
        "kind": one.kind.value,
        "at": one.at,
        "item": None if one.item is None else pack(one.item),
        "contacts": codec.encode(pack_all(one.contacts)),
        "customer": one.customer,
        "channel": None if one.channel is None else one.channel.value,
    }


def _read(row: Row[*tuple[object, ...]]) -> Activity:
    return Activity(
        sequence=row.sequence,
        kind=ActivityKind(row.kind),
        at=row.at,
        item=None if row.item is None else unpack(row.item),
        contacts=tuple(unpack(key) for key in codec.decode(row.contacts, list[str])),
        customer=None if row.customer is None else CustomerId(row.customer),
        channel=None if row.channel is None else Channel(row.channel),
    )
