"""Groups of numbered records that grow by the average weight of the pairs across them.

Weights are kept as whole numbers, so that sums do not depend on the order of adding.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

UNIT = 1_000_000
"""A weight of 1 as a whole number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Two clusters join where the pairs across them weigh `link_weight` or more on average.

    A pair that was never compared, since it shares no blocking key, counts as `absent_weight`.
    Clusters are kept apart where any pair across them is at or below `veto_weight`, or where they
    would grow beyond `max_size`.
    """

    link_weight: float
    absent_weight: float = -1.0
    veto_weight: float = -8.0
    max_size: int = 100
    most_weight: float = 16.0
    """Stronger pairs count as this in an average: one proof does not drown many contradictions."""


@dataclass(slots=True)
class _Tie:
    """What is known across two groups: the sum and number of compared pairs, and any veto."""

    total: int
    pairs: int
    apart: bool

    def add(self, other: "_Tie") -> None:
        self.total += other.total
        self.pairs += other.pairs
        self.apart = self.apart or other.apart


class Groups:
    """Records 0..count-1, each its own group at first; a group is named by its least record."""

    def __init__(self, count: int, policy: Policy) -> None:
        self.guarded: list[tuple[int, int, float]] = []
        self._policy = policy
        self._parent = list(range(count))
        self._members = {number: [number] for number in range(count)}
        self._ties: dict[int, dict[int, _Tie]] = defaultdict(dict)
        self._labels: dict[int, set[str]] = {}
        self._weakest: dict[int, float] = {}
        self._absent = round(policy.absent_weight * UNIT)

    def label(self, number: int, label: str) -> None:
        """Groups with one label in common never join."""
        self._labels.setdefault(number, set()).add(label)

    def relate(self, a: int, b: int, weight: float) -> None:
        """A compared pair; the last word on a pair counts."""
        apart = weight <= self._policy.veto_weight
        self._ties[a][b] = self._ties[b][a] = _Tie(
            round(min(weight, self._policy.most_weight) * UNIT), 1, apart
        )

    def keep_apart(self, a: int, b: int) -> None:
        known = self._ties[a].get(b)
        if known:
            known.apart = True
        elif a != b:
            self._ties[a][b] = self._ties[b][a] = _Tie(0, 0, True)

    def confirm(self, a: int, b: int) -> None:
        """Joined whatever the weights say."""
        left, right = self._root(a), self._root(b)
        if left != right:
            self._join(min(left, right), max(left, right))

    def agglomerate(self) -> None:
        """Joins the pair of groups with the greatest average until none reaches the link weight.

        Ties in average go to the groups named first, so the outcome is one whatever the order of
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
            self._weakest[a] = min(self._weakest.get(a, -negative / UNIT), -negative / UNIT)
            for other in self._ties[a]:
                entry = self._entry(min(a, other), max(a, other))
                if entry:
                    heapq.heappush(waiting, entry)

    def found(self) -> Iterator[tuple[list[int], float | None]]:
        """Each group with the weakest average that made it."""
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
        across = len(self._members[a]) * len(self._members[b])
        average = (tie.total + self._absent * (across - tie.pairs)) / across
        return (-average, a, b) if average >= self._policy.link_weight * UNIT else None

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
