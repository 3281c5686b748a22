"""A matter that goes from one who deals with customers to another, and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.context import Attempt, Slot
from domain.ids import CustomerId, SourceKey, encode_node_id
from domain.pii import pii
from domain.records import Actor
from domain.vocabulary import HandoffMode, PiiClass

HANDOFF_PREFIX = "handoff"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTerm:
    """One reason of a score: it counts `value` (0 to 1) times `weight`."""

    name: str
    value: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationAdvice:
    """`reasons` are those that hold, the heaviest first: "emotional", "stalled twice", "complex",
    "high value".
    """

    escalate: bool
    reasons: tuple[str, ...]
    terms: tuple[ScoreTerm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """The record of one. `customer` is who it was when it began; `anchor` the first interaction of
    the matter. `to` is who it is meant for until somebody accepts it, then who did. The stretch of
    whoever took over runs from `accepted_at` to `ended_at`.
    """

    number: str
    customer: CustomerId
    anchor: SourceKey
    by: Actor
    to: Actor | None = None
    reason: str = field(repr=False)
    mode: HandoffMode
    decision: tuple[ScoreTerm, ...] = ()
    created_at: datetime
    accepted_at: datetime | None = None
    ended_at: datetime | None = None
    idempotency_key: str
    digest: str = ""
    """The same for two requests that ask for the same."""

    @property
    def id(self) -> str:
        return encode_node_id(HANDOFF_PREFIX, self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """What the receiver knows before the first word. `filled_share`: of the slots the matter needs,
    those that are known, 0 to 1.
    """

    stalled_at: Attempt | None
    acknowledgement: str | None = field(repr=False, metadata=pii(PiiClass.CONTENT))
    do_not_ask: tuple[Slot, ...]
    filled_share: float


class HandoffStore(Protocol):
    """Every method is one transaction, and leaves an entry in the log of activities where it
    changes something.
    """

    async def create(self, handoff: Handoff) -> Handoff:
        """Keep it; the one that stands where (by, idempotency_key) made one before."""
        ...

    async def accept(self, number: str, by: Actor, at: datetime) -> Handoff | None:
        """The first who accepts has it: what comes back says who that was. None: there is none."""
        ...

    async def end(self, number: str, at: datetime) -> Handoff | None:
        """End it, unless it has been; None where there is none."""
        ...

    async def by_numbers(self, numbers: Sequence[str]) -> list[Handoff | None]:
        """One entry per number, in order."""
        ...
