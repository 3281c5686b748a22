"""A page of the journeys of one customer, latest begun first."""

from dataclasses import dataclass

from domain.errors import InputError
from domain.vocabulary import Completeness, JourneyKind
from resolvers.connection import PageInfo
from resolvers.matters import Matters, Way


@dataclass(frozen=True, slots=True)
class WayEdge:
    node: Way

    @property
    def cursor(self) -> str:
        return self.node.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """`nodes` is None where nobody who could know answered."""

    nodes: tuple[Way, ...] | None
    has_next: bool = False
    has_previous: bool = False
    completeness: Completeness

    @property
    def edges(self) -> tuple[WayEdge, ...] | None:
        return None if self.nodes is None else tuple(WayEdge(one) for one in self.nodes)

    @property
    def page_info(self) -> PageInfo:
        return PageInfo(
            has_next_page=self.has_next,
            has_previous_page=self.has_previous,
            start_cursor=self.nodes[0].id if self.nodes else None,
            end_cursor=self.nodes[-1].id if self.nodes else None,
        )


def page(matters: Matters, kind: JourneyKind | None, first: int, after: str | None) -> Ways:
    """`after` is the id of a journey. Raises InputError for one that is not among them."""
    if matters.journeys is None:
        return Ways(nodes=None, completeness=matters.completeness)
    chosen = [one for one in matters.journeys if kind in (None, one.kind)]
    start = _after(chosen, after) if after else 0
    return Ways(
        nodes=tuple(chosen[start : start + first]),
        has_next=len(chosen) > start + first,
        has_previous=start > 0,
        completeness=matters.completeness,
    )


def _after(journeys: list[Way], cursor: str) -> int:
    for i, one in enumerate(journeys):
        if one.id == cursor:
            return i + 1
    raise InputError("after: not a cursor of this customer's journeys")
