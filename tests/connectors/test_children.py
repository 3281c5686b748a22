"""Children of many parents from few calls: order, pages, strangers, detours."""

from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import Any

import httpx
import pytest

from domain.errors import (
    ConfigError,
    NotSupported,
    SourceError,
    SourceProtocolError,
    SourceUnavailable,
)
from domain.ids import Kind
from domain.sources import ChildFilter, PageRequest, Parent, ParentBy, Position
from domain.vocabulary import TicketStatus

pytestmark = pytest.mark.usefixtures("virtual_time")


async def test_one_answer_is_handed_to_several_parents(
    made: Any, made_up: Any, harness: Any
) -> None:
    vendor = made_up.Tickets(
        made_up.row(1, "a"),
        made_up.row(2, "b"),
        made_up.row(3, "a", "b"),
        made_up.row(4, "c"),
        made_up.row(5, "a"),
    )
    source, calls = made(vendor)
    pages = await source.children[Kind.TICKET].children_of(
        made_up.own("a", "b", "c", "d"), PageRequest(5), made_up.ALL, None, harness.within()
    )
    assert [made_up.shown(page) for page in pages] == [
        ["t005", "t003", "t001"],
        ["t003", "t002"],
        ["t004"],
        [],
    ]
    assert not any(page.has_more for page in pages)
    assert len(calls) == 2


async def test_equal_times_are_ordered_by_id_and_paged_without_loss(
    made: Any, made_up: Any, harness: Any
) -> None:
    vendor = made_up.Tickets(*(made_up.row(n, "a", minutes=0) for n in range(9)))
    source, _ = made(vendor)
    seen: list[str] = []
    after = None
    for _ in range(9):
        (page,) = await source.children[Kind.TICKET].children_of(
            made_up.own("a"), PageRequest(2, after), made_up.ALL, None, harness.within()
        )
        seen += made_up.shown(page)
        if not page.has_more:
            break
        after = Position(page.items[-1].occurred_at, page.items[-1].key.external_id)
    assert seen == [f"t{n:03}" for n in range(8, -1, -1)]


async def test_pages_are_read_until_every_parent_has_enough(
    made: Any, made_up: Any, harness: Any
) -> None:
    busy = [made_up.row(100 + n, "a") for n in range(20)]
    vendor = made_up.Tickets(*busy, made_up.row(1, "b"), made_up.row(2, "b"))
    source, calls = made(vendor)
    a, b = await source.children[Kind.TICKET].children_of(
        made_up.own("a", "b"), PageRequest(2), made_up.ALL, None, harness.within()
    )
    assert made_up.shown(a) == ["t119", "t118"]
    assert a.has_more
    assert made_up.shown(b) == ["t002", "t001"]
    assert len(calls) == ceil(22 / 6)


async def test_reading_on_is_bounded_and_says_there_is_more(
    made: Any, made_up: Any, harness: Any
) -> None:
    busy = [made_up.row(100 + n, "a") for n in range(200)]
    source, calls = made(made_up.Tickets(*busy, made_up.row(1, "b")))
    a, b = await source.children[Kind.TICKET].children_of(
        made_up.own("a", "b"), PageRequest(2), made_up.ALL, None, harness.within()
    )
    assert len(calls) == made_up.CHILD.pages
    assert (made_up.shown(b), b.has_more) == ([], True)
    assert made_up.shown(a) == ["t299", "t298"]


async def test_a_row_of_somebody_else_is_dropped_and_said(
    made: Any, made_up: Any, harness: Any
) -> None:
    """A source that hands over a stranger's ticket must not have it shown."""
    rows = [made_up.row(1, "a"), made_up.row(2, "stranger")]
    source, _ = made(lambda *_: {"rows": rows})
    (page,) = await source.children[Kind.TICKET].children_of(
        made_up.own("a"), PageRequest(5), made_up.ALL, None, harness.within()
    )
    assert made_up.shown(page) == ["t001"]
    assert page.dropped == 1
    assert source.status().state.value == "PROTOCOL_ERROR"


async def test_a_failed_chunk_of_parents_leaves_the_others_whole(
    made: Any, made_up: Any, harness: Any
) -> None:
    vendor = made_up.Tickets(made_up.row(1, "a"), made_up.row(2, "z"))

    def answer(path: str, body: Any) -> Any:
        return httpx.Response(401) if "z" in body["parents"] else vendor(path, body)

    source, _ = made(answer)
    pages = await source.children[Kind.TICKET].children_of(
        made_up.own("a", "b", "c", "z"), PageRequest(5), made_up.ALL, None, harness.within()
    )
    assert made_up.shown(pages[0]) == ["t001"]
    assert isinstance(pages[3], SourceError)


