"""Pages of children, for many parents at many sources at once: one call for each source, and the
last good page where a source fails.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.errors import SourceError, SourceProtocolError
from domain.ids import Kind
from domain.provenance import Freshness
from domain.records import Record
from domain.sources import ChildFilter, ChildPage, Fields, PageRequest, Parent
from domain.vocabulary import ServedFrom
from resolvers.calls import Reply, ask
from resolvers.cursors import Place
from resolvers.kept import keepable, recall, worth_keeping
from resolvers.lately import Spot
from resolvers.ledger import Outcome
from resolvers.projection import projection

if TYPE_CHECKING:
    from resolvers.operation import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Which list is wanted, which part of it, and what of each item. Equal cuts share one call."""

    kind: Kind
    first: int = 20
    after: Place | None = None
    where: ChildFilter = field(default_factory=ChildFilter)
    freshness: Freshness = field(default_factory=Freshness)
    fields: Fields = None

    def page(self, source: str) -> PageRequest:
        return PageRequest(self.first, self.after.position(source) if self.after else None)


@dataclass(frozen=True, slots=True)
class Found:
    """What came of asking for one parent's children. None: unknown."""

    page: ChildPage[Record] | None
    outcomes: tuple[Outcome, ...]


async def read(
    operation: "Operation", parents: Mapping[str, Sequence[Parent]], cut: Cut
) -> dict[Spot, Found]:
    """One entry for each parent of each source. Parents may repeat; a source without any is not
    called.
    """
    unique = {name: list(dict.fromkeys(some)) for name, some in parents.items() if some}
    answers = await asyncio.gather(
        *(_source(operation, name, some, cut) for name, some in unique.items())
    )
    return {spot: found for answer in answers for spot, found in answer.items()}


async def _source(
    operation: "Operation", name: str, parents: Sequence[Parent], cut: Cut
) -> dict[Spot, Found]:
    source = operation.services.sources[name]
    page = cut.page(name)
    keep = keepable(page, cut.where)
    wanted = projection(cut.kind, cut.fields, keepable=keep)
    readers = source.fresh(cut.freshness).children
    reply = await ask(
        operation,
        source,
        kind=cut.kind,
        count=len(parents),
        freshness=cut.freshness,
        call=lambda deadline: readers[cut.kind].children_of(
            parents, page, cut.where, wanted, deadline
        ),
    )
    entries = {(name, one): entry for one, entry in zip(parents, reply.entries, strict=True)}
    good = {spot: entry for spot, entry in entries.items() if isinstance(entry, ChildPage)}
    if keep:
        operation.remember(
            cut.kind, {spot: one for spot, one in good.items() if worth_keeping(page, one)}
        )
    bad = {spot: entry for spot, entry in entries.items() if isinstance(entry, SourceError)}
    whole = (reply.outcome(),)
    found = {
        spot: Found(one, whole if one.fetched_at is None and not one.dropped else _told(reply, one))
        for spot, one in good.items()
    }
    return found if not bad else found | await _fall_back(operation, reply, bad, cut)


def _told(reply: Reply[ChildPage[Record]], page: ChildPage[Record]) -> tuple[Outcome, ...]:
    """Of a page that a cache gave in place of its source, or that has rows missing."""
    outcome = reply.outcome()
    if page.fetched_at is not None:
        stale = page.served_from is ServedFrom.STALE_CACHE
        outcome = Outcome(source=reply.source, stale=stale, at=page.fetched_at)
    if not page.dropped:
        return (outcome,)
    lost = SourceProtocolError(reply.source, f"{page.dropped} rows without id or time left out")
    return (outcome, reply.outcome(lost))


async def _fall_back(
    operation: "Operation",
    reply: Reply[ChildPage[Record]],
    failed: Mapping[Spot, SourceError],
    cut: Cut,
) -> dict[Spot, Found]:
    spots = list(failed) if cut.freshness.allow_stale else []
    page = cut.page(reply.source)
    kept = await recall(operation.services.records, cut.kind, spots, page, cut.where)
    known = dict(zip(spots, kept, strict=True))
    return {
        spot: Found(known.get(spot), (reply.outcome(error, stale=known.get(spot) is not None),))
        for spot, error in failed.items()
    }
