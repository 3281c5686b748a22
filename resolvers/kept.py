"""Last-good pages: kept when a source answered well, handed out when it does not."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic

from domain.errors import SourceError
from domain.ids import Kind
from domain.ports import RecordStore
from domain.records import Contact, Message, Order, Record, Ticket
from domain.sources import ChildFilter, ChildPage, PageRequest, Parent, ParentBy, Position
from resolvers.cursors import place
from resolvers.lately import REWRITE_AFTER_S, Spot
from resolvers.services import Services

Page = tuple[Parent, ChildPage[Record]]
"""Whose children, and what was read of them."""
WORTH_KEEPING = 20
"""A shorter page would replace what was kept by less."""


EVERYTHING = ChildFilter()


def worth_keeping(
    page: PageRequest, read: Iterable[tuple[Parent, ChildPage[Record] | SourceError]]
) -> list[Page]:
    """What came out of a cache was kept when it came from its source."""
    found: list[Page] = []
    is_long = page.first >= WORTH_KEEPING
    for parent, got in read:
        if isinstance(got, SourceError) or got.fetched_at is not None or got.dropped:
            continue
        if is_long or not got.has_more:
            found.append((parent, got))
    return found


async def keep(services: Services, kind: Kind, source: str, read: Sequence[Page]) -> None:
    """Of one source; what was kept a moment ago is not kept again."""
    now = monotonic()
    due = services.kept_lately.due(kind, source, [parent for parent, _ in read], now)
    if due:
        pages = {(source, read[i][0]): read[i][1] for i in due}
        await _keep(services, kind, pages, now)


async def _keep(
    services: Services, kind: Kind, pages: Mapping[Spot, ChildPage[Record]], now: float
) -> None:
    news = list(pages)
    markers = {spot: _marker(services, kind, spot) for spot in news}
    known = await services.cache.get_many(list(markers.values()))
    lately = services.kept_lately
    outdated = [lately.is_outdated((kind, spot)) for spot in news]
    due = [
        spot
        for spot, seen, changed in zip(news, known, outdated, strict=True)
        if seen is None or changed
    ]
    lately.note(((kind, spot) for spot in news), now)
    if not due:
        return
    await services.records.keep_children(kind, {spot: pages[spot] for spot in due})
    await services.cache.set_many({markers[spot]: b"1" for spot in due}, ttl_s=REWRITE_AFTER_S)


async def outdate(services: Services, things: Iterable[Record]) -> None:
    """A source has told that these changed: pages of their owners, and what was said in them, are
    kept anew when they are next read, however lately that was.
    """
    markers = []
    for thing in things:
        name, own = thing.key.source, (thing.key.external_id,)
        owners = () if isinstance(thing, Contact | Message) else thing.owner_ids
        for kind, ids in ((thing.key.kind, owners), (Kind.MESSAGE, own)):
            parents = [Parent(ParentBy.OWN, one) for one in ids]
            services.kept_lately.forget(kind, name, parents, monotonic())
            markers += [_marker(services, kind, (name, parent)) for parent in parents]
    await services.cache.delete_many(markers)


async def recall(
    records: RecordStore,
    kind: Kind,
    spots: Sequence[Spot],
    page: PageRequest,
    where: ChildFilter,
) -> list[ChildPage[Record] | None]:
    """What was kept, cut to the page asked for; None where it cannot answer."""
    if not spots or where.text is not None or where.around is not None:
        return [None] * len(spots)
    kept = await records.kept_children(kind, spots)
    return [None if one is None else _cut(one, page, where) for one in kept]


def _cut(
    kept: ChildPage[Record], page: PageRequest, where: ChildFilter
) -> ChildPage[Record] | None:
    older = [item for item in kept.items if page.after is None or _position(item) < page.after]
    if not older and kept.has_more:
        return None
    chosen = [item for item in older if _matches(item, where)]
    more = len(chosen) > page.first or kept.has_more
    return ChildPage(items=tuple(chosen[: page.first]), has_more=more)


def _position(item: Record) -> Position:
    here = place(item)
    return Position(here.at, here.external_id)


def _matches(item: Record, where: ChildFilter) -> bool:
    if isinstance(item, Order) and where.order_status:
        return item.status in where.order_status
    if isinstance(item, Ticket) and where.ticket_status:
        return item.status in where.ticket_status
    return True


def _marker(services: Services, kind: Kind, spot: Spot) -> str:
    """Names nobody: an e-mail among the parents is only in the digest."""
    name, parent = spot
    credential = services.sources[name].credential
    text = "\0".join((name, credential, kind.value, parent.by.value, parent.value))
    return f"kept:{hashlib.sha256(text.encode()).hexdigest()}"
