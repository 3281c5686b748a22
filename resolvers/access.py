"""Whose history a caller may open.

A token with `customer:any` may open anybody's. Any other one, that of a visitor's page or of a bot,
opens the history of who it has proven to be (AUTHENTICATED or VERIFIED), on every way in: a key, an
id, a node, an entity of the federation, or a record that belongs to somebody.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.customer import KeyKind, LookupKey
from domain.errors import Forbidden
from domain.ids import CustomerId, Kind, SourceKey
from domain.records import Contact, Message, Record
from resolvers.caller import ANY_CUSTOMER, STAFF
from resolvers.leads import known

if TYPE_CHECKING:
    from resolvers.operation import Operation


def may_read_anybody(operation: "Operation") -> bool:
    return ANY_CUSTOMER in operation.caller.scopes


async def may_ask(operation: "Operation") -> bool:
    """Whether there is anybody it may read of; where not, no source is asked on its behalf."""
    return may_read_anybody(operation) or bool(await _proven(operation))


def require_anybody(operation: "Operation") -> None:
    """Raises Forbidden."""
    if not may_read_anybody(operation):
        raise Forbidden(f"needs the scope {ANY_CUSTOMER}")


def require_steward(operation: "Operation") -> None:
    """Who decides on who is who is staff and may read anybody. Raises Forbidden."""
    require_anybody(operation)
    if not operation.caller.may(STAFF):
        raise Forbidden(f"needs the scope {STAFF}")


async def may_look_up(operation: "Operation", key: LookupKey) -> bool:
    """Said before the key is looked up: whether it exists is not for everybody to know either."""
    if may_read_anybody(operation) or key in operation.caller.trusted_keys:
        return True
    return key.kind is KeyKind.ID and key.value in await _proven(operation)


async def may_read(operation: "Operation", ids: Sequence[CustomerId]) -> list[bool]:
    """One entry per id, in order. An id of before a merge opens what it led to."""
    if may_read_anybody(operation):
        return [True] * len(ids)
    proven = await _proven(operation)
    if not proven:
        return [False] * len(ids)
    clusters = await operation.services.identity.clusters(ids)
    return [cluster is not None and cluster.id in proven for cluster in clusters]


async def may_read_record(operation: "Operation", record: Record, thread: Record | None) -> bool:
    """`thread` is what a message belongs to."""
    if may_read_anybody(operation):
        return True
    return await may_read_rows(
        operation, _owners(thread if isinstance(record, Message) else record)
    )


async def may_read_rows(operation: "Operation", keys: Sequence[SourceKey]) -> bool:
    """Whether one of these records of people is of somebody the caller has proven to be."""
    if may_read_anybody(operation):
        return True
    customers = await operation.services.identity.of_records(keys) if keys else []
    proven = await _proven(operation)
    return any(customer in proven for customer in customers if customer is not None)


def _owners(record: Record | None) -> list[SourceKey]:
    if record is None or isinstance(record, Message):
        return []
    if isinstance(record, Contact):
        return [record.key]
    source = record.key.source
    return [SourceKey(source, Kind.CONTACT, owner) for owner in record.owner_ids]


async def _proven(operation: "Operation") -> frozenset[CustomerId]:
    """Customers whom a proven key leads to, alone: one that two people share proves neither."""
    if operation.proven is None:
        keys = operation.caller.trusted_keys
        leads = await known(operation.services.identity, keys) if keys else []
        operation.proven = frozenset(ids[0] for ids in leads if len(ids) == 1)
    return operation.proven
