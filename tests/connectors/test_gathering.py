"""Rows that lie in several lists, and things made of many rows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from connectors.request import post
from domain.errors import SourceProtocolError, SourceUnavailable
from domain.ids import Kind
from domain.sources import PageRequest, ParentBy, Position

pytestmark = pytest.mark.usefixtures("virtual_time")


def ask_part(ask: Any) -> Any:
    body = {"parents": list(ask.parents), "part": ask.part, "cursor": ask.cursor}
    return post("/children", {**body, "limit": ask.limit, "until": None})


def in_parts(*vendors: Any) -> Callable[[str, Any], Any]:
    """A vendor whose lists are held by one fake each."""
    return lambda path, body: vendors[body["part"]](path, body)


def by_owner(rows: Any, _ask: Any) -> list[Any]:
    """One row an owner, as old as their oldest; rows without an owner are passed on."""
    whole = [row for row in rows if row.get("owners")]
    firsts = {row["owners"][0]: row for row in sorted(whole, key=lambda r: r["at"], reverse=True)}
    return [*(row for row in rows if not row.get("owners")), *firsts.values()]


@pytest.fixture
def two_lists(made_up: Any) -> dict[ParentBy, Any]:
    return {ParentBy.OWN: replace(made_up.CHILD, ask=ask_part, lists=2)}


@pytest.fixture
def threads(made_up: Any) -> dict[ParentBy, Any]:
    form = replace(made_up.CHILD, ask=ask_part, lists=2, gather=by_owner, newest_first=False)
    return {ParentBy.OWN: form}


async def test_two_lists_are_one_to_whoever_asks(
    made: Any, made_up: Any, harness: Any, two_lists: Any
) -> None:
    sent = made_up.Tickets(*(made_up.row(n, "a") for n in (1, 3, 5)))
    received = made_up.Tickets(*(made_up.row(n, "a") for n in (2, 3, 4)))
    source, calls = made(in_parts(sent, received), children=two_lists)
    (page,) = await source.children[Kind.TICKET].children_of(
        made_up.own("a"), PageRequest(9), made_up.ALL, None, harness.within()
    )
    assert made_up.shown(page) == ["t005", "t004", "t003", "t002", "t001"]
    assert sorted(body["part"] for _, body in calls) == [0, 1]


async def test_a_page_stops_where_the_list_that_was_cut_is_cut(
    made: Any, made_up: Any, harness: Any, two_lists: Any
) -> None:
    """Below the newest cut, the other list's rows would stand before ones that are unread."""
    sent = made_up.Tickets(*(made_up.row(n, "a") for n in range(100, 200)))
    received = made_up.Tickets(*(made_up.row(n, "a") for n in (1, 150, 199)))
    source, _ = made(in_parts(sent, received), children=two_lists)
    seen: list[str] = []
    after = None
    for _ in range(20):
        (page,) = await source.children[Kind.TICKET].children_of(
            made_up.own("a"), PageRequest(30, after), made_up.ALL, None, harness.within()
        )
        seen += made_up.shown(page)
        if not page.has_more or not page.items:
            break
        after = Position(page.items[-1].occurred_at, page.items[-1].key.external_id)
    assert seen[:40] == [f"t{n:03}" for n in range(199, 159, -1)]
    assert len(seen) == len(set(seen))


async def test_one_list_that_fails_is_the_error_of_the_parent(
    made: Any, made_up: Any, harness: Any, two_lists: Any
) -> None:

    vendor = in_parts(made_up.Tickets(made_up.row(1, "a")), lambda *_: httpx.Response(500))
    source, _ = made(vendor, children=two_lists)
    (page,) = await source.children[Kind.TICKET].children_of(
        made_up.own("a"), PageRequest(9), made_up.ALL, None, harness.within()
    )
    assert isinstance(page, SourceUnavailable)


async def test_a_thing_is_made_of_every_page_of_every_list(
    made: Any, made_up: Any, harness: Any, threads: Any
) -> None:
    sent = made_up.Tickets(*(made_up.row(n, "a") for n in range(10, 35)))
    received = made_up.Tickets(*(made_up.row(n, "a") for n in range(40, 45)))
    source, calls = made(in_parts(sent, received), children=threads)
    (page,) = await source.children[Kind.TICKET].children_of(
        made_up.own("a"), PageRequest(1), made_up.ALL, None, harness.within()
    )
    assert made_up.shown(page) == ["t010"]
    assert not page.has_more
    assert len(calls) == 4


async def test_a_row_that_cannot_be_placed_is_dropped_and_said(
    made: Any, made_up: Any, harness: Any, threads: Any
) -> None:
    def vendor(_path: str, body: Any) -> Any:
        rows = [made_up.row(1, "a"), {"id": "x"}] if body["part"] == 0 else []
        return {"rows": rows}

    source, _ = made(vendor, children=threads)
    (page,) = await source.children[Kind.TICKET].children_of(
        made_up.own("a"), PageRequest(9), made_up.ALL, None, harness.within()
    )
    assert made_up.shown(page) == ["t001"]
    assert page.dropped == 1


async def test_pages_that_do_not_end_are_refused(
    made: Any, made_up: Any, harness: Any, threads: Any
) -> None:
    source, calls = made(lambda *_: {"rows": [], "next": "again"}, children=threads)
    (page,) = await source.children[Kind.TICKET].children_of(
        made_up.own("a"), PageRequest(9), made_up.ALL, None, harness.within()
    )
    assert isinstance(page, SourceProtocolError)
    assert len(calls) == 4
