"""A steward decides who is who: what is asked, whether it may be, and what came of it.

Every decision is one transaction with its event, its links and its key. It is exact (all of it or
nothing), optimistic (of each customer named, the version that the steward saw) and remembered (the
links it leaves hold over every later resolution). Asked the same again, it changes nothing.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.customer import Cluster, Link
from domain.decisions import Decided, Question, Ruling, Scene
from domain.errors import Forbidden
from domain.ids import CustomerId, Kind, MalformedNodeId, SourceKey, decode_node_id, source_key
from domain.records import Actor
from domain.vocabulary import ActorKind, LinkStatus
from resolvers import rulings
from resolvers.access import require_steward
from resolvers.places import event_cursor
from resolvers.refused import Code, Refused, Signed, UserError

if TYPE_CHECKING:
    from resolvers.operation import Operation

MAX_REASON_CHARS = 2_000
MAX_KEY_CHARS = 200
MAX_NAMED = 100
"""Customers to absorb, or records to split off, that one decision may name."""

Path = tuple[str, ...]
Opinion = Callable[[Scene, Signed], Ruling | Decided]


@dataclass(frozen=True, slots=True)
class Version:
    """A customer as the steward saw it."""

    id: CustomerId
    expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    keep: Version
    absorb: tuple[Version, ...]
    reason: str
    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    customer: Version
    records: tuple[str, ...]
    reason: str
    never_relink: bool
    idempotency_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPayload:
    """`customer_ids` are None where nothing was decided; `event` is the cursor of what happened,
    None where nothing had to.
    """

    customer_ids: tuple[CustomerId, ...] | None = None
    event: str | None = None
    user_errors: tuple[UserError, ...] = ()


async def merge(operation: "Operation", wish: Merge) -> IdentityPayload:
    """The customers as one, by the id to keep. Raises Forbidden."""
    named = [wish.keep, *wish.absorb]
    paths = [("input", "keep"), *(("input", "absorb", str(n)) for n in range(len(wish.absorb)))]
    question = question_of(
        operation,
        wish.idempotency_key,
        ["merge", version_text(wish.keep), sorted(map(version_text, wish.absorb))],
        customers=tuple(one.id for one in named if could_be_id(one.id)),
    )

    def opinion(scene: Scene, said: Signed) -> Ruling | Decided:
        parts = list({one.id: one for one in current(scene, named, paths)}.values())
        if len(parts) == 1:
            return Decided(sequence=None, customers=(parts[0].id,))
        return rulings.merged(scene, parts, parts[0].id, said)

    many = counted(wish.absorb, ("input", "absorb"))
    return await decide(operation, question, wish.reason, opinion, path=("input",), problems=many)


async def split(operation: "Operation", wish: Split) -> IdentityPayload:
    """The records named, and all others of the customer, as two customers. Raises Forbidden."""
    question = question_of(
        operation,
        wish.idempotency_key,
        ["split", version_text(wish.customer), sorted(wish.records), wish.never_relink],
        customers=(wish.customer.id,) if could_be_id(wish.customer.id) else (),
    )

    def opinion(scene: Scene, said: Signed) -> Ruling | Decided:
        (whole,) = current(scene, [wish.customer], [("input",)], id_field="customer")
        leaving = _records_of(whole, wish.records)
        mint = operation.services.mint
        return rulings.parted(scene, whole, leaving, said, mint, never_relink=wish.never_relink)

    many = counted(wish.records, ("input", "records"))
    return await decide(operation, question, wish.reason, opinion, path=("input",), problems=many)


async def confirm(
    operation: "Operation", link_id: str, reason: str, seen: Sequence[Version] = ()
) -> IdentityPayload:
    """The two records as one person, and so their customers. Where `seen` names customers, they
    must be as they were seen. Raises Forbidden.
    """

    def opinion(scene: Scene, said: Signed) -> Ruling | Decided:
        link = _link_of(scene, link_id)
        if link.status is LinkStatus.CONFIRMED and len(_owners(scene)) == 1:
            return Decided(sequence=None, customers=_owners(scene))
        _as_seen(scene, seen)
        return rulings.confirmed(scene, link, said)

    return await decide(operation, _about_link(operation, link_id, seen), reason, opinion)


async def reject(
    operation: "Operation", link_id: str, reason: str, seen: Sequence[Version] = ()
) -> IdentityPayload:
    """The two records as two people; `seen` as in `confirm`. Raises Forbidden."""

    def opinion(scene: Scene, said: Signed) -> Ruling | Decided:
        link = _link_of(scene, link_id)
        if link.status is LinkStatus.REJECTED and len(_owners(scene)) == 2:
            return Decided(sequence=None, customers=_owners(scene))
        _as_seen(scene, seen)
        return rulings.rejected(scene, link, said, operation.services.mint)

    return await decide(operation, _about_link(operation, link_id, seen), reason, opinion)


async def reopen(
    operation: "Operation", link_id: str, reason: str, seen: Sequence[Version] = ()
) -> IdentityPayload:
    """Nobody has decided on the two records any more: what the model says of them holds again, from
    the next resolution on. Customers stay as they are. `seen` as in `confirm`. Raises Forbidden.
    """

    def opinion(scene: Scene, said: Signed) -> Ruling | Decided:
        link = _link_of(scene, link_id)
        if link.status not in {LinkStatus.CONFIRMED, LinkStatus.REJECTED}:
            return Decided(sequence=None, customers=_owners(scene))
        _as_seen(scene, seen)
        return rulings.reopened(scene, link, said)

    return await decide(operation, _about_link(operation, link_id, seen), reason, opinion)


# ---------------------------------------------------------------- deciding


async def decide(
    operation: "Operation",
    question: Question,
    reason: str,
    opinion: Opinion,
    *,
    path: Path = (),
    problems: Sequence[UserError] = (),
) -> IdentityPayload:
    """Ask the rule in one transaction, once all is said that a decision needs. `path` is the place
    of the reason and the key in the arguments. Raises Forbidden.
    """
    require_steward(operation)
    if operation.read_only:
        raise Forbidden("a GET request decides nothing")
    problems = [*problems, *_worded(question, reason, path)]
    if problems:
        return IdentityPayload(user_errors=tuple(problems))
    said = Signed(by=_steward(operation), at=operation.services.clock.now(), reason=reason.strip())

    def rule(scene: Scene) -> Ruling | Decided:
        return repeated(question, scene) or opinion(scene, said)

    try:
        decided = await operation.services.decisions.decide(question, rule)
    except Refused as refused:
        return IdentityPayload(user_errors=refused.errors)
    operation.forget()
    event = None if decided.sequence is None else event_cursor(decided.sequence)
    return IdentityPayload(customer_ids=decided.customers, event=event)


def repeated(question: Question, scene: Scene) -> Decided | None:
    """What this question came to before: under its key, or under another, where what it came to
    still stands. Raises Refused for a key of another question.
    """
    if scene.under_key is not None:
        if scene.under_key.digest != question.digest:
            told = "the key has been used for another decision"
            raise Refused(UserError(Code.KEY_REUSED, told, ("input", "idempotencyKey")))
        return scene.under_key.decided
    if scene.alike is None:
        return None
    now = {id: one.version for id, one in scene.customers.items() if one.id == id}
    versions = scene.alike.versions
    stands = all(now.get(id) == version for id, version in versions.items())
    return scene.alike.decided if stands else None


def _steward(operation: "Operation") -> Actor:
    return Actor(kind=ActorKind.HUMAN, id=operation.caller.name)


def question_of(
    operation: "Operation", key: str, asked: object, customers: tuple[CustomerId, ...]
) -> Question:
    told = json.dumps(asked, separators=(",", ":")).encode()
    return Question(
        customers=customers,
        by=operation.caller.name,
        key=key,
        digest=hashlib.sha256(told).hexdigest(),
    )


def _about_link(operation: "Operation", link_id: str, seen: Sequence[Version]) -> Question:
    ends = link_ends(link_id)
    customers = tuple(one.id for one in seen if could_be_id(one.id))
    return Question(customers=customers, records=ends or (), by=operation.caller.name)


def _as_seen(scene: Scene, seen: Sequence[Version]) -> None:
    """Raises Refused."""
    current(scene, seen, [("seen", str(place)) for place in range(len(seen))])


# ---------------------------------------------------------------- what was asked


def version_text(one: Version) -> str:
    return f"{one.id} {one.expected}"


def could_be_id(id: CustomerId) -> bool:
    """Whether it can be anybody's; what cannot is not looked for."""
    return id.isascii() and id.isprintable() and len(id) <= MAX_KEY_CHARS


