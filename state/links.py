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


def touching(
    connection: Connection, keys: Collection[SourceKey], status: Collection[LinkStatus] | None
) -> list[Link]:
    """Links with an end among the keys, strongest first; those without a weight come last."""
    wanted = None if status is None else [one.value for one in status]
    found: dict[Pair, Link] = {}
    for chunk in bulk.chunks(sorted({pack(key) for key in keys})):
        for end in (links.c.left_key, links.c.right_key):
            mine = select(links).where(bulk.among(connection, end, chunk))
            if wanted is not None:
                mine = mine.where(links.c.status.in_(wanted))
            rows = connection.execute(mine)
            found.update(((row.left_key, row.right_key), _link(row)) for row in rows)
    return sorted(found.values(), key=_strongest_first)


def decisions(connection: Connection) -> list[Link]:
    """By the keys of their ends."""
    rows = connection.execute(
        select(links)
        .where(links.c.status.in_(DECIDED))
        .order_by(links.c.left_key, links.c.right_key)
    )
    return [_link(row) for row in rows]


def _forget_undecided(connection: Connection, scope: frozenset[SourceKey] | None) -> None:
    undecided = links.c.status.not_in(DECIDED)
    if scope is None:
        connection.execute(delete(links).where(undecided))
        return
    for chunk in bulk.chunks(sorted(map(pack, scope))):
        ends = (links.c.left_key, links.c.right_key)
        touches = or_(*(bulk.among(connection, end, chunk) for end in ends))
        connection.execute(delete(links).where(undecided, touches))


def _decided_among(connection: Connection, pairs: Iterable[Pair]) -> set[Pair]:
    """Which of the pairs are decided."""
    found: set[Pair] = set()
    for chunk in bulk.chunks(sorted({left for left, _ in pairs})):
        rows = connection.execute(
            select(links.c.left_key, links.c.right_key).where(
                links.c.status.in_(DECIDED), bulk.among(connection, links.c.left_key, chunk)
            )
        )
        found.update((left, right) for left, right in rows)
    return found


def _strongest_first(link: Link) -> tuple[bool, float, SourceKey, SourceKey]:
    weight = link.match_weight
    return weight is None, -(weight or 0.0), link.left, link.right


def _row(pair: Pair, link: Link) -> bulk.Row:
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


def _link(row: Row[*tuple[object, ...]]) -> Link:
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
