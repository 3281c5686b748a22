"""The customers for whom a field is read at once."""

from collections.abc import Sequence

from domain.provenance import Freshness
from resolvers.customer import Customer

Group = tuple[Sequence[int], Sequence[Customer]]
"""Some of them, after the indices that they have among all."""


def by_freshness(owners: Sequence[Customer]) -> list[Group]:
    """Those who were handed out with one freshness together; nearly always that is all of them."""
    first = owners[0].freshness
    for owner in owners:
        if owner.freshness is not first:
            return _grouped(owners)
    return [(range(len(owners)), owners)]


def _grouped(owners: Sequence[Customer]) -> list[Group]:
    groups: dict[Freshness, list[int]] = {}
    for i, owner in enumerate(owners):
        groups.setdefault(owner.freshness, []).append(i)
    return [(group, [owners[i] for i in group]) for group in groups.values()]
