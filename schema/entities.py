"""Entities of the federation: many at once, through the same loaders and the same authorisation."""

import asyncio
from collections.abc import Mapping
from typing import Any

from strawberry import Info, federation
from strawberry.federation.schema import FederationAny

from domain.errors import InputError
from resolvers import nodes
from resolvers.customer import Customer
from resolvers.operation import Operation
from schema.paths import report

KINDS = {"Customer": "cus", "Order": "order", "Ticket": "ticket", "Conversation": "conversation"}
"""The entities, and what their ids begin with."""


class FederatedSchema(federation.Schema):
    """A subgraph whose entities are fetched in batches; Strawberry would ask one by one."""

    async def entities_resolver(  # type: ignore[override]  # Strawberry's own is synchronous
        self, info: Info[Operation, None], representations: list[FederationAny]
    ) -> list[Any]:
        entities = (_entity(info, one) for one in representations)
        found = await asyncio.gather(*entities, return_exceptions=True)
        for one in found:
            if isinstance(one, Customer):
                report(info, one.failures)
        return found


async def _entity(info: Info[Operation, None], representation: Any) -> nodes.Node | None:
    name, node_id = _key(representation)
    if not node_id.startswith(f"{KINDS[name]}_"):
        raise InputError(f"representations: not the id of a {name}")
    return await nodes.node(info.context, node_id)


def _key(representation: Any) -> tuple[str, str]:
    given = representation if isinstance(representation, Mapping) else {}
    name, node_id = given.get("__typename"), given.get("id")
    if name not in KINDS or not isinstance(node_id, str):
        raise InputError(f"representations: __typename one of {', '.join(KINDS)}, and id")
    return name, node_id
