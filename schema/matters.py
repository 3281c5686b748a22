"""The matters behind contacts, and the ways customers take to an outcome."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import UNSET

from domain import handoffs as domain
from domain import issues
from domain.errors import InputError
from domain.vocabulary import ActorKind, AttributionModel, Completeness, IssueState, JourneyKind
from resolvers import handoffs, ways
from resolvers.connection import page_size
from resolvers.customer import Customer as Person
from resolvers.matters import Matter, Matters, Share, Step, Way
from resolvers.operation import Operation
from schema.base import Info, Node, PageInfo, speaks_for
from schema.bulk import with_many
from schema.directives import UPSTREAM, about
from schema.interaction import Interaction, TimelineItem
from schema.order import Money
from schema.owners import by_freshness
from schema.paths import report

if TYPE_CHECKING:
    from schema.customer import Customer


@strawberry.type
class Friction:
    is_type_of = speaks_for(issues.Friction)

    score: float
    context_loss: float | None
    repetition: float | None
    delay: float | None
    coverage: float


@strawberry.type
class Transition:
    is_type_of = speaks_for(Step)

    before: Interaction = strawberry.field(name="from")
    after: Interaction = strawberry.field(name="to")
    trigger: ActorKind
    friction: Friction | None


async def _customer(root: strawberry.Parent[Matter], info: Info) -> Person | None:
    return await info.context.loaders.customer(root.customer, root.freshness)


@strawberry.type
class EscalationAdvice:
    is_type_of = speaks_for(domain.EscalationAdvice)

    escalate: bool
    reasons: list[str]


async def _escalation_advice(
    root: strawberry.Parent[Matter], info: Info
) -> domain.EscalationAdvice | None:
    return await handoffs.escalation(info.context, root)


@strawberry.type
class Issue(Node):
    is_type_of = speaks_for(Matter)

    customer = strawberry.field(
        resolver=_customer,
        graphql_type=Annotated["Customer", strawberry.lazy("schema.customer")],
        directives=[UPSTREAM],
    )
    reason: str | None
    state: IssueState
    opened_at: datetime
    resolved_at: datetime | None
    subject: Node | None
    grouped_by: str
    interactions: list[Interaction] | None = strawberry.field(directives=[about(3)])
    transitions: list[Transition] = strawberry.field(directives=[about(2)])
    satisfaction: int | None
    escalation_advice = strawberry.field(
        resolver=_escalation_advice, graphql_type=EscalationAdvice | None, directives=[UPSTREAM]
    )


@strawberry.type
class Credit:
    is_type_of = speaks_for(Share)

    touchpoint: TimelineItem
    value: Money
    share: float


def _credits(root: strawberry.Parent[Way], model: AttributionModel) -> Sequence[Share]:
    return root.credits(model)


@strawberry.type
class Journey(Node):
    is_type_of = speaks_for(Way)

    kind: JourneyKind
    started_at: datetime
    ended_at: datetime | None
    touchpoints: list[TimelineItem] | None = strawberry.field(directives=[about(4)])
    outcome: str | None
    outcome_value: Money | None
    credits = strawberry.field(resolver=_credits, graphql_type=list[Credit], directives=[about(4)])


@strawberry.type
class JourneyEdge:
    cursor: str
    node: Journey


@strawberry.type
class JourneyConnection:
    edges: list[JourneyEdge] | None
    nodes: list[Journey] | None
    page_info: PageInfo
    completeness: Completeness


async def _matters(
    owners: Sequence[Person], context: Operation, place: Callable[[int], Info]
) -> list[Matters]:
    """One step for those who were handed out with one freshness."""
    found: dict[int, Matters] = {}
    for group, some in by_freshness(owners):
        found |= zip(group, await context.loaders.matters(some), strict=True)
    for i, one in found.items():
        if one.failures:
            report(place(i), one.failures)
    return [found[i] for i in range(len(owners))]


async def _issues_of_many(
    owners: Sequence[Person],
    context: Operation,
    place: Callable[[int], Info],
    *,
    open: bool | None = UNSET,
) -> list[Sequence[Matter] | None]:
    return [
        one.issues and [issue for issue in one.issues if open in (None, UNSET, issue.is_open)]
        for one in await _matters(owners, context, place)
    ]


@with_many(_issues_of_many)
async def issues_of(
    root: strawberry.Parent[Person], info: Info, open: bool | None = UNSET
) -> Sequence[Matter] | None:
    return (await _issues_of_many([root], info.context, lambda _: info, open=open))[0]


async def _journeys_of_many(
    owners: Sequence[Person],
    context: Operation,
    place: Callable[[int], Info],
    *,
    kind: JourneyKind | None = UNSET,
    first: int | None = 10,
    after: str | None = UNSET,
) -> list[ways.Ways | InputError]:
    """Of whoever has no journey with this cursor the error, which is nobody else's."""
    size = page_size(10 if first is None else first)
    found: list[ways.Ways | InputError] = []
    for one in await _matters(owners, context, place):
        try:
            found.append(ways.page(one, kind or None, size, after or None))
        except InputError as error:
            found.append(error)
    return found


@with_many(_journeys_of_many)
async def journeys_of(
    root: strawberry.Parent[Person],
    info: Info,
    kind: JourneyKind | None = UNSET,
    first: int | None = 10,
    after: str | None = UNSET,
) -> ways.Ways:
    (found,) = await _journeys_of_many(
        [root], info.context, lambda _: info, kind=kind, first=first, after=after
    )
    if isinstance(found, InputError):
        raise found
    return found
