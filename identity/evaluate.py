"""How good a clustering is, against truth: over pairs, over records, over people, and over the
people of each kind of difficulty.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """`sharing_persons`: the share of persons of whom a record lies in a cluster with a record of
    somebody else. Where nothing is linked, precision is 1; where nothing was to link, recall is.
    """

    records: int
    persons: int
    clusters: int
    precision: float
    recall: float
    f1: float
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f1: float
    sharing_persons: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Of `persons` with a difficulty, the share found in a cluster with somebody else."""

    persons: int
    sharing_persons: float


def quality(labelled: Iterable[tuple[Hashable, Hashable]]) -> Quality:
    """From one (cluster, person) a record."""
    cells = Counter(labelled)
    clusters: Counter[Hashable] = Counter()
    persons: Counter[Hashable] = Counter()
    for (cluster, person), count in cells.items():
        clusters[cluster] += count
        persons[person] += count
    precision, recall = _over_pairs(cells, clusters, persons)
    b_precision, b_recall = _over_records(cells, clusters, persons)
    return Quality(
        records=sum(cells.values()),
        persons=len(persons),
        clusters=len(clusters),
        precision=precision,
        recall=recall,
        f1=_harmonic(precision, recall),
        bcubed_precision=b_precision,
        bcubed_recall=b_recall,
        bcubed_f1=_harmonic(b_precision, b_recall),
        sharing_persons=_share(len(sharing(cells)), len(persons)),
    )


def sharing(cells: Iterable[tuple[Hashable, Hashable]]) -> set[Hashable]:
    """The persons found in a cluster with somebody else, from (cluster, person) pairs."""
    people: dict[Hashable, set[Hashable]] = defaultdict(set)
    for cluster, person in cells:
        people[cluster].add(person)
    return {person for inside in people.values() if len(inside) > 1 for person in inside}


def sharing_by_tag(
    labelled: Iterable[tuple[Hashable, Hashable]], tagged: Mapping[str, set[Hashable]]
) -> dict[str, Shared]:
    """The same share for the persons of each tag, tags in order."""
    found = sharing(labelled)
    return {
        tag: Shared(
            persons=len(persons), sharing_persons=_share(len(persons & found), len(persons))
        )
        for tag, persons in sorted(tagged.items())
    }


def _over_pairs(
    cells: Counter[tuple[Hashable, Hashable]],
    clusters: Counter[Hashable],
    persons: Counter[Hashable],
) -> tuple[float, float]:
    right, linked, true = (
        sum(count * (count - 1) // 2 for count in counts.values())
        for counts in (cells, clusters, persons)
    )
    return _share(right, linked), _share(right, true)


def _over_records(
    cells: Counter[tuple[Hashable, Hashable]],
    clusters: Counter[Hashable],
    persons: Counter[Hashable],
) -> tuple[float, float]:
    """B-cubed: of each record's cluster, the part that is its person; and the other way round."""
    total = sum(cells.values())
    precision = sum(count * count / clusters[cluster] for (cluster, _), count in cells.items())
    recall = sum(count * count / persons[person] for (_, person), count in cells.items())
    return _share(precision, total), _share(recall, total)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 1.0


def _harmonic(left: float, right: float) -> float:
    return 2 * left * right / (left + right) if left + right else 0.0
