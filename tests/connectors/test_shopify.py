"""Shopify in our words. The fixtures are made from the vendor's documents."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.reading import Reading, RowError
from connectors.shopify import mapping, queries
from domain.ids import Kind, SourceKey
from domain.money import Money
from domain.provenance import System
from domain.records import Address, OrderLine, Shipment
from domain.vocabulary import Channel, OrderStatus, SystemKind

FIXTURES = Path(__file__).parents[1] / "fixtures" / "shopify"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def recorded(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


def reading(**said):
    system = System(name="shop", kind=SystemKind.OMS, connector="shopify")
    return Reading(system=system, fetched_at=NOW, **said)


def customers():
    rows = queries.read_customers(recorded("customers"), None).rows
    return [mapping.contact(row, reading()) for row in rows]


def order(**changes):
    (row,) = queries.read_orders(recorded("orders"), None).rows
    return mapping.order({**row, **changes}, reading())


# ---------------------------------------------------------------- people


def test_a_customer_in_our_words():
    bo = customers()[0]
    assert bo.key == SourceKey("shop", Kind.CONTACT, "544365967")
    assert (bo.full_name, bo.given_name, bo.family_name) == ("Bo Wang", "Bo", "Wang")
    assert (bo.emails, bo.phones) == (("bo.wang@example.com",), ("+12125550123",))
    assert bo.address == Address(
        street="200 Riverside Road, Unit 4",
        city="New York",
        region="New York",
        postcode="10001",
        country="US",
    )
    assert bo.company == "Lighthouse Coffee"
    assert bo.provenance.source_updated_at == datetime(2026, 7, 1, 15, 43, 57, tzinfo=UTC)


def test_an_address_shown_in_place_of_a_name_is_no_name():
    guest = customers()[1]
    assert (guest.full_name, guest.given_name, guest.address) == (None, None, None)
    assert (guest.emails, guest.phones) == (("guest@example.net",), ())


def test_staff_find_the_page_where_the_shop_is_named():
    (row,) = queries.read_orders(recorded("orders"), None).rows
    found = mapping.order(row, reading(options={"shop": "lighthouse"}))
    assert found.provenance.url == "https://lighthouse.myshopify.com/admin/orders/148977776"
    assert order().provenance.url is None


# ---------------------------------------------------------------- orders


def test_an_order_in_our_words():
    found = order()
    assert found.key == SourceKey("shop", Kind.ORDER, "148977776")
    assert (found.number, found.owner_ids) == ("#1042", ("544365967",))
    assert found.occurred_at == datetime(2026, 7, 1, 15, 43, 57, tzinfo=UTC)
    assert found.total == Money(41499, "USD")
    assert found.channel is Channel.SELF_SERVICE
    assert (found.status, found.raw_status) == (OrderStatus.SHIPPED, "PAID/FULFILLED/NO_RETURN")
    assert found.lines == (
        OrderLine(
            sku="GRD-110", title="Burr grinder - Black", quantity=2, price=Money(14999, "USD")
        ),
        OrderLine(title="Tip", quantity=1, price=Money(11501, "USD")),
    )


def test_every_parcel_is_a_shipment():
    due = datetime(2026, 7, 5, 12, 0, tzinfo=UTC)
    shipments = order().shipments
    assert shipments[0] == Shipment(
        carrier="UPS",
        tracking_number="1Z000000001",
        tracking_url="https://track.example/1Z000000001",
        status="IN_TRANSIT",
        eta=due,
    )
    assert [each.tracking_number for each in shipments] == ["1Z000000001", "1Z000000002", None]
    assert shipments[2].status == "DELIVERED"


def test_amounts_keep_the_decimals_of_their_currency():
    assert order(totalPriceSet=money("1200.0", "JPY")).total == Money(1200, "JPY")
    assert order(totalPriceSet=money("1.234", "KWD")).total == Money(1234, "KWD")
    with pytest.raises(ValueError, match="money"):
        order(totalPriceSet=money("much", "USD"))


def test_an_order_in_a_coin_that_iso_does_not_know_is_kept_without_its_total():
    """USDC is among the vendor's currencies; with it one order made a whole batch unreadable."""
    paid_in_coins = order(totalPriceSet=money("12.00", "USDC"))
    assert paid_in_coins.total is None
    assert paid_in_coins.number == order().number


