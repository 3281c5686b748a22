"""What was read of lists of children, put in order and cut into pages, newest first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final

from connectors.matching import position
from domain.errors import SourceError
from domain.ids import Kind
from domain.records import Record
from domain.slots import thawed
from domain.sources import ChildPage, Parent, Position
from domain.vocabulary import ServedFrom

Items = dict[str, Record]
"""What was read of one parent's list, by external id."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of several parents' lists, in order. `cut_at`: there is more, older than this;
    `dropped` rows may have been of any of them.
    """

    lists: Sequence[Items]
    more: bool
    cut_at: Position | None
    dropped: int


@dataclass(frozen=True, slots=True)
class List:
    """The list of one of them."""

    items: Items
    more: bool
    cut_at: Position | None
    dropped: int


Lists = Mapping[Parent, Sequence[List | SourceError]]
"""What each of the form's lists holds of a parent."""


Rank = Callable[[Record], Any]
"""`position` as a tuple, which compares in a fraction of the time."""
_RANK: Final = attrgetter("occurred_at", "key.external_id")
_RANK_OF_MESSAGES: Final = attrgetter("at", "key.external_id")


def rank_of(kind: Kind) -> Rank:
    return _RANK_OF_MESSAGES if kind is Kind.MESSAGE else _RANK


_NEW_PAGE = thawed(ChildPage)


def pages_of(read: Read, rank: Rank, first: int) -> list[ChildPage[Record] | SourceError]:
    """The pages of parents with one list each. Those who have nothing share theirs."""
    pages: list[ChildPage[Record] | SourceError] = []
    more, dropped, live = read.more, read.dropped, ServedFrom.LIVE
    nothing: Any = ChildPage(items=(), has_more=more, dropped=dropped)
    timed = rank is _RANK
    for items in read.lists:
        if not items:
            pages.append(nothing)
            continue
        ranked: Any = list(items.values())
        if len(ranked) > 1:
            # Many sources tell the oldest first; to see that takes a fraction of sorting it.
            earlier = None
            for one in ranked if timed else ():
                moment = one.occurred_at
                if earlier is not None and not earlier < moment:
                    earlier = None
                    break
                earlier = moment
            if earlier is not None:
                ranked.reverse()
            else:
                ranked.sort(key=rank, reverse=True)
        page: Any = _NEW_PAGE()
        page.items = tuple(ranked if len(ranked) <= first else ranked[:first])
        page.has_more = more or len(ranked) > first
        page.dropped = dropped
        page.served_from, page.fetched_at = live, None
        page.__class__ = ChildPage
        pages.append(page)
    return pages


def page_of(
    route: Sequence[Parent] | SourceError,
    lists: Lists,
    rank: Rank,
    first: int,
) -> ChildPage[Record] | SourceError:
    """One page of everything a route leads to; an error where any part of it is missing."""
    if isinstance(route, SourceError):
        return route
    parts = [part for target in route for part in lists[target]]
    broken = next((part for part in parts if isinstance(part, SourceError)), None)
    if broken is not None:
        return broken
    whole = [part for part in parts if isinstance(part, List)]
    # Of lists that were cut, nothing older than the newest cut may be shown: what lies between
    # would be skipped by the next page.
    horizon = max((p.cut_at for p in whole if p.cut_at), default=None) if len(whole) > 1 else None
    items = whole[0].items if len(whole) == 1 else {i: r for p in whole for i, r in p.items.items()}
    ranked = sorted(items.values(), key=rank, reverse=True)
    shown = [r for r in ranked if horizon is None or position(r) >= horizon][:first]
    more = len(shown) < len(ranked) or any(part.more for part in whole)
    dropped = max((part.dropped for part in whole), default=0)
    return ChildPage(items=tuple(shown), has_more=more, dropped=dropped)
