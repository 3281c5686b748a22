"""The issues and journeys of customers, worked out of what their sources and the live record have.

They are read from the latest MOST things of the timeline: an issue that began before these has the
interactions that are among them.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from domain.errors import SourceError
from domain.events import Interaction, InteractionRecord
from domain.ids import CustomerId, Kind, SourceKey
from domain.issues import Credit, Friction, Issue, Journey, Mentions, issue_id, journey_id
from domain.money import Money
from domain.provenance import Freshness
from domain.records import Contact, Conversation, Message, Order, Ticket
from domain.vocabulary import (
    ActorKind,
    AttributionModel,
    Completeness,
    IssueState,
    JourneyKind,
    PiiClass,
)
from journey.credits import credits_of
from journey.issues import issues
from journey.journeys import journeys
from journey.transitions import transitions
from resolvers import timeline
from resolvers.connection import MAX_PAGE
from resolvers.people import Person
from resolvers.timeline import Walk

if TYPE_CHECKING:
    from resolvers.operation import Operation

MOST: Final = MAX_PAGE
NEEDED: Final = frozenset(
    {"channel", "state", "ended_at", "owner", "number", "subject", "category", "status", "total"}
)
"""What tells which things belong together, whatever else is asked for."""
_WHOLE = frozenset({Completeness.COMPLETE, Completeness.STALE})
_WORD = re.compile(r"#?[\w-]+")
_SHORTEST: Final = 3
"""Characters of an order number that is looked for in a text: "12" stands for anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """From one interaction of an issue to the next, as the caller may see them."""

    before: InteractionRecord
    after: InteractionRecord
    trigger: ActorKind
    friction: Friction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """An issue as the caller may see it; `whole` is unmasked, for use in here."""

    whole: Issue = field(repr=False)
    customer: CustomerId
    freshness: Freshness
    interactions: tuple[InteractionRecord, ...] = field(repr=False)
    transitions: tuple[Step, ...] = field(repr=False)
    subject: Order | None = field(repr=False)
    at_stake: Money | None = field(repr=False)
    """Of the order it is about, unmasked."""

    @property
    def id(self) -> str:
        return issue_id(self.customer, self.whole.anchor)

    @property
    def reason(self) -> str | None:
        return self.whole.reason

    @property
    def state(self) -> IssueState:
        return self.whole.state

    @property
    def opened_at(self) -> datetime:
        return self.whole.opened_at

    @property
    def resolved_at(self) -> datetime | None:
        return self.whole.resolved_at

    @property
    def grouped_by(self) -> str:
        return self.whole.grouped_by.value

    @property
    def satisfaction(self) -> int | None:
        """Nobody has asked yet."""
        return None

    @property
    def is_open(self) -> bool:
        return self.state is not IssueState.RESOLVED

    def holds(self, key: SourceKey) -> bool:
        return any(one.key == key for one in self.interactions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A journey as the caller may see it; `touchpoints` are in the order of the journey's."""

    whole: Journey = field(repr=False)
    customer: CustomerId
    touchpoints: tuple[Order | InteractionRecord, ...] = field(repr=False)
    outcome_value: Money | None = field(repr=False)

    @property
    def id(self) -> str:
        return journey_id(self.customer, self.whole.kind, self.whole.anchor)

    @property
    def kind(self) -> JourneyKind:
        return self.whole.kind

    @property
    def started_at(self) -> datetime:
        return self.whole.started_at

    @property
    def ended_at(self) -> datetime | None:
        return self.whole.ended_at

    @property
    def outcome(self) -> str | None:
        return self.whole.outcome

    def credits(self, model: AttributionModel) -> list["Share"]:
        """None of them for a caller who may not see what the outcome is worth."""
        if self.outcome_value is None:
            return []
        shares = credits_of(self.whole, model)
        return [Share.of(one, shown) for one, shown in zip(shares, self.touchpoints, strict=True)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A credit as the caller may see it."""

    touchpoint: Order | InteractionRecord
    value: Money
    share: float

    @classmethod
    def of(cls, credit: Credit, shown: Order | InteractionRecord) -> "Share":
        return cls(touchpoint=shown, value=credit.value, share=credit.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matters:
    """`issues` and `journeys`, latest begun first, are None where none is known and somebody who
    could know of one did not answer: unknown, not none.
    """

    issues: tuple[Matter, ...] | None = None
    journeys: tuple[Way, ...] | None = None
    completeness: Completeness = Completeness.COMPLETE
    failures: tuple[SourceError, ...] = ()

    @property
    def records(self) -> tuple[Order | InteractionRecord, ...]:
        """Everything that is handed out with them."""
        found = [one for issue in self.issues or () for one in issue.interactions]
        subjects = [one.subject for one in self.issues or () if one.subject is not None]
        return (*found, *subjects, *(one for way in self.journeys or () for one in way.touchpoints))

    def issue_with(self, key: SourceKey) -> Matter | None:
        return next((one for one in self.issues or () if one.holds(key)), None)


async def fetch(
    operation: "Operation", people: Sequence[Person], freshness: Freshness
) -> list[Matters]:
    """One entry per person, in order."""
    walk = Walk(first=MOST, freshness=freshness, needs=NEEDED)
    pages = await timeline.fetch(operation, people, walk)
    nodes = [node for page in pages for node in page.nodes or ()]
    told = await _told(operation, (one for one in nodes if not isinstance(one, Order)))
    return [
        _matters(operation, person, page, told, freshness)
        for person, page in zip(people, pages, strict=True)
    ]


async def _told(
    operation: "Operation", records: Iterable[InteractionRecord]
) -> dict[SourceKey, Interaction]:
    keys = list(dict.fromkeys(one.key for one in records))
    found = await operation.services.events.interactions(keys) if keys else []
    return {one.key: one for one in found if one is not None}


def _matters(
    operation: "Operation",
    person: Person,
    page: timeline.Timeline,
    told: Mapping[SourceKey, Interaction],
    freshness: Freshness,
) -> Matters:
    if page.nodes is None:
        return Matters(completeness=page.completeness, failures=page.failures)
    orders = [node for node in page.nodes if isinstance(node, Order)]
    known = [_known(node, told) for node in page.nodes if not isinstance(node, Order)]
    found = issues(known, operation.started_at, mentions=mentioning(orders))
    ways = journeys(found, known, orders)
    silent = page.completeness not in _WHOLE  # somebody who could know did not answer
    return Matters(
        issues=None
        if silent and not found
        else tuple(_matter(operation, person, one, orders, freshness) for one in found),
        journeys=None
        if silent and not ways
        else tuple(_way(operation, person, one) for one in ways),
        completeness=page.completeness,
        failures=page.failures,
    )


def _known(record: InteractionRecord, told: Mapping[SourceKey, Interaction]) -> Interaction:
    """What went on in it as the live record has it, how it stands as the timeline does."""
    known = told.get(record.key)
    return Interaction(record=record) if known is None else replace(known, record=record)


def mentioning(orders: Iterable[Order]) -> Mentions:
    """Finds the one order of the customer's own that a text names, by its number. A text that names
    two is about neither.
    """
    numbers = {_bare(one.number): one.number for one in orders if one.number}

    def mentions(interaction: Interaction) -> str | None:
        words = {_bare(word) for text in _texts(interaction) for word in _WORD.findall(text)}
        named = [numbers[word] for word in words & numbers.keys() if len(word) >= _SHORTEST]
        return named[0] if len(named) == 1 else None

    return mentions


def _bare(text: str) -> str:
    return text.lstrip("#").casefold()


def _texts(interaction: Interaction) -> Iterable[str]:
    record = interaction.record
    if isinstance(record, Ticket) and record.subject:
        yield record.subject
    if isinstance(record, Conversation) and record.last_message and record.last_message.body:
        yield record.last_message.body
    yield from (message.body for message in interaction.messages or () if message.body)


async def of_interaction(operation: "Operation", key: SourceKey) -> Matter | None:
    """The issue an interaction belongs to, of whoever it was handed out with, else of whose it
    is. None where the caller may not see it.
    """
    customers = operation.trail(key).customers or await _owners(operation, key)
    for one in customers:
        found = (await _of_customer(operation, one)).issue_with(key)
        if found is not None:
            return found
    return None


async def by_issue_id(operation: "Operation", parts: tuple[str, ...]) -> Matter | None:
    """The issue in which the interaction is that its id names, whoever has it by now."""
    customer, source, kind, external_id = parts
    key = SourceKey(source, Kind(kind), external_id)
    found = (await _of_customer(operation, CustomerId(customer))).issue_with(key)
    return found or await of_interaction(operation, key)


async def by_journey_id(operation: "Operation", parts: tuple[str, ...]) -> Way | None:
    customer, kind, source, anchor_kind, external_id = parts
    key = SourceKey(source, Kind(anchor_kind), external_id)
    found = await _of_customer(operation, CustomerId(customer))
    ways = (one for one in found.journeys or () if one.kind == kind)
    return next((one for one in ways if any(at.key == key for at in one.touchpoints)), None)


async def _of_customer(operation: "Operation", one: CustomerId) -> Matters:
    customer = await operation.loaders.customer(one, Freshness())
    return Matters() if customer is None else (await operation.loaders.matters([customer]))[0]


async def _owners(operation: "Operation", key: SourceKey) -> list[CustomerId]:
    """Whose it is by what the live record or its source says of who took part."""
    record = await operation.loaders.record(key)
    if record is None or isinstance(record, Contact | Message):
        return []
    (told,) = await operation.services.events.interactions([key])
    contacts = [SourceKey(key.source, Kind.CONTACT, one) for one in record.owner_ids]
    contacts += told.contacts if told is not None else ()
    found = await operation.services.identity.of_records(contacts)
    return list(dict.fromkeys(one for one in found if one is not None))


# ---------------------------------------------------------------- as the caller may see it


def _matter(
    operation: "Operation",
    person: Person,
    issue: Issue,
    orders: Sequence[Order],
    freshness: Freshness,
) -> Matter:
    mask = operation.masks.apply
    shown = {one.key: mask(one.record) for one in issue.interactions}
    order = next((one for one in orders if _same(one.number, issue.order_number)), None)
    return Matter(
        whole=issue,
        customer=person.cluster.id,
        freshness=freshness,
        interactions=tuple(shown.values()),
        transitions=tuple(
            Step(
                before=shown[one.before.key],
                after=shown[one.after.key],
                trigger=one.trigger,
                friction=one.friction,
            )
            for one in transitions(issue)
        ),
        subject=mask(order) if order else None,
        at_stake=order.total if order else None,
    )


def _same(number: str | None, other: str | None) -> bool:
    return number is not None and other is not None and _bare(number) == _bare(other)


def _way(operation: "Operation", person: Person, journey: Journey) -> Way:
    mask = operation.masks.apply
    touchpoints = (one if isinstance(one, Order) else one.record for one in journey.touchpoints)
    return Way(
        whole=journey,
        customer=person.cluster.id,
        touchpoints=tuple(mask(one) for one in touchpoints),
        outcome_value=_visible(operation, journey.outcome_value),
    )


def _visible(operation: "Operation", value: Money | None) -> Money | None:
    return value if PiiClass.FINANCIAL in operation.caller.visible else None
