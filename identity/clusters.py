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
from identity import profile
from identity.groups import Groups, Parts, Policy

__all__ = ["Policy"]


class Ordered(Hashable, Protocol):
    def __lt__(self, other: Any, /) -> bool: ...


M = TypeVar("M", bound=Ordered)


@dataclass(frozen=True, slots=True)
class Edge(Generic[M]):
    """A scored pair; `weight` is log2 odds, `parts` what it is made of (see profile)."""

    left: M
    right: M
    weight: float
    parts: Parts | None = None


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
    """`members` are sorted. `weakest` is the weight of the weakest join that made it, None for one
    member or confirmed links alone.
    """

    members: tuple[M, ...]
    weakest: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clustering(Generic[M]):
    """`clusters` are sorted by their first member; `guarded` are pairs of clusters, named by their
    first members, that the size guard kept apart.
    """

    clusters: tuple[ClusterOf[M], ...]
    guarded: tuple[Edge[M], ...] = ()


def cluster(
    members: Iterable[M],
    edges: Iterable[Edge[M]],
    policy: Policy,
    constraints: Constraints[M] | None = None,
) -> Clustering[M]:
    """Agglomeration under constraints: strongest join first, until none is left.

    Confirmed pairs come first, then rejected ones are laid down, so that a decision of a person
    outranks every weight. All pairs across two groups have a say in whether they join, which is
    what keeps father and son apart: some of their records have nothing that tells them apart, but
    others have.
    """
    rules = constraints or Constraints()
    pairs = list(edges)
    named = {end for edge in pairs for end in (edge.left, edge.right)}
    named.update(end for pair in (*rules.confirmed, *rules.rejected) for end in pair)
    ordered = sorted({*members, *named, *rules.unique_in})
    place = {member: number for number, member in enumerate(ordered)}
    groups = Groups(len(ordered), policy, profile.evidence)
    for member, label in rules.unique_in.items():
        groups.label(place[member], label)
    for edge in pairs:
        groups.relate(place[edge.left], place[edge.right], edge.weight, edge.parts)
    for left, right in rules.rejected:
        groups.keep_apart(place[left], place[right])
    for a, b in sorted((place[left], place[right]) for left, right in rules.confirmed):
        groups.confirm(a, b)
    groups.agglomerate()
    found = [
        ClusterOf(members=tuple(ordered[number] for number in sorted(group)), weakest=weakest)
        for group, weakest in groups.found()
    ]
    return Clustering(
        clusters=tuple(sorted(found, key=lambda one: one.members[0])),
        guarded=tuple(Edge(ordered[a], ordered[b], weight) for a, b, weight in groups.guarded),
    )


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
