"""Messages of many threads at once. Internal notes are left out for who may not see them."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.errors import NotSupported
from domain.ids import Kind, SourceKey
from domain.records import Message, Record
from domain.sources import ChildPage, Parent, ParentBy
from resolvers import told
from resolvers.caller import STAFF
from resolvers.children import connect
from resolvers.connection import Connection
from resolvers.cursors import place
from resolvers.lately import Spot
from resolvers.ledger import Outcome
from resolvers.pages import Cut, Found, read

if TYPE_CHECKING:
    from resolvers.operation import Operation


async def fetch(operation: "Operation", threads: Sequence[SourceKey], cut: Cut) -> list[Connection]:
    """One connection per ticket or conversation, in order; unmasked. Notes the outcomes under the
    customers through whom each thread came into the answer.
    """
    staff = operation.caller.may(STAFF)
    # One more than asked for: among what is left, hidden notes alone would not be a next page.
    wanted = cut if staff else cut._replace(first=cut.first + 1)
    parents: dict[str, list[Parent]] = defaultdict(list)
    for thread in threads:
        if _supported(operation, thread.source):
            parents[thread.source].append(_parent(thread))
    found = await read(operation, parents, wanted)
    left = [thread for thread in threads if _spot(thread) not in found]
    known = await told.messages(operation, left, cut) if left else {}
    answers = [
        found.get(_spot(thread)) or known.get(thread) or _unsupported(thread) for thread in threads
    ]
    if not staff:
        rest = (
            _visible(operation, _spot(thread), answer, wanted)
            for thread, answer in zip(threads, answers, strict=True)
        )
        answers = list(await asyncio.gather(*rest))
    return [_connect(operation, *pair, cut) for pair in zip(threads, answers, strict=True)]


def shown(operation: "Operation", record: Record) -> Record | None:
    """The record, unless it is an internal note and the caller is not staff."""
    hidden = isinstance(record, Message) and record.internal and not operation.caller.may(STAFF)
    return None if hidden else record


def _supported(operation: "Operation", name: str) -> bool:
    source = operation.services.sources.get(name)
    return source is not None and Kind.MESSAGE in source.children


def _parent(thread: SourceKey) -> Parent:
    return Parent(ParentBy.OWN, thread.external_id)


def _spot(thread: SourceKey) -> Spot:
    return thread.source, _parent(thread)


def _unsupported(thread: SourceKey) -> Found:
    error = NotSupported(thread.source, "no messages")
    return Found(None, (Outcome(source=thread.source, answered=False, error=error),))


async def _visible(operation: "Operation", spot: Spot, found: Found, cut: Cut) -> Found:
    """Without internal notes, read on until the page is full or the thread ends."""
    name, parent = spot
    page, outcomes = found.page, list(found.outcomes)
    if page is None:
        return found
    shown = _public(page)
    while page.has_more and page.items and len(shown) < cut.first:
        rest = cut._replace(after=place(page.items[-1]))
        more = (await read(operation, {name: [parent]}, rest))[spot]
        outcomes.extend(more.outcomes)
        if more.page is None:
            break
        page = more.page
        shown.extend(_public(page))
    return Found(ChildPage(items=tuple(shown), has_more=page.has_more), tuple(outcomes))


def _public(page: ChildPage[Record]) -> list[Record]:
    return [one for one in page.items if isinstance(one, Message) and not one.internal]


def _connect(operation: "Operation", thread: SourceKey, found: Found, cut: Cut) -> Connection:
    operation.ledger.note(operation.trail(thread).customers, found.outcomes)
    source = operation.services.sources.get(thread.source)
    sources = [source] if source is not None else []
    return connect(sources, [found], found.outcomes, cut)
