"""How a record came into an answer, for what is read through it."""

from dataclasses import dataclass, field

from domain.ids import CustomerId
from domain.provenance import Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """The customers it was reached through, and the freshness that its children inherit."""

    customers: frozenset[CustomerId] = frozenset()
    freshness: Freshness = field(default_factory=Freshness)

    def joined(self, other: "Trail") -> "Trail":
        return Trail(customers=self.customers | other.customers, freshness=other.freshness)
