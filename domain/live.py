"""Resolving a record in the request that brings it: what identity asks of the store, and when.

The store puts the records, asks a judge what they make of who is who, and writes the answer, in one
transaction while no other publication is under way. The judge reads what stands from the desk.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.ids import CustomerId, SourceKey
from domain.ports import IndexedContact, Resolution
from domain.records import Contact
from domain.vocabulary import IdentifierKind, LinkStatus


@dataclass(frozen=True, slots=True)
class Tie:
    """A link between two records, as far as clusters depend on it."""

    left: SourceKey
    right: SourceKey
    status: LinkStatus
    weight: float | None


Value = tuple[IdentifierKind, str]
Term = tuple[str, str]


class Desk(Protocol):
    """What stands. Records are numbered; `rows` are as they were handed in (see Comparable)."""

    @property
    def arrived(self) -> Sequence[SourceKey]:
        """The records to settle: those that are new, changed or gone since they last were."""
        ...

    def number(self, key: SourceKey) -> int: ...

    def carriers(self, blocks: Collection[int], at_most: int) -> Mapping[int, Sequence[int]]:
        """The records under each blocking key; of more than `at_most` any that many."""
        ...

    def rows(self, numbers: Collection[int]) -> Mapping[int, tuple[SourceKey, bytes]]:
        """The records that are kept, by number."""
        ...

    def counts(self, terms: Collection[Term]) -> Mapping[Term, int]:
        """In how many records each term stands; terms that stand in none are left out."""
        ...

    def shared(self, values: Collection[Value]) -> Mapping[Value, bool]:
        """The values known to be used by several people; True where they are nobody's, being used
        by so many.
        """
        ...

    def ties(self, keys: Collection[SourceKey]) -> Sequence[Tie]:
        """The links that have an end among the records."""
        ...

    def clusters(self, keys: Collection[SourceKey]) -> Mapping[CustomerId, tuple[SourceKey, ...]]:
        """The whole clusters to which the records belong."""
        ...


Judge = Callable[[Desk], Resolution]
"""What it raises undoes everything. It may be asked more than once, and must not change anything.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far live resolution had come from that of everything when it was last compared.
    `disagreement` is 1 less the B-cubed F1 between the two, over the records of both.
    """

    records: int
    moved: int
    """Records that were in another company of records."""
    disagreement: float


class Arrivals(Protocol):
    """Where single records come and go, and are settled. Every method is one transaction."""

    async def settle(
        self,
        judge: Judge,
        *,
        contacts: Sequence[IndexedContact] = (),
        keys: Collection[SourceKey] = (),
    ) -> int:
        """Store the contacts by the rules of `put_page` and settle them, and those of the records
        named that have not been since they last changed. Returns the version.
        """
        ...

    async def waiting(self, first: int) -> list[SourceKey]:
        """Records that have not been settled since they last changed."""
        ...

    async def unindexed(self, form: int, first: int) -> list[Contact]:
        """Contacts that are kept without the form in which they are compared, or in another."""
        ...

    async def index(self, contacts: Sequence[IndexedContact]) -> None:
        """Keep the form in which these are compared, as long as nobody has changed them."""
        ...

    async def begin_census(self) -> None:
        """Note which records wait: a resolution of everything is about to read them."""
        ...

    async def end_census(self, drift: Drift | None) -> None:
        """What waited when it began is settled."""
        ...

    async def drift(self) -> Drift | None:
        """As the last census found it."""
        ...
