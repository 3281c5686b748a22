"""Anything with an id, by its id alone."""

from typing import TYPE_CHECKING

from domain.context import Commitment
from domain.customer import Link
from domain.errors import InputError
from domain.handoffs import HANDOFF_PREFIX
from domain.ids import (
    CUSTOMER_PREFIX,
    CustomerId,
    Kind,
    MalformedNodeId,
    SourceKey,
    decode_node_id,
)
from domain.provenance import Freshness, System
from domain.records import RECORD_TYPES, Record
from resolvers import commitments, handoffs, matters
from resolvers.access import may_read
from resolvers.customer import Customer
from resolvers.handoffs import Handed
from resolvers.matters import Matter, Way

if TYPE_CHECKING:
    from resolvers.operation import Operation

Node = Customer | Record | System | Link | Matter | Way | Commitment | Handed

_KINDS = frozenset(kind.value for kind in RECORD_TYPES)


async def node(operation: "Operation", node_id: str) -> Node | None:
    """What the id stands for; None where it stands for nothing, or for nothing this caller may
    see. Raises InputError for what is no id of ours, and SourceError.
    """
    prefix, parts = _decoded(node_id)
    if prefix == CUSTOMER_PREFIX:
        return await operation.loaders.customer(CustomerId(node_id), Freshness())
    if prefix in _KINDS and len(parts) == 2:
        return await operation.loaders.record(SourceKey(parts[0], Kind(prefix), parts[1]))
    if prefix == "system" and len(parts) == 1:
        source = operation.services.sources.get(parts[0])
        return None if source is None else source.system
    if prefix == "link" and len(parts) == 4:
        return await _link(operation, node_id, parts)
    return await _worked_out(operation, prefix, parts)


async def _worked_out(
    operation: "Operation", prefix: str, parts: tuple[str, ...]
) -> Matter | Way | Commitment | Handed | None:
    """What no system holds. Raises InputError."""
    if prefix == "issue" and len(parts) == 4 and parts[2] in _KINDS:
        return await matters.by_issue_id(operation, parts)
    if prefix == "journey" and len(parts) == 5 and parts[3] in _KINDS:
        return await matters.by_journey_id(operation, parts)
    if prefix == commitments.PREFIX and len(parts) in (1, 3):
        found = await commitments.by_id(operation, parts)
        return None if found is None else operation.masks.apply(found.commitment)
    if prefix == HANDOFF_PREFIX and len(parts) == 1:
        return await handoffs.by_parts(operation, parts)
    raise InputError("id: not an id of this graph")


def _decoded(node_id: str) -> tuple[str, tuple[str, ...]]:
    try:
        return decode_node_id(node_id)
    except MalformedNodeId as error:
        raise InputError("id: not an id of this graph") from error


async def _link(operation: "Operation", node_id: str, parts: tuple[str, ...]) -> Link | None:
    ends = [SourceKey(parts[i], Kind.CONTACT, parts[i + 1]) for i in (0, 2)]
    owners = await operation.services.identity.of_records(ends)
    for owner in dict.fromkeys(one for one in owners if one is not None):
        if not (await may_read(operation, [owner]))[0]:
            continue
        for link in await operation.loaders.links(owner, None):
            if link.id == node_id:
                return link
    return None
