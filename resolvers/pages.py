"""Pages of children, for many parents at many sources at once: one call for each source, and the
last good page where a source fails.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import repeat
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from domain.errors import SourceError, SourceProtocolError
from domain.ids import Kind
from domain.provenance import Freshness
from domain.records import Record
from domain.sources import ChildFilter, ChildPage, Fields, PageRequest, Parent, Source
from domain.vocabulary import ServedFrom
from domain.waiting import together
from resolvers.calls import Reply, ask, at_hand
from resolvers.cursors import Place
from resolvers.kept import EVERYTHING, recall, worth_keeping
from resolvers.lately import Spot
from resolvers.ledger import OUTCOME, Outcome
from resolvers.projection import projection

if TYPE_CHECKING:
    from resolvers.operation import Operation

_USUAL = Freshness()
_LIVE = Freshness(max_age_ms=0)


class Cut(NamedTuple):
    """Which list is wanted, which part of it, and what of each item. Equal cuts share one call. A
    tuple, as what is asked for together is.
    """

    kind: Kind
    first: int = 20
    after: Place | None = None
    where: ChildFilter = EVERYTHING
    freshness: Freshness = _USUAL
    fields: Fields = None

    def page(self, source: str) -> PageRequest:
        return PageRequest(self.first, self.after.position(source) if self.after else None)


CUT: Final = partial(tuple.__new__, Cut)
"""Of its parts, without a call of ours."""


class Found(NamedTuple):
    """What came of asking for one parent's children. None: unknown."""

    page: ChildPage[Record] | None
    outcomes: tuple[Outcome, ...]


Told = tuple[ChildPage[Record] | None, tuple[Outcome, ...]]
"""A `Found` as the lists of fifty customers need it: to make a named one takes thrice as long."""
_FOUND = partial(tuple.__new__, Found)
_PAGE = partial(tuple.__new__, PageRequest)
"""Of their parts, without a call of ours."""


async def read(
    operation: "Operation", parents: Mapping[str, Sequence[Parent]], cut: Cut
) -> dict[Spot, Found]:
    """One entry for each parent of each source. Parents may repeat; a source without any is not
    called.
    """
    lists = await read_each(operation, parents, cut)
    return {
        (name, parent): found
        for name, some in lists.items()
        for parent, found in zip(parents[name], some, strict=True)
    }


async def read_each(
    operation: "Operation", parents: Mapping[str, Sequence[Parent]], cut: Cut
) -> dict[str, list[Found]]:
    """The same, by source: one entry for each of its parents, in order."""
    asked = {name: some for name, some in parents.items() if some}
    answers = await together([read_one(operation, *each, cut) for each in asked.items()])
    found = [list(map(_FOUND, answer)) for answer in answers]
    return dict(zip(asked, found, strict=True))


async def read_one(
    operation: "Operation", name: str, parents: Sequence[Parent], cut: Cut
) -> list[Told]:
    """The same of one source."""
    if len(parents) > 1 and len(set(parents)) < len(parents):
        unique = list(dict.fromkeys(parents))
        found = dict(zip(unique, await read_one(operation, name, unique, cut), strict=True))
        return [found[parent] for parent in parents]
    source = behind = operation.services.sources[name]
    if source.within is not None:
        young = read_kept(operation, source, parents, cut)
        if young is not None:
            return young
        behind = source.within(_LIVE if operation.asks_anew else cut.freshness)
    page, keep, wanted = _question(name, cut)
    reader = behind.children[cut.kind]
    reply = await ask(
        operation,
        source,
        kind=cut.kind,
        count=len(parents),
        freshness=cut.freshness,
        call=partial(reader.children_of, parents, page, cut.where, wanted),
    )
    if keep:
        due = operation.services.kept_lately.due(cut.kind, name, parents, monotonic())
        if due:  # of most, the page was kept a moment ago
            read = ((parents[i], reply.entries[i]) for i in due)
            operation.remember(cut.kind, name, worth_keeping(page, read))
    if operation.is_shared and not operation.was_cut:
        operation.was_cut = _are_cut(reply.entries, page.first)
    pages, bad = _sorted(reply)
    if bad:
        stood_in = await _fall_back(operation, reply, [parents[i] for i in bad], bad, cut)
        for i, one in zip(bad, stood_in, strict=True):
            pages[i] = one
    return pages


