"""Contacts of one made-up customer in the week that begins on Monday 2026-03-02."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.events import Interaction
from domain.ids import Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import Call, Conversation, Ticket, Visit
from domain.vocabulary import Channel, InteractionState, SystemKind

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
RECORDS = {Kind.CALL: Call, Kind.CONVERSATION: Conversation, Kind.TICKET: Ticket, Kind.VISIT: Visit}


class Week:
    """Makes interactions by day; what is of the interaction goes in `went`, the rest is the
    record's.
    """

    monday = MONDAY

    def day(self, days: float) -> datetime:
        return MONDAY + timedelta(days=days)

    def provenance(self, source, external_id):
        system = System(name=source, kind=SystemKind.CHAT, connector="made-up")
        return Provenance(system=system, external_id=external_id, fetched_at=MONDAY)

    def contact(self, kind, external_id, days, *, minutes=10, went=None, **record):
        key = SourceKey(record.pop("source", "desk"), kind, external_id)
        began = self.day(days)
        record.setdefault("state", InteractionState.ENDED)
        if record["state"] is InteractionState.ENDED:
            record.setdefault("ended_at", began + timedelta(minutes=minutes))
        made = RECORDS[kind](
            key=key,
            provenance=self.provenance(key.source, external_id),
            occurred_at=began,
            **record,
        )
        return Interaction(record=made, **(went or {}))

    def chat(self, external_id, days, **more):
        return self.contact(
            Kind.CONVERSATION, external_id, days, channel=Channel.WEB_CHAT, source="chat", **more
        )

    def call(self, external_id, days, **more):
        return self.contact(Kind.CALL, external_id, days, source="voice", **more)

    def ticket(self, external_id, days, **more):
        return self.contact(Kind.TICKET, external_id, days, channel=Channel.EMAIL, **more)

    def visit(self, external_id, days, **more):
        return self.contact(Kind.VISIT, external_id, days, source="web", **more)


@pytest.fixture
def week() -> Week:
    return Week()
