"""Vendure in our words. The fixtures are answers of a real server (@vendure/core 3.7.3)."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.auth import Secret
from connectors.reading import Reading, RowError
from connectors.request import Reply
from connectors.spec import ChildrenAsk, GetAsk, SearchAsk, SinceAsk
from connectors.vendure import mapping, queries
from connectors.vendure.connector import row_id
from connectors.vendure.credentials import SessionOrKey
from connectors.vendure.refusals import judged
from domain.customer import KeyKind, LookupKey
from domain.errors import SourceAuthError, SourceProtocolError, SourceUnavailable
from domain.ids import Kind, SourceKey
from domain.money import Money
from domain.provenance import System
from domain.records import Address, OrderLine, Shipment
from domain.vocabulary import OrderStatus, SystemKind

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vendure"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SINCE = datetime(2026, 11, 20, 8, 0, 0, 5_900, tzinfo=UTC)


def recorded(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


def reading(**options):
    system = System(name="shop", kind=SystemKind.OMS, connector="vendure")
    return Reading(system=system, fetched_at=NOW, options=options)


def customer(**changes):
    row = queries.read_customers(recorded("customers"), GetAsk(ids=["1"])).rows[0]
    return mapping.contact({**copy.deepcopy(row), **changes}, reading())


def row(name="order_shipped"):
    return queries.read_orders(recorded(name), GetAsk(ids=["1"])).rows[0]


def order(at=None, **changes):
    return mapping.order({**row(), **changes}, at or reading())


def variables(request):
    return json.loads(request.body)["variables"]


# ---------------------------------------------------------------- people


def test_a_customer_in_our_words():
    found = customer()
    assert found.key == SourceKey("shop", Kind.CONTACT, "1")
    assert (found.full_name, found.given_name) == ("Benjamin Zimmerman", "Benjamin")
    assert (found.emails, found.phones) == (("bzimmerman@mail.example.net",), ("+15035550101",))
    assert found.address == Address(
        street="204 Station Road", city="Springfield", region="IL", postcode="62701", country="US"
    )
    assert found.company is None


def test_a_customer_changed_when_its_address_did():
    found = customer()
    assert found.provenance.source_updated_at > found.created_at


def test_the_address_parcels_go_to_is_shown_before_the_others():
    first, second = {"city": "Leeds"}, {"city": "York", "defaultShippingAddress": True}
    assert customer(addresses=[first, second]).address.city == "York"
    assert customer(addresses=[first, {"city": "Hull"}]).address.city == "Leeds"
    assert customer(addresses=[]).address is None


# ---------------------------------------------------------------- orders


def test_an_order_in_our_words():
    found = order()
    assert found.key == SourceKey("shop", Kind.ORDER, "1")
    assert (found.status, found.raw_status) == (OrderStatus.SHIPPED, "Shipped")
    assert found.total == Money(21000, "USD")
    assert found.lines[0] == OrderLine(
        sku="MUG-05", title="Mug", quantity=1, price=Money(5500, "USD")
    )
    assert found.shipments == (
        Shipment(carrier="Parcel post", tracking_number="TRK-0001", status="Shipped"),
    )
    assert found.owner_ids == ("1",)


def test_the_recorded_order_was_shipped_and_its_time_did_not_move():
    """What the connector works around, as the server said it."""
    shipped = row()
    assert shipped["state"] == "Shipped"
    assert shipped["updatedAt"] < shipped["orderPlacedAt"]
    assert order().provenance.source_updated_at == order().occurred_at


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("PaymentAuthorized", OrderStatus.CONFIRMED),
        ("PaymentSettled", OrderStatus.CONFIRMED),
        ("PartiallyShipped", OrderStatus.FULFILLING),
        ("PartiallyDelivered", OrderStatus.SHIPPED),
        ("Delivered", OrderStatus.DELIVERED),
        ("Cancelled", OrderStatus.CANCELLED),
        ("Modifying", OrderStatus.UNKNOWN),
        ("ReadyForPickup", OrderStatus.UNKNOWN),
    ],
)
def test_a_state_is_what_the_default_process_means_by_it(state, expected):
    found = order(state=state)
    assert (found.status, found.raw_status) == (expected, state)


def test_amounts_have_the_decimals_of_the_server_whatever_the_currency_has():
    assert order(currencyCode="JPY").total == Money(210, "JPY")
    assert order(reading(money_precision="0"), currencyCode="JPY").total == Money(21000, "JPY")


def test_what_was_not_asked_for_is_unknown_and_a_cancelled_parcel_is_none():
    bare = {k: v for k, v in row().items() if k not in ("lines", "fulfillments", "totalWithTax")}
    found = mapping.order(bare, reading())
    assert (found.lines, found.shipments, found.total) == (None, None, None)
    assert order(fulfillments=[{"state": "Cancelled"}]).shipments == ()


def test_an_order_that_was_not_placed_is_no_order():
    with pytest.raises(RowError):
        order(orderPlacedAt=None)


# ---------------------------------------------------------------- questions


def test_an_address_is_asked_for_as_given_and_in_lower_case():
    """The server keeps lower case and compares with case: upper case alone finds nobody."""
    key = LookupKey(KeyKind.EMAIL, " Bo@Example.com")
    asked = variables(queries.ask_by_email(SearchAsk(key=key)))["options"]["filter"]
    assert asked == {"emailAddress": {"in": ["Bo@Example.com", "bo@example.com"]}}


def test_young_orders_are_read_again_with_every_question():
    ask = SinceAsk(since=SINCE, options={"reread_days": "10"})
    wanted = variables(queries.ask_changed_orders(ask))["options"]["filter"]["_and"][1]["_or"]
    assert wanted == [
        {"updatedAt": {"after": "2026-11-20T08:00:00.004Z"}},
        {"orderPlacedAt": {"after": "2026-11-10T08:00:00.004Z"}},
    ]


def test_carts_and_sellers_parts_are_left_out_of_every_list():
    for request in (
        queries.ask_orders(GetAsk(ids=["1"])),
        queries.ask_changed_orders(SinceAsk(since=None)),
    ):
        wanted = variables(request)["options"]["filter"]
        assert wanted["orderPlacedAt"] == {"isNull": False}
        assert wanted["type"] == {"notEq": "Seller"}


def test_older_orders_are_asked_for_up_to_a_time():
    ask = ChildrenAsk(parents=["1"], limit=5, until=SINCE)
    wanted = variables(queries.ask_orders_of(ask))["orders"]["filter"]["_and"]
    assert wanted[1] == {"orderPlacedAt": {"before": "2026-11-20T08:00:00.006Z"}}


def test_orders_of_customers_name_their_customer_and_go_on_while_any_list_does():
    ask = ChildrenAsk(parents=["1", "2"], limit=2)
    page = queries.read_orders_of(recorded("orders_of"), ask)
    assert [one["customer"]["id"] for one in page.rows] == ["1", "1", "2"]
    assert page.cursor == "2"
    last = ChildrenAsk(parents=["1", "2"], limit=2, cursor="2")
    assert queries.read_orders_of(recorded("orders_of"), last).cursor is None


def test_only_what_is_read_is_asked_for():
    document = json.loads(queries.ask_orders(GetAsk(ids=["1"], fields=frozenset({"status"}))).body)
    assert "state" in document["query"]
    assert "lines" not in document["query"]


def test_a_page_that_comes_again_is_noticed():
    data = {"data": {"customers": {"totalItems": 300, "items": [{"id": "100"}]}}}
    ask = SinceAsk(since=None, cursor="100/99")
    assert queries.read_customers(data, ask).cursor == "200/100"
    with pytest.raises(RowError):
        queries.read_customers(data, SinceAsk(since=None, cursor="100/100"))


def test_an_id_the_database_cannot_hold_is_not_asked():
    """One of them fails the whole question (recorded)."""
    assert "out of range" in recorded("errors")["out_of_range"]["errors"][0]["message"]
    assert row_id("2147483647")
    assert row_id("0b9d0b5e-5d0f-4b1c-8f59-3c9c0e6b7d11")
    assert not row_id("2147483648")
    assert not row_id("abc")


# ---------------------------------------------------------------- refusals and credentials


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("forbidden", SourceAuthError),
        ("too_many", SourceProtocolError),
        ("out_of_range", SourceProtocolError),
    ],
)
def test_recorded_refusals_beside_http_200_are_ours(name, expected):
    found = judged("shop", Reply(status=200, headers={}, data=recorded("errors")[name]))
    assert type(found) is expected
    assert "99999999999" not in str(found)


def test_a_server_that_failed_is_unavailable_and_an_answer_is_no_refusal():
    data = {"errors": [{"extensions": {"code": "INTERNAL_SERVER_ERROR"}}, 7], "data": {}}
    assert type(judged("shop", Reply(status=200, headers={}, data=data))) is SourceUnavailable
    for data in (recorded("customers"), [], {"errors": []}):
        assert judged("shop", Reply(status=200, headers={}, data=data)) is None


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({"api_key_header": ""}, ("authorization", "Bearer key")),
        ({"api_key_header": "Vendure-Api-Key"}, ("vendure-api-key", "key")),
    ],
)
async def test_a_session_or_an_api_key_is_shown(options, header):
    opened = SessionOrKey().open("shop", {"token": Secret("key")}, options)
    assert dict([header]) == await opened.headers()
