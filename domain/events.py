"""What happens in interactions: the events that tell of it, and what they come to.

    InteractionEvent   one thing that happened, as a system told it
    Interaction        one contact on one channel, worked out from its events
    Activity           one entry of the log that listeners follow; its sequence is the only cursor

Events of one interaction are ordered by the source's own sequence where it has one, else by time;
the order in which they come in, and how often, does not matter.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Protocol

from domain.customer import LookupKey
from domain.ids import CustomerId, SourceKey
from domain.records import Actor, Call, Conversation, Message, Ticket, Visit
from domain.sources import Position
from domain.vocabulary import ActivityKind, Channel, InteractionState, Verification


class EventType(StrEnum):
    """The closed list of the contract; values are what callers write."""

    STARTED = "interaction.started"
    UPDATED = "interaction.updated"
    HELD = "interaction.held"
    RESUMED = "interaction.resumed"
    ENDED = "interaction.ended"
    MESSAGE_CREATED = "message.created"
    MESSAGE_UPDATED = "message.updated"
    MESSAGE_DELETED = "message.deleted"
    TRANSFERRED = "interaction.transferred"
    QUESTION_ASKED = "question.asked"
    STEP_ATTEMPTED = "step.attempted"
    VISIT_RECORDED = "visit.recorded"


@dataclass(frozen=True, slots=True)
class Claim:
    """A key by which the person of an interaction is said to be known, and how far to trust it."""

    key: LookupKey
    verification: Verification = Verification.ASSERTED


@dataclass(frozen=True, slots=True, kw_only=True)
class EventData:
    """What an event says, as far as its type has it. `text` is a message's, `more` what we have no
    name for.

    `lease_seconds`: how long after the event the interaction counts as going on though nobody ends
    it. `consent`: whether what a visitor did before may be put together with who they are.
    """

    channel: Channel | None = None
    actor: Actor | None = field(default=None, repr=False)
    text: str | None = field(default=None, repr=False)
    message_id: str | None = None
    internal: bool = False
    reason: str | None = None
    case_id: str | None = None
    order_number: str | None = None
    wait_seconds: int | None = None
    duration_seconds: int | None = None
    slot: str | None = None
    step: str | None = field(default=None, repr=False)
    outcome: str | None = field(default=None, repr=False)
    lease_seconds: int | None = None
    consent: bool | None = None
    more: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionEvent:
    """`system` is a source's name; with `event_id` it knows a repetition. `subject` is the
    interaction in that system. `sequence` is the system's own order within the interaction.
    """

    system: str
    event_id: str
    type: EventType
    occurred_at: datetime
    sequence: int | None = None
    subject: SourceKey
    claims: tuple[Claim, ...] = field(default=(), repr=False)
    data: EventData


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A step that was tried to settle the matter; `evidence` are node ids of what tells of it."""

    step: str = field(repr=False)
    by: Actor
    at: datetime
    outcome: str = field(repr=False)
    """Empty where nobody has said what came of it."""
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Somebody asked the customer for the value of a slot."""

    slot: str
    by: Actor
    at: datetime
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """The interaction went from one who deals with customers to another."""

    by: Actor | None
    to: Actor | None
    at: datetime
    reason: str | None = field(default=None, repr=False)


ONGOING = frozenset(
    {InteractionState.QUEUED, InteractionState.IN_PROGRESS, InteractionState.WAITING}
)

InteractionRecord = Ticket | Conversation | Call | Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """One contact on one channel with what went on in it.

    `messages` are in order of time, deleted ones among them without text; None: not read.
    `related` are interactions that an event says this one belongs with (`relatedTo` of its data).
    `leased_until`: when it counts as ended though nobody said so. `last_at`: when something last
    happened in it. `consent` is the latest word on it; None: nobody was asked.
    """

    record: InteractionRecord
    messages: tuple[Message, ...] | None = field(default=None, repr=False)
    attempts: tuple[Tried, ...] = ()
    asked: tuple[Asked, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    reason: str | None = None
    case_id: str | None = None
    order_number: str | None = None
    related: tuple[SourceKey, ...] = ()
    last_at: datetime | None = None
    leased_until: datetime | None = None
    consent: bool | None = None
    contacts: tuple[SourceKey, ...] = ()
    """The records of the people who took part, sorted; set by the store."""

    @property
    def key(self) -> SourceKey:
        return self.record.key

    @property
    def goes_on(self) -> bool:
        return self.record.state in ONGOING

    def as_of(self, now: datetime) -> "Interaction":
        """As it counts at that time: what nobody ended is over when its lease is; ABANDONED where
        the customer was still waiting for the first who would answer.
        """
        if not self.goes_on or self.leased_until is None or now < self.leased_until:
            return self
        waited = self.record.state is InteractionState.QUEUED
        state = InteractionState.ABANDONED if waited else InteractionState.ENDED
        return replace(self, record=replace(self.record, state=state, ended_at=self.leased_until))


Fold = Callable[[Sequence[InteractionEvent]], Interaction | None]
"""Every event of one interaction, in any order, to what they come to. It is pure, so that the same
events always come to the same. None: they tell of things deleted before they were, and no more.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event with the records of the people who took part, as identity settled them."""

    event: InteractionEvent
    contacts: tuple[SourceKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One thing listeners are told. `item` is the row it is about, where there is one; `contact` or
    `customer` says around whom; a customer is kept for what happens to the person, not to a record.
    """

    sequence: int
    kind: ActivityKind
    at: datetime
    item: SourceKey | None = None
    contacts: tuple[SourceKey, ...] = ()
    customer: CustomerId | None = None
    channel: Channel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What became of a batch of events: those that were not known before, and the entries of the
    log they made.
    """

    accepted: tuple[InteractionEvent, ...]
    duplicates: int
    activities: tuple[Activity, ...] = ()


class EventStore(Protocol):
    """Every method is one transaction. Events are kept as they came; interactions are worked out
    anew with every event of theirs.
    """

    async def append(self, told: Sequence[Told]) -> Noted:
        """Keep the events that are not known by (system, event_id), with what they come to and an
        entry of the log each. An interaction stays of the kind under which it was first told of;
        the events are returned with it.
        """
        ...

    async def note(self, activities: Sequence[Activity]) -> tuple[Activity, ...]:
        """Add entries that are no events of interactions (an order changed, a commitment, a
        handoff, an identity). `sequence` is set by the store.
        """
        ...

    async def interactions(self, keys: Sequence[SourceKey]) -> list[Interaction | None]:
        """One entry per key, in order, as of now; None where no event tells of it."""
        ...

    async def of_contacts(
        self,
        contacts: Collection[SourceKey],
        *,
        first: int,
        after: Position | None = None,
        active_at: datetime | None = None,
    ) -> list[Interaction]:
        """The interactions in which any of these records took part, newest begun first, then by
        external id and source descending; at most `first`, strictly after the position. With the
        records of a visitor who is, with consent, nobody but the person of these. With
        `active_at` only those that go on at that time. As of now, without their messages.
        """
        ...

    async def activities(
        self, after: int, first: int, contacts: Collection[SourceKey] | None = None
    ) -> list[Activity]:
        """Entries of the log in order, from the one after `after`; with `contacts` only those
        around them, and around visitors as in `of_contacts`. What is written later never has a
        lower sequence than what could be read.
        """
        ...

    async def head(self) -> int:
        """The sequence of the last entry; 0 where there is none."""
        ...


# ---------------------------------------------------------------- who took part

VISITOR_SYSTEM: Final = "visitor id"
"""Under this name a record carries the visitor id it stands for, among its `foreign_ids`. No source
can have it.
"""


STANDS_IN: Final = "customers/"
"""How the external id of a record begins that stands for an identifier whose person nobody knew."""


def stands_in(key: SourceKey) -> bool:
    """Whether it is such a record: where the person is known by another, it says nothing."""
    return key.external_id.startswith(STANDS_IN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What an event says of a visitor: who it turned out to be, and whether they agree to have put
    together what they did before with who they are.
    """

    visitor: str
    person: SourceKey | None = None
    consent: bool | None = None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """`home` is the record that stands for the visitor id, whatever system tells of it. `people`
    are the records of those who identified themselves under it. With consent, who has all of them
    is the visitor; nobody is where two share a device.
    """

    id: str
    home: SourceKey
    people: tuple[SourceKey, ...] = ()
    consent: bool | None = None


class Guests(Protocol):
    """What events claimed of people: grows only, so that the order in which they come in does not
    matter. Every method is one transaction.
    """

    async def meet(self, proposed: Mapping[str, SourceKey]) -> Mapping[str, Visitor]:
        """The visitors by id; one nobody met before gets the record that is proposed."""
        ...

    async def learn(
        self, claims: Mapping[SourceKey, Collection[Claim]], words: Collection[Word]
    ) -> None:
        """Remember what is claimed of each record, and what is said of visitors that were met."""
        ...

    async def visitor(self, id: str) -> Visitor | None:
        """None where nobody told of the visitor."""
        ...

    async def claims(self, keys: Sequence[SourceKey]) -> list[tuple[Claim, ...]]:
        """One entry per key, in order: every claim, each with the strongest verification it ever
        had, sorted.
        """
        ...
