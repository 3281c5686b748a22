"""Components of scored pairs, each agglomerated for itself: what a process beside this one does, so
that it imports little and exchanges arrays.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from math import nan

from identity import profile
from identity.groups import Groups, Parts, Policy

Pair = tuple[int, int, float, Parts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Whole components: their pairs, ordered by component, with profile.WIDTH parts a pair, and
    what no weight overrules (see clusters.Constraints) with the component of each record named
    there.
    """

    policy: Policy
    components: "array[int]"
    lefts: "array[int]"
    rights: "array[int]"
    weights: "array[float]"
    parts: "array[int]"
    confirmed: tuple[tuple[int, int], ...] = ()
    rejected: tuple[tuple[int, int], ...] = ()
    unique_in: Mapping[int, str] = field(default_factory=dict)
    component: Mapping[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Settled:
    """Parallel: a record, the least record of its cluster, the weakest join (nan: none)."""

    uids: "array[int]" = field(default_factory=lambda: array("q"))
    clusters: "array[int]" = field(default_factory=lambda: array("q"))
    weakest: "array[float]" = field(default_factory=lambda: array("d"))
    guarded: list[tuple[int, int, float]] = field(default_factory=list)

    def add(self, other: "Settled") -> None:
        self.uids.extend(other.uids)
        self.clusters.extend(other.clusters)
        self.weakest.extend(other.weakest)
        self.guarded.extend(other.guarded)


@dataclass(slots=True)
class _Rules:
    confirmed: list[tuple[int, int]] = field(default_factory=list)
    rejected: list[tuple[int, int]] = field(default_factory=list)
    unique_in: dict[int, str] = field(default_factory=dict)


_NONE = _Rules()


def agglomerate(job: Job) -> Settled:
    """Every record of the job's pairs and confirmations, once."""
    rules = _by_component(job)
    found = Settled()
    for component, pairs in _components(job, rules):
        _settle(job.policy, pairs, rules.get(component, _NONE), found)
    return found


def _components(job: Job, rules: Mapping[int, _Rules]) -> Iterator[tuple[int, list[Pair]]]:
    parts = (job.parts[at : at + profile.WIDTH] for at in range(0, len(job.parts), profile.WIDTH))
    rows = zip(job.components, job.lefts, job.rights, job.weights, parts, strict=True)
    seen = set()
    for component, grouped in groupby(rows, key=lambda row: row[0]):
        seen.add(component)
        yield component, [row[1:] for row in grouped]
    yield from ((component, []) for component in rules if component not in seen)


def _by_component(job: Job) -> dict[int, _Rules]:
    found: dict[int, _Rules] = defaultdict(_Rules)
    for pair in job.confirmed:
        found[job.component[pair[0]]].confirmed.append(pair)
    for pair in job.rejected:
        found[job.component[pair[0]]].rejected.append(pair)
    for uid, label in job.unique_in.items():
        found[job.component[uid]].unique_in[uid] = label
    return found


def _settle(policy: Policy, pairs: list[Pair], rules: _Rules, found: Settled) -> None:
    ends: Iterable[int] = (uid for left, right, *_ in pairs for uid in (left, right))
    members = sorted({*ends, *(uid for pair in rules.confirmed for uid in pair)})
    place = {uid: number for number, uid in enumerate(members)}
    groups = Groups(len(members), policy, profile.evidence)
    for uid, label in rules.unique_in.items():
        if uid in place:
            groups.label(place[uid], label)
    for left, right, weight, parts in pairs:
        groups.relate(place[left], place[right], weight, parts)
    for left, right in rules.rejected:
        groups.keep_apart(place[left], place[right])
    for left, right in sorted((place[left], place[right]) for left, right in rules.confirmed):
        groups.confirm(left, right)
    groups.agglomerate()
    for group, weakest in groups.found():
        least = members[min(group)]
        found.uids.extend(members[number] for number in group)
        found.clusters.extend([least] * len(group))
        found.weakest.extend([nan if weakest is None else weakest] * len(group))
    found.guarded.extend((members[a], members[b], weight) for a, b, weight in groups.guarded)
