"""What a person decides about who is who: what it is decided on, and what becomes of it.

A use case hands the store a rule, a pure function. The store reads the scene, asks the rule and
writes its ruling in one transaction, while no other publication is under way: two decisions cannot
be made on the same scene, and nobody has to try again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from domain.customer import Cluster, IdentityEvent, Link
from domain.ids import CustomerId, SourceKey
from domain.ports import Assignment


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be decided on: customers by any id they ever had, records by key. `by` and `key`
    name the request; `digest` is the same for two requests that ask for the same.
    """

    customers: tuple[CustomerId, ...] = ()
    records: tuple[SourceKey, ...] = ()
    by: str
    key: str | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a decision came to. `sequence` is that of its event, None where nothing had to change;
    `customers` are those that stood afterwards.
    """

    sequence: int | None
    customers: tuple[CustomerId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A decision of before. `versions` are those its customers had afterwards."""

    decided: Decided
    digest: str
    versions: Mapping[CustomerId, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What an id held when it was led on to another, by the publication `until`."""

    members: frozenset[SourceKey]
    confidence: float
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What stands, as far as the question names it. Redirects are followed: `customers` may have
    one under several ids, and lacks those that nobody ever had.
    """

    customers: Mapping[CustomerId, Cluster]
    owners: Mapping[SourceKey, CustomerId] = field(default_factory=dict)
    """The customers of the records the question names; they are among `customers`."""
    links: Sequence[Link] = ()
    """Those that touch a member of the customers."""
    since: Mapping[SourceKey, int] = field(default_factory=dict)
    """Of every member, the publication that put it where it is."""
    held: Mapping[CustomerId, Held] = field(default_factory=dict)
    """Of every alias of the customers of which it is known."""
    under_key: Recorded | None = None
    """The decision that the same caller made under the same key."""
    alike: Recorded | None = None
    """The latest decision on the same question under any key; its customers, as far as they stand,
    are among `customers`.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What is to be written: who is who by now, the pairs that are decided, and why. Links not
    named stay as they are; `event.sequence` is set by the store.
    """

    event: IdentityEvent
    assignments: Sequence[Assignment] = ()
    redirects: Mapping[CustomerId, CustomerId] = field(default_factory=dict)
    links: Sequence[Link] = ()


Rule = Callable[[Scene], Ruling | Decided]
"""A ruling to carry out, or what had been decided already. What it raises undoes everything. It may
be asked more than once, and must not change anything.
"""
Mint = Callable[[], CustomerId]
"""Makes an id nobody ever had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingPlace:
    """A place in the review queue, which runs by weight, then by the keys of the ends."""

    weight: float | None
    left: SourceKey
    right: SourceKey


class Decisions(Protocol):
    """Decisions of people. Every method is one transaction."""

    async def decide(self, question: Question, rule: Rule) -> Decided:
        """Ask the rule about the scene and make it so: memberships, links, the event and, where the
        question has a key, the record of the decision, together or not at all.
        """
        ...

    async def waiting(self, first: int, after: WaitingPlace | None) -> list[Link]:
        """PENDING links between records that are kept, strongest first; those without a weight come
        last.
        """
        ...

    async def waiting_count(self) -> int:
        """How many there are of them. Takes time with their number, where a page does not."""
        ...

    async def history(
        self, customer: CustomerId, first: int, after: int | None
    ) -> list[IdentityEvent]:
        """As `IdentityStore.history`."""
        ...

    async def every_event(self, after: int, first: int) -> list[IdentityEvent]:
        """Events of everybody in order, from the one after that sequence. What is written later
        never has a lower sequence than what could be read.
        """
        ...

    async def last_event(self) -> int:
        """The sequence of the last event; 0 where there is none."""
        ...