def money(amount, currency):
    return {"shopMoney": {"amount": amount, "currencyCode": currency}}


PARCELS = {
    "none": [],
    "on its way": [{"status": "SUCCESS", "displayStatus": "IN_TRANSIT"}],
    "one of two": [
        {"status": "SUCCESS", "displayStatus": "DELIVERED"},
        {"status": "SUCCESS", "displayStatus": "OUT_FOR_DELIVERY"},
    ],
    "there": [
        {"status": "SUCCESS", "displayStatus": "DELIVERED"},
        {"status": "CANCELLED", "displayStatus": "CANCELED"},
    ],
    "handed over": [{"status": "SUCCESS", "displayStatus": "FULFILLED"}],
}


@pytest.mark.parametrize(
    ("payment", "fulfillment", "returned", "more", "status"),
    [
        ("PENDING", "UNFULFILLED", "NO_RETURN", {}, OrderStatus.PENDING),
        ("EXPIRED", "UNFULFILLED", "NO_RETURN", {}, OrderStatus.PENDING),
        ("VOIDED", "UNFULFILLED", "NO_RETURN", {}, OrderStatus.PENDING),
        ("PAID", "UNFULFILLED", "NO_RETURN", {}, OrderStatus.CONFIRMED),
        ("AUTHORIZED", "OPEN", "NO_RETURN", {}, OrderStatus.CONFIRMED),
        ("PARTIALLY_PAID", "RESTOCKED", "NO_RETURN", {}, OrderStatus.CONFIRMED),
        ("PARTIALLY_REFUNDED", "UNFULFILLED", "NO_RETURN", {}, OrderStatus.CONFIRMED),
        ("PAID", "ON_HOLD", "NO_RETURN", {}, OrderStatus.CONFIRMED),
        ("PAID", "SCHEDULED", "NO_RETURN", {}, OrderStatus.CONFIRMED),
        ("PAID", "REQUEST_DECLINED", "NO_RETURN", {}, OrderStatus.CONFIRMED),
        ("PAID", "IN_PROGRESS", "NO_RETURN", {}, OrderStatus.FULFILLING),
        ("PAID", "PENDING_FULFILLMENT", "NO_RETURN", {}, OrderStatus.FULFILLING),
        ("PAID", "PARTIALLY_FULFILLED", "NO_RETURN", {}, OrderStatus.FULFILLING),
        ("PAID", "FULFILLED", "NO_RETURN", {"fulfillments": "none"}, OrderStatus.SHIPPED),
        ("PAID", "FULFILLED", "NO_RETURN", {"fulfillments": "on its way"}, OrderStatus.SHIPPED),
        ("PAID", "FULFILLED", "NO_RETURN", {"fulfillments": "one of two"}, OrderStatus.SHIPPED),
        ("PAID", "FULFILLED", "NO_RETURN", {"fulfillments": "there"}, OrderStatus.DELIVERED),
        ("PAID", "FULFILLED", "NO_RETURN", {"fulfillments": "handed over"}, OrderStatus.SHIPPED),
        ("PAID", "FULFILLED", "RETURN_REQUESTED", {"fulfillments": "there"}, OrderStatus.DELIVERED),
        ("PAID", "FULFILLED", "IN_PROGRESS", {"fulfillments": "there"}, OrderStatus.DELIVERED),
        ("PAID", "FULFILLED", "RETURN_FAILED", {"fulfillments": "there"}, OrderStatus.DELIVERED),
        ("PAID", "FULFILLED", "RETURNED", {}, OrderStatus.RETURNED),
        ("PAID", "FULFILLED", "INSPECTION_COMPLETE", {}, OrderStatus.RETURNED),
        ("REFUNDED", "FULFILLED", "RETURNED", {}, OrderStatus.REFUNDED),
        (
            "REFUNDED",
            "UNFULFILLED",
            "NO_RETURN",
            {"cancelledAt": "2026-07-02T00:00:00Z"},
            OrderStatus.CANCELLED,
        ),
        ("PAID", "TELEPORTED", "NO_RETURN", {}, OrderStatus.UNKNOWN),
        ("BARTERED", "UNFULFILLED", "NO_RETURN", {}, OrderStatus.UNKNOWN),
        (None, "UNFULFILLED", "NO_RETURN", {}, OrderStatus.UNKNOWN),
    ],
)
def test_every_line_of_the_status_table(payment, fulfillment, returned, more, status):
    if "fulfillments" in more:
        more = {**more, "fulfillments": PARCELS[more["fulfillments"]]}
    found = order(
        displayFinancialStatus=payment,
        displayFulfillmentStatus=fulfillment,
        returnStatus=returned,
        **more,
    )
    words = [word for word in (payment, fulfillment, returned) if word]
    cancelled = ["CANCELLED"] if more.get("cancelledAt") else []
    assert (found.status, found.raw_status) == (status, "/".join(words + cancelled))