def counted(some: Sequence[object], path: Path) -> list[UserError]:
    if 0 < len(some) <= MAX_NAMED:
        return []
    return [UserError(Code.INVALID, f"{path[-1]}: from 1 to {MAX_NAMED}", path)]


def _worded(question: Question, reason: str, path: Path) -> list[UserError]:
    problems = []
    if not 0 < len(reason.strip()) <= MAX_REASON_CHARS:
        told = f"a reason of at most {MAX_REASON_CHARS} characters is needed"
        problems.append(UserError(Code.INVALID, told, (*path, "reason")))
    if question.key is not None and not 0 < len(question.key.strip()) <= MAX_KEY_CHARS:
        told = f"a key of at most {MAX_KEY_CHARS} characters is needed"
        problems.append(UserError(Code.INVALID, told, (*path, "idempotencyKey")))
    return problems


def current(
    scene: Scene, named: Sequence[Version], paths: Sequence[Path], id_field: str = "id"
) -> list[Cluster]:
    """The customers named, in order, as the steward saw them. Raises Refused for those who are not,
    all at once.
    """
    found, errors = [], []
    for one, path in zip(named, paths, strict=True):
        cluster = scene.customers.get(one.id)
        if cluster is None or cluster.erased_at or not cluster.members:
            errors.append(UserError(Code.UNKNOWN_CUSTOMER, "nobody has this id", (*path, id_field)))
        elif cluster.version != one.expected:
            told = f"{cluster.id} is at version {cluster.version}"
            errors.append(UserError(Code.STALE_VERSION, told, (*path, "expectedVersion")))
        else:
            found.append(cluster)
    if errors:
        raise Refused(*errors)
    return found


