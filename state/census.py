"""A resolution of everything, as rows."""

from collections.abc import Iterator, Sequence
from itertools import count

from sqlalchemy import Connection, delete, exists, select

from domain.ports import Census
from domain.vocabulary import IdentityEventKind, LinkMethod
from state import history
from state.codec import encode
from state.links import DECIDED, actor_row
from state.loading import Row, load
from state.tables import (
    customers,
    identity_event_customers,
    identity_events,
    links,
    memberships,
)

_LINK = (
    "left_key",
    "right_key",
    "status",
    "match_weight",
    "match_probability",
    "levels",
)


def found(connection: Connection, census: Census, version: int) -> None:
    """Write the created customers, their records and their events."""
    load(
        connection,
        customers,
        ("id", "standing", "confidence"),
        ([(id, id, confidence) for id, confidence in chunk] for chunk in census.created()),
        {"version": 1, "successor": None, "erased_at": None},
    )
    load(connection, memberships, ("key", "customer"), census.members(), {"since": version})
    _tell(connection, census)


def replace_links(connection: Connection, census: Census) -> None:
    """Put links in the place of every undecided one."""
    forget = delete(links)
    if connection.execute(select(exists().where(links.c.status.in_(DECIDED)))).scalar():
        forget = forget.where(links.c.status.not_in(DECIDED))
    connection.execute(forget)
    by = actor_row(census.decided_by)
    alike = by | {
        "method": LinkMethod.PROBABILISTIC.value,
        "prior_weight": census.prior_weight,
        "model_version": census.model_version,
        "decided_at": census.decided_at,
        "reason": None,
    }
    load(connection, links, _LINK, census.links(), alike)


def _tell(connection: Connection, census: Census) -> None:
    """An event for each created customer. Publications follow one another, so the next numbers are
    free.
    """
    first = history.last(connection) + 1
    alike = actor_row(census.decided_by) | {
        "kind": IdentityEventKind.CREATED.value,
        "before_ids": encode(()),
        "reason": None,
        "at": census.decided_at,
    }
    told = (
        [(sequence, encode((id,))) for id, sequence in chunk] for chunk in _numbered(census, first)
    )
    load(connection, identity_events, ("sequence", "after_ids"), told, alike)
    names = ("customer", "sequence")
    load(connection, identity_event_customers, names, _numbered(census, first), {})


def _numbered(census: Census, first: int) -> Iterator[Sequence[Row]]:
    """Each created customer with the number of its event."""
    numbers = count(first)
    for chunk in census.created():
        yield [(id, next(numbers)) for id, _ in chunk]
