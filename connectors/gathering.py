"""Rows that take more than one call: things a vendor has no rows of (a thread of text messages),
made of the rows it has; and lists that tell only which rows there are.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from connectors.desk import Desk, Sheet
from connectors.reading import Row
from connectors.spec import A, Call, GetAsk, L, Listed, Page
from domain.errors import SourceProtocolError
from domain.sources import Deadline

Gather = Callable[[Sequence[Row], L], Sequence[Row]]


def answered(desk: Desk, form: Listed[L], ask: L, deadline: Deadline) -> Awaitable[Sheet]:
    """One call; for a form that gathers, every page of each of its lists. Raises SourceError."""
    # Every call comes through here, so it only hands on what is to be awaited.
    if form.gather is None:
        return listed(desk, form, ask, deadline)
    return _gathered(desk, form, form.gather, ask, deadline)


async def _gathered(
    desk: Desk, form: Listed[L], gather: Gather[L], ask: L, deadline: Deadline
) -> Sheet:
    parts = await asyncio.gather(
        *(_rows(desk, form, replace(ask, part=part), deadline) for part in range(form.lists))
    )
    return desk.sheet(Page(rows=gather([row for part in parts for row in part], ask)))


async def _rows(desk: Desk, form: Listed[L], ask: L, deadline: Deadline) -> list[Row]:
    """The rows of one list, at most `form.pages` pages of them."""
    rows: list[Row] = []
    for _ in range(form.pages):
        page = await desk.page(form, ask, deadline)
        rows += page.rows
        if page.cursor is None:
            break
        if page.cursor == ask.cursor:
            raise SourceProtocolError(desk.source, "a list whose pages do not end")
        ask = replace(ask, cursor=page.cursor)
    return rows


def listed(desk: Desk, form: Call[A], ask: A, deadline: Deadline) -> Awaitable[Sheet]:
    """One call; for a list of ids, what those hold too. Raises SourceError, also where only one of
    them could not be read: a page with a hole is not whole.
    """
    if form.by_id:
        return _by_id(desk, form, ask, deadline)
    return desk.asked(form, ask, deadline)


async def _by_id(desk: Desk, form: Call[A], ask: A, deadline: Deadline) -> Sheet:
    page = await desk.page(form, ask, deadline)
    sheets = await asyncio.gather(
        *(_details(desk, ids, deadline) for ids in _chunks(desk, page.rows))
    )
    dropped = sum(sheet.dropped for sheet in sheets)
    if dropped:
        # The calls end in any order: the last of them may have said that all is well.
        desk.dropped(dropped)
    records = [record for sheet in sheets for record in sheet.records]
    rows = [row for sheet in sheets for row in sheet.rows]
    return Sheet(records=records, rows=rows, dropped=dropped, page=page)


async def _details(desk: Desk, ids: Sequence[str], deadline: Deadline) -> Sheet:
    if desk.get_many is None:
        raise AssertionError("a spec with by_id has get_many")
    return await answered(desk, desk.get_many, GetAsk(ids=ids, options=desk.options), deadline)


def _chunks(desk: Desk, rows: Sequence[Row]) -> list[Sequence[str]]:
    """The ids listed, each once, by what one call takes."""
    if desk.get_many is None:
        raise AssertionError("a spec with by_id has get_many")
    ids = [i for i in dict.fromkeys(row["id"] for row in rows) if desk.get_many.valid(i)]
    size = desk.get_many.size.value
    return [ids[start : start + size] for start in range(0, len(ids), size)]
