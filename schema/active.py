"""What goes on around a person now."""

from collections.abc import Callable, Sequence

import strawberry

from domain.errors import UnknownCustomer
from domain.events import InteractionRecord
from resolvers import active
from resolvers.customer import Customer as Person
from resolvers.operation import Operation
from schema.base import Info
from schema.bulk import with_many
from schema.owners import by_freshness
from schema.paths import report


async def _of_many(
    owners: Sequence[Person], context: Operation, place: Callable[[int], Info]
) -> Sequence[Sequence[InteractionRecord] | None]:
    """One step for those who were handed out with one freshness."""
    found: dict[int, active.Active] = {}
    for group, some in by_freshness(owners):
        freshness = some[0].freshness
        people = await context.loaders.people([owner.id for owner in some], freshness)
        standing = [person for person in people if person is not None]
        if len(standing) < len(group):
            raise UnknownCustomer("a customer changed while it was read")
        around = await active.of_customers(context, standing, freshness)
        found |= zip(group, around, strict=True)
    for i, one in found.items():
        if one.failures:
            report(place(i), one.failures)
    return [found[i].items for i in range(len(owners))]


@with_many(_of_many)
async def active_interactions(
    root: strawberry.Parent[Person], info: Info
) -> Sequence[InteractionRecord] | None:
    found = await _of_many([root], info.context, lambda _: info)
    return found[0]
