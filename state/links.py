"""Links between records: scored ones come and go, decided ones stay."""

from collections.abc import Collection, Iterable

from sqlalchemy import Connection, Row, delete, or_, select

from domain.customer import Link
from domain.errors import ClusterConflict
from domain.ids import SourceKey
from domain.records import Actor
from domain.vocabulary import ActorKind, LinkMethod, LinkStatus
from state import bulk
from state.codec import storable
from state.keys import pack, unpack
from state.tables import links

DECIDED = (LinkStatus.CONFIRMED.value, LinkStatus.REJECTED.value)

Pair = tuple[str, str]

# No status is asked for here: SQLite would go by its index, through every link of that status.
_FROM_LEFT = select(links).where(bulk.among(links.c.left_key))
_FROM_RIGHT = select(links).where(bulk.among(links.c.right_key))
_DECIDED_FROM_LEFT = _FROM_LEFT.where(or_(*(links.c.status == one for one in DECIDED)))
_FORGET = delete(links).where(*(links.c.status != one for one in DECIDED))
_FORGET_BY_END = tuple(
    _FORGET.where(bulk.among(end)) for end in (links.c.left_key, links.c.right_key)
)


def replace(
    connection: Connection, incoming: Iterable[Link], scope: frozenset[SourceKey] | None
) -> None:
    """Put links in the place of every undecided one that touches a record of the scope (None: of
    every one). A decided link gives way to another decision only.
    """
    rows = {(pack(link.left), pack(link.right)): link for link in incoming}
    for left, right in rows:
        if left >= right:
            raise ClusterConflict("a link runs from the lower key to the higher one")
    _forget_undecided(connection, scope)
    decided = _decided_among(connection, rows)
    bulk.upsert(
        connection,
        links,
        (
            _row(pair, rows[pair])
            for pair in sorted(rows)
            if rows[pair].status.value in DECIDED or pair not in decided
        ),
    )


def decide(connection: Connection, decided: Iterable[Link]) -> None:
    """Put links in the place of those between the same records, whatever these are, and leave all
    others as they are.
    """
    rows = {(pack(link.left), pack(link.right)): link for link in decided}
    bulk.upsert(connection, links, (_row(pair, rows[pair]) for pair in sorted(rows)))


def touching(
    connection: Connection, keys: Collection[SourceKey], status: Collection[LinkStatus] | None
) -> list[Link]:
    """Links with an end among the keys, strongest first; those without a weight come last."""
    wanted = {one.value for one in (LinkStatus if status is None else status)}
    packed = [pack(key) for key in keys]
    found: dict[Pair, Link] = {}
    for statement in (_FROM_LEFT, _FROM_RIGHT):
        for row in bulk.answers(connection, statement, packed):
            if row.status in wanted:
                found[row.left_key, row.right_key] = read(row)
    return sorted(found.values(), key=_strongest_first)


def decisions(connection: Connection) -> list[Link]:
    """By the keys of their ends."""
    rows = connection.execute(
        select(links)
        .where(links.c.status.in_(DECIDED))
        .order_by(links.c.left_key, links.c.right_key)
    )
    return [read(row) for row in rows]


def _forget_undecided(connection: Connection, scope: frozenset[SourceKey] | None) -> None:
    if scope is None:
        connection.execute(_FORGET)
        return
    packed = [pack(key) for key in scope]
    for forget in _FORGET_BY_END:
        bulk.update_among(connection, forget, packed)


def _decided_among(connection: Connection, pairs: Iterable[Pair]) -> set[Pair]:
    """Which of the pairs are decided."""
    rows = bulk.answers(connection, _DECIDED_FROM_LEFT, (left for left, _ in pairs))
    return {(row.left_key, row.right_key) for row in rows}


def _strongest_first(link: Link) -> tuple[bool, float, SourceKey, SourceKey]:
    weight = link.match_weight
    return weight is None, -(weight or 0.0), link.left, link.right


def _row(pair: Pair, link: Link) -> bulk.Values:
    left, right = pair
    return {
        "left_key": left,
        "right_key": right,
        "method": link.method.value,
        "status": link.status.value,
        "match_weight": link.match_weight,
        "match_probability": link.match_probability,
        "prior_weight": link.prior_weight,
        "model_version": link.model_version,
        "decided_at": link.decided_at,
        "reason": None if link.reason is None else storable(link.reason),
        "levels": link.levels,
    } | actor_row(link.decided_by)


def read(row: Row[*tuple[object, ...]]) -> Link:
    return Link(
        left=unpack(row.left_key),
        right=unpack(row.right_key),
        method=LinkMethod(row.method),
        status=LinkStatus(row.status),
        match_weight=row.match_weight,
        match_probability=row.match_probability,
        prior_weight=row.prior_weight,
        model_version=row.model_version,
        decided_by=actor(row),
        decided_at=row.decided_at,
        reason=row.reason,
        levels=row.levels,
    )


def actor_row(by: Actor) -> dict[str, object]:
    """The columns `actor_kind`, `actor_id` and `actor_name`."""
    name = None if by.name is None else storable(by.name)
    return {"actor_kind": by.kind.value, "actor_id": storable(by.id), "actor_name": name}


def actor(row: Row[*tuple[object, ...]]) -> Actor:
    return Actor(kind=ActorKind(row.actor_kind), id=row.actor_id, name=row.actor_name)
