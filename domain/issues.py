"""The matter behind contacts, and the way a customer took to one outcome."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.events import Interaction
from domain.ids import CustomerId, SourceKey, encode_node_id
from domain.money import Money
from domain.records import Order
from domain.vocabulary import ActorKind, IssueState, JourneyKind


class GroupedBy(StrEnum):
    """What made contacts one issue, strongest first; SINGLE is one contact alone. Of several the
    weakest is named: a chain is as good as that.
    """

    CASE = "case"
    ORDER = "order"
    LINK = "link"
    REASON = "reason"
    SINGLE = "single"


@dataclass(frozen=True, slots=True, kw_only=True)
class Friction:
    """What a customer lost on the way, each part and the score from 0 (nothing) to 1. None is not
    known; `coverage` is the share of the parts that are.
    """

    score: float
    context_loss: float | None = None
    repetition: float | None = None
    delay: float | None = None
    coverage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One contact of an issue follows another; `trigger` is who brought that about."""

    before: Interaction
    after: Interaction
    trigger: ActorKind
    friction: Friction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """`interactions` are in order of time. The first of them names it: an issue that has since
    gained an earlier one is still found by it.
    """

    interactions: tuple[Interaction, ...]
    grouped_by: GroupedBy
    state: IssueState
    opened_at: datetime
    resolved_at: datetime | None = None
    reason: str | None = None
    order_number: str | None = None

    @property
    def anchor(self) -> SourceKey:
        return self.interactions[0].key


def issue_id(customer: CustomerId, anchor: SourceKey) -> str:
    """The customer is where it is looked for first; after a merge or a split it is found under
    another.
    """
    return encode_node_id("issue", customer, anchor.source, anchor.kind.value, anchor.external_id)


Touchpoint = Interaction | Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """The part of an outcome's value that is put down to one touchpoint; `share` is of 1."""

    touchpoint: Touchpoint
    value: Money
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Contacts toward one outcome, in order of time; the outcome itself is no touchpoint.

    `outcome`: "resolved" or "open" of a SUPPORT journey; "order", "escalation" or None (none yet)
    of a VISITOR one.
    """

    kind: JourneyKind
    touchpoints: tuple[Touchpoint, ...]
    started_at: datetime
    ended_at: datetime | None = None
    outcome: str | None = None
    outcome_value: Money | None = field(default=None, repr=False)

    @property
    def anchor(self) -> SourceKey:
        return self.touchpoints[0].key


def journey_id(customer: CustomerId, kind: JourneyKind, anchor: SourceKey) -> str:
    return encode_node_id(
        "journey",
        customer,
        kind.value,
        anchor.source,
        anchor.kind.value,
        anchor.external_id,
    )


Mentions = Callable[[Interaction], str | None]
"""The number of the customer's order that an interaction is about, where that can be told."""
