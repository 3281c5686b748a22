"""What a steward reads before and after deciding: the queue, a merge that is only tried, history.

All of it is read from the store: nothing here asks a source.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from domain.customer import AttributeValue, Cluster, IdentityEvent, Link
from domain.errors import UnknownCustomer
from domain.ids import CustomerId
from domain.records import Contact
from domain.vocabulary import LinkStatus, ServedFrom
from resolvers.access import require_steward
from resolvers.connection import PageInfo, page_size
from resolvers.decisions import could_be_id, counted
from resolvers.places import event_cursor, event_place, waiting_cursor, waiting_place
from resolvers.refused import Code, Refused, UserError
from resolvers.rulings import across
from resolvers.survivorship import ATTRIBUTES, golden

if TYPE_CHECKING:
    from resolvers.operation import Operation


@dataclass(frozen=True, slots=True)
class LinkEdge:
    cursor: str
    node: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConnection:
    edges: tuple[LinkEdge, ...]
    page_info: PageInfo

    @property
    def nodes(self) -> tuple[Link, ...]:
        return tuple(edge.node for edge in self.edges)


@dataclass(frozen=True, slots=True)
class IdentityEventEdge:
    node: IdentityEvent

    @property
    def cursor(self) -> str:
        return event_cursor(self.node.sequence)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityEventConnection:
    edges: tuple[IdentityEventEdge, ...]
    page_info: PageInfo

    @property
    def nodes(self) -> tuple[IdentityEvent, ...]:
        return tuple(edge.node for edge in self.edges)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergePreview:
    """What a merge would make. `match_probability` is that of the least sure join, each as sure as
    its strongest link; None where the model has said nothing of one.
    """

    allowed: bool
    problems: tuple[UserError, ...]
    attributes_after: tuple[AttributeValue, ...] = field(default=(), repr=False)
    records_after: int = 0
    match_probability: float | None = None


async def queue(operation: "Operation", first: int, after: str | None) -> LinkConnection:
    """Links that wait for a decision, strongest first. Raises Forbidden, InputError."""
    require_steward(operation)
    size = page_size(first)
    place = waiting_place(after) if after else None
    waiting = await operation.services.decisions.waiting(size + 1, place)
    links = [operation.masks.apply(link) for link in waiting]
    edges = tuple(LinkEdge(waiting_cursor(link), link) for link in links[:size])
    info = _page_info([edge.cursor for edge in edges], after, more=len(links) > size)
    return LinkConnection(edges=edges, page_info=info)


async def waiting_count(operation: "Operation") -> int:
    """How many links wait. Raises Forbidden."""
    require_steward(operation)
    return await operation.services.decisions.waiting_count()


async def history(
    operation: "Operation", customer: CustomerId, first: int, after: str | None
) -> IdentityEventConnection:
    """What became of a customer and of the ids that lead to it, newest first. Raises Forbidden,
    InputError, and UnknownCustomer where nobody ever had the id.
    """
    require_steward(operation)
    size = page_size(first)
    place = event_place(after) if after else None
    if await _clusters(operation, [customer]) == [None]:
        raise UnknownCustomer("nobody ever had this id")
    events = await operation.services.decisions.history(customer, size + 1, place)
    edges = tuple(map(IdentityEventEdge, events[:size]))
    info = _page_info([edge.cursor for edge in edges], after, more=len(events) > size)
    return IdentityEventConnection(edges=edges, page_info=info)


async def preview(
    operation: "Operation", keep: CustomerId, absorb: Sequence[CustomerId]
) -> MergePreview:
    """What a merge would come to; nothing is changed. Raises Forbidden."""
    require_steward(operation)
    uncounted = counted(absorb, ("absorb",))
    if uncounted:
        return MergePreview(allowed=False, problems=tuple(uncounted))
    found = await _clusters(operation, [keep, *absorb])
    problems = _unknown(found)
    parts = list({one.id: one for one in found if one is not None and one.members}.values())
    if not problems and len(parts) < 2:
        told = "these are one customer already"
        problems = [UserError(Code.NOTHING_TO_DECIDE, told, ("absorb",))]
    problems += _too_large(parts)
    between = await _between(operation, parts)
    contacts = await _contacts(operation, parts)
    values = (golden(name, contacts) for name in ATTRIBUTES)
    mask = operation.masks.apply
    return MergePreview(
        allowed=not problems,
        problems=(*problems, *_rejected(between)),
        attributes_after=tuple(mask(value) for value in values if value is not None),
        records_after=sum(len(part.members) for part in parts),
        match_probability=_probability(parts, between),
    )


async def _clusters(operation: "Operation", ids: Sequence[CustomerId]) -> list[Cluster | None]:
    asked = [one for one in ids if could_be_id(one)]
    clusters = await operation.services.identity.clusters(asked)
    found = dict(zip(asked, clusters, strict=True))
    return [found.get(one) for one in ids]


def _page_info(cursors: Sequence[str], after: str | None, *, more: bool) -> PageInfo:
    return PageInfo(
        has_next_page=more,
        has_previous_page=after is not None,
        start_cursor=cursors[0] if cursors else None,
        end_cursor=cursors[-1] if cursors else None,
    )


# ---------------------------------------------------------------- a merge that is only tried


def _unknown(found: Sequence[Cluster | None]) -> list[UserError]:
    paths = [("keep",), *(("absorb", str(place)) for place in range(len(found) - 1))]
    return [
        UserError(Code.UNKNOWN_CUSTOMER, "nobody has this id", path)
        for one, path in zip(found, paths, strict=True)
        if one is None or one.erased_at or not one.members
    ]


def _too_large(parts: Sequence[Cluster]) -> list[UserError]:
    try:
        across([part.members for part in parts])
    except Refused as refused:
        return list(refused.errors)
    return []


async def _between(operation: "Operation", parts: Sequence[Cluster]) -> list[Link]:
    """Links from one part to another."""
    owner = {key: part.id for part in parts for key in part.members}
    some = await operation.services.identity.links([part.id for part in parts])
    links = {link.id: link for own in some for link in own}
    return [
        link
        for link in links.values()
        if link.left in owner and link.right in owner and owner[link.left] != owner[link.right]
    ]


def _rejected(between: Sequence[Link]) -> list[UserError]:
    """Said, and no obstacle: a newer decision takes the place of an older one."""
    count = sum(link.status is LinkStatus.REJECTED for link in between)
    told = f"{count} pairs of these records were decided to be different people"
    return [UserError(Code.REJECTED_BEFORE, told, ("absorb",))] if count else []


async def _contacts(operation: "Operation", parts: Sequence[Cluster]) -> list[Contact]:
    keys = [key for part in parts for key in part.members]
    rows = await operation.loaders.kept_rows(keys)
    return [
        replace(row, provenance=replace(row.provenance, served_from=ServedFrom.CACHE))
        for row in rows
        if row is not None
    ]


def _probability(parts: Sequence[Cluster], between: Sequence[Link]) -> float | None:
    """The parts are joined by their strongest links; the last of these says how sure it all is."""
    group = {key: place for place, part in enumerate(parts) for key in part.members}
    apart = len(parts)
    scored = [(link.match_probability, link) for link in between if link.match_probability]
    for probability, link in sorted(scored, key=lambda one: -one[0]):
        left, right = group[link.left], group[link.right]
        if left == right:
            continue
        group = {key: left if place == right else place for key, place in group.items()}
        apart -= 1
        if apart == 1:
            return probability
    return None
