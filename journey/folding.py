"""From the events of one interaction to what they come to.

Pure: the same events in any order, and any of them any number of times, come to the same. What a
type of event does to the state:

    started, resumed           IN_PROGRESS, also after an end
    updated                    `state` of the data, where it names one (QUEUED, SCHEDULED...)
    held                       WAITING
    ended                      ENDED; ABANDONED where `outcome` says "abandoned"
    anything else              IN_PROGRESS, unless it has been said otherwise

Nobody may ever say that it ended: each event holds it open for its lease, and no longer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from domain.events import (
    ONGOING,
    Asked,
    EventType,
    Fold,
    Interaction,
    InteractionEvent,
    InteractionRecord,
    Transfer,
    Tried,
)
from domain.ids import Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import Actor, Call, Conversation, Ticket, Visit
from domain.vocabulary import (
    ActorKind,
    Channel,
    InteractionState,
    ServedFrom,
    SystemKind,
    TicketStatus,
)
from journey.ordering import ordered
from journey.talk import NOBODY, last_word, message_key, messages

HOUR: Final = 3_600
LEASES_S: Final[Mapping[Channel, int]] = {
    Channel.VOICE: HOUR,
    Channel.WEB_CHAT: HOUR // 2,
    Channel.IN_APP: HOUR // 2,
    Channel.SELF_SERVICE: HOUR // 2,
    Channel.STORE: HOUR,
    Channel.SMS: 24 * HOUR,
    Channel.WHATSAPP: 24 * HOUR,
    Channel.SOCIAL: 24 * HOUR,
    Channel.EMAIL: 72 * HOUR,
    Channel.UNKNOWN: HOUR,
}
"""How long an event holds an interaction open where none of its events says."""

_OF_SYSTEMS = {
    SystemKind.VOICE: Channel.VOICE,
    SystemKind.CHAT: Channel.WEB_CHAT,
    SystemKind.EMAIL: Channel.EMAIL,
    SystemKind.SOCIAL: Channel.SOCIAL,
    SystemKind.WEB: Channel.SELF_SERVICE,
    SystemKind.STORE: Channel.STORE,
}
_OF_KINDS = {Kind.CALL: Channel.VOICE, Kind.VISIT: Channel.SELF_SERVICE}
_STATES = {
    EventType.STARTED: InteractionState.IN_PROGRESS,
    EventType.RESUMED: InteractionState.IN_PROGRESS,
    EventType.HELD: InteractionState.WAITING,
}
_OVER = frozenset({InteractionState.ENDED, InteractionState.ABANDONED})
_NAMED = {state.value: state for state in InteractionState if state is not InteractionState.UNKNOWN}


def folding(systems: Mapping[str, System]) -> Fold:
    """The fold over these systems. One that is not among them (any more) has told all the same."""

    def fold(events: Sequence[InteractionEvent]) -> Interaction | None:
        happened = ordered(events)
        if all(event.type is EventType.MESSAGE_DELETED for event in happened):
            return None
        name = happened[0].subject.source
        system = systems.get(name) or System(name=name, kind=SystemKind.CHAT, connector="events")
        return _Course(happened, system).interaction()

    return fold


@dataclass(slots=True)
class _Course:
    """What is known of an interaction after each of its events."""

    events: Sequence[InteractionEvent]
    system: System
    state: InteractionState | None = None
    raw_state: str | None = None
    ended_at: datetime | None = None
    owner: Actor | None = None
    known: dict[str, Any] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)

    def interaction(self) -> Interaction:
        for event in self.events:
            self._take(event)
        subject = self.events[0].subject
        said = messages(subject, self.events, self.system)
        last_at = max(event.occurred_at for event in self.events)
        return Interaction(
            record=self._record(subject, last_word(said)),
            messages=said,
            attempts=_attempts(self.events),
            asked=_asked(self.events),
            transfers=tuple(self.transfers),
            reason=self.known.get("reason"),
            case_id=self.known.get("case_id"),
            order_number=self.known.get("order_number"),
            last_at=last_at,
            leased_until=self._leased_until(last_at),
            consent=self.known.get("consent"),
        )

    # ------------------------------------------------------------ event by event

    def _take(self, event: InteractionEvent) -> None:
        for name in _REMEMBERED:
            value = getattr(event.data, name)
            if value is not None:
                self.known[name] = value
        self._move(event)
        if event.type is EventType.TRANSFERRED:
            self._transfer(event)
        elif event.type is not EventType.ENDED and _serves(event.data.actor):
            self.owner = event.data.actor

    def _move(self, event: InteractionEvent) -> None:
        if event.type is EventType.ENDED:
            gone = (event.data.outcome or "").lower() == "abandoned"
            self.state = InteractionState.ABANDONED if gone else InteractionState.ENDED
            self.ended_at = event.occurred_at
            return
        said = event.data.more.get("state")
        named = _NAMED.get(said.upper()) if isinstance(said, str) else None
        if isinstance(said, str):
            self.raw_state = said
        state = named or _STATES.get(event.type)
        if state is not None:
            self.state = state
            self.ended_at = (self.ended_at or event.occurred_at) if state in _OVER else None
        elif self.state is None and event.type is not EventType.MESSAGE_DELETED:
            self.state = InteractionState.IN_PROGRESS

    def _transfer(self, event: InteractionEvent) -> None:
        """`to` of the data says who has it now. Without it the actor is the one who has come, or,
        where they had it already, the one who went.
        """
        said = event.data.actor
        to = _actor(event.data.more.get("to"))
        by = said or self.owner
        if to is None and said is not None and self.owner not in (None, said):
            by, to = self.owner, said
        self.transfers.append(
            Transfer(by=by, to=to, at=event.occurred_at, reason=event.data.reason)
        )
        self.owner = to

    # ------------------------------------------------------------ what it comes to

    def _record(self, subject: SourceKey, last: Any) -> InteractionRecord:
        build = _BUILDERS.get(subject.kind, _conversation)
        common = {
            "key": subject,
            "provenance": self._provenance(subject),
            "occurred_at": min(event.occurred_at for event in self.events),
            "channel": self._channel(subject.kind),
            "state": self.state or InteractionState.UNKNOWN,
            "raw_state": self.raw_state,
            "ended_at": self.ended_at,
            "owner": self.owner,
        }
        return build(self, common, last)

    def _provenance(self, subject: SourceKey) -> Provenance:
        latest = max(event.occurred_at for event in self.events)
        return Provenance(
            system=self.system,
            external_id=subject.external_id,
            fetched_at=latest,
            source_updated_at=latest,
            served_from=ServedFrom.EVENT_STORE,
        )

    def _channel(self, kind: Kind) -> Channel:
        told: Channel | None = self.known.get("channel")
        return told or _OF_KINDS.get(kind) or _OF_SYSTEMS.get(self.system.kind) or Channel.UNKNOWN

    def _leased_until(self, last_at: datetime) -> datetime | None:
        if self.state not in ONGOING:
            return None
        lease_s = self.known.get("lease_seconds")
        if lease_s is None:
            lease_s = LEASES_S[self._channel(self.events[0].subject.kind)]
        return last_at + timedelta(seconds=lease_s)


_REMEMBERED = (
    "channel",
    "reason",
    "case_id",
    "order_number",
    "wait_seconds",
    "duration_seconds",
    "lease_seconds",
    "consent",
)
"""What stands until it is said anew."""


def _call(course: _Course, common: dict[str, Any], _: Any) -> Call:
    return Call(
        **common,
        duration_seconds=course.known.get("duration_seconds"),
        wait_seconds=course.known.get("wait_seconds"),
    )


def _visit(course: _Course, common: dict[str, Any], _: Any) -> Visit:
    seen = [event for event in course.events if event.type is EventType.VISIT_RECORDED]
    referrers = (event.data.more.get("referrer") for event in seen)
    return Visit(
        **common,
        pages=sum("event" not in event.data.more for event in seen),
        referrer=next((one for one in referrers if isinstance(one, str) and one), None),
    )


def _ticket(course: _Course, common: dict[str, Any], _: Any) -> Ticket:
    closed = course.state in _OVER
    return Ticket(**common, status=TicketStatus.CLOSED if closed else TicketStatus.OPEN)


def _conversation(_: _Course, common: dict[str, Any], last: Any) -> Conversation:
    return Conversation(**common, last_message=last)


_Build = Callable[[_Course, dict[str, Any], Any], InteractionRecord]
_BUILDERS: Mapping[Kind, _Build] = {Kind.CALL: _call, Kind.VISIT: _visit, Kind.TICKET: _ticket}


def _attempts(events: Sequence[InteractionEvent]) -> tuple[Tried, ...]:
    return tuple(
        Tried(
            step=event.data.step or "",
            by=event.data.actor or NOBODY,
            at=event.occurred_at,
            outcome=event.data.outcome or "",
            evidence=(_tells(event),),
        )
        for event in events
        if event.type is EventType.STEP_ATTEMPTED
    )


def _asked(events: Sequence[InteractionEvent]) -> tuple[Asked, ...]:
    return tuple(
        Asked(
            slot=event.data.slot or "",
            by=event.data.actor or NOBODY,
            at=event.occurred_at,
            evidence=(_tells(event),),
        )
        for event in events
        if event.type is EventType.QUESTION_ASKED
    )


def _tells(event: InteractionEvent) -> str:
    """The node that shows it: the message, where the event names one, else the interaction."""
    if event.data.message_id:
        return message_key(event).node_id
    return event.subject.node_id


def _serves(actor: Actor | None) -> bool:
    return actor is not None and actor.kind in (ActorKind.AI, ActorKind.HUMAN)


def _actor(said: object) -> Actor | None:
    """Whom a transfer went to; None for what is none."""
    if not isinstance(said, Mapping):
        return None
    kind, one, name = (said.get(each) for each in ("kind", "id", "name"))
    if kind not in set(ActorKind) or not isinstance(one, str):
        return None
    return Actor(kind=ActorKind(str(kind)), id=one, name=name if isinstance(name, str) else None)