def test_every_status_of_the_vendor_has_its_line():
    """The enums of the schema of 2026-07; a status that is added there is UNKNOWN until it has."""
    fulfillments = {"FULFILLED", *mapping.NOT_STARTED, *mapping.FULFILLMENT}
    assert fulfillments == {
        *("FULFILLED", "IN_PROGRESS", "ON_HOLD", "OPEN", "PARTIALLY_FULFILLED"),
        *("PENDING_FULFILLMENT", "REQUEST_DECLINED", "RESTOCKED", "SCHEDULED", "UNFULFILLED"),
    }
    assert {"REFUNDED", *mapping.PAYMENT} == {
        *("AUTHORIZED", "EXPIRED", "PAID", "PARTIALLY_PAID", "PARTIALLY_REFUNDED"),
        *("PENDING", "REFUNDED", "VOIDED"),
    }


@pytest.mark.parametrize("parcels", ["none", "handed over", "there"])
def test_what_was_sold_at_a_till_is_with_the_customer(parcels):
    found = order(sourceName="pos", fulfillments=PARCELS[parcels])
    assert (found.channel, found.status) == (Channel.STORE, OrderStatus.DELIVERED)


def test_what_was_sold_at_a_till_and_sent_is_on_its_way():
    found = order(sourceName="pos", fulfillments=PARCELS["on its way"])
    assert found.status is OrderStatus.SHIPPED


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        ("pos", Channel.STORE),
        ("web", Channel.SELF_SERVICE),
        ("mobile_app", Channel.IN_APP),
        ("shopify_draft_order", Channel.UNKNOWN),
        ("580111", Channel.UNKNOWN),
        (None, Channel.UNKNOWN),
    ],
)
def test_the_channel_comes_from_the_source_name(name, channel):
    assert order(sourceName=name).channel is channel


def test_what_was_not_asked_for_is_unknown_and_not_empty():
    (whole,) = queries.read_orders(recorded("orders"), None).rows
    row = {name: whole[name] for name in ("legacyResourceId", "createdAt", "updatedAt")}
    found = mapping.order(row, reading())
    assert (found.status, found.raw_status) == (OrderStatus.UNKNOWN, None)
    assert (found.total, found.lines, found.shipments) == (None, None, None)
    empty = order(lineItems={"nodes": [], "pageInfo": {"hasNextPage": False}}, fulfillments=[])
    assert (empty.lines, empty.shipments) == ((), ())


def test_parcels_read_for_the_status_alone_are_no_shipments():
    assert order(fulfillments=PARCELS["there"]).shipments is None


def test_lines_that_go_on_are_unknown_rather_than_too_few():
    connection = {"nodes": [], "pageInfo": {"hasNextPage": True}}
    assert order(lineItems=connection).lines is None


def test_an_order_of_a_guest_belongs_to_no_customer():
    assert order(customer=None).owner_ids == ()


def test_an_order_without_a_time_is_no_row():
    with pytest.raises(RowError):
        order(createdAt=None)