def _question(name: str, cut: Cut) -> tuple[PageRequest, bool, Fields]:
    """What is asked for, and whether the answer is worth keeping for bad days: the beginning of the
    whole list.
    """
    page = _PAGE((cut.first, None)) if cut.after is None else cut.page(name)
    keep = page.after is None and cut.where == EVERYTHING
    return page, keep, projection(cut.kind, cut.fields, keepable=keep)


def read_kept(
    operation: "Operation", source: Source, parents: Sequence[Parent], cut: Cut
) -> list[Told] | None:
    """As `read_one`, of what a cache holds, which was kept for bad days when it came; None where
    the source has to be asked. Pages of one moment share what is said of it.
    """
    if source.within is None or operation.asks_anew:
        return None
    kept = source.within(cut.freshness).at_hand
    if kept is None:
        return None
    page, _, wanted = _question(source.name, cut)
    pages = kept.pages(cut.kind, parents, page, cut.where, wanted)
    if pages is None:
        return None
    found: list[Told] = []
    told: dict[datetime | None, tuple[Outcome, ...]] = {}
    for got in pages:
        at = got.fetched_at
        if got.dropped:
            return _sorted(at_hand(operation, source, pages))[0]
        outcomes = told.get(at)
        if outcomes is None:
            outcomes = told[at] = (OUTCOME(source=source.name, at=at),)
        found.append((got, outcomes))
    return found


def _sorted(reply: Reply[ChildPage[Record]]) -> tuple[list[Told], dict[int, SourceError]]:
    """What came, with errors by their places, where nothing has come yet. Pages of one answer share
    what is said of it.
    """
    if _are_told_now(reply.entries):
        pages: Any = reply.entries
        return list(zip(pages, repeat((reply.outcome(),)))), {}
    found: list[Told] = []
    bad: dict[int, SourceError] = {}
    whole: tuple[Outcome, ...] | None = None
    kept: dict[tuple[datetime, ServedFrom], tuple[Outcome, ...]] = {}
    for i, got in enumerate(reply.entries):
        if isinstance(got, SourceError):
            bad[i] = got
            found.append((None, ()))
        elif got.dropped:
            found.append((got, _told(reply, got)))
        elif got.fetched_at is None:
            whole = whole or (reply.outcome(),)
            found.append((got, whole))
        else:
            said = got.fetched_at, got.served_from
            if said not in kept:
                kept[said] = _told(reply, got)
            found.append((got, kept[said]))
    return found, bad


def _are_cut(entries: Sequence[ChildPage[Record] | SourceError], first: int) -> bool:
    """Whether a list ends before it is full, though there is more."""
    return any(
        isinstance(got, ChildPage) and got.has_more and len(got.items) < first for got in entries
    )


def _are_told_now(entries: Sequence[ChildPage[Record] | SourceError]) -> bool:
    """The usual case: nothing failed, was left out, or came out of a cache."""
    for got in entries:  # a generator costs as much as the rest
        if got.__class__ is not ChildPage or got.fetched_at is not None or got.dropped:
            return False
    return True


def _told(reply: Reply[ChildPage[Record]], page: ChildPage[Record]) -> tuple[Outcome, ...]:
    """Of a page that a cache gave in place of its source, or that has rows missing."""
    if page.fetched_at is None:
        outcome = reply.outcome()
    else:
        stale = page.served_from is ServedFrom.STALE_CACHE
        outcome = OUTCOME(source=reply.source, stale=stale, at=page.fetched_at)
    if not page.dropped:
        return (outcome,)
    lost = SourceProtocolError(reply.source, f"{page.dropped} rows without id or time left out")
    return (outcome, reply.outcome(lost))


async def _fall_back(
    operation: "Operation",
    reply: Reply[ChildPage[Record]],
    parents: Sequence[Parent],
    errors: Mapping[int, SourceError],
    cut: Cut,
) -> list[Told]:
    """For each parent whose page failed what was kept of it, if that may be taken."""
    kept: Sequence[ChildPage[Record] | None] = [None] * len(parents)
    if cut.freshness.allow_stale:
        spots = [(reply.source, parent) for parent in parents]
        page = cut.page(reply.source)
        kept = await recall(operation.services.records, cut.kind, spots, page, cut.where)
    return [
        (one, (reply.outcome(error, stale=one is not None),))
        for one, error in zip(kept, errors.values(), strict=True)
    ]
