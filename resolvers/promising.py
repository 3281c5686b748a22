"""Noting what was promised, that it was kept, and that something is about to be asked."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ulid import ULID

from domain.context import CommitmentStore, NotedCommitment, Slot
from domain.errors import CapabilityDisabled, InputError
from domain.events import EventData, EventType, InteractionEvent, Told
from domain.ids import CustomerId, Kind, MalformedNodeId, SourceKey, decode_node_id, source_key
from domain.provenance import Freshness
from domain.records import Actor, Contact, Message
from domain.vocabulary import ActorKind
from journey.handoffs import do_not_ask
from resolvers import commitments, matters, slots
from resolvers.access import require_anybody
from resolvers.customer import Customer
from resolvers.matters import Matter
from resolvers.refused import Code, UserError

if TYPE_CHECKING:
    from resolvers.operation import Operation

MOST_CHARS: Final = 2_000
MOST_KEY_CHARS: Final = 200
MOST_SLOT_CHARS: Final = 80
"""Of the name of a slot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordPayload:
    """`id` is None where nothing was recorded."""

    id: str | None = None
    user_errors: tuple[UserError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPayload:
    """`already_known` is why nobody needs to ask, with an error that says the same."""

    already_known: Slot | None = None
    user_errors: tuple[UserError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """To record a commitment of the caller's own."""

    issue: str
    what: str
    due_at: datetime | None
    idempotency_key: str


async def record(operation: "Operation", wish: Wish) -> RecordPayload:
    """The caller binds itself. Said again under the same key, it changes nothing. Raises Forbidden
    and CapabilityDisabled.
    """
    require_anybody(operation)
    problems = _wrong(wish)
    matter = None if problems else await _issue(operation, wish.issue)
    if matter is None:
        unknown = UserError(Code.UNKNOWN_RECORD, "no issue has this id", ("issue",))
        return RecordPayload(user_errors=tuple(problems) or (unknown,))
    noted = NotedCommitment(
        number=str(ULID()),
        customer=matter.customer,
        issue=matter.id,
        what=wish.what.strip(),
        by=_caller(operation),
        at=operation.started_at,
        due_at=wish.due_at,
        idempotency_key=wish.idempotency_key,
    )
    standing = await _store(operation).record(noted)
    if not _same(standing, noted):
        reused = UserError(
            Code.KEY_REUSED, "the key stands for another commitment", ("idempotencyKey",)
        )
        return RecordPayload(user_errors=(reused,))
    return RecordPayload(id=standing.id)


def _wrong(wish: Wish) -> list[UserError]:
    problems = []
    if not 0 < len(wish.what.strip()) <= MOST_CHARS:
        told = f"what: 1 to {MOST_CHARS} characters"
        problems.append(UserError(Code.INVALID, told, ("what",)))
    if not 0 < len(wish.idempotency_key) <= MOST_KEY_CHARS:
        told = f"idempotencyKey: 1 to {MOST_KEY_CHARS} characters"
        problems.append(UserError(Code.INVALID, told, ("idempotencyKey",)))
    return problems


def _same(one: NotedCommitment, other: NotedCommitment) -> bool:
    there, here = commitments.anchor_of(one.issue), commitments.anchor_of(other.issue)
    return (there, one.what, one.due_at) == (here, other.what, other.due_at)


async def fulfil(operation: "Operation", commitment: str, evidence: str) -> RecordPayload:
    """Whoever knows of it notes that it was kept. The first evidence stands. Raises Forbidden,
    InputError, SourceError and CapabilityDisabled.
    """
    require_anybody(operation)
    found = await commitments.by_id(operation, _parts(commitment, commitments.PREFIX, "id"))
    if found is None:
        return _refused(Code.UNKNOWN_RECORD, "no commitment has this id", "id")
    if not await _of_customer(operation, evidence, found.customer):
        told = "not a message or record of this customer"
        return _refused(Code.UNKNOWN_RECORD, told, "evidence")
    store = _store(operation)
    await store.fulfil(found.commitment.id, evidence, found.customer, operation.started_at)
    return RecordPayload(id=found.commitment.id)


async def ask(operation: "Operation", interaction: str, slot: str) -> AskPayload:
    """Say that the caller is about to ask for a slot: what is known and fresh is handed back
    instead of being asked for, and counted; else the question is kept with the interaction. Raises
    Forbidden, InputError and SourceError.
    """
    require_anybody(operation)
    if not 0 < len(slot.strip()) <= MOST_SLOT_CHARS:
        told = UserError(Code.INVALID, f"slot: 1 to {MOST_SLOT_CHARS} characters", ("slot",))
        return AskPayload(user_errors=(told,))
    key, name = _interaction(interaction), slots.named(slot)
    matter = await matters.of_interaction(operation, key)
    owner = None
    if matter is not None:
        owner = await operation.loaders.customer(matter.customer, matter.freshness)
    if matter is None or owner is None:
        unknown = UserError(Code.UNKNOWN_RECORD, "no interaction has this id", ("interaction",))
        return AskPayload(user_errors=(unknown,))
    found = await _fresh(operation, owner, matter, name)
    _count(operation, name, avoided=found is not None)
    if found is not None:
        source = found.provenance.system.name
        told = UserError(Code.ALREADY_KNOWN, f"already known from {source}", ("slot",))
        return AskPayload(already_known=operation.masks.apply(found), user_errors=(told,))
    await operation.services.events.append([_asked(operation, key, name)])
    return AskPayload()


async def _fresh(operation: "Operation", owner: Customer, matter: Matter, name: str) -> Slot | None:
    known = await slots.known(operation, owner, matter)
    fresh = do_not_ask(known, operation.started_at)
    return next((one for one in fresh if one.name == name), None)


def _count(operation: "Operation", name: str, *, avoided: bool) -> None:
    """What a caller calls a slot is anybody's text; only names of ours are labels."""
    labels = {"slot": name if name in slots.NAMES else "other"}
    operation.services.telemetry.count("questions_avoided" if avoided else "questions", labels)


def _asked(operation: "Operation", key: SourceKey, name: str) -> Told:
    caller = _caller(operation)
    event = InteractionEvent(
        system=key.source,
        event_id=f"ask/{key.kind.value}/{key.external_id}/{caller.id}/{name}",
        type=EventType.QUESTION_ASKED,
        occurred_at=operation.started_at,
        subject=key,
        data=EventData(slot=name, actor=caller),
    )
    return Told(event=event)


# ---------------------------------------------------------------- ids and who


def _caller(operation: "Operation") -> Actor:
    return Actor(kind=ActorKind.HUMAN, id=operation.caller.name, name=operation.caller.name)


def _store(operation: "Operation") -> CommitmentStore:
    """Raises CapabilityDisabled."""
    operation.services.require("live_record")
    store = operation.services.commitments
    if store is None:
        raise CapabilityDisabled("commitments are not kept here")
    return store


def _refused(code: Code, message: str, field: str) -> RecordPayload:
    return RecordPayload(user_errors=(UserError(code, message, (field,)),))


def _parts(node_id: str, prefix: str, field: str) -> tuple[str, ...]:
    """Raises InputError."""
    try:
        found, parts = decode_node_id(node_id)
    except MalformedNodeId as error:
        raise InputError(f"{field}: not an id of this graph") from error
    if found != prefix or len(parts) not in _SIZES[prefix]:
        raise InputError(f"{field}: not the id of a {prefix}")
    return parts


_SIZES = {"issue": (4,), commitments.PREFIX: (1, 3)}


async def _issue(operation: "Operation", node_id: str) -> Matter | None:
    return await matters.by_issue_id(operation, _parts(node_id, "issue", "issue"))


def _interaction(node_id: str) -> SourceKey:
    """Raises InputError."""
    try:
        key = source_key(node_id)
    except MalformedNodeId as error:
        raise InputError("interaction: not an id of this graph") from error
    if key.kind in (Kind.CONTACT, Kind.ORDER, Kind.MESSAGE):
        raise InputError("interaction: not the id of an interaction")
    return key


async def _of_customer(operation: "Operation", evidence: str, customer: CustomerId) -> bool:
    """Whether it is the id of something of this customer that the caller may see."""
    try:
        key = source_key(evidence)
    except MalformedNodeId as error:
        raise InputError("evidence: not an id of this graph") from error
    owner = await operation.loaders.customer(customer, Freshness())
    texts = None if owner is None else await operation.loaders.texts(owner, None)
    if texts is not None and evidence in texts.evidence:
        return True
    record = await operation.loaders.record(key)
    if record is None or isinstance(record, Message):
        return False
    contacts = [record.key]
    if not isinstance(record, Contact):
        contacts = [SourceKey(key.source, Kind.CONTACT, one) for one in record.owner_ids]
    owners = await operation.services.identity.of_records(contacts)
    return customer in owners
