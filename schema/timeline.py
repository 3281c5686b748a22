"""Everything around one person in one order."""

from collections.abc import Callable, Sequence

import strawberry
from strawberry import UNSET

from domain.vocabulary import Completeness
from resolvers.connection import page_size
from resolvers.customer import Customer as Person
from resolvers.operation import Operation
from resolvers.timeline import Timeline, Walk
from schema.base import Info, PageInfo, SourceStatus
from schema.bulk import with_many
from schema.directives import about
from schema.inputs import Freshness, TimelineFilter, timeline_filter
from schema.inputs import freshness as asked_for
from schema.interaction import TimelineItem
from schema.owners import by_freshness
from schema.paths import report


@strawberry.type
class TimelineEdge:
    cursor: str
    node: TimelineItem


@strawberry.type
class TimelineConnection:
    edges: list[TimelineEdge] | None
    nodes: list[TimelineItem] | None
    page_info: PageInfo
    completeness: Completeness
    sources: list[SourceStatus] = strawberry.field(directives=[about(4)])


async def _timelines(
    owners: Sequence[Person],
    context: Operation,
    place: Callable[[int], Info],
    *,
    first: int | None = 20,
    after: str | None = UNSET,
    filter: TimelineFilter | None = UNSET,
    freshness: Freshness | None = UNSET,
) -> Sequence[Timeline]:
    """One step for those who were handed out with one freshness."""
    found: dict[int, Timeline] = {}
    for group, some in by_freshness(owners):
        walk = Walk(
            first=page_size(20 if first is None else first),
            after=after or "",
            where=timeline_filter(filter),
            freshness=asked_for(freshness, some[0].freshness),
        )
        pages = await context.loaders.timelines(some, walk)
        found |= zip(group, pages, strict=True)
    for i, one in found.items():
        if one.failures:
            report(place(i), one.failures)
    return [found[i] for i in range(len(owners))]


@with_many(_timelines)
async def timeline(
    root: strawberry.Parent[Person],
    info: Info,
    *,
    first: int | None = 20,
    after: str | None = UNSET,
    filter: TimelineFilter | None = UNSET,
    freshness: Freshness | None = UNSET,
) -> Timeline:
    pages = await _timelines(
        [root],
        info.context,
        lambda _: info,
        first=first,
        after=after,
        filter=filter,
        freshness=freshness,
    )
    return pages[0]
