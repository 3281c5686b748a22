"""What was promised to and by customers: read out of texts, and recorded by those who promised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from domain.context import COMMITMENT_PREFIX, Commitment, NotedCommitment, Statement
from domain.ids import CustomerId, Kind, SourceKey, decode_node_id, encode_node_id
from domain.provenance import Freshness
from domain.vocabulary import CommitmentState, Completeness
from resolvers import matters
from resolvers.customer import Customer
from resolvers.rows import thread_id
from resolvers.texts import Texts

if TYPE_CHECKING:
    from resolvers.operation import Operation

PREFIX = COMMITMENT_PREFIX
_WAITING = frozenset({CommitmentState.OPEN, CommitmentState.OVERDUE})
_THREADS = (Kind.CONVERSATION, Kind.TICKET, Kind.CALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A commitment with whose it is; unmasked, for use in here."""

    customer: CustomerId
    commitment: Commitment


def is_waiting(one: Commitment) -> bool:
    return one.state in _WAITING


async def of_customer(
    operation: "Operation", owner: Customer, texts: Texts
) -> tuple[Commitment, ...]:
    """Unmasked: what is overdue first, then what is due soonest, then what has been kept."""
    noted = await _noted(operation, owner, texts)
    both = [*noted, *texts.extract.commitments]
    kept = await _fulfilments(operation, [one.id for one in both])
    settled = [_as_kept(one, kept.get(one.id)) for one in both]
    return tuple(sorted(settled, key=_urgency))


async def of_owner(
    operation: "Operation", owner: Customer, only_open: bool | None
) -> tuple[Commitment, ...] | None:
    """As the caller may see them; None where none is known and somebody did not answer."""
    texts = await operation.loaders.texts(owner, None)
    found = () if texts is None else await of_customer(operation, owner, texts)
    whole = texts is not None and texts.completeness in (
        Completeness.COMPLETE,
        Completeness.STALE,
    )
    if not (found or whole):
        return None
    mask = operation.masks.apply
    return tuple(mask(one) for one in found if only_open in (None, is_waiting(one)))


async def by_id(operation: "Operation", parts: Sequence[str]) -> Found | None:
    """By the parts of its node id; None where there is none, or none that the caller may see."""
    if len(parts) == 1:
        return await _by_number(operation, parts[0])
    return await _by_message(operation, *parts)


async def _by_number(operation: "Operation", number: str) -> Found | None:
    store = operation.services.commitments
    (noted,) = [None] if store is None else await store.by_numbers([number])
    if noted is None:
        return None
    owner = await operation.loaders.customer(noted.customer, Freshness())
    if owner is None:
        return None
    one = _commitment(noted, operation.started_at)
    kept = await _fulfilments(operation, [one.id])
    return Found(customer=owner.id, commitment=_as_kept(one, kept.get(one.id)))


async def _by_message(
    operation: "Operation", source: str, message: str, place: str
) -> Found | None:
    """Where it was said is read again: a promise is as old as its text, and gone with it."""
    wanted = encode_node_id(COMMITMENT_PREFIX, source, message, place)
    thread = thread_id(SourceKey(source, Kind.MESSAGE, message))
    for kind in _THREADS:
        matter = await matters.of_interaction(operation, SourceKey(source, kind, thread))
        if matter is None:
            continue
        owner = await operation.loaders.customer(matter.customer, Freshness())
        texts = None if owner is None else await operation.loaders.texts(owner, None)
        if owner is not None and texts is not None:
            found = await of_customer(operation, owner, texts)
            one = next((one for one in found if one.id == wanted), None)
            return None if one is None else Found(customer=owner.id, commitment=one)
    return None


# ---------------------------------------------------------------- what was recorded


async def _noted(operation: "Operation", owner: Customer, texts: Texts) -> list[Commitment]:
    """Under every id the person has had; of the issues that are looked at, as far as they are
    known.
    """
    store = operation.services.commitments
    if store is None:
        return []
    found = await store.of_customers([owner.id, *owner.aliases])
    noted = sorted((one for some in found.values() for one in some), key=lambda one: one.at)
    told = {one.key for matter in texts.chosen for one in matter.whole.interactions}
    every = texts.matters.issues is None or len(texts.chosen) == len(texts.matters.issues)
    return [
        _commitment(one, operation.started_at)
        for one in noted
        if every or anchor_of(one.issue) in told
    ]


def anchor_of(issue: str) -> SourceKey:
    """The interaction that names an issue, by the issue's node id."""
    _, (_, source, kind, external_id) = decode_node_id(issue)
    return SourceKey(source, Kind(kind), external_id)


def _commitment(noted: NotedCommitment, now: datetime) -> Commitment:
    """Its evidence is the interaction in whose matter it was recorded."""
    late = noted.due_at is not None and noted.due_at < now
    return Commitment(
        id=noted.id,
        what=Statement(text=noted.what, evidence=(anchor_of(noted.issue).node_id,), by=noted.by),
        made_by=noted.by,
        made_at=noted.at,
        due_at=noted.due_at,
        state=CommitmentState.OVERDUE if late else CommitmentState.OPEN,
    )


async def _fulfilments(operation: "Operation", ids: Sequence[str]) -> Mapping[str, str]:
    store = operation.services.commitments
    return {} if store is None or not ids else await store.fulfilments(ids)


def _as_kept(one: Commitment, evidence: str | None) -> Commitment:
    if evidence is None:
        return one
    return replace(one, state=CommitmentState.KEPT, fulfilled_by=evidence)


_ORDER = (
    CommitmentState.OVERDUE,
    CommitmentState.OPEN,
    CommitmentState.KEPT,
    CommitmentState.CANCELLED,
)


def _urgency(one: Commitment) -> tuple[int, bool, datetime, str]:
    return _ORDER.index(one.state), one.due_at is None, one.due_at or one.made_at, one.id
