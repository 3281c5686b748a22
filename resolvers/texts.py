"""What was said to and by one customer of late, and what can be read out of it.

    issues of the customer  >  their newest interactions  >  messages, at most so many of each
                            >  the extractor              >  statements that cite what was handed in

What others have said in structured form (steps, events) comes before what is read out of texts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeVar

from domain.context import Attempt, Extract, Statement, Thread
from domain.errors import NotSupported, SourceError
from domain.events import Interaction
from domain.ids import Kind
from domain.records import Message, Visit
from domain.vocabulary import Completeness
from resolvers import messages
from resolvers.connection import Connection
from resolvers.customer import Customer
from resolvers.matters import Matter, Matters
from resolvers.pages import Cut

if TYPE_CHECKING:
    from resolvers.operation import Operation

MOST_THREADS: Final = 10
"""The newest; what is older is history, which `issues` tell of."""
MOST_MESSAGES: Final = 30
"""The newest of each thread."""
S = TypeVar("S", Attempt, Statement)


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Unmasked, for use in here. `matter` is the one it is about: the one asked for, else the
    newest open one. `evidence` are the node ids that a statement may cite.
    """

    matters: Matters
    matter: Matter | None
    chosen: tuple[Matter, ...]
    extract: Extract = field(repr=False)
    evidence: frozenset[str]
    completeness: Completeness
    failures: tuple[SourceError, ...]


async def read(operation: "Operation", owner: Customer, issue: str | None) -> Texts | None:
    """Of a customer who was handed out; None where they have no issue of this id."""
    matters = (await operation.loaders.matters([owner]))[0]
    found = matters.issues or ()
    chosen = tuple(one for one in found if issue in (None, one.id))
    if issue is not None and not chosen:
        return None
    interactions = _newest(one for matter in chosen for one in matter.whole.interactions)
    threads, connections = await _threads(operation, owner, interactions)
    read = await operation.services.extractor.extract(
        threads, operation.started_at, operation.deadline
    )
    evidence = frozenset(message.id for thread in threads for message in thread.messages)
    evidence |= {one.record.id for one in interactions}
    return Texts(
        matters=matters,
        matter=next((one for one in chosen if one.is_open), next(iter(chosen), None)),
        chosen=chosen,
        extract=_with_told(_cited(read, evidence), interactions),
        evidence=evidence,
        completeness=_together([matters.completeness, *(one.completeness for one in connections)]),
        failures=(*matters.failures, *(one for some in connections for one in some.failures)),
    )


def _newest(interactions: Iterable[Interaction]) -> list[Interaction]:
    """Oldest first. What a visitor did is looked at only with their consent."""
    allowed = [one for one in interactions if _may_surface(one)]
    return sorted(allowed, key=lambda one: (one.record.occurred_at, one.key))[-MOST_THREADS:]


def _may_surface(one: Interaction) -> bool:
    return one.consent is True if isinstance(one.record, Visit) else one.consent is not False


async def _threads(
    operation: "Operation", owner: Customer, interactions: Sequence[Interaction]
) -> tuple[list[Thread], list[Connection]]:
    keys = [one.key for one in interactions]
    cut = Cut(kind=Kind.MESSAGE, first=MOST_MESSAGES, freshness=owner.freshness)
    found = await messages.fetch(operation, keys, cut) if keys else []
    threads = [
        Thread(key=one.key, channel=one.record.channel, messages=_said(page))
        for one, page in zip(interactions, found, strict=True)
    ]
    return threads, [one for one in found if not _holds_none(one)]


def _said(page: Connection) -> tuple[Message, ...]:
    """Oldest first, without those that were deleted."""
    nodes = [node for node in page.nodes or () if isinstance(node, Message)]
    return tuple(sorted((m for m in nodes if not m.deleted), key=lambda m: (m.at, m.id)))


def _holds_none(page: Connection) -> bool:
    """Whether the system has no messages of such a thing, which leaves nothing out."""
    return any(isinstance(one.error, NotSupported) for one in page.outcomes)


# ---------------------------------------------------------------- what may be said


def _cited(read: Extract, evidence: frozenset[str]) -> Extract:
    """Without what does not cite messages that were handed in: whoever extracted it."""

    def stands(cited: tuple[str, ...]) -> bool:
        return bool(cited) and evidence.issuperset(cited)

    def one(claim: Statement | None) -> Statement | None:
        return claim if claim is not None and stands(claim.evidence) else None

    def many(claims: Iterable[S]) -> tuple[S, ...]:
        return tuple(claim for claim in claims if stands(claim.evidence))

    return replace(
        read,
        goal=one(read.goal),
        open_question=one(read.open_question),
        attempted=many(read.attempted),
        commitments=tuple(c for c in read.commitments if stands(c.what.evidence)),
        intent_signals=many(read.intent_signals),
        sensitivities=many(read.sensitivities),
    )


def _with_told(read: Extract, interactions: Sequence[Interaction]) -> Extract:
    """Steps that systems told of come first; what a text says of the same message is left out."""
    told = [
        Attempt(step=one.step, by=one.by, at=one.at, outcome=one.outcome, evidence=one.evidence)
        for interaction in interactions
        for one in interaction.attempts
        if one.evidence
    ]
    known = {cited for one in told for cited in one.evidence}
    rest = [one for one in read.attempted if known.isdisjoint(one.evidence)]
    return replace(read, attempted=(*told, *rest))


def _together(parts: Iterable[Completeness]) -> Completeness:
    seen = set(parts)
    if seen == {Completeness.UNKNOWN}:
        return Completeness.UNKNOWN
    if seen & {Completeness.UNKNOWN, Completeness.PARTIAL}:
        return Completeness.PARTIAL
    return Completeness.STALE if Completeness.STALE in seen else Completeness.COMPLETE
