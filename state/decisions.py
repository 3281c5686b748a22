"""Decisions of people on SQL: asked, written and remembered in one transaction."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from domain.customer import Cluster, IdentityEvent, Link
from domain.decisions import Decided, Question, Recorded, Rule, Ruling, Scene, WaitingPlace
from domain.events import Activity
from domain.ids import CustomerId, SourceKey
from domain.ports import Resolution
from domain.vocabulary import ActivityKind, LinkStatus
from state import bulk, codec, held, history, identities, links, log
from state.codec import storable
from state.keys import pack, unpack
from state.memberships import assign
from state.tables import contacts, customers, decisions, identity_state, memberships
from state.tables import links as links_table
from state.transactions import Transactions

Versions = list[tuple[CustomerId, int]]

_LOCK = select(identity_state.c.version).with_for_update()
_SINCE = select(memberships.c.key, memberships.c.since).where(bulk.among(memberships.c.customer))
_VERSIONS = select(customers.c.id, customers.c.version).where(bulk.among(customers.c.id))

_link = links_table.c
_left, _right = contacts.alias(), contacts.alias()
_WAITING = (
    select(links_table)
    .join(_left, and_(_left.c.key == _link.left_key, _left.c.body.is_not(None)))
    .join(_right, and_(_right.c.key == _link.right_key, _right.c.body.is_not(None)))
    .where(_link.status == LinkStatus.PENDING.value)
)
_STRONGEST_FIRST = (_link.match_weight.desc().nulls_last(), _link.left_key, _link.right_key)


class SqlDecisions:
    """Implements `domain.decisions.Decisions`."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def decide(self, question: Question, rule: Rule) -> Decided:
        return await self._transactions.write(_decide, question, rule)

    async def waiting(self, first: int, after: WaitingPlace | None) -> list[Link]:
        return await self._transactions.read(_waiting, first, after)

    async def waiting_count(self) -> int:
        return await self._transactions.read(_waiting_count)

    async def history(
        self, customer: CustomerId, first: int, after: int | None
    ) -> list[IdentityEvent]:
        return await self._transactions.read(history.of, customer, first, after)

    async def every_event(self, after: int, first: int) -> list[IdentityEvent]:
        return await self._transactions.read(history.since, after, first)

    async def last_event(self) -> int:
        return await self._transactions.read(history.last)


def _decide(connection: Connection, question: Question, rule: Rule) -> Decided:
    connection.execute(_LOCK)  # no other publication until this one is out
    ruling = rule(_scene(connection, question))
    decided = ruling if isinstance(ruling, Decided) else _carried_out(connection, ruling)
    if question.key is not None and not isinstance(ruling, Decided):
        _record(connection, question, decided)
    return decided


def _carried_out(connection: Connection, ruling: Ruling) -> Decided:
    version = identities.next_version(connection)
    resolution = Resolution(assignments=ruling.assignments, redirects=ruling.redirects)
    assign(connection, resolution, version)
    links.decide(connection, ruling.links)
    sequence = history.append(connection, [ruling.event])
    log.write(connection, log.take(connection), _told(ruling.event))
    return Decided(sequence=sequence, customers=ruling.event.after)


def _told(event: IdentityEvent) -> list[Activity]:
    """To those who follow who stands afterwards, in the transaction that decided it."""
    kind = ActivityKind.IDENTITY
    return [Activity(sequence=0, kind=kind, at=event.at, customer=one) for one in event.after]


# ---------------------------------------------------------------- the scene


def _scene(connection: Connection, question: Question) -> Scene:
    owned = zip(question.records, identities.of_records(connection, question.records), strict=True)
    owners = {key: owner for key, owner in owned if owner is not None}
    named = [*question.customers, *owners.values()]
    standing = _standing(connection, named)
    alike = _alike(connection, question)
    before = _standing(connection, alike.decided.customers if alike else ())
    ids = {cluster.id for cluster in standing.values()}
    members = [key for cluster in standing.values() for key in cluster.members]
    return Scene(
        customers=before | standing,
        owners=owners,
        links=links.touching(connection, members, None) if members else (),
        since=_since(connection, ids),
        held=held.of_aliases(connection, standing.values()),
        under_key=_under_key(connection, question),
        alike=alike,
    )


def _standing(connection: Connection, ids: Iterable[CustomerId]) -> dict[CustomerId, Cluster]:
    wanted = list(dict.fromkeys(ids))
    found = zip(wanted, identities.clusters(connection, wanted), strict=True)
    return {id: cluster for id, cluster in found if cluster is not None}


def _since(connection: Connection, ids: Iterable[CustomerId]) -> dict[SourceKey, int]:
    return {unpack(row.key): row.since for row in bulk.answers(connection, _SINCE, ids)}


# ---------------------------------------------------------------- what was decided before


def _under_key(connection: Connection, question: Question) -> Recorded | None:
    if question.key is None:
        return None
    same = decisions.c.actor == storable(question.by), decisions.c.key == storable(question.key)
    return _recorded(connection.execute(select(decisions).where(*same)).one_or_none())


def _alike(connection: Connection, question: Question) -> Recorded | None:
    same = select(decisions).where(decisions.c.digest == question.digest)
    latest = same.order_by(decisions.c.sequence.desc()).limit(1)
    return _recorded(connection.execute(latest).one_or_none()) if question.digest else None


def _recorded(row: Row[*tuple[object, ...]] | None) -> Recorded | None:
    if row is None:
        return None
    versions = dict(codec.decode(row.customers, Versions))
    decided = Decided(sequence=row.sequence, customers=tuple(versions))
    return Recorded(decided=decided, digest=row.digest, versions=versions)


def _record(connection: Connection, question: Question, decided: Decided) -> None:
    versions = {
        row.id: row.version for row in bulk.answers(connection, _VERSIONS, decided.customers)
    }
    values = {
        "actor": storable(question.by),
        "key": storable(question.key or ""),
        "digest": question.digest,
        "sequence": decided.sequence,
        "customers": codec.encode([(id, versions[id]) for id in decided.customers]),
    }
    bulk.insert_missing(connection, decisions, [values])


# ---------------------------------------------------------------- the review queue


def _waiting(connection: Connection, first: int, after: WaitingPlace | None) -> list[Link]:
    page = _WAITING.order_by(*_STRONGEST_FIRST).limit(first)
    if after is not None:
        page = page.where(_comes_after(after))
    return [links.read(row) for row in connection.execute(page)]


def _waiting_count(connection: Connection) -> int:
    counted = _WAITING.with_only_columns(func.count(), maintain_column_froms=True)
    return int(connection.execute(counted).scalar_one())


def _comes_after(place: WaitingPlace) -> ColumnElement[bool]:
    left, right = pack(place.left), pack(place.right)
    later = or_(_link.left_key > left, and_(_link.left_key == left, _link.right_key > right))
    if place.weight is None:
        return and_(_link.match_weight.is_(None), later)
    return or_(
        _link.match_weight < place.weight,
        _link.match_weight.is_(None),
        and_(_link.match_weight == place.weight, later),
    )
