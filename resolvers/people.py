"""People as everything else needs them: who belongs together, and their rows. Never handed out:
what is here is unmasked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from domain.customer import Cluster
from domain.errors import SourceError
from domain.ids import CustomerId, Kind, SourceKey
from domain.provenance import Freshness
from domain.records import Contact
from domain.slots import thawed
from domain.sources import Fields
from resolvers.contacts import Read, readings
from resolvers.ledger import Outcome, failures

if TYPE_CHECKING:
    from resolvers.operation import Operation

NO_FIELDS: Fields = frozenset()

_CONTACT: Final = Kind.CONTACT


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A cluster with those of its rows that could be had, in the order of its members."""

    cluster: Cluster
    freshness: Freshness
    contacts: tuple[Contact, ...] = field(default=(), repr=False)
    outcomes: tuple[Outcome, ...] = ()

    @property
    def failures(self) -> tuple[SourceError, ...]:
        return failures(self.outcomes)

    @property
    def unread(self) -> tuple[Outcome, ...]:
        """Why rows are missing, where the person has rows that are not here."""
        return tuple(outcome for outcome in self.outcomes if not outcome.answered)


async def fetch(
    operation: "Operation", ids: Sequence[CustomerId], freshness: Freshness, fields: Fields
) -> list[Person | None]:
    """One entry per id, in order; None where nobody has or had the id. Without fields no row is
    read.
    """
    clusters = await operation.services.identity.clusters(ids)
    # Two ids may be of one person, from before a merge.
    distinct: dict[CustomerId, Cluster] = {}
    for cluster in clusters:
        if cluster is not None:
            distinct[cluster.id] = cluster
    keys: list[SourceKey] = []
    ends: list[int] = []
    is_read = fields != NO_FIELDS
    for each in distinct.values():
        for key in each.members if is_read else ():
            if key.kind is _CONTACT:
                keys.append(key)
        ends.append(len(keys))
    found = await readings(operation, keys, freshness, fields) if keys else []
    people = _people(operation, distinct.values(), found, ends, freshness)
    if len(people) == len(clusters):  # in their order, then
        return [*people.values()]
    return [None if cluster is None else people[cluster.id] for cluster in clusters]


def contact_keys(cluster: Cluster) -> tuple[SourceKey, ...]:
    return tuple(key for key in cluster.members if key.kind is Kind.CONTACT)


_PERSON: Final = thawed(Person)


def _people(
    operation: "Operation",
    clusters: Iterable[Cluster],
    found: Sequence[Read],
    ends: Iterable[int],
    freshness: Freshness,
) -> dict[CustomerId, Person]:
    """`found` are readings in the order of the clusters, those of each up to its end. Who was told
    the same shares the outcomes, so that they are noted together. In one piece, since fifty people
    are a usual list.
    """
    people: dict[CustomerId, Person] = {}
    told: dict[tuple[int, ...], tuple[tuple[Outcome, ...], list[CustomerId]]] = {}
    contacts: tuple[Contact, ...]
    alone: Outcome | None = None
    start = 0
    for cluster, end in zip(clusters, ends, strict=True):
        if end == start + 1 and alone is not None and found[start][1] is alone:
            contact, _ = found[start]  # as most: one row, read with that of the one before
            contacts = () if contact is None else (contact,)
        else:
            contacts, outcomes = _told(found[start:end])
            same = tuple(map(id, outcomes))
            alike = told.setdefault(same, (outcomes, []))
            alone = outcomes[0] if end == start + 1 and outcomes else None
        start = end
        shared, ids = alike
        ids.append(cluster.id)
        made = people[cluster.id] = _PERSON()
        made.cluster, made.freshness = cluster, freshness
        made.contacts, made.outcomes = contacts, shared
        made.__class__ = Person
    for shared, ids in told.values():
        operation.ledger.note(ids, shared)
    return people


def _told(some: Sequence[Read]) -> tuple[tuple[Contact, ...], tuple[Outcome, ...]]:
    """The rows there are of one person, and what was told of those there could be."""
    contacts = tuple([contact for contact, _ in some if contact is not None])
    return contacts, tuple([outcome for _, outcome in some if outcome is not None])
