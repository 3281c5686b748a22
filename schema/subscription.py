"""What can be followed."""

from typing import Any

import strawberry
from strawberry import UNSET

from domain.customer import IdentityEvent as Change
from domain.errors import UnknownCustomer
from domain.events import Activity
from domain.ids import CustomerId
from domain.provenance import Freshness
from domain.records import Record
from domain.vocabulary import ActivityKind, Channel
from resolvers import happenings
from resolvers.customer import Customer as Person
from resolvers.happenings import Following, Happening
from schema.base import Info, speaks_for
from schema.customer import Customer
from schema.decisions import IdentityEvent
from schema.directives import UPSTREAM
from schema.interaction import TimelineItem
from schema.paths import report


def _cursor(root: strawberry.Parent[Happening]) -> str:
    return happenings.activity_cursor(root.activity.sequence)


def _kind(root: strawberry.Parent[Happening]) -> ActivityKind:
    return root.activity.kind


async def _item(root: strawberry.Parent[Happening], info: Info) -> Record | None:
    item = root.activity.item
    return None if item is None else await info.context.loaders.around(item, root.customer)


async def _customer(root: strawberry.Parent[Happening], info: Info) -> Person:
    found = await info.context.loaders.customer(root.customer, Freshness())
    if found is None:
        raise UnknownCustomer("the customer went away")
    report(info, found.failures)
    return found


@strawberry.type
class ActivityEvent:
    is_type_of = speaks_for(Happening)

    cursor: str = strawberry.field(resolver=_cursor)
    kind: ActivityKind = strawberry.field(resolver=_kind)
    item = strawberry.field(resolver=_item, graphql_type=TimelineItem | None, directives=[UPSTREAM])
    customer = strawberry.field(resolver=_customer, graphql_type=Customer, directives=[UPSTREAM])


async def _customer_activity(
    info: Info, customer: strawberry.ID, after: str | None = UNSET
) -> Following[Activity, Happening]:
    return await happenings.customer_activity(
        info.context, CustomerId(customer), _resumed(info, after)
    )


async def _interaction_added(
    info: Info, channels: list[Channel] | None = UNSET, after: str | None = UNSET
) -> Following[Activity, Happening]:
    return await happenings.interaction_added(info.context, channels or (), _resumed(info, after))


async def _identity_changed(
    info: Info, customer: strawberry.ID | None = UNSET, after: str | None = UNSET
) -> Following[Change, Change]:
    one = CustomerId(customer) if customer else None
    return await happenings.identity_changed(info.context, one, _resumed(info, after))


def _resumed(info: Info, after: str | None) -> str | None:
    """A browser that comes back says itself where it was."""
    return info.context.resume_after or after or None


def _followed(resolver: Any, graphql_type: Any, description: str | None = None) -> Any:
    return strawberry.field(
        resolver=resolver,
        graphql_type=graphql_type,
        is_subscription=True,
        description=description,
    )


@strawberry.type
class Subscription:
    customer_activity = _followed(
        _customer_activity,
        ActivityEvent,
        "Everything that happens around one person, in order; `after` resumes with nothing lost "
        "and nothing repeated.",
    )
    interaction_added = _followed(_interaction_added, ActivityEvent)
    identity_changed = _followed(_identity_changed, IdentityEvent)
