"""What customers held when their ids were led on to others."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, select

from domain.customer import Cluster
from domain.decisions import Held
from domain.ids import CustomerId, SourceKey
from state import bulk
from state.keys import unpack
from state.tables import customers, held_records

_HELD = select(held_records).where(bulk.among(held_records.c.customer))
_CONFIDENCE = select(customers.c.id, customers.c.confidence).where(bulk.among(customers.c.id))


def keep(
    connection: Connection, left: Mapping[str, str], led_on: Collection[str], version: int
) -> None:
    """Remember of the ids that are led on the records that leave them: `left` says whom each record
    leaves. An id that had none any more keeps what was remembered of it.
    """
    rows = sorted((was, key) for key, was in left.items() if was in led_on)
    bulk.delete_among(connection, held_records.c.customer, (was for was, _ in rows))
    values = ({"customer": was, "key": key, "until": version} for was, key in rows)
    bulk.insert_missing(connection, held_records, values)


def of_aliases(connection: Connection, clusters: Iterable[Cluster]) -> dict[CustomerId, Held]:
    """What is remembered of the clusters' aliases."""
    aliases = {alias for cluster in clusters for alias in cluster.aliases}
    members: dict[str, set[SourceKey]] = defaultdict(set)
    until: dict[str, int] = {}
    for row in bulk.answers(connection, _HELD, aliases):
        members[row.customer].add(unpack(row.key))
        until[row.customer] = row.until
    return {
        CustomerId(row.id): Held(
            members=frozenset(members[row.id]), confidence=row.confidence, until=until[row.id]
        )
        for row in bulk.answers(connection, _CONFIDENCE, members)
    }
