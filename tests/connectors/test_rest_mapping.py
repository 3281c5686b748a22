"""Mappings: what they make of rows, how they ask, and how lists of theirs end."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path as FilePath
from random import Random
from typing import Any

import httpx
import pytest

from connectors.auth import Secret
from connectors.httpx_sender import HttpxSender
from connectors.mapped import converters
from connectors.mapped.example import example
from connectors.mapped.paging import link_header, link_query
from connectors.mapped.paths import Path
from connectors.mapped.tables import MappingError
from connectors.mapped.templates import Template
from connectors.reading import Reading, RowError, each_by
from connectors.registry import build_source
from connectors.rest import compose
from connectors.settings import SourceSettings
from connectors.spec import GetAsk, SinceAsk
from connectors.trial.refusals import refusals
from domain.customer import KeyKind, LookupKey
from domain.errors import ConfigError, SourceProtocolError
from domain.ids import Kind
from domain.money import Money
from domain.provenance import System
from domain.records import Handle
from domain.sources import ChildFilter, ChildPage, PageRequest, Parent, ParentBy, Source
from domain.vocabulary import (
    ActorKind,
    Channel,
    InteractionState,
    OrderStatus,
    SystemKind,
    TicketStatus,
    Verification,
)
from gateway.config_file import checked

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AT = Reading(
    system=System(name="here", kind=SystemKind.ERP, connector="rest"),
    fetched_at=NOW,
    time_zone="Europe/Berlin",
)
GET = {"path": "/things/{id}"}


def mapped(kind: str, fields: dict[str, Any], row: Any, **more: Any) -> Any:
    """A record of a row, by a mapping with these fields."""
    form = {"children": {"own": {"path": "/of/{parent}"}}} if kind == "message" else {"get": GET}
    values = {"system": "ERP", "auth": {"kind": "none"}, kind: {"fields": fields, **form}, **more}
    recipe = compose(values).recipes
    ((_, one),) = recipe.items()
    return one.map(row, AT)


# ---------------------------------------------------------------- paths and converters


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", {"b": {"c": 1}}),
        ("a.b.c", 1),
        ("a.x.c", None),
        ("x.b.c", None),
        ("n.b", None),
        ("list[1]", 3),
        ("list", [2, 3]),
        ("people[?kind=='x'].name | [0]", "X"),
        ('"odd-name"', 9),
        ("@", "the row"),
    ],
)
def test_a_path_is_read_alone_and_in_generated_code_alike(path: str, found: Any) -> None:
    row = {
        "a": {"b": {"c": 1}},
        "n": None,
        "list": [2, 3],
        "people": [{"kind": "x", "name": "X"}],
        "odd-name": 9,
    }
    space: dict[str, Any] = {"row": row}

    def bind(value: object) -> str:
        space[f"c{len(space)}"] = value
        return f"c{len(space) - 1}"

    expected = row if found == "the row" else found
    assert Path(path)(row) == expected
    source = Path(path).source("row", bind)
    assert eval(source, space) == expected  # noqa: S307  # what the mapping would run


@pytest.mark.parametrize("text", ["a[", "", "a..b", "sum(", "nonsense(a)", "a b"])
def test_a_text_that_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        Path(text)


def test_a_key_of_a_row_never_becomes_code() -> None:
    with pytest.raises(ValueError, match="not a path"):
        Path("a'); __import__('os')")
    assert Path("__class__").source("row", lambda _: "x") == "row.get('__class__')"


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        (12.5, "EUR", 1250),
        (0.1, "eur", 10),
        (4503599627370.49, "EUR", 450359962737049),
        (1.005, "EUR", 100),
        ("12.50", "EUR", 1250),
        (12, "JPY", 12),
        (12.5, "KWD", 12500),
        (-3.33, "USD", -333),
    ],
)
def test_money_of_json_is_exact(amount: Any, currency: str, minor: int) -> None:
    assert converters.money(amount, currency) == Money(minor, currency.upper())


def test_every_amount_of_cents_survives_the_way_through_a_float() -> None:
    dice = Random(7)
    for minor in [dice.randrange(10**12) for _ in range(2_000)]:
        assert converters.money(json.loads(f"{minor // 100}.{minor % 100:02}"), "EUR") == Money(
            minor, "EUR"
        )


@pytest.mark.parametrize("amount", [True, "much", [], float("nan"), float("inf"), {}])
def test_what_is_no_amount_is_no_money(amount: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        converters.money(amount, "EUR")
    with pytest.raises(RowError):
        converters.money(1, "EURO")


def test_times_come_out_in_utc_whatever_they_were_written_in() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert converters.instant("2026-07-01T12:00:00Z", AT) == noon
    assert converters.instant("2026-07-01 14:00:00", AT) == noon  # no zone: the source's
    assert converters.formatted("01.07.2026 14:00", AT, "%d.%m.%Y %H:%M") == noon
    for wrong in ("yesterday", 7, "01/07/2026"):
        with pytest.raises(RowError):
            converters.instant(wrong, AT)


@pytest.mark.parametrize(
    ("value", "found"),
    [(True, True), ("Yes", True), (1, True), ("0", False), (None, False), ("", False)],
)
def test_yes_and_no_are_read_in_many_words(value: Any, found: bool) -> None:
    assert converters.flag(value) is found


def test_a_word_that_is_neither_yes_nor_no_is_refused() -> None:
    with pytest.raises(RowError):
        converters.flag("maybe")
    with pytest.raises(RowError):
        converters.integer(2.5)


# ---------------------------------------------------------------- records


def test_a_contact_has_all_that_a_mapping_may_give_it(harness: Any) -> None:
    row = harness.load_vendor("rest").customer(101)
    contact = compose(example("connectors.rest")).recipes[Kind.CONTACT].map(row, AT)
    assert (contact.key.external_id, contact.full_name) == ("k101", "Ann Person101")
    assert contact.emails == ("person101@example.com", "p101@work.example")
    assert contact.phones == ("+44 113 496 0101",)
    assert contact.handles == (Handle("twitter", "ann101"),)
    assert contact.foreign_ids == (("shop", "s101"),)
    assert contact.birth_date.isoformat() == "1980-12-24"
    assert contact.created_at == datetime.fromtimestamp(1_600_000_101, UTC)
    assert (contact.address.city, contact.company) == ("Leeds", "Acme")
    assert contact.provenance.url == "https://erp.example/k101"
    assert contact.verification is Verification.OBSERVED
    assert contact.raw == row


def test_nothing_and_an_empty_list_stay_apart() -> None:
    fields = {"id": "id", "occurred_at": "at", "lines": {"path": "lines", "sku": "sku"}}
    row = {"id": "o1", "at": "2026-01-01T00:00:00Z"}
    assert mapped("order", fields, row).lines is None
    assert mapped("order", fields, {**row, "lines": None}).lines is None
    assert mapped("order", fields, {**row, "lines": []}).lines == ()
    with pytest.raises(RowError):
        mapped("order", fields, {**row, "lines": {"sku": "x"}})


def test_a_word_nobody_mapped_is_unknown_and_keeps_its_text() -> None:
    fields = {"id": "id", "occurred_at": "at", "status": {"path": "s", "table": "states"}}
    tables = {"states": {"placed": "CONFIRMED"}}
    row = {"id": 7, "at": "2026-01-01T00:00:00Z"}
    for word, status in (("Placed", OrderStatus.CONFIRMED), ("CONFIRMED", OrderStatus.UNKNOWN)):
        order = mapped("order", fields, {**row, "s": word}, tables=tables)
        assert (order.status, order.raw_status) == (status, word)
    assert mapped("order", fields, row, tables=tables).raw_status is None
    own = {**fields, "status": "s", "channel": {"value": "STORE"}}
    order = mapped("order", own, {**row, "s": "shipped"})
    assert (order.status, order.channel) == (OrderStatus.SHIPPED, Channel.STORE)


def test_a_tickets_state_follows_from_its_status() -> None:
    fields = {"id": "id", "occurred_at": "at", "status": "s"}
    row = {"id": "t", "at": "2026-01-01T00:00:00Z", "s": "pending"}
    ticket = mapped("ticket", fields, row)
    assert (ticket.status, ticket.state) == (TicketStatus.PENDING, InteractionState.WAITING)
    assert mapped("ticket", fields, {**row, "s": "?"}).state is InteractionState.UNKNOWN
    other = mapped("ticket", {**fields, "state": "t"}, {**row, "t": "ended"})
    assert (other.state, other.raw_state) == (InteractionState.ENDED, "ended")


def test_no_message_gets_a_wrong_speaker() -> None:
    words = {"agent": "HUMAN", "customer": "CUSTOMER"}
    fields = {
        "id": "id",
        "thread": "chat",
        "at": "at",
        "body": "text",
        "author": {"kind": {"path": "by", "words": words}, "id": "who"},
    }
    row = {"id": 3, "chat": 9, "at": "2026-01-01T00:00:00Z", "text": "hi", "by": "agent"}
    message = mapped("message", fields, row)
    assert message.key.external_id == "9/3"
    assert (message.author.kind, message.author.id) == (ActorKind.HUMAN, "human")
    for by in ("robot", None):
        with pytest.raises(RowError):
            mapped("message", fields, {**row, "by": by})


def test_a_row_that_cannot_be_read_is_explained_field_by_field() -> None:
    recipe = compose(example("connectors.rest")).recipes[Kind.ORDER]
    row = {"no": 1, "placed_at": "soon", "total": {"amount": "x", "currency": "EUR"}}
    told = {fact.field: fact.problem for fact in recipe.explain(row, AT) if fact.problem}
    assert told == {"occurred_at": "not a time", "total": "not an amount of money"}


@pytest.mark.parametrize("kind", Kind)
def test_all_rows_of_an_answer_come_to_what_each_comes_to_alone(kind: Kind, harness: Any) -> None:
    """Also between rows that cannot be read: nothing of one row stays for the next."""
    recipe = compose(example("connectors.rest")).recipes.get(kind)
    if recipe is None:
        assert kind in {Kind.CALL, Kind.VISIT}
        return
    odd = [None, "", " x ", "2026-01-02T03:04:05", 7, 1.5, True, [], ["a", None], {}, {"amount": 1}]
    good = harness.load_vendor("rest").seed(3)[kind]
    rows = [{**good[0], key: value} for key in good[0] for value in odd]
    rows += [{k: v for k, v in good[1].items() if k != key} for key in good[1]]
    rows = [row for pair in zip(rows, good * len(rows), strict=False) for row in pair]
    rows += [None, "row", []]
    found, unread = recipe.records(rows, AT)
    assert (found, unread) == each_by(recipe.map)(rows, AT)
    assert unread[-3:] == [len(rows) - 3, len(rows) - 2, len(rows) - 1]
    assert len(found) + len(unread) == len(rows)


# ---------------------------------------------------------------- asking


def test_a_placeholder_without_a_value_takes_its_parameter_with_it() -> None:
    spec = compose(example("connectors.rest")).spec
    changes: Any = spec.kinds[Kind.CONTACT].changed_since

    first = changes.ask(SinceAsk(since=None))
    assert dict(first.query) == {"page": "1", "per_page": "100"}
    later = changes.ask(SinceAsk(since=NOW, cursor="3|77"))
    assert dict(later.query) == {
        "changed_since": "2026-03-02T09:00:00Z",
        "page": "3",
        "per_page": "100",
    }


@pytest.mark.parametrize(
    ("text", "values", "shown"),
    [
        ("{ids}", {"ids": ["a", "b"]}, "a,b"),
        ("id in ({ids:quoted})", {"ids": ["a'b", "c"]}, "id in ('a''b','c')"),
        ("{ids:pipe}", {"ids": [1, 2]}, "1|2"),
        ("{since:unix}", {"since": NOW}, 1772442000),
        ("{since:unix_ms}", {"since": NOW}, 1772442000000),
        ("since {since:date}", {"since": NOW}, "since 2026-03-02"),
        ("tel:{value:digits}", {"value": "+44 (0) 113"}, "tel:440113"),
        ("{limit}", {"limit": 5}, 5),
        ("plain", {}, "plain"),
    ],
)
def test_values_are_written_as_the_template_says(text: str, values: Any, shown: Any) -> None:
    assert Template(text).render(values) == shown


def test_what_goes_into_a_path_stays_one_part_of_it() -> None:
    spec = compose(example("connectors.rest")).spec

    get: Any = spec.kinds[Kind.TICKET].get_many
    assert get.ask(GetAsk(ids=["../admin?x=1"])).target == "/tickets/..%2Fadmin%3Fx%3D1"


def test_ids_that_are_numbers_are_asked_as_numbers() -> None:
    spec = compose(example("connectors.rest")).spec

    get: Any = spec.kinds[Kind.ORDER].get_many
    assert json.loads(get.ask(GetAsk(ids=["7", "8"])).body) == {"numbers": [7, 8]}
    assert [bool(get.valid(i)) for i in ("7", "x", "", "٣")] == [True, False, False, False]
    text: Any = spec.kinds[Kind.CONTACT].get_many
    assert [bool(text.valid(i)) for i in ("k7", "a,b", "a b", "")] == [True, False, False, False]


def test_a_next_page_never_leads_to_another_host() -> None:
    header = '<https://evil.example/other?page=2&x=%2F>; rel="next", <y>; rel="last"'
    assert link_header({"link": header}) == "page=2&x=%2F"
    assert link_header({"link": '<https://x.example?page=1>; rel="prev first"'}) is None
    assert link_header({}) is None
    with pytest.raises(RowError):
        link_query("https://x.example/page/2")


# ---------------------------------------------------------------- lists over a server with habits

PAGED = {
    "system": "ERP",
    "auth": {"kind": "bearer"},
    "contact": {
        "fields": {"id": "id", "emails": "mail", "updated_at": "changed"},
        "get": {"path": "/c", "query": {"ids": "{ids}"}, "size": 10},
        "search": {"email": {"path": "/c", "query": {"mail": "{value}"}}},
        "changes": {
            "path": "/c",
            "query": {"limit": "{limit}", "offset": "{offset}", "since": "{since}"},
            "page": {"style": "offset", "size": 4},
        },
    },
    "order": {
        "fields": {"id": "id", "occurred_at": "at", "owner_ids": "who"},
        "children": {
            "own": {"path": "/o", "query": {"who": "{parents}"}, "size": 5},
            "email": {"via": "search"},
        },
    },
}
PEOPLE = [
    {"id": n, "mail": f"p{n}@example.com", "changed": f"2026-01-{n:02}T00:00:00Z"}
    for n in range(1, 11)
]

Over = Callable[..., tuple[Source, Any]]


@pytest.fixture
def over(harness: Any) -> Over:
    """A source over a server that is a function of path and query, and its telemetry."""

    def make(answer: Callable[[str, Any], Any], values: Any = PAGED) -> tuple[Source, Any]:
        def respond(request: httpx.Request) -> httpx.Response:
            found = answer(request.url.path, request.url.params)
            return httpx.Response(200, json=found)

        tally = harness.Tally()
        source = build_source(
            "here",
            SourceSettings(
                connector="rest",
                base_url="https://erp.example",
                secrets={"token": Secret("t")},
                mapping=values,
            ),
            HttpxSender(httpx.MockTransport(respond)),
            clock=harness.Clock(),
            telemetry=tally,
            dice=Random(7),
        )
        return source, tally

    return make


async def everything(source: Source, harness: Any) -> list[str]:
    found: list[str] = []
    cursor = None
    for _ in range(20):
        page = await source.changes[Kind.CONTACT].changed_since(cursor, harness.within())
        found += [record.key.external_id for record in page.records]
        cursor = page.cursor
        if not page.more:
            return found
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("cap", [1, 3, 4, 100])
async def test_nobody_is_lost_to_a_page_that_was_cut_without_a_word(
    over: Over, harness: Any, cap: int
) -> None:
    def answer(_path: str, query: Any) -> Any:
        start = int(query["offset"])
        return PEOPLE[start : start + min(cap, int(query["limit"]))]

    source, _ = over(answer)
    assert await everything(source, harness) == [str(n) for n in range(1, 11)]


async def test_pages_that_do_not_turn_are_refused(over: Over, harness: Any) -> None:
    source, _ = over(lambda _path, _query: PEOPLE[:4])
    with pytest.raises(SourceProtocolError):
        await everything(source, harness)


async def test_an_id_is_not_unknown_where_the_filter_is_ignored(over: Over, harness: Any) -> None:
    """The server knows no `ids` and gives its first rows: 9 exists and is not among them."""
    source, tally = over(lambda _path, _query: PEOPLE[:5])
    got = await source.gets[Kind.CONTACT].get_many(["2", "9"], None, harness.within())
    assert got[0].key.external_id == "2"
    assert isinstance(got[1], SourceProtocolError)
    assert tally.total("source_filter_ignored") == 4


async def test_nobody_is_not_said_where_the_search_is_ignored(over: Over, harness: Any) -> None:
    source, tally = over(lambda _path, _query: PEOPLE[:5])
    assert source.search is not None
    search = source.search.search
    (found,) = await search(LookupKey(KeyKind.EMAIL, "P3@example.com"), harness.within())
    assert found.key.external_id == "3"
    with pytest.raises(SourceProtocolError):
        await search(LookupKey(KeyKind.EMAIL, "p9@example.com"), harness.within())
    assert tally.total("source_filter_ignored") == 4 + 5


async def test_a_fuzzy_search_may_find_more_than_was_asked(over: Over, harness: Any) -> None:
    contact = {
        **PAGED["contact"],
        "search": {"email": {**PAGED["contact"]["search"]["email"], "fuzzy": True}},
    }  # type: ignore[dict-item, index]
    source, tally = over(lambda _path, _query: PEOPLE[:5], {**PAGED, "contact": contact})
    assert source.search is not None
    nobody = LookupKey(KeyKind.EMAIL, "p9@example.com")
    assert await source.search.search(nobody, harness.within()) == []
    assert tally.total("source_filter_ignored") == 0


async def test_a_strangers_order_is_nobodys_even_where_one_alone_was_asked_for(
    over: Over, harness: Any
) -> None:
    rows = [
        {"id": "o1", "at": "2026-01-01T00:00:00Z", "who": 2},
        {"id": "o2", "at": "2026-01-02T00:00:00Z", "who": 7},
        {"id": "o3", "at": "2026-01-03T00:00:00Z"},
    ]
    source, tally = over(lambda _path, _query: rows)
    (page,) = await source.children[Kind.ORDER].children_of(
        [Parent(ParentBy.OWN, "2")], PageRequest(5), ChildFilter(), None, harness.within()
    )
    assert [item.key.external_id for item in page.items] == ["o1"]
    assert page.dropped == 2
    assert tally.total("source_filter_ignored") == 2


async def test_a_row_that_names_its_owner_unreadably_is_nobodys(over: Over, harness: Any) -> None:
    """Such a row makes a record all the same: nothing else reads who it is of."""
    order = {
        "fields": {"id": "id", "occurred_at": "at"},
        "children": {"own": {**PAGED["order"]["children"]["own"], "owner": "who.id"}},  # type: ignore[index]
    }
    at = "2026-01-01T00:00:00Z"
    owners: list[Any] = [{"id": "2"}, {"id": 2}, "2", ["2"], {"id": {"n": 2}}, {"id": ["3", 4]}]
    rows = [{"id": f"o{n}", "at": at, "who": who} for n, who in enumerate(owners)]
    source, tally = over(lambda _path, _query: rows, {**PAGED, "order": order})
    two, four = await source.children[Kind.ORDER].children_of(
        [Parent(ParentBy.OWN, "2"), Parent(ParentBy.OWN, "4")],
        PageRequest(5),
        ChildFilter(),
        None,
        harness.within(),
    )
    assert [item.key.external_id for item in two.items] == ["o1", "o0"]
    assert [item.key.external_id for item in four.items] == ["o5"]
    assert (two.dropped, tally.total("source_filter_ignored")) == (3, 3)


async def test_a_detour_over_an_ignored_search_is_not_none(over: Over, harness: Any) -> None:
    """The contact with the address may be among those that were not listed."""
    source, _ = over(lambda path, _query: [] if path == "/o" else PEOPLE[:5])
    got = await source.children[Kind.ORDER].children_of(
        [Parent(ParentBy.EMAIL, one) for one in ("p9@example.com", "p3@example.com")],
        PageRequest(5),
        ChildFilter(),
        None,
        harness.within(),
    )
    assert isinstance(got[0], SourceProtocolError)
    assert isinstance(got[1], ChildPage)


async def test_older_rows_than_asked_for_are_told(over: Over, harness: Any) -> None:
    source, tally = over(lambda _path, query: PEOPLE if query["offset"] == "0" else [])
    reader = source.changes[Kind.CONTACT]
    start = (datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=30)).isoformat()
    cursor = json.dumps({"since": start, "start": start, "begun": start, "page": None, "read": 0})
    page = await reader.changed_since(cursor, harness.within())
    assert len(page.records) == 10
    assert tally.total("source_filter_ignored") == 5


STREAM = {
    "system": "ERP",
    "auth": {"kind": "none"},
    "contact": {
        "fields": {"id": "id"},
        "get": {"path": "/c/{id}"},
        "changes": {
            "path": "/c",
            "query": {"after": "{cursor}"},
            "page": {"style": "cursor", "next": "next", "more": "more"},
            "rows": "rows",
            "deleted": "gone",
            "stream": True,
        },
    },
}


async def test_a_stream_goes_on_where_it_ended(over: Over, harness: Any) -> None:
    rows = [{"id": 1}, {"id": 2, "gone": True}, {"id": 3}]

    def answer(_path: str, query: Any) -> Any:
        start = int(query.get("after", "0"))
        reached = min(start + 2, len(rows))
        return {"rows": rows[start:reached], "next": str(reached), "more": reached < len(rows)}

    source, _ = over(answer, STREAM)
    reader = source.changes[Kind.CONTACT]
    first = await reader.changed_since(None, harness.within())
    assert ([r.key.external_id for r in first.records], first.more) == (["1"], True)
    assert [key.external_id for key in first.deleted] == ["2"]
    second = await reader.changed_since(first.cursor, harness.within())
    assert ([r.key.external_id for r in second.records], second.more) == (["3"], False)
    rows.append({"id": 4})
    third = await reader.changed_since(second.cursor, harness.within())
    assert [r.key.external_id for r in third.records] == ["4"]


async def test_a_list_that_goes_on_nowhere_is_refused(over: Over, harness: Any) -> None:
    source, _ = over(lambda _path, _query: {"rows": [{"id": 1}], "more": True}, STREAM)
    with pytest.raises(SourceProtocolError):
        await source.changes[Kind.CONTACT].changed_since(None, harness.within())


# ---------------------------------------------------------------- mistakes


def refused(**changes: Any) -> dict[str, str]:
    with pytest.raises(MappingError) as error:
        compose({**PAGED, **changes})
    return dict(error.value.problems)


def test_what_is_missing_is_said_with_its_place() -> None:
    assert refused(auth=None)["auth"].startswith('must be set, as in { kind = "bearer" }')
    assert refused(contact={"fields": {"id": "id"}}) == {
        "contact": "asks nothing: there are get, children, search and changes",
        "contact.get": "must be set: people are read by their id",
        "order.children.email.via": "needs contact.search of the same key",
    }
    with pytest.raises(MappingError, match="maps nothing"):
        compose({"system": "ERP", "auth": {"kind": "none"}})


def test_a_question_must_ask_for_what_it_is_about() -> None:
    fields = {"id": "id", "occurred_at": "at"}
    own = {"path": "/o", "query": {"who": "7"}, "page": {"style": "page"}, "size": 3}
    told = refused(order={"fields": fields, "children": {"own": own}})
    assert told["order.children.own"] == "must ask by {parent}, or by {parents} and a size"
    assert told["order.children.own.size"] == "more than one needs {parents}"
    assert told["order.children.own.owner"].startswith("must be set: where a row says whose it is")
    assert told["order.children.own.page.style"] == "is page, and {page} is nowhere asked for"
    scoped = {"fields": fields, "children": {"own": {"path": "/of/{parent}/o"}}}
    assert Kind.ORDER in compose({**PAGED, "order": scoped}).spec.kinds


def test_a_source_whose_customers_are_named_otherwise_is_refused(over: Over, harness: Any) -> None:
    settings = SourceSettings(
        connector="rest",
        base_url="https://erp.example",
        secrets={"token": Secret("t")},
        mapping=PAGED,
        customer_key="phone",
    )
    with pytest.raises(ConfigError, match=r"sources\.here\.mapping: order\.children: has no phone"):
        build_source(
            "here",
            settings,
            HttpxSender(httpx.MockTransport(lambda _: httpx.Response(500))),
            clock=harness.Clock(),
            telemetry=harness.Tally(),
        )


def test_a_mapping_in_place_of_its_file_is_the_same(tmp_path: FilePath) -> None:
    table = {"connector": "rest", "base_url": "https://erp.example", "token": {"env": "T"}}
    here = checked({"sources": {"erp": {**table, "mapping": PAGED}}}, {"T": "t"})
    assert here.sources["erp"].settings.mapping == PAGED
    place = tmp_path / "knownas.toml"
    for mapping, told in {
        7: "sources.erp.mapping: must be set: the file of the mapping, or the mapping as a table",
        "no.toml": "sources.erp.mapping: no.toml: cannot be read",
        "bad.toml": "sources.erp.mapping: bad.toml: is not TOML: .*line 2",
    }.items():
        (tmp_path / "bad.toml").write_text("a = 1\nb = = 2\n")
        with pytest.raises(ConfigError, match=told):
            checked({"sources": {"erp": {**table, "mapping": mapping}}}, {"T": "t"}, place)


async def test_a_mapping_that_takes_no_answer_for_nobody_is_found_out(harness: Any) -> None:
    """`rows` that fall back to an empty list make "no such row" of anything that is an object."""
    values: Any = copy.deepcopy(PAGED)
    settings = SourceSettings(connector="rest", mapping=values)
    clock = harness.Clock()
    sound = [one async for one in refusals(compose(values).spec, settings, clock)]
    assert [one.told for one in sound] == ["5 x 6 answers that are none, all refused"]
    values["contact"]["get"]["rows"] = "people || `[]`"
    found = [one async for one in refusals(compose(values).spec, settings, clock)]
    assert {(one.question, one.problem) for one in found} == {
        ("contact.get", f"{what} is taken for an answer")
        for what in ("an empty object", "null", "a text")
    }
