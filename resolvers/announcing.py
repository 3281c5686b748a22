"""Telling listeners of what came in by webhook: an order changed, a ticket, a conversation, who
somebody is. What is applied twice, after a worker died over it, is told twice.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from domain.events import Activity
from domain.ids import Kind, SourceKey
from domain.records import Call, Contact, Conversation, Message, Order, Record, Ticket, Visit
from domain.sources import ParentBy
from domain.vocabulary import ActivityKind, Channel, InteractionState
from resolvers.events import Applied
from resolvers.services import Services

_OVER = frozenset({InteractionState.ENDED, InteractionState.ABANDONED})


class Announcer:
    """Listens to the worker, and writes into the log of the event store."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def __call__(self, applied: Applied) -> None:
        now = self._services.clock.now()
        seen = {record.key for record in applied.records}
        found = [*self._of_records(applied.records, now), *self._of_rest(applied, seen, now)]
        await self._services.events.note(found)

    def _of_records(self, records: Iterable[Record], now: datetime) -> Iterator[Activity]:
        for record in records:
            if isinstance(record, Contact | Message):
                continue
            yield Activity(
                sequence=0,
                kind=_kind(record),
                at=record.provenance.source_updated_at or now,
                item=record.key,
                contacts=self._owners(record),
                channel=None if record.channel is Channel.UNKNOWN else record.channel,
            )

    def _of_rest(
        self, applied: Applied, seen: "set[SourceKey]", now: datetime
    ) -> Iterator[Activity]:
        """People that changed or went; a thing that went has no owner any more."""
        for key in (*applied.changed, *applied.gone):
            if key.kind is Kind.CONTACT and key not in seen:
                yield Activity(sequence=0, kind=ActivityKind.IDENTITY, at=now, contacts=(key,))

    def _owners(
        self, record: Order | Ticket | Conversation | Call | Visit
    ) -> tuple[SourceKey, ...]:
        """Rows of people, where the source names its customers by such."""
        name = record.key.source
        source = self._services.sources.get(name)
        if source is None:
            return ()
        holder = name if source.customer_key == ParentBy.OWN.value else source.customer_key
        if holder not in self._services.sources:
            return ()  # by e-mail or phone: nobody's row
        return tuple(SourceKey(holder, Kind.CONTACT, one) for one in record.owner_ids)


def _kind(record: Order | Ticket | Conversation | Call | Visit) -> ActivityKind:
    if isinstance(record, Order):
        return ActivityKind.ORDER_CHANGED
    if isinstance(record, Ticket):
        return ActivityKind.TICKET_CHANGED
    return ActivityKind.ENDED if record.state in _OVER else ActivityKind.UPDATED
