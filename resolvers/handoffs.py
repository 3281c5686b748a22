"""A matter handed over: who hands it to whom and why, and what the receiver knows before the first
word.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ulid import ULID

from domain.context import Extract
from domain.errors import CapabilityDisabled
from domain.handoffs import HANDOFF_PREFIX, EscalationAdvice, Handoff, HandoffStore, Packet
from domain.ids import MalformedNodeId, decode_node_id
from domain.records import Actor
from domain.vocabulary import ActorKind, HandoffMode
from journey.context.purposes import Purpose
from journey.escalation import advice
from journey.handoffs import packet
from resolvers import context, matters
from resolvers.access import may_read_anybody, require_anybody
from resolvers.context import CustomerContext
from resolvers.customer import Customer
from resolvers.matters import Matter
from resolvers.refused import Code, UserError

if TYPE_CHECKING:
    from resolvers.operation import Operation

MOST_REASON_CHARS: Final = 2_000
MOST_KEY_CHARS: Final = 200
MOST_ID_CHARS: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    issue: str
    to: str | None
    mode: HandoffMode
    reason: str = field(repr=False)
    idempotency_key: str

    @property
    def digest(self) -> str:
        said = json.dumps([self.issue, self.to, self.mode.value, self.reason])
        return hashlib.sha256(said.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A handoff with its packet, as the caller may see it."""

    handoff: Handoff
    issue: Matter
    context: CustomerContext = field(repr=False)
    packet: Packet = field(repr=False)

    @property
    def id(self) -> str:
        return self.handoff.id


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffPayload:
    """`handoff` is None where nothing came of it."""

    handoff: Handed | None = None
    user_errors: tuple[UserError, ...] = ()


async def create(operation: "Operation", wish: Wish) -> HandoffPayload:
    """Hand the matter over. Said again under the same key, it changes nothing. Raises Forbidden and
    CapabilityDisabled.
    """
    require_anybody(operation)
    store = _store(operation)
    problems = _wrong(wish)
    matter = None if problems else await _issue(operation, wish.issue)
    if matter is None:
        unknown = _error(Code.UNKNOWN_RECORD, "no issue has this id", "input", "issue")
        return HandoffPayload(user_errors=tuple(problems) or (unknown,))
    standing = await store.create(await _made(operation, wish, matter))
    if standing.digest != wish.digest:
        reused = "the key stands for another handoff"
        return _refused(Code.KEY_REUSED, reused, "input", "idempotencyKey")
    return await _payload(operation, standing)


async def accept(operation: "Operation", handoff_id: str) -> HandoffPayload:
    """Take it over: from now on it is the caller's, unless somebody was faster, which the packet
    then says. Raises Forbidden and CapabilityDisabled.
    """
    require_anybody(operation)
    number = _number(handoff_id)
    by = Actor(kind=ActorKind.HUMAN, id=operation.caller.name, name=operation.caller.name)
    found = await _store(operation).accept(number, by, operation.started_at) if number else None
    return await _known(operation, found)


async def end(operation: "Operation", handoff_id: str) -> HandoffPayload:
    """The receiver is done. Raises Forbidden and CapabilityDisabled."""
    require_anybody(operation)
    number = _number(handoff_id)
    found = await _store(operation).end(number, operation.started_at) if number else None
    return await _known(operation, found)


async def by_parts(operation: "Operation", parts: tuple[str, ...]) -> Handed | None:
    """By the parts of its node id; None where it is not there, or not for this caller to see."""
    if not may_read_anybody(operation):
        return None
    (found,) = await _store(operation).by_numbers([parts[0]])
    return None if found is None else await _handed(operation, found)


async def by_id(operation: "Operation", handoff_id: str) -> Handed | None:
    """As `by_parts`, of a whole id."""
    number = _number(handoff_id)
    return await by_parts(operation, (number,)) if number else None


async def escalation(operation: "Operation", matter: Matter) -> EscalationAdvice | None:
    """None where the customer is not there any more."""
    owner = await operation.loaders.customer(matter.customer, matter.freshness)
    known = owner and await _context(operation, owner, matter)
    return _advice(matter, known) if known else None


