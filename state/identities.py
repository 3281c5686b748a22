"""The identity store on SQL."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain

from sqlalchemy import Connection, bindparam, delete, select, update

from domain.customer import CanonicalIdentifier, Cluster, IdentityEvent, Link
from domain.errors import StaleVersion
from domain.ids import CustomerId, SourceKey
from domain.ports import Carriers, Census, Clock, LookedUp, Resolution
from domain.vocabulary import IdentifierKind, LinkStatus
from state import bulk, contacts, history, links, terms
from state import census as census_rows
from state.keys import indexed, pack, unpack
from state.memberships import assign
from state.tables import (
    contact_identifiers,
    customers,
    identity_state,
    memberships,
    shared_identifiers,
)
from state.transactions import Transactions

_MEMBERSHIPS = select(memberships.c.customer, memberships.c.key)
_OWNERS = select(memberships.c.key, memberships.c.customer)
_OWN = _MEMBERSHIPS.where(bulk.among(memberships.c.key))
_MEMBERS = _MEMBERSHIPS.where(bulk.among(memberships.c.customer)).order_by(memberships.c.key)
_STANDING = select(customers.c.id, customers.c.standing).where(bulk.among(customers.c.id))
_FAMILY = select(customers).where(bulk.among(customers.c.standing)).order_by(customers.c.id)
_SHARED = select(*(shared_identifiers.c[name] for name in ("value", "kind", "scope"))).where(
    bulk.among(shared_identifiers.c.value)
)
_SCOPES = (
    select(*(contact_identifiers.c[name] for name in ("value", "kind", "scope")))
    .where(bulk.among(contact_identifiers.c.value))
    .where(contact_identifiers.c.kind == IdentifierKind.HANDLE.value)
    .distinct()
)
_VERSION = select(identity_state.c.version)
_COUNT_UP = (
    update(identity_state)
    .values(version=identity_state.c.version + 1)
    .returning(identity_state.c.version)
)
_NOT_SHARED = delete(shared_identifiers).where(
    shared_identifiers.c.value == bindparam("one_value"),
    shared_identifiers.c.kind == bindparam("one_kind"),
)


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
        return write(connection, resolution, self._clock)

    async def publish_census(self, census: Census) -> int:
        return await self._transactions.write(self._publish_census, census)

    def _publish_census(self, connection: Connection, census: Census) -> int:
        resolution = census.resolution
        version = next_version(connection, resolution.based_on)
        assign(connection, resolution, version)
        census_rows.replace_links(connection, census)
        _judge_shared(connection, resolution)
        history.append(connection, resolution.events)
        census_rows.found(connection, census, version)
        return version

    async def memberships(self) -> Mapping[CustomerId, tuple[SourceKey, ...]]:
        return await self._transactions.read(_memberships)

    async def every_membership(self, batch: int = 50_000) -> AsyncIterator[list[tuple[str, str]]]:
        """As the port says; each batch is a snapshot of its own."""
        after = ""
        while rows := await self._transactions.read(_following, after, batch):
            yield rows
            after = rows[-1][0]

    async def clusters(self, ids: Sequence[CustomerId]) -> list[Cluster | None]:
        """As the port says. A customer whose records are all gone has no members."""
        return await self._transactions.read(clusters, ids)

    async def of_records(self, keys: Sequence[SourceKey]) -> list[CustomerId | None]:
        return await self._transactions.read(of_records, keys)

    async def links(
        self, keys: Collection[SourceKey], status: Collection[LinkStatus] | None = None
    ) -> list[Link]:
        return await self._transactions.read(links.touching, keys, status)

    async def decisions(self) -> list[Link]:
        return await self._transactions.read(links.decisions)

    async def shared(self, identifiers: Sequence[CanonicalIdentifier]) -> list[bool]:
        return await self._transactions.read(_shared, identifiers)

    async def look_up(
        self,
        identifiers: Sequence[CanonicalIdentifier],
        keys: Collection[SourceKey],
        ids: Collection[CustomerId],
    ) -> LookedUp:
        return await self._transactions.read(_look_up, identifiers, keys, ids)

    async def history(
        self, customer: CustomerId, first: int, after: int | None
    ) -> list[IdentityEvent]:
        return await self._transactions.read(history.of, customer, first, after)


def write(connection: Connection, resolution: Resolution, clock: Clock | None = None) -> int:
    """Publish in the transaction at hand. `clock` says when contacts of the resolution came."""
    version = next_version(connection, resolution.based_on)
    if resolution.contacts and clock is not None:
        contacts.put(connection, resolution.contacts, (), clock.now())
    assign(connection, resolution, version)
    links.replace(connection, resolution.links, resolution.scope)
    _judge_shared(connection, resolution)
    history.append(connection, resolution.events)
    return version


def _version(connection: Connection) -> int:
    return int(connection.execute(_VERSION).scalar_one())


def next_version(connection: Connection, based_on: int | None = None) -> int:
    """Count a publication. The row stays locked until its end: publications follow one another."""
    ((version,),) = bulk.fetch(connection, _COUNT_UP)
    if based_on is not None and based_on != version - 1:
        raise StaleVersion(f"worked out from version {based_on}, and {version - 1} stands")
    return int(version)


# ---------------------------------------------------------------- shared identifiers


def _term(identifier: CanonicalIdentifier) -> tuple[str, str, str]:
    return indexed(identifier.value), identifier.kind.value, indexed(identifier.scope)


def _judge_shared(connection: Connection, resolution: Resolution) -> None:
    if resolution.shared is None:
        return
    if resolution.scope is None:
        connection.execute(delete(shared_identifiers))
    named = sorted({(indexed(one.value), one.kind.value) for one in resolution.unshared})
    if named:
        told = [{"one_value": value, "one_kind": kind} for value, kind in named]
        bulk.run_each(connection, _NOT_SHARED, told)
    public = set(_scoped(connection, resolution.public))
    names = ("value", "kind", "scope", "public")
    terms = sorted((*term, term in public) for term in _scoped(connection, resolution.shared))
    rows = (dict(zip(names, term, strict=True)) for term in terms)
    bulk.upsert(connection, shared_identifiers, rows)


def _scoped(
    connection: Connection, identifiers: Collection[CanonicalIdentifier]
) -> Iterator[tuple[str, str, str]]:
    """Who names a handle without its platform means it on every one on which it is kept."""
    anywhere = [one for one in identifiers if one.kind is IdentifierKind.HANDLE and not one.scope]
    rows = bulk.answers(connection, _SCOPES, (indexed(one.value) for one in anywhere))
    yield from ((value, kind, scope) for value, kind, scope in rows)
    yield from (_term(one) for one in identifiers if one not in anywhere)


def _shared(connection: Connection, identifiers: Sequence[CanonicalIdentifier]) -> list[bool]:
    wanted = [_term(identifier) for identifier in identifiers]
    rows = bulk.answers(connection, _SHARED, (value for value, _, _ in wanted))
    found = {tuple(row) for row in rows}
    return [term in found for term in wanted]


# ---------------------------------------------------------------- clusters


def _following(connection: Connection, after: str, batch: int) -> list[tuple[str, str]]:
    key = memberships.c.key
    following = _OWNERS.where(key > after).order_by(key).limit(batch)
    return [(record, customer) for record, customer in connection.execute(following)]


def _memberships(connection: Connection) -> dict[CustomerId, tuple[SourceKey, ...]]:
    members: dict[CustomerId, list[SourceKey]] = defaultdict(list)
    everyone = _MEMBERSHIPS.order_by(memberships.c.key).execution_options(yield_per=bulk.CHUNK)
    rows = connection.execute(everyone)
    for customer, key in rows:
        members[CustomerId(customer)].append(unpack(key))
    return {customer: tuple(keys) for customer, keys in members.items()}


def of_records(connection: Connection, keys: Sequence[SourceKey]) -> list[CustomerId | None]:
    packed = [pack(key) for key in keys]
    found = {key: CustomerId(owner) for owner, key in bulk.pairs(connection, _OWN, packed)}
    return [found.get(key) for key in packed]


def clusters(connection: Connection, ids: Sequence[CustomerId]) -> list[Cluster | None]:
    standing = dict(bulk.pairs(connection, _STANDING, ids))
    found = _standing_clusters(connection, set(standing.values()))
    return [found[standing[id]] if id in standing else None for id in ids]


def _standing_clusters(connection: Connection, ids: Collection[str]) -> dict[str, Cluster]:
    members, aliases = defaultdict(list), defaultdict(list)
    for customer, key in bulk.pairs(connection, _MEMBERS, ids):
        members[customer].append(unpack(key))
    entries = list(bulk.answers(connection, _FAMILY, ids))
    for entry in entries:
        if entry.id != entry.standing:
            aliases[entry.standing].append(CustomerId(entry.id))
    return {
        entry.id: Cluster(
            id=CustomerId(entry.id),
            version=entry.version,
            members=tuple(members[entry.id]),
            aliases=tuple(aliases[entry.id]),
            confidence=entry.confidence,
            erased_at=entry.erased_at,
        )
        for entry in entries
        if entry.id == entry.standing
    }


# ---------------------------------------------------------------- look-ups


def _look_up(
    connection: Connection,
    identifiers: Sequence[CanonicalIdentifier],
    keys: Collection[SourceKey],
    ids: Collection[CustomerId],
) -> LookedUp:
    carriers = _carriers(connection, identifiers) if identifiers else []
    everyone = list({*keys, *chain.from_iterable(one.records for one in carriers)})
    owned = zip(everyone, of_records(connection, everyone), strict=True)
    owners = {key: owner for key, owner in owned if owner is not None}
    named = list({*ids, *_alone(carriers, keys, owners)})
    found = zip(named, clusters(connection, named), strict=True)
    known = {id: cluster for id, cluster in found if cluster is not None}
    members = chain.from_iterable(cluster.members for cluster in known.values())
    return LookedUp(carriers, owners, known, contacts.stored(connection, members))


def _carriers(connection: Connection, identifiers: Sequence[CanonicalIdentifier]) -> list[Carriers]:
    records = terms.find(connection, identifiers)
    return [*map(Carriers, records, _shared(connection, identifiers))]


def _alone(
    carriers: Iterable[Carriers],
    keys: Collection[SourceKey],
    owners: Mapping[SourceKey, CustomerId],
) -> Iterator[CustomerId]:
    """Who is the only one that is led to: of a mailbox that a thousand use, nobody is read."""
    for records in (*([key] for key in keys), *(one.records for one in carriers)):
        led = {owners[record] for record in records if record in owners}
        if len(led) == 1:
            yield from led
