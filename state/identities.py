"""The identity store on SQL."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, delete, select, update

from domain.customer import CanonicalIdentifier, Cluster, IdentityEvent, Link
from domain.errors import StaleVersion
from domain.ids import CustomerId, SourceKey
from domain.ports import Clock, Resolution
from domain.vocabulary import LinkStatus
from state import bulk, contacts, history, links
from state.keys import indexed, pack, unpack
from state.memberships import assign
from state.tables import customers, identity_state, memberships, shared_identifiers
from state.transactions import Transactions


class SqlIdentities:
    """Implements `domain.ports.IdentityStore`."""

    def __init__(self, transactions: Transactions, clock: Clock) -> None:
        self._transactions = transactions
        self._clock = clock

    async def version(self) -> int:
        return await self._transactions.read(_version)

    async def publish(self, resolution: Resolution) -> int:
        """As the port says. Shared identifiers are replaced by a resolution of everything, and
        added to by one of a scope, which has not looked at the others.
        """
        return await self._transactions.write(self._publish, resolution)

    def _publish(self, connection: Connection, resolution: Resolution) -> int:
        version = _next_version(connection, resolution.based_on)
        if resolution.contacts:
            contacts.put(connection, resolution.contacts, (), self._clock.now())
        assign(connection, resolution, version)
        links.replace(connection, resolution.links, resolution.scope)
        _judge_shared(connection, resolution)
        history.append(connection, resolution.events)
        return version

    async def memberships(self) -> Mapping[CustomerId, tuple[SourceKey, ...]]:
        return await self._transactions.read(_memberships)

    async def clusters(self, ids: Sequence[CustomerId]) -> list[Cluster | None]:
        """As the port says. A customer whose records are all gone has no members."""
        return await self._transactions.read(_clusters, ids)

    async def of_records(self, keys: Sequence[SourceKey]) -> list[CustomerId | None]:
        return await self._transactions.read(_of_records, keys)

    async def links(
        self, keys: Collection[SourceKey], status: Collection[LinkStatus] | None = None
    ) -> list[Link]:
        return await self._transactions.read(links.touching, keys, status)

    async def decisions(self) -> list[Link]:
        return await self._transactions.read(links.decisions)

    async def shared(self, identifiers: Sequence[CanonicalIdentifier]) -> list[bool]:
        return await self._transactions.read(_shared, identifiers)

    async def history(
        self, customer: CustomerId, first: int, after: int | None
    ) -> list[IdentityEvent]:
        return await self._transactions.read(history.of, customer, first, after)


def _version(connection: Connection) -> int:
    return int(connection.execute(select(identity_state.c.version)).scalar_one())


def _next_version(connection: Connection, based_on: int | None) -> int:
    """Count a publication. The row stays locked until its end: publications follow one another."""
    connection.execute(update(identity_state).values(version=identity_state.c.version + 1))
    version = _version(connection)
    if based_on is not None and based_on != version - 1:
        raise StaleVersion(f"worked out from version {based_on}, and {version - 1} stands")
    return version


# ---------------------------------------------------------------- shared identifiers


def _term(identifier: CanonicalIdentifier) -> tuple[str, str, str]:
    return indexed(identifier.value), identifier.kind.value, indexed(identifier.scope)


def _judge_shared(connection: Connection, resolution: Resolution) -> None:
    if resolution.shared is None:
        return
    if resolution.scope is None:
        connection.execute(delete(shared_identifiers))
    names = ("value", "kind", "scope")
    terms = sorted(map(_term, resolution.shared))
    rows = (dict(zip(names, term, strict=True)) for term in terms)
    bulk.insert_missing(connection, shared_identifiers, rows)


def _shared(connection: Connection, identifiers: Sequence[CanonicalIdentifier]) -> list[bool]:
    table = shared_identifiers.c
    wanted = [_term(identifier) for identifier in identifiers]
    found: set[tuple[str, str, str]] = set()
    for chunk in bulk.chunks(sorted({value for value, _, _ in wanted})):
        mine = bulk.among(connection, table.value, chunk)
        rows = connection.execute(select(table.value, table.kind, table.scope).where(mine))
        found.update((value, kind, scope) for value, kind, scope in rows)
    return [term in found for term in wanted]


# ---------------------------------------------------------------- clusters


def _memberships(connection: Connection) -> dict[CustomerId, tuple[SourceKey, ...]]:
    members: dict[CustomerId, list[SourceKey]] = defaultdict(list)
    rows = connection.execution_options(yield_per=bulk.CHUNK).execute(
        select(memberships.c.customer, memberships.c.key).order_by(memberships.c.key)
    )
    for customer, key in rows:
        members[CustomerId(customer)].append(unpack(key))
    return {customer: tuple(keys) for customer, keys in members.items()}


def _of_records(connection: Connection, keys: Sequence[SourceKey]) -> list[CustomerId | None]:
    packed = [pack(key) for key in keys]
    found: dict[str, CustomerId] = {}
    for chunk in bulk.chunks(sorted(set(packed))):
        mine = bulk.among(connection, memberships.c.key, chunk)
        rows = connection.execute(select(memberships.c.key, memberships.c.customer).where(mine))
        found.update((key, CustomerId(customer)) for key, customer in rows)
    return [found.get(key) for key in packed]


def _clusters(connection: Connection, ids: Sequence[CustomerId]) -> list[Cluster | None]:
    standing = _standing(connection, ids)
    found = _standing_clusters(connection, set(standing.values()))
    return [found[standing[id]] if id in standing else None for id in ids]


def _standing(connection: Connection, ids: Sequence[CustomerId]) -> dict[CustomerId, str]:
    found: dict[CustomerId, str] = {}
    for chunk in bulk.chunks(sorted(set(ids))):
        mine = bulk.among(connection, customers.c.id, chunk)
        rows = connection.execute(select(customers.c.id, customers.c.standing).where(mine))
        found.update((CustomerId(id), standing) for id, standing in rows)
    return found


def _standing_clusters(connection: Connection, ids: Collection[str]) -> dict[str, Cluster]:
    found: dict[str, Cluster] = {}
    for chunk in bulk.chunks(sorted(ids)):
        members = _members(connection, chunk)
        entries = connection.execute(
            select(customers)
            .where(bulk.among(connection, customers.c.standing, chunk))
            .order_by(customers.c.id)
        ).all()
        aliases: dict[str, list[CustomerId]] = defaultdict(list)
        for entry in entries:
            if entry.id != entry.standing:
                aliases[entry.standing].append(CustomerId(entry.id))
        for entry in entries:
            if entry.id == entry.standing:
                found[entry.id] = Cluster(
                    id=CustomerId(entry.id),
                    version=entry.version,
                    members=tuple(members[entry.id]),
                    aliases=tuple(aliases[entry.id]),
                    confidence=entry.confidence,
                    erased_at=entry.erased_at,
                )
    return found


def _members(connection: Connection, customer_ids: Collection[str]) -> dict[str, list[SourceKey]]:
    found: dict[str, list[SourceKey]] = defaultdict(list)
    rows = connection.execute(
        select(memberships.c.customer, memberships.c.key)
        .where(bulk.among(connection, memberships.c.customer, customer_ids))
        .order_by(memberships.c.key)
    )
    for customer, key in rows:
        found[customer].append(unpack(key))
    return found
