"""Handoffs on SQL: each kept whole, found by its number or by who made it under which key."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from domain.events import Activity
from domain.handoffs import Handoff
from domain.records import Actor
from domain.vocabulary import ActivityKind
from state import bulk, codec, log
from state.codec import storable
from state.event_tables import handoffs
from state.transactions import Transactions

Change = Callable[[Handoff], Handoff]

_ONE = select(handoffs.c.body).where(handoffs.c.number == bindparam("of"))
_MADE = select(handoffs.c.body).where(
    handoffs.c.actor == bindparam("by"), handoffs.c.key == bindparam("under")
)
_MANY = select(handoffs.c.number, handoffs.c.body).where(bulk.among(handoffs.c.number))
_WRITE = update(handoffs).where(handoffs.c.number == bindparam("of")).values(body=bindparam("new"))


class SqlHandoffs:
    """Implements `domain.handoffs.HandoffStore`. Whoever writes has taken the head of the log, so
    that two who accept one handoff do so one after the other.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def create(self, handoff: Handoff) -> Handoff:
        return await self._transactions.write_apart(_create, handoff)

    async def accept(self, number: str, by: Actor, at: datetime) -> Handoff | None:
        def accepted(one: Handoff) -> Handoff:
            return one if one.accepted_at else replace(one, to=by, accepted_at=at)

        return await self._transactions.write_apart(_change, number, accepted, at)

    async def end(self, number: str, at: datetime) -> Handoff | None:
        def ended(one: Handoff) -> Handoff:
            return one if one.ended_at else replace(one, ended_at=at)

        return await self._transactions.write_apart(_change, number, ended, at)

    async def by_numbers(self, numbers: Sequence[str]) -> list[Handoff | None]:
        return await self._transactions.read(_by_numbers, numbers)


def _create(connection: Connection, handoff: Handoff) -> Handoff:
    last = log.take(connection)
    made = {"by": storable(handoff.by.id), "under": storable(handoff.idempotency_key)}
    standing = connection.execute(_MADE, made).scalar_one_or_none()
    if standing is not None:
        return codec.decode(standing, Handoff)
    values = {
        "number": handoff.number,
        "actor": made["by"],
        "key": made["under"],
        "body": codec.encode(handoff),
    }
    bulk.insert_missing(connection, handoffs, [values])
    log.write(connection, last, [_told(handoff, handoff.created_at)])
    return handoff


def _change(connection: Connection, number: str, change: Change, at: datetime) -> Handoff | None:
    last = log.take(connection)
    body = connection.execute(_ONE, {"of": storable(number)}).scalar_one_or_none()
    if body is None:
        return None
    standing = codec.decode(body, Handoff)
    changed = change(standing)
    if changed != standing:
        connection.execute(_WRITE, {"of": number, "new": codec.encode(changed)})
        log.write(connection, last, [_told(changed, at)])
    return changed


def _told(handoff: Handoff, at: datetime) -> Activity:
    return Activity(
        sequence=0,
        kind=ActivityKind.HANDOFF,
        at=at,
        item=handoff.anchor,
        customer=handoff.customer,
    )


def _by_numbers(connection: Connection, numbers: Sequence[str]) -> list[Handoff | None]:
    rows = bulk.answers(connection, _MANY, {storable(number) for number in numbers})
    found = {row.number: codec.decode(row.body, Handoff) for row in rows}
    return [found.get(number) for number in numbers]
