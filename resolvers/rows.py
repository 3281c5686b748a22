"""Records by key: for nodes and for entities of the federation."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.errors import NotSupported, SourceError
from domain.ids import Kind, SourceKey
from domain.provenance import Freshness
from domain.records import Message, Record
from domain.sources import ChildPage, Fields, Parent, ParentBy
from resolvers import told
from resolvers.calls import ask
from resolvers.connection import MAX_PAGE
from resolvers.contacts import read as read_contacts
from resolvers.cursors import Place, place
from resolvers.pages import Cut, Found
from resolvers.pages import read as read_pages
from resolvers.projection import projection

if TYPE_CHECKING:
    from resolvers.operation import Operation

Row = Record | SourceError | None


async def fetch(
    operation: "Operation", name: str, kind: Kind, ids: Sequence[str], fields: Fields
) -> Sequence[Row]:
    """One entry per id, in order, in one call; unmasked. None where the source, or the row in it,
    is unknown.
    """
    source = operation.services.sources.get(name)
    freshness = Freshness()
    if kind is Kind.CONTACT:
        return await _contacts(operation, name, ids, freshness, fields)
    if source is None:
        return await _told(operation, name, kind, ids, [None] * len(ids))
    if kind not in source.gets:
        unsupported = NotSupported(name, f"no {kind.name.lower()} by id")
        return await _told(operation, name, kind, ids, [unsupported] * len(ids))
    wanted = projection(kind, fields)
    reply = await ask(
        operation,
        source,
        kind=kind,
        count=len(ids),
        freshness=freshness,
        call=lambda deadline: source.fresh(freshness).gets[kind].get_many(ids, wanted, deadline),
    )
    return await _told(operation, name, kind, ids, reply.entries)


async def _told(
    operation: "Operation", name: str, kind: Kind, ids: Sequence[str], rows: Sequence[Row]
) -> Sequence[Row]:
    """What the live record knows, in place of what the source does not have or hand out."""
    missing = [i for i, row in enumerate(rows) if row is None or isinstance(row, NotSupported)]
    if not missing or kind not in told.TOLD:
        return rows
    keys = [SourceKey(name, kind, ids[i]) for i in missing]
    found = dict(zip(missing, await told.records(operation, keys), strict=True))
    return [found.get(i) or row for i, row in enumerate(rows)]


async def _contacts(
    operation: "Operation", name: str, ids: Sequence[str], freshness: Freshness, fields: Fields
) -> list[Row]:
    keys = [SourceKey(name, Kind.CONTACT, one) for one in ids]
    readings = await read_contacts(operation, keys, freshness, fields)
    rows: list[Row] = []
    for key in keys:
        outcome = readings[key].outcome
        lost = outcome is not None and not outcome.answered
        rows.append(outcome.error if outcome and lost else readings[key].contact)
    return rows


def thread_id(message: SourceKey) -> str:
    """What the message belongs to: its id is `<parent id>/<message id>`."""
    return message.external_id.rpartition("/")[0]


async def message(operation: "Operation", key: SourceKey, fields: Fields) -> Message | None:
    """A message, read through its thread. Raises SourceError."""
    source = operation.services.sources.get(key.source)
    if source is None or Kind.MESSAGE not in source.children:
        found = await told.message(operation, key)
        if found is None and source is not None:
            raise NotSupported(key.source, "no messages")
        return found
    after: Place | None = None
    while True:
        page = await _page(operation, key, after, fields)
        for one in page.items:
            if one.key == key and isinstance(one, Message):
                return one
        if not page.has_more or not page.items:
            return await told.message(operation, key)
        after = place(page.items[-1])


async def _page(
    operation: "Operation", key: SourceKey, after: Place | None, fields: Fields
) -> ChildPage[Record]:
    parent = Parent(ParentBy.OWN, thread_id(key))
    cut = Cut(kind=Kind.MESSAGE, first=MAX_PAGE, after=after, fields=fields)
    found = await read_pages(operation, {key.source: [parent]}, cut)
    return _whole(found[key.source, parent])


def _whole(found: Found) -> ChildPage[Record]:
    if found.page is None:
        raise next(one.error for one in found.outcomes if one.error is not None)
    return found.page
