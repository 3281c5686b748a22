"""People by the beginnings of words."""

import asyncio
from typing import TYPE_CHECKING

from domain.errors import InputError
from domain.provenance import Freshness
from resolvers.access import require_anybody
from resolvers.connection import page_size
from resolvers.customer import Customer

if TYPE_CHECKING:
    from resolvers.operation import Operation


async def search(operation: "Operation", text: str, first: int) -> list[Customer]:
    """Raises Forbidden for who may not read anybody, and InputError."""
    require_anybody(operation)
    if not text.strip():
        raise InputError("text: at least one word")
    ids = await operation.services.identity.search(text, page_size(first))
    found = await asyncio.gather(
        *(operation.loaders.customer(one, Freshness()) for one in dict.fromkeys(ids))
    )
    return [customer for customer in found if customer is not None]
