"""Everything around one person in one order: orders, tickets, conversations and calls as their
sources have them now, together with the interactions of the live record.

    sources  >  a page of each kind they hold ┐
    events   >  a page of what was told       ┘ >  each thing once, in its place  >  a page of both

An interaction that both know has the place the live record gives it, and the newer state. A page is
read in one step, whoever it is for; one that is filtered is read on until it is full.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from domain.errors import SourceError
from domain.provenance import Freshness, SourceStatus
from domain.sources import Source
from domain.vocabulary import Completeness
from resolvers.connection import MAX_PAGE, PageInfo
from resolvers.ledger import Outcome, failures, judge, statuses
from resolvers.moments import LIVE, Item, Moment, decode, encode
from resolvers.people import Person
from resolvers.stretches import Asked, Reading, Where, asked, stretches

if TYPE_CHECKING:
    from resolvers.operation import Operation

ROUNDS: Final = 5
"""How often a filtered page is read on, until it is handed out as it is: its cursor goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Which page of timelines is wanted. Equal walks share their reads."""

    first: int = 20
    after: str = ""
    where: Where = field(default_factory=Where)
    freshness: Freshness = field(default_factory=Freshness)
    needs: frozenset[str] = frozenset()
    """Attributes that are read besides what the operation asks for."""


@dataclass(frozen=True, slots=True)
class TimelineEdge:
    node: Item
    cursor: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A page. `nodes` is None where no source answered and nothing was told: unknown, not empty.
    `end` is how far it was looked, where that is further than the last node.
    """

    nodes: tuple[Item, ...] | None
    version: int
    """Of the customer it is about."""
    end: Moment | None = None
    has_next: bool = False
    has_previous: bool = False
    asked: Sequence[Source] = ()
    outcomes: Sequence[Outcome] = ()

    @cached_property
    def completeness(self) -> Completeness:
        found = judge(self.outcomes)
        if found is Completeness.UNKNOWN and self.nodes is not None:
            return Completeness.PARTIAL  # the live record did answer
        return found

    @cached_property
    def sources(self) -> tuple[SourceStatus, ...]:
        return statuses(self.asked, self.outcomes)

    @cached_property
    def failures(self) -> tuple[SourceError, ...]:
        return failures(self.outcomes)

    @cached_property
    def edges(self) -> tuple[TimelineEdge, ...] | None:
        if self.nodes is None:
            return None
        return tuple(TimelineEdge(one, self._cursor(Moment.of(one))) for one in self.nodes)

    @property
    def page_info(self) -> PageInfo:
        places = [Moment.of(one) for one in (self.nodes or ())[:1] + (self.nodes or ())[-1:]]
        end = self.end or (places[-1] if places else None)
        return PageInfo(
            has_next_page=self.has_next,
            has_previous_page=self.has_previous,
            start_cursor=self._cursor(places[0]) if places else None,
            end_cursor=self._cursor(end) if end else None,
        )

    def _cursor(self, moment: Moment) -> str:
        return encode(moment, self.version)


@dataclass(slots=True, kw_only=True)
class _Page:
    """A page while it is read: `end` is how far, None for all there is."""

    asked: Asked
    items: dict[Moment, Item] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    end: Moment | None = None

    def is_done(self, first: int) -> bool:
        return self.end is None or len(self.items) >= first


async def fetch(operation: "Operation", people: Sequence[Person], walk: Walk) -> list[Timeline]:
    """One page per person, in order; unmasked. Raises InputError for a cursor that is none."""
    after, seen = decode(walk.after) if walk.after else (None, None)
    if seen is not None:
        crossed = sum(person.cluster.version != seen for person in people)
        operation.services.telemetry.count("timeline_crossings", {}, crossed)
    kinds = [kind for kind in LIVE if walk.where.may_hold(kind)]
    sources = [
        source
        for source in operation.services.sources.values()
        if any(kind in source.children for kind in kinds)
    ]
    start = _start(walk.where, after)
    wanted = Reading(
        kinds=tuple(kinds),
        size=MAX_PAGE if walk.where.picks else walk.first,
        freshness=walk.freshness,
        where=walk.where,
        needs=walk.needs,
    )
    pages = [_Page(asked=one) for one in await asked(operation, sources, people)]
    await _read(operation, pages, wanted, start)
    if walk.where.picks:
        await asyncio.gather(*(_read_on(operation, page, wanted, walk.first) for page in pages))
    for page in pages:
        operation.ledger.note([page.asked.person.cluster.id], page.outcomes)
    return [_timeline(page, sources, walk, has_previous=after is not None) for page in pages]


def _start(where: Where, after: Moment | None) -> Moment | None:
    until = None if where.until is None else Moment.before(where.until)
    return min((one for one in (after, until) if one is not None), default=None)


async def _read(
    operation: "Operation", pages: Sequence[_Page], wanted: Reading, after: Moment | None
) -> None:
    found = await stretches(operation, [page.asked for page in pages], wanted, after)
    for page, stretch in zip(pages, found, strict=True):
        page.outcomes.extend(stretch.outcomes)
        page.items |= {
            place: item for place, item in stretch.items.items() if wanted.where.takes(item)
        }
        since, end = wanted.where.since, stretch.end
        page.end = None if since is not None and end is not None and end.at < since else end


async def _read_on(operation: "Operation", page: _Page, wanted: Reading, first: int) -> None:
    for _ in range(ROUNDS - 1):
        if page.is_done(first):
            return
        await _read(operation, [page], wanted, page.end)


def _timeline(
    page: _Page, sources: Sequence[Source], walk: Walk, *, has_previous: bool
) -> Timeline:
    ordered = sorted(page.items, reverse=True)
    chosen = ordered[: walk.first]
    left = len(ordered) > len(chosen)
    outcomes = page.outcomes
    unknown = bool(outcomes) and not chosen and not any(one.answered for one in outcomes)
    return Timeline(
        nodes=None if unknown else tuple(page.items[place] for place in chosen),
        version=page.asked.person.cluster.version,
        end=None if left else page.end,
        has_next=left or page.end is not None,
        has_previous=has_previous,
        asked=sources,
        outcomes=outcomes,
    )


def masked(operation: "Operation", timeline: Timeline) -> Timeline:
    """As the caller may see it."""
    if timeline.nodes is None or operation.masks.hide_nothing:
        return timeline
    mask = operation.masks.apply
    return replace(timeline, nodes=tuple(mask(node) for node in timeline.nodes))