# ---------------------------------------------------------------- making


async def _made(operation: "Operation", wish: Wish, matter: Matter) -> Handoff:
    kind = ActorKind.AI if wish.mode is HandoffMode.AUTO else ActorKind.HUMAN
    advised = await escalation(operation, matter)
    return Handoff(
        number=str(ULID()),
        customer=matter.customer,
        anchor=matter.whole.anchor,
        by=Actor(kind=kind, id=operation.caller.name, name=operation.caller.name),
        to=None if wish.to is None else Actor(kind=ActorKind.HUMAN, id=wish.to),
        reason=wish.reason.strip(),
        mode=wish.mode,
        decision=advised.terms if advised is not None else (),
        created_at=operation.started_at,
        idempotency_key=wish.idempotency_key,
        digest=wish.digest,
    )


def _wrong(wish: Wish) -> list[UserError]:
    limits = {
        "reason": (wish.reason.strip(), MOST_REASON_CHARS),
        "idempotencyKey": (wish.idempotency_key, MOST_KEY_CHARS),
        "to": ("-" if wish.to is None else wish.to, MOST_ID_CHARS),
    }
    return [
        _error(Code.INVALID, f"{name}: 1 to {most} characters", "input", name)
        for name, (text, most) in limits.items()
        if not 0 < len(text) <= most
    ]


# ---------------------------------------------------------------- handing out


async def _known(operation: "Operation", found: Handoff | None) -> HandoffPayload:
    if found is None:
        return _refused(Code.UNKNOWN_RECORD, "no handoff has this id", "id")
    return await _payload(operation, found)


async def _payload(operation: "Operation", found: Handoff) -> HandoffPayload:
    handed = await _handed(operation, found)
    if handed is None:
        return _refused(Code.UNKNOWN_CUSTOMER, "the matter cannot be read now", "id")
    return HandoffPayload(handoff=handed)


async def _handed(operation: "Operation", handoff: Handoff) -> Handed | None:
    here = handoff.anchor
    parts = (handoff.customer, here.source, here.kind.value, here.external_id)
    matter = await matters.by_issue_id(operation, parts)
    owner = matter and await operation.loaders.customer(matter.customer, matter.freshness)
    known = await _context(operation, owner, matter) if owner and matter else None
    if matter is None or known is None:
        return None
    read = Extract(
        goal=known.goal,
        attempted=known.attempted,
        commitments=known.commitments,
        open_question=known.open_question,
    )
    handed = packet(matter.whole, read, known.known, operation.started_at)
    return Handed(handoff=handoff, issue=matter, context=known, packet=handed)


async def _context(
    operation: "Operation", owner: Customer, matter: Matter
) -> CustomerContext | None:
    return await context.context(operation, owner, Purpose.HANDOFF, matter.id)


def _advice(matter: Matter, known: CustomerContext) -> EscalationAdvice:
    return advice(
        matter.whole,
        frustration=known.frustration,
        attempts=known.attempted,
        at_stake=matter.at_stake,
    )


# ---------------------------------------------------------------- ids


async def _issue(operation: "Operation", node_id: str) -> Matter | None:
    parts = _parts(node_id, "issue")
    return await matters.by_issue_id(operation, parts) if parts and len(parts) == 4 else None


def _number(node_id: str) -> str | None:
    parts = _parts(node_id, HANDOFF_PREFIX)
    return parts[0] if parts and len(parts) == 1 else None


def _parts(node_id: str, wanted: str) -> tuple[str, ...] | None:
    try:
        prefix, parts = decode_node_id(node_id)
    except MalformedNodeId:
        return None
    return parts if prefix == wanted else None


def _store(operation: "Operation") -> HandoffStore:
    """Raises CapabilityDisabled."""
    operation.services.require("live_record")
    store = operation.services.handoffs
    if store is None:
        raise CapabilityDisabled("handoffs are not kept here")
    return store


def _refused(code: Code, message: str, *path: str) -> HandoffPayload:
    return HandoffPayload(user_errors=(_error(code, message, *path),))


def _error(code: Code, message: str, *path: str) -> UserError:
    return UserError(code, message, path)