async def test_rows_are_filtered_and_the_filter_reads_what_it_needs(
    made: Any, made_up: Any, harness: Any
) -> None:
    vendor = made_up.Tickets(
        made_up.row(1, "a", status="OPEN"),
        made_up.row(2, "a", status="CLOSED", subject="The RED shoes"),
        made_up.row(3, "a", status="OPEN", subject="red"),
        made_up.row(100_000, "a", status="OPEN"),
    )
    source, calls = made(vendor)

    async def found(where: ChildFilter) -> list[str]:
        (page,) = await source.children[Kind.TICKET].children_of(
            made_up.own("a"), PageRequest(5), where, frozenset({"number"}), harness.within()
        )
        return made_up.shown(page)

    assert await found(ChildFilter(ticket_status=frozenset({TicketStatus.CLOSED}))) == ["t002"]
    assert calls[-1][1]["fields"] == ["number", "status"]
    assert await found(ChildFilter(text="red shoes")) == ["t002"]
    assert "subject" in calls[-1][1]["fields"]
    assert await found(ChildFilter(around=made_up.T0 + timedelta(days=3))) == [
        "t003",
        "t002",
        "t001",
    ]
    assert calls[-1][1]["limit"] == 10


async def test_the_vendor_is_asked_for_what_is_older_and_for_little_more_than_is_wanted(
    made: Any, made_up: Any, harness: Any
) -> None:
    source, calls = made(made_up.Tickets(*(made_up.row(n, "a") for n in range(30))))
    after = Position(made_up.T0 + timedelta(minutes=20), "t020")
    (page,) = await source.children[Kind.TICKET].children_of(
        made_up.own("a"), PageRequest(2, after), made_up.ALL, None, harness.within()
    )
    assert made_up.shown(page) == ["t019", "t018"]
    assert calls[0][1]["until"] == after.at.isoformat()
    assert calls[0][1]["limit"] == 3


async def test_an_unordered_list_is_read_whole_before_it_is_cut(
    made: Any, made_up: Any, harness: Any
) -> None:
    pages = {
        None: [made_up.row(1, "a"), made_up.row(9, "a")],
        "2": [made_up.row(5, "a"), made_up.row(30, "a")],
    }

    def answer(_path: str, body: Any) -> Any:
        return {"rows": pages[body["cursor"]], "next": "2" if body["cursor"] is None else None}

    form = replace(made_up.CHILD, size=made_up.figure(1), newest_first=False)
    source, _ = made(answer, children={ParentBy.OWN: form})
    (page,) = await source.children[Kind.TICKET].children_of(
        made_up.own("a"), PageRequest(2), made_up.ALL, None, harness.within()
    )
    assert (made_up.shown(page), page.has_more) == (["t030", "t009"], True)


async def test_pages_that_do_not_move_are_an_error(made: Any, made_up: Any, harness: Any) -> None:
    source, calls = made(lambda *_: {"rows": [], "next": "same"})
    (page,) = await source.children[Kind.TICKET].children_of(
        made_up.own("a"), PageRequest(2), made_up.ALL, None, harness.within()
    )
    assert isinstance(page, SourceProtocolError)
    assert len(calls) == 2


async def test_a_parent_named_in_a_way_the_source_does_not_know_is_said(
    made: Any, made_up: Any, harness: Any
) -> None:
    source, calls = made(made_up.Tickets(made_up.row(1, "a")))
    named, unnamed = await source.children[Kind.TICKET].children_of(
        [Parent(ParentBy.OWN, "a"), Parent(ParentBy.PHONE, "+441134960101")],
        PageRequest(2),
        made_up.ALL,
        None,
        harness.within(),
    )
    assert made_up.shown(named) == ["t001"]
    assert isinstance(unnamed, NotSupported)
    assert len(calls) == 1


