"""What happened to who is who, in the order in which it was published."""

from collections.abc import Sequence

from sqlalchemy import Connection, Row, func, select

from domain.customer import IdentityEvent
from domain.ids import CustomerId
from domain.vocabulary import IdentityEventKind
from state import bulk, codec
from state.codec import storable
from state.links import actor, actor_row
from state.tables import customers, identity_event_customers, identity_events

Ids = tuple[CustomerId, ...]
_LAST = select(func.max(identity_events.c.sequence))


def append(connection: Connection, events: Sequence[IdentityEvent]) -> int:
    """Number events and store them; returns the last number given. Publications follow one another,
    so the next number is free, and a reader who has seen a number has seen all below it.
    """
    before = last(connection)
    numbered = list(enumerate(events, before + 1))
    bulk.upsert(
        connection, identity_events, (_row(sequence, event) for sequence, event in numbered)
    )
    named = {(id, sequence) for sequence, event in numbered for id in (*event.before, *event.after)}
    rows = ({"customer": id, "sequence": sequence} for id, sequence in sorted(named))
    bulk.insert_missing(connection, identity_event_customers, rows)
    return before + len(numbered)


def last(connection: Connection) -> int:
    """The last number given."""
    ((number,),) = bulk.fetch(connection, _LAST)
    return int(number or 0)


def of(
    connection: Connection, customer: CustomerId, first: int, after: int | None
) -> list[IdentityEvent]:
    """Events naming the customer, or any id that stands for the same one, newest first."""
    standing = select(customers.c.standing).where(customers.c.id == customer).scalar_subquery()
    names = select(customers.c.id).where(customers.c.standing == standing)
    naming = select(identity_event_customers.c.sequence).where(
        identity_event_customers.c.customer.in_(names)
    )
    found = select(identity_events).where(identity_events.c.sequence.in_(naming))
    if after is not None:
        found = found.where(identity_events.c.sequence < after)
    newest = found.order_by(identity_events.c.sequence.desc()).limit(first)
    return [_event(row) for row in connection.execute(newest)]


def since(connection: Connection, after: int, first: int) -> list[IdentityEvent]:
    """Events of everybody after that sequence, in order."""
    later = select(identity_events).where(identity_events.c.sequence > after)
    found = connection.execute(later.order_by(identity_events.c.sequence).limit(first))
    return [_event(row) for row in found]


def _row(sequence: int, event: IdentityEvent) -> bulk.Values:
    return {
        "sequence": sequence,
        "kind": event.kind.value,
        "before_ids": codec.encode(event.before),
        "after_ids": codec.encode(event.after),
        "reason": None if event.reason is None else storable(event.reason),
        "at": event.at,
    } | actor_row(event.by)


def _event(row: Row[*tuple[object, ...]]) -> IdentityEvent:
    return IdentityEvent(
        sequence=row.sequence,
        kind=IdentityEventKind(row.kind),
        before=codec.decode(row.before_ids, Ids),
        after=codec.decode(row.after_ids, Ids),
        by=actor(row),
        reason=row.reason,
        at=row.at,
    )
