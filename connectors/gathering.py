"""Things a vendor has no rows of (a thread of text messages), made of the rows it has."""

import asyncio
from dataclasses import replace

from connectors.desk import Desk, Sheet
from connectors.reading import Row
from connectors.spec import L, Listed, Page
from domain.errors import SourceProtocolError
from domain.sources import Deadline


async def answered(desk: Desk, form: Listed[L], ask: L, deadline: Deadline) -> Sheet:
    """One call; for a form that gathers, every page of each of its lists. Raises SourceError."""
    if form.gather is None:
        return await desk.asked(form, ask, deadline)
    parts = await asyncio.gather(
        *(_rows(desk, form, replace(ask, part=part), deadline) for part in range(form.lists))
    )
    return desk.sheet(Page(rows=form.gather([row for part in parts for row in part], ask)))


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