def _records_of(whole: Cluster, node_ids: Sequence[str]) -> frozenset[SourceKey]:
    """Raises Refused for what is none of the customer's, and where nothing would stay."""
    keys = [_record(node_id) for node_id in node_ids]
    errors = [
        UserError(
            Code.UNKNOWN_RECORD, f"not a record of {whole.id}", ("input", "records", str(place))
        )
        for place, key in enumerate(keys)
        if key not in whole.members
    ]
    leaving = frozenset(key for key in keys if key is not None)
    if not errors and len(leaving) == len(whole.members):
        told = "some records have to stay"
        errors.append(UserError(Code.NOTHING_TO_DECIDE, told, ("input", "records")))
    if errors:
        raise Refused(*errors)
    return leaving


def _record(node_id: str) -> SourceKey | None:
    try:
        return source_key(node_id)
    except MalformedNodeId:
        return None


def link_ends(link_id: str) -> tuple[SourceKey, SourceKey] | None:
    """The records between which the id is that of a link; None for any other text."""
    try:
        prefix, parts = decode_node_id(link_id)
    except MalformedNodeId:
        return None
    if prefix != "link" or len(parts) != 4:
        return None
    return SourceKey(parts[0], Kind.CONTACT, parts[1]), SourceKey(parts[2], Kind.CONTACT, parts[3])


def _link_of(scene: Scene, link_id: str) -> Link:
    """Raises Refused where there is none, or an end of it is nobody's any more."""
    for link in scene.links:
        if link.id == link_id and link.left in scene.owners and link.right in scene.owners:
            return link
    raise Refused(UserError(Code.UNKNOWN_LINK, "there is no such link", ("id",)))


def _owners(scene: Scene) -> tuple[CustomerId, ...]:
    return tuple(dict.fromkeys(scene.owners.values()))