async def test_parents_known_by_email_are_led_to_their_own_contacts(
    made: Any, made_up: Any, harness: Any
) -> None:
    vendor = made_up.Tickets(made_up.row(1, "a"), made_up.row(2, "b"), made_up.row(3, "c"))
    answer = made_up.detour(
        vendor,
        {"id": "a", "emails": ["Ann@Example.com"]},
        {"id": "b", "emails": ["ann@example.com"]},
        {"id": "c", "emails": ["carl@example.com"]},
    )
    source, calls = made(answer, children=made_up.BY_EMAIL)
    pages = await source.children[Kind.TICKET].children_of(
        made_up.mail("ann@example.com", "carl@example.com", "nobody@example.com"),
        PageRequest(5),
        made_up.ALL,
        None,
        harness.within(),
    )
    assert [made_up.shown(page) for page in pages] == [["t002", "t001"], ["t003"], []]
    assert [path for path, _ in calls] == ["/get", "/get", "/children"]


async def test_a_stranger_the_search_brings_along_has_no_tickets_here(
    made: Any, made_up: Any, harness: Any
) -> None:
    """Vendors search by tokens: asking for ann@example.com may bring joann@example.com."""

    def answer(path: str, body: Any) -> Any:
        if path == "/children":
            return made_up.Tickets(made_up.row(1, "x"))(path, body)
        return {
            "rows": [
                {"id": "x", "changed": made_up.T0.isoformat(), "emails": ["joann@example.com"]}
            ]
        }

    source, calls = made(answer, children=made_up.BY_EMAIL)
    (page,) = await source.children[Kind.TICKET].children_of(
        made_up.mail("ann@example.com"), PageRequest(5), made_up.ALL, None, harness.within()
    )
    assert made_up.shown(page) == []
    assert len(calls) == 1


async def test_lists_of_one_person_that_were_cut_show_nothing_older_than_the_cut(
    made: Any, made_up: Any, harness: Any
) -> None:
    """Ann has two contacts, asked about in two calls. The list of one is cut after its bound of
    pages, with items at 200 to 239; older tickets of the other one must wait for the next page, or
    what lies between would never be shown.
    """
    form = replace(made_up.CHILD, size=made_up.figure(1), page=made_up.figure(1), pages=2)
    first = [made_up.row(200 + n, "a", status="CLOSED") for n in range(40)]
    vendor = made_up.Tickets(
        *first,
        made_up.row(1, "b", status="OPEN"),
        made_up.row(238, "b", minutes=239, status="OPEN"),
    )
    answer = made_up.detour(
        vendor, {"id": "a", "emails": ["a@b.example"]}, {"id": "b", "emails": ["a@b.example"]}
    )
    source, _ = made(answer, children={**made_up.BY_EMAIL, ParentBy.OWN: form})
    (page,) = await source.children[Kind.TICKET].children_of(
        made_up.mail("a@b.example"),
        PageRequest(5),
        ChildFilter(ticket_status=frozenset({TicketStatus.OPEN})),
        None,
        harness.within(),
    )
    assert made_up.shown(page) == ["t238"]
    assert page.has_more


async def test_a_detour_that_fails_is_the_error_of_its_parents(
    made: Any, made_up: Any, harness: Any
) -> None:
    source, _ = made(lambda *_: httpx.Response(500), children=made_up.BY_EMAIL)
    (page,) = await source.children[Kind.TICKET].children_of(
        made_up.mail("a@b.example"), PageRequest(5), made_up.ALL, None, harness.within()
    )
    assert isinstance(page, SourceUnavailable)


@pytest.mark.parametrize("more", [{"next": "2"}, {"rows": [{"id": "b", "changed": "soon"}]}])
async def test_a_parent_without_a_contact_is_not_childless_while_contacts_were_left_out(
    made: Any, made_up: Any, harness: Any, more: dict[str, Any]
) -> None:
    person = {**made_up.person(1, 0), "id": "a", "emails": ["a@b.example"]}

    def answer(path: str, body: Any) -> Any:
        if path == "/children":
            return made_up.Tickets(made_up.row(1, "a"))(path, body)
        return {**more, "rows": [person, *more.get("rows", [])]}

    source, _ = made(answer, children=made_up.BY_EMAIL)
    found, unsure = await source.children[Kind.TICKET].children_of(
        made_up.mail("a@b.example", "b@b.example"),
        PageRequest(5),
        made_up.ALL,
        None,
        harness.within(),
    )
    assert made_up.shown(found) == ["t001"]
    assert isinstance(unsure, SourceProtocolError)


def test_a_detour_that_leads_nowhere_is_refused_when_it_is_declared(made_up: Any) -> None:
    with pytest.raises(ConfigError, match="Via of TICKET needs contacts and OWN"):
        made_up.spec(children={ParentBy.EMAIL: made_up.BY_EMAIL[ParentBy.EMAIL]})
