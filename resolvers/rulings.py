"""What a steward's decision makes of who is who. Pure functions of the scene.

Two things hold before and after each of them: records of a CONFIRMED link are one customer's, and
records of a REJECTED one are two customers'. So no later resolution, which lays these links down
before it weighs anything, can undo a decision.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.customer import Cluster, IdentityEvent, Link
from domain.decisions import Held, Mint, Ruling, Scene
from domain.ids import CustomerId, SourceKey
from domain.ports import Assignment
from domain.vocabulary import IdentityEventKind, LinkMethod, LinkStatus
from resolvers.refused import Code, Refused, Signed, UserError

MAX_PAIRS = 10_000
"""Pairs of records that one decision is written for: two customers of a hundred records each."""

_JOINING = frozenset({LinkStatus.AUTO, LinkStatus.CONFIRMED})

Pair = tuple[SourceKey, SourceKey]
Part = frozenset[SourceKey]


def merged(
    scene: Scene,
    parts: Sequence[Cluster],
    keep: CustomerId,
    said: Signed,
    kind: IdentityEventKind = IdentityEventKind.MERGED,
) -> Ruling:
    """The parts as one customer, by the id to keep: every pair across them is CONFIRMED, whatever
    it was. Raises Refused where they are too large.
    """
    members = tuple(sorted(key for part in parts for key in part.members))
    links = _decided(scene, across([part.members for part in parts]), LinkStatus.CONFIRMED, said)
    return Ruling(
        event=_event(kind, [part.id for part in parts], [keep], said),
        assignments=(
            Assignment(id=keep, members=members, confidence=min(one.confidence for one in parts)),
        ),
        redirects={part.id: keep for part in parts if part.id != keep},
        links=links,
    )


def across(parts: Sequence[Collection[SourceKey]]) -> list[Pair]:
    """Every pair of records of two of the parts, the lower key first. Raises Refused."""
    sizes = [len(part) for part in parts]
    if (sum(sizes) ** 2 - sum(size**2 for size in sizes)) // 2 > MAX_PAIRS:
        raise Refused(UserError(Code.TOO_LARGE, f"at most {MAX_PAIRS} pairs of records at once"))
    return [
        (min(one, other), max(one, other))
        for place, part in enumerate(parts)
        for one in part
        for rest in parts[place + 1 :]
        for other in rest
    ]


def parted(
    scene: Scene, whole: Cluster, leaving: Part, said: Signed, mint: Mint, *, never_relink: bool
) -> Ruling:
    """The records that leave, and those that stay, as two customers. Every pair across them is
    REJECTED, or, where they may be linked again, just stands no more.
    """
    parts = frozenset(whole.members) - leaving, leaving
    division = _divide(scene, whole, parts, mint)
    if never_relink:
        links = _decided(scene, across(parts), LinkStatus.REJECTED, said)
    else:
        loose = (link for link in _between(scene, parts) if link.status in _JOINING)
        links = [_signed(link, LinkStatus.SUPERSEDED, said) for link in loose]
    return replace(_ruling(division, whole, IdentityEventKind.SPLIT, said), links=links)


def confirmed(scene: Scene, link: Link, said: Signed) -> Ruling:
    """The two records as one person, and so their customers: the older id survives."""
    parts = _customers_of(scene, link)
    kind = IdentityEventKind.CONFIRMED
    if len(parts) > 1:
        return merged(scene, parts, min(part.id for part in parts), said, kind)
    links = [_signed(link, LinkStatus.CONFIRMED, said)]
    return Ruling(event=_event(kind, [parts[0].id], [parts[0].id], said), links=links)


def rejected(scene: Scene, link: Link, said: Signed, mint: Mint) -> Ruling:
    """The two records as two people. Where they are one customer, each of its other records goes
    with the one to which stronger links lead, and what linked the two sides waits for review.
    Raises Refused where other decisions hold the two together.
    """
    parts = _customers_of(scene, link)
    kind = IdentityEventKind.REJECTED
    decided = _signed(link, LinkStatus.REJECTED, said)
    ids = [part.id for part in parts]
    if len(parts) > 1:
        return Ruling(event=_event(kind, ids, ids, said), links=[decided])
    (whole,) = parts
    sides = _sides(scene, whole, link)
    division = _divide(scene, whole, sides, mint)
    waiting = [
        replace(one, status=LinkStatus.PENDING)
        for one in _between(scene, sides)
        if one.status is LinkStatus.AUTO and _ends(one) != _ends(link)
    ]
    return replace(_ruling(division, whole, kind, said), links=[decided, *waiting])


def reopened(scene: Scene, link: Link, said: Signed) -> Ruling:
    """The pair as if nobody had decided on it: it stands by its weight where it joins one customer,
    waits for review where it lies between two, and is no link where the model has never seen one.
    """
    ids = [part.id for part in _customers_of(scene, link)]
    status = LinkStatus.AUTO if len(ids) == 1 else LinkStatus.PENDING
    kind = IdentityEventKind.UNLINKED
    if link.status is LinkStatus.REJECTED:
        kind = IdentityEventKind.LINKED
    scored = link.match_weight is not None
    undecided = _signed(link, status if scored else LinkStatus.SUPERSEDED, said)
    method = LinkMethod.PROBABILISTIC if scored else LinkMethod.MANUAL
    return Ruling(event=_event(kind, ids, ids, said), links=[replace(undecided, method=method)])


# ---------------------------------------------------------------- two from one


@dataclass(frozen=True, slots=True, kw_only=True)
class _Division:
    """The parts of a customer by their ids, that which keeps its id first."""

    parts: Mapping[CustomerId, Part]
    redirects: Mapping[CustomerId, CustomerId]
    held: Mapping[CustomerId, Held] = field(default_factory=dict)


def _divide(scene: Scene, whole: Cluster, parts: Sequence[Part], mint: Mint) -> _Division:
    """The part with the oldest membership keeps the id; of equally old ones the larger, then the
    first. The other has back the id under which most of it once stood by itself, or a new one;
    aliases lead to the part that holds most of what they held.
    """
    oldest = min(parts, key=lambda part: (min(scene.since[key] for key in part), -len(part)))
    other = next(part for part in parts if part is not oldest)
    held = {alias: scene.held[alias] for alias in whole.aliases if alias in scene.held}
    common = {alias: len(one.members & other) for alias, one in held.items()}
    theirs = {a for a, one in held.items() if common[a] > len(one.members & oldest)}
    back = min(theirs, key=lambda alias: _rank(alias, held[alias], other), default=None) or mint()
    leads = {alias: back if alias in theirs else whole.id for alias in held if alias != back}
    return _Division(parts={whole.id: oldest, back: other}, redirects=leads, held=held)


def _rank(alias: CustomerId, held: Held, part: Part) -> tuple[int, int, int, CustomerId]:
    """Which alias a part has back: that which held most of it, least besides, and until lately."""
    return -len(held.members & part), len(held.members - part), -held.until, alias


def _ruling(division: _Division, whole: Cluster, kind: IdentityEventKind, said: Signed) -> Ruling:
    return Ruling(
        event=_event(kind, [whole.id], division.parts, said),
        assignments=[
            Assignment(
                id=id,
                members=tuple(sorted(part)),
                confidence=_confidence(part, division.held.get(id), whole),
            )
            for id, part in division.parts.items()
        ],
        redirects=division.redirects,
    )


def _confidence(part: Part, before: Held | None, whole: Cluster) -> float:
    """What it was where the part stood before; a part is at least as sure as the whole."""
    if len(part) == 1:
        return 1.0
    return before.confidence if before and before.members == part else whole.confidence


def _sides(scene: Scene, whole: Cluster, link: Link) -> tuple[Part, Part]:
    """The customer in two, one end of the link in each: links join from the strongest on, unless
    they would join both ends. What no link reaches stays with the left one.
    """
    side = {key: {key} for key in whole.members}
    for one in _holding(scene, whole, link):
        left, right = side[one.left], side[one.right]
        if left is right:
            continue
        joined = left | right
        if {link.left, link.right} <= joined:
            if one.status is LinkStatus.CONFIRMED:
                told = "other decisions hold these records together; split the customer instead"
                raise Refused(UserError(Code.CONFLICT, told, ("id",)))
            continue
        side.update(dict.fromkeys(joined, joined))
    theirs = frozenset(side[link.right])
    return frozenset(whole.members) - theirs, theirs


def _holding(scene: Scene, whole: Cluster, without: Link) -> list[Link]:
    """The links that hold a customer together, but for one: decided ones first, then by weight."""
    members = set(whole.members)
    inside = [
        one
        for one in scene.links
        if one.status in _JOINING
        and members.issuperset(_ends(one))
        and _ends(one) != _ends(without)
    ]
    return sorted(
        inside,
        key=lambda one: (
            one.status is not LinkStatus.CONFIRMED,
            -(one.match_weight or 0.0),
            _ends(one),
        ),
    )


def _between(scene: Scene, parts: tuple[Part, Part]) -> list[Link]:
    """Links with one end in each part."""
    one, other = parts
    return [
        link
        for link in scene.links
        if (link.left in one and link.right in other) or (link.left in other and link.right in one)
    ]


# ---------------------------------------------------------------- links and events


def _ends(link: Link) -> Pair:
    return link.left, link.right


def _known(scene: Scene) -> dict[Pair, Link]:
    return {_ends(link): link for link in scene.links}


def _signed(link: Link, status: LinkStatus, said: Signed) -> Link:
    """The link as a person decided it; what the model said of it stays beside."""
    return replace(
        link,
        method=LinkMethod.MANUAL,
        status=status,
        decided_by=said.by,
        decided_at=said.at,
        reason=said.reason,
    )


def _decided(scene: Scene, pairs: Iterable[Pair], status: LinkStatus, said: Signed) -> list[Link]:
    known = _known(scene)
    return [_signed(known.get(pair) or _unscored(pair, said), status, said) for pair in pairs]


def _unscored(pair: Pair, said: Signed) -> Link:
    return Link(
        left=pair[0],
        right=pair[1],
        method=LinkMethod.MANUAL,
        status=LinkStatus.PENDING,
        decided_by=said.by,
        decided_at=said.at,
    )


def _customers_of(scene: Scene, link: Link) -> list[Cluster]:
    """The customer of each end, once where they are one."""
    owners = dict.fromkeys(scene.owners[end] for end in _ends(link))
    return [scene.customers[owner] for owner in owners]


def _event(
    kind: IdentityEventKind,
    before: Iterable[CustomerId],
    after: Iterable[CustomerId],
    said: Signed,
) -> IdentityEvent:
    return IdentityEvent(
        sequence=0,
        kind=kind,
        before=tuple(sorted(before)),
        after=tuple(after),
        by=said.by,
        reason=said.reason,
        at=said.at,
    )
