"""The people of one list of customers, whose lists are asked for one after the other: who has
orders is asked for tickets next, so what was found for the one is at hand for the other.
"""

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from domain.ids import CustomerId
from domain.provenance import Freshness
from resolvers.batches import Fetched
from resolvers.people import Person

if TYPE_CHECKING:
    from resolvers.parents import Asked


class Listed:
    """Of one operation."""

    def __init__(self) -> None:
        self._last: tuple[Sequence[CustomerId], Freshness, list[Person]] | None = None
        self.asked: dict[tuple[str, bool], tuple[Sequence[Person], Asked]] = {}
        """What `parents.asked_at_hand` found last, and for whom."""

    def people(
        self,
        ids: Sequence[CustomerId],
        freshness: Freshness,
        known: Fetched[CustomerId, Person | None] | None,
    ) -> list[Person] | None:
        """They, where all are known and there, and each once. The same list for the same ids."""
        last = self._last
        if last is not None and last[0] == ids and last[1] == freshness:
            return last[2]
        people = None if known is None else here(known.at_hand(ids))
        if people is None or not are_distinct(ids):
            return None
        self._last = ids, freshness, people
        return people


def are_distinct(keys: Sequence[Hashable]) -> bool:
    return len(keys) == 1 or len(set(keys)) == len(keys)


def here(people: Sequence[Person | None] | None) -> list[Person] | None:
    """None where somebody is not known, or gone."""
    if people is None:
        return None
    for person in people:
        if person is None:
            return None
    return people  # type: ignore[return-value]  # nobody is missing
