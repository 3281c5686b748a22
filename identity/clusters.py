"""Clusters from scored pairs, and ids that outlive them. Pure functions.

Members are compared only by their own order, so the same pairs give the same clusters in whatever
order they arrive.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from domain.ids import CustomerId
from domain.vocabulary import IdentityEventKind


class Ordered(Hashable, Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


M = TypeVar("M", bound=Ordered)


@dataclass(frozen=True, slots=True)
class Edge(Generic[M]):
    """A scored pair; `weight` is log2 odds."""

    left: M
    right: M
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`link_weight`: pairs from here on join. `veto_weight`: two clusters are kept apart where any
    pair across them is at or below it. `max_size`: no cluster grows beyond it.
    """

    link_weight: float
    veto_weight: float = -6.0
    max_size: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints(Generic[M]):
    """What no weight overrules. `unique_in`: members of one label are different people (a source
    that guarantees one record a person).
    """

    confirmed: Collection[tuple[M, M]] = ()
    rejected: Collection[tuple[M, M]] = ()
    unique_in: Mapping[M, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOf(Generic[M]):
    """`members` are sorted. `weakest` is the weight of the last link that was needed to hold it
    together, None for one member or confirmed links alone.
    """

    members: tuple[M, ...]
    weakest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustering(Generic[M]):
    """`clusters` are sorted by their first member; `guarded` are pairs the size guard refused, and
    `vetoed` pairs that a conflict did, strongest first.
    """

    clusters: tuple[ClusterOf[M], ...]
    guarded: tuple[Edge[M], ...] = ()
    vetoed: tuple[Edge[M], ...] = ()


class _Groups(Generic[M]):
    """Disjoint sets that know whom they must never meet."""

    def __init__(self) -> None:
        self.parent: dict[M, M] = {}
        self.members: dict[M, list[M]] = {}
        self.apart: dict[M, set[M]] = defaultdict(set)
        self.labels: dict[M, set[str]] = defaultdict(set)
        self.weakest: dict[M, float] = {}

    def add(self, member: M) -> None:
        if member not in self.parent:
            self.parent[member] = member
            self.members[member] = [member]

    def find(self, member: M) -> M:
        root = member
        while self.parent[root] != root:
            root = self.parent[root]
        while self.parent[member] != root:
            self.parent[member], member = root, self.parent[member]
        return root

    def keep_apart(self, left: M, right: M) -> None:
        a, b = self.find(left), self.find(right)
        if a != b:
            self.apart[a].add(b)
            self.apart[b].add(a)

    def may_join(self, a: M, b: M) -> bool:
        return b not in self.apart[a] and self.labels[a].isdisjoint(self.labels[b])

    def join(self, a: M, b: M, weight: float | None) -> None:
        if len(self.members[a]) < len(self.members[b]):
            a, b = b, a
        self.parent[b] = a
        self.members[a] += self.members.pop(b)
        self.labels[a] |= self.labels.pop(b, set())
        for other in self.apart.pop(b, set()):
            self.apart[other].discard(b)
            self.apart[other].add(a)
            self.apart[a].add(other)
        weights = [
            w for w in (self.weakest.pop(b, None), self.weakest.get(a), weight) if w is not None
        ]
        if weights:
            self.weakest[a] = min(weights)


def cluster(
    members: Iterable[M],
    edges: Iterable[Edge[M]],
    policy: Policy,
    constraints: Constraints[M] | None = None,
) -> Clustering[M]:
    """Groups held by links, strongest first, that no conflict or constraint forbids.

    Confirmed pairs come first, then rejected ones and vetoes are laid down, so that a decision of a
    person outranks every weight, and two people are never joined through a third record.
    """
    rules = constraints or Constraints()
    groups: _Groups[M] = _Groups()
    ordered = sorted(edges, key=lambda edge: (-edge.weight, edge.left, edge.right))
    for member in members:
        groups.add(member)
    for edge in ordered:
        groups.add(edge.left)
        groups.add(edge.right)
    _constrain(groups, rules)
    vetoes = [edge for edge in ordered if edge.weight <= policy.veto_weight]
    for edge in vetoes:
        groups.keep_apart(edge.left, edge.right)
    guarded, vetoed = _agglomerate(groups, ordered, policy)
    found = (
        ClusterOf(members=tuple(sorted(group)), weakest=groups.weakest.get(root))
        for root, group in groups.members.items()
    )
    return Clustering(
        clusters=tuple(sorted(found, key=lambda one: one.members[0])),
        guarded=tuple(guarded),
        vetoed=tuple(vetoed),
    )


def _constrain(groups: _Groups[M], rules: Constraints[M]) -> None:
    for member, label in rules.unique_in.items():
        groups.add(member)
        groups.labels[groups.find(member)].add(label)
    for left, right in sorted(rules.confirmed):
        groups.add(left)
        groups.add(right)
        a, b = groups.find(left), groups.find(right)
        if a != b:
            groups.join(a, b, None)
    for left, right in rules.rejected:
        groups.add(left)
        groups.add(right)
        groups.keep_apart(left, right)


def _agglomerate(
    groups: _Groups[M], ordered: Sequence[Edge[M]], policy: Policy
) -> tuple[list[Edge[M]], list[Edge[M]]]:
    guarded, vetoed = [], []
    for edge in ordered:
        if edge.weight < policy.link_weight:
            break
        a, b = groups.find(edge.left), groups.find(edge.right)
        if a == b:
            continue
        if not groups.may_join(a, b):
            vetoed.append(edge)
        elif len(groups.members[a]) + len(groups.members[b]) > policy.max_size:
            guarded.append(edge)
        else:
            groups.join(a, b, edge.weight)
    return guarded, vetoed


# ---------------------------------------------------------------- ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of customers: ids before and after, sorted."""

    kind: IdentityEventKind
    before: tuple[CustomerId, ...]
    after: tuple[CustomerId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identities(Generic[M]):
    """`ids` is parallel to the clusters handed in. `redirects` lead a retired id to the customer
    that holds most of its members; `retired` ids have none left.
    """

    ids: tuple[CustomerId, ...]
    redirects: Mapping[CustomerId, CustomerId]
    retired: tuple[CustomerId, ...]
    changes: tuple[Change, ...]


def assign_ids(
    previous: Mapping[CustomerId, Collection[M]],
    clusters: Sequence[Collection[M]],
    mint: Callable[[], CustomerId],
) -> Identities[M]:
    """Ids survive by the largest overlap of members; a tie goes to the older id (ids sort by age).

    Clusters of nobody known get a minted id, in the order handed in.
    """
    owner = {member: id_ for id_, members in previous.items() for member in members}
    overlaps = _overlaps(owner, clusters)
    kept = _survivors(overlaps, clusters)
    ids = tuple(kept.get(place) or mint() for place in range(len(clusters)))
    survivors = set(kept.values())
    redirects, retired = {}, []
    for id_ in sorted(set(previous) - survivors):
        places = overlaps.get(id_)
        if places:
            redirects[id_] = ids[min(places, key=lambda place: (-places[place], ids[place]))]
        else:
            retired.append(id_)
    changes = _changes(previous, overlaps, clusters, ids)
    return Identities(ids=ids, redirects=redirects, retired=tuple(retired), changes=changes)


def _overlaps(
    owner: Mapping[M, CustomerId], clusters: Sequence[Collection[M]]
) -> dict[CustomerId, dict[int, int]]:
    """id -> place of a cluster -> members in common."""
    found: dict[CustomerId, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for place, members in enumerate(clusters):
        for member in members:
            if member in owner:
                found[owner[member]][place] += 1
    return found


def _survivors(
    overlaps: Mapping[CustomerId, Mapping[int, int]], clusters: Sequence[Collection[M]]
) -> dict[int, CustomerId]:
    ranked = sorted(
        (-common, id_, min(clusters[place]), place)
        for id_, places in overlaps.items()
        for place, common in places.items()
    )
    kept: dict[int, CustomerId] = {}
    used: set[CustomerId] = set()
    for _, id_, _, place in ranked:
        if place not in kept and id_ not in used:
            kept[place] = id_
            used.add(id_)
    return kept


def _changes(
    previous: Mapping[CustomerId, Collection[M]],
    overlaps: Mapping[CustomerId, Mapping[int, int]],
    clusters: Sequence[Collection[M]],
    ids: Sequence[CustomerId],
) -> tuple[Change, ...]:
    """Splits, then merges, then what was created, grew or lost members."""
    sources: dict[int, list[CustomerId]] = defaultdict(list)
    changes = []
    for id_ in sorted(overlaps):
        for place in overlaps[id_]:
            sources[place].append(id_)
        if len(overlaps[id_]) > 1:
            after = tuple(sorted(ids[place] for place in overlaps[id_]))
            changes.append(Change(kind=IdentityEventKind.SPLIT, before=(id_,), after=after))
    for place, members in enumerate(clusters):
        before = tuple(sources[place])
        kind = _kind(previous, before, members, ids[place])
        if kind is not None:
            changes.append(Change(kind=kind, before=before, after=(ids[place],)))
    return tuple(changes)


def _kind(
    previous: Mapping[CustomerId, Collection[M]],
    before: tuple[CustomerId, ...],
    members: Collection[M],
    id_: CustomerId,
) -> IdentityEventKind | None:
    if not before:
        return IdentityEventKind.CREATED
    if len(before) > 1:
        return IdentityEventKind.MERGED
    known = set(previous[before[0]])
    if before[0] == id_ and set(members) - known:
        return IdentityEventKind.LINKED
    return None
