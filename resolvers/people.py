"""People as everything else needs them: who belongs together, and their rows. Never handed out:
what is here is unmasked.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.customer import Cluster
from domain.errors import SourceError
from domain.ids import CustomerId, Kind, SourceKey
from domain.provenance import Freshness
from domain.records import Contact
from domain.sources import Fields
from resolvers.contacts import Reading, read
from resolvers.ledger import Outcome, failures

if TYPE_CHECKING:
    from resolvers.operation import Operation

NO_FIELDS: Fields = frozenset()


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
    members: Iterable[SourceKey] = ()
    if fields != NO_FIELDS:
        members = (key for cluster in clusters if cluster for key in contact_keys(cluster))
    readings = await read(operation, members, freshness, fields)
    people = [
        None if cluster is None else _person(cluster, readings, freshness) for cluster in clusters
    ]
    for person in people:
        if person is not None:
            operation.ledger.note([person.cluster.id], person.outcomes)
    return people


def contact_keys(cluster: Cluster) -> tuple[SourceKey, ...]:
    return tuple(key for key in cluster.members if key.kind is Kind.CONTACT)


def _person(cluster: Cluster, readings: dict[SourceKey, Reading], freshness: Freshness) -> Person:
    own = [readings[key] for key in contact_keys(cluster) if key in readings]
    return Person(
        cluster=cluster,
        freshness=freshness,
        contacts=tuple(reading.contact for reading in own if reading.contact is not None),
        outcomes=tuple(reading.outcome for reading in own if reading.outcome is not None),
    )
