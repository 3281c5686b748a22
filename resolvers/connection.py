"""A page of a list that crosses sources: newest first, each thing once, and how whole it is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.errors import InputError, PageTooLarge, SourceError
from domain.ids import Kind
from domain.provenance import SourceStatus
from domain.records import Record
from domain.sources import ChildPage, Source
from domain.vocabulary import Completeness
from resolvers.cursors import Place, encode, place
from resolvers.ledger import Outcome, Verdict

MAX_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class Edge:
    kind: Kind
    node: Record

    @property
    def cursor(self) -> str:
        return encode(self.kind, self.node)


@dataclass(slots=True, eq=False)
class Connection:
    """`nodes` is None where no source answered: unknown, not empty. `failures` holds one error for
    each source that left something out; it and `completeness` are the verdict's. Not frozen, since
    one is made for each list of each customer; nobody changes it.
    """

    kind: Kind
    nodes: tuple[Record, ...] | None
    has_next: bool
    has_previous: bool
    verdict: Verdict
    completeness: Completeness
    failures: tuple[SourceError, ...]

    @property
    def asked(self) -> Sequence[Source]:
        return self.verdict.asked

    @property
    def outcomes(self) -> Sequence[Outcome]:
        return self.verdict.outcomes

    @property
    def sources(self) -> tuple[SourceStatus, ...]:
        return self.verdict.statuses

    @property
    def edges(self) -> tuple[Edge, ...] | None:
        return None if self.nodes is None else tuple(Edge(self.kind, node) for node in self.nodes)

    @property
    def page_info(self) -> PageInfo:
        return PageInfo(
            has_next_page=self.has_next,
            has_previous_page=self.has_previous,
            start_cursor=encode(self.kind, self.nodes[0]) if self.nodes else None,
            end_cursor=encode(self.kind, self.nodes[-1]) if self.nodes else None,
        )


def page_size(first: int) -> int:
    """Raises PageTooLarge or InputError."""
    if first > MAX_PAGE:
        raise PageTooLarge(f"first: at most {MAX_PAGE}")
    if first < 1:
        raise InputError("first: at least 1")
    return first


def merge(
    pages: Sequence[ChildPage[Record]], first: int, after: Place | None
) -> tuple[tuple[Record, ...], bool]:
    """The `first` newest of all pages, and whether there are more.

    Pages are not taken to be full: beyond the end of a page that has more, other pages' items wait
    for the next request, or the rest of that page would be jumped over.
    """
    if len(pages) == 1 and after is None:
        (only,) = pages
        return only.items[:first], (only.has_more and bool(only.items)) or len(only.items) > first
    found = {item.key: item for page in pages for item in page.items}
    ordered = sorted(found.values(), key=place, reverse=True)
    horizon = _horizon(pages)
    chosen = [
        item
        for item in ordered
        if (after is None or place(item) < after) and (horizon is None or place(item) >= horizon)
    ]
    more = horizon is not None or len(chosen) > first
    return tuple(chosen[:first]), more


def _horizon(pages: Iterable[ChildPage[Record]]) -> Place | None:
    ends = [place(page.items[-1]) for page in pages if page.has_more and page.items]
    return max(ends, default=None)
