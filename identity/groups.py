"""Groups of numbered records that grow by what the pairs across them say (see profile), or by the
average weight of these pairs where no more is known of them.

Weights are kept as whole numbers, so that sums do not depend on the order of adding.
"""

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

UNIT = 1_000_000
"""A weight of 1 as a whole number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Two clusters join where one pair across them weighs `link_weight` or more, and so does what
    all of them say together. They never grow beyond `max_size`.

    Where the parts of pairs are not known, their weights are averaged instead. A pair that was
    never compared, since it shares no blocking key, then counts as `absent_weight`, a stronger one
    than `most_weight` as that, and one at or below `veto_weight` keeps the clusters apart.
    """

    link_weight: float
    prior_weight: float = 0.0
    absent_weight: float = -1.0
    veto_weight: float = -8.0
    max_size: int = 100
    most_weight: float = 16.0


Parts = Sequence[int]
"""What a pair says by each comparison, in millionths of a bit; 0 where it says nothing."""
Evidence = Callable[[Parts, Parts, int], float]
"""Of two groups, from the sums of the parts across them, how many pairs said each, and the size of
the smaller group."""


@dataclass(slots=True)
class _Tie:
    """What is known across two groups: the sum, number and greatest of the weights of compared
    pairs, any veto, and of their parts the sums and how many pairs said each; these are None where
    a pair came without.
    """

    total: int = 0
    pairs: int = 0
    greatest: int = -(2**62)
    apart: bool = False
    sums: list[int] | None = field(default_factory=list)
    counts: list[int] = field(default_factory=list)

    def add(self, other: "_Tie") -> None:
        self.total += other.total
        self.pairs += other.pairs
        self.greatest = max(self.greatest, other.greatest)
        self.apart = self.apart or other.apart
        if self.sums is None or other.sums is None:
            self.sums = None
        elif not self.sums:
            self.sums, self.counts = list(other.sums), list(other.counts)
        elif other.sums:
            self.sums = [a + b for a, b in zip(self.sums, other.sums, strict=True)]
            self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]


class Groups:
    """Records 0..count-1, each its own group at first; a group is named by its least record."""

    def __init__(self, count: int, policy: Policy, evidence: Evidence | None = None) -> None:
        """`evidence` is needed where pairs come with their parts."""
        self.guarded: list[tuple[int, int, float]] = []
        self._policy = policy
        self._evidence = evidence
        self._least = round(policy.link_weight * UNIT)
        self._parent = list(range(count))
        self._members = {number: [number] for number in range(count)}
        self._ties: dict[int, dict[int, _Tie]] = defaultdict(dict)
        self._labels: dict[int, set[str]] = {}
        self._weakest: dict[int, float] = {}
        self._absent = round(policy.absent_weight * UNIT)
        self._prior = policy.prior_weight * UNIT

    def label(self, number: int, label: str) -> None:
        """Groups with one label in common never join."""
        self._labels.setdefault(number, set()).add(label)

    def relate(self, a: int, b: int, weight: float, parts: Parts | None = None) -> None:
        """A compared pair; the last word on a pair counts."""
        self._ties[a][b] = self._ties[b][a] = _Tie(
            total=round(min(weight, self._policy.most_weight) * UNIT),
            pairs=1,
            greatest=round(weight * UNIT),
            apart=parts is None and weight <= self._policy.veto_weight,
            sums=None if parts is None else list(parts),
            counts=[] if parts is None else [int(part != 0) for part in parts],
        )

    def keep_apart(self, a: int, b: int) -> None:
        known = self._ties[a].get(b)
        if known:
            known.apart = True
        elif a != b:
            self._ties[a][b] = self._ties[b][a] = _Tie(apart=True)

    def confirm(self, a: int, b: int) -> None:
        """Joined whatever the weights say."""
        left, right = self._root(a), self._root(b)
        if left != right:
            self._join(min(left, right), max(left, right))

    def agglomerate(self) -> None:
        """Joins the pair of groups with the greatest weight until none reaches the link weight.

        Ties in weight go to the groups named first, so the outcome is one whatever the order of
        arrival.
        """
        waiting = [
            entry
            for a in sorted(self._ties)
            for b in self._ties[a]
            if a < b and (entry := self._entry(a, b))
        ]
        heapq.heapify(waiting)
        while waiting:
            negative, a, b = heapq.heappop(waiting)
            if self._entry(a, b) != (negative, a, b):
                continue
            if len(self._members[a]) + len(self._members[b]) > self._policy.max_size:
                self.guarded.append((a, b, -negative / UNIT))
                continue
            self._join(a, b)
            weight = min(-negative / UNIT, self._policy.most_weight)
            self._weakest[a] = min(self._weakest.get(a, weight), weight)
            for other in self._ties[a]:
                entry = self._entry(min(a, other), max(a, other))
                if entry:
                    heapq.heappush(waiting, entry)

    def found(self) -> Iterator[tuple[list[int], float | None]]:
        """Each group with the weakest weight that made it."""
        for root, members in self._members.items():
            yield members, self._weakest.get(root)

    def _root(self, number: int) -> int:
        while self._parent[number] != number:
            number = self._parent[number]
        return number

    def _entry(self, a: int, b: int) -> tuple[float, int, int] | None:
        """The place of a pair in the queue; None where it may not join, or stands no more."""
        tie = self._ties[a].get(b) if a in self._members and b in self._members else None
        if tie is None or tie.apart or not self._strangers(a, b):
            return None
        weight = self._weight(tie, len(self._members[a]), len(self._members[b]))
        return (-weight, a, b) if weight >= self._least else None

    def _weight(self, tie: _Tie, left: int, right: int) -> float:
        """Between two groups of so many records, in millionths of a bit."""
        if tie.sums is None or self._evidence is None:
            across = left * right
            return (tie.total + self._absent * (across - tie.pairs)) / across
        if tie.greatest < self._least:
            return float(tie.greatest)
        return self._prior + self._evidence(tie.sums, tie.counts, min(left, right))

    def _strangers(self, a: int, b: int) -> bool:
        return not self._labels or self._labels.get(a, set()).isdisjoint(self._labels.get(b, ()))

    def _join(self, a: int, b: int) -> None:
        """b goes into a; a < b."""
        self._parent[b] = a
        self._members[a] += self._members.pop(b)
        if b in self._weakest:
            self._weakest[a] = min(self._weakest.get(a, self._weakest[b]), self._weakest.pop(b))
        if b in self._labels:
            self._labels.setdefault(a, set()).update(self._labels.pop(b))
        self._ties[a].pop(b, None)
        for other, tie in self._ties.pop(b, {}).items():
            if other == a:
                continue
            del self._ties[other][b]
            known = self._ties[a].get(other)
            if known:
                known.add(tie)
            else:
                self._ties[a][other] = self._ties[other][a] = tie
