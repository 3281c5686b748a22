"""Which records make which customer: what a resolution changes, and how it is written."""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from domain.errors import ClusterConflict
from domain.ports import Resolution
from state import bulk, held
from state.keys import pack
from state.register import Register
from state.tables import memberships

_MEMBERSHIPS = select(memberships.c.key, memberships.c.customer)
_OF_RECORDS = _MEMBERSHIPS.where(bulk.among(memberships.c.key))
_OF_CUSTOMERS = _MEMBERSHIPS.where(bulk.among(memberships.c.customer))


@dataclass(slots=True)
class _Change:
    """What a resolution asks for (the `owner` of each member), and what that moves."""

    owner: dict[str, str]
    moved: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    """Of what is moved, where it was."""
    dropped: list[str] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)


def assign(connection: Connection, resolution: Resolution, version: int) -> None:
    """Move members, raise the versions of the clusters they joined and left, lead retired ids on.

    Raises ClusterConflict for a resolution that contradicts itself, UnknownCustomer for a redirect
    to nobody.
    """
    _refuse_contradictions(resolution)
    register = _registered(connection, resolution)
    change = _Change(_owners(resolution))
    _find_arrivals(connection, change)
    _find_leavers(connection, change, resolution, register)
    bulk.delete_among(connection, memberships.c.key, change.dropped)
    bulk.upsert(
        connection,
        memberships,
        (
            {"key": key, "customer": change.moved[key], "since": version}
            for key in sorted(change.moved)
        ),
    )
    held.keep(connection, change.left, resolution.redirects, version)
    register.touch(change.touched)
    register.save()


def _refuse_contradictions(resolution: Resolution) -> None:
    assigned = [assignment.id for assignment in resolution.assignments]
    named = Counter([*assigned, *resolution.redirects, *resolution.retired])
    twice = [id for id, times in named.items() if times > 1]
    if twice:
        raise ClusterConflict(f"{twice[0]} is named twice in one resolution")
    empty = [assignment.id for assignment in resolution.assignments if not assignment.members]
    if empty:
        raise ClusterConflict(f"{empty[0]} is left without records and not retired")


def _owners(resolution: Resolution) -> dict[str, str]:
    owner: dict[str, str] = {}
    for assignment in resolution.assignments:
        for key in map(pack, assignment.members):
            if owner.setdefault(key, assignment.id) != assignment.id:
                raise ClusterConflict(f"a record is given to both {owner[key]} and {assignment.id}")
    return owner


def _registered(connection: Connection, resolution: Resolution) -> Register:
    register = Register(connection)
    register.load(_named(resolution))
    for assignment in resolution.assignments:
        register.stand(assignment.id, assignment.confidence)
    for id in resolution.retired:
        register.retire(id)
    register.redirect({str(old): str(new) for old, new in resolution.redirects.items()})
    return register


def _named(resolution: Resolution) -> set[str]:
    assigned = {str(assignment.id) for assignment in resolution.assignments}
    return assigned | set(resolution.redirects) | set(resolution.retired)


def _find_arrivals(connection: Connection, change: _Change) -> None:
    """Find the records that come to a cluster they were not in."""
    for chunk in bulk.chunks(sorted(change.owner)):
        before = dict(bulk.pairs(connection, _OF_RECORDS, chunk))
        for key in chunk:
            was, becomes = before.get(key), change.owner[key]
            if was != becomes:
                change.moved[key] = becomes
                change.touched.update((becomes,) if was is None else (was, becomes))
                if was is not None:
                    change.left[key] = was


def _find_leavers(
    connection: Connection, change: _Change, resolution: Resolution, register: Register
) -> None:
    """Find the records that a named cluster had and that nobody was given. One that is led on
    takes them along.
    """
    for key, was in bulk.pairs(connection, _OF_CUSTOMERS, _named(resolution)):
        if key in change.owner:
            continue
        becomes = register.standing(was)
        if becomes == was:
            change.dropped.append(key)
            change.touched.add(was)
        else:
            change.moved[key], change.left[key] = becomes, was
            change.touched.update((was, becomes))
