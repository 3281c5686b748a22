"""Shopify in our words. The fixtures are made from the vendor's documents."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.reading import Reading, RowError
from connectors.request import Reply
from connectors.shopify import mapping, queries
from connectors.shopify.events import parse
from connectors.shopify.refusals import judged
from connectors.spec import ChildrenAsk, GetAsk, SearchAsk, SinceAsk
from domain.customer import KeyKind, LookupKey
from domain.errors import (
    SourceAuthError,
    SourceProtocolError,
    SourceRateLimited,
    SourceUnavailable,
)
from domain.ids import Kind, SourceKey
from domain.money import Money
from domain.provenance import System
from domain.records import Address, OrderLine, Shipment
from domain.sources import ChangeKind, WebhookRequest
from domain.vocabulary import Channel, OrderStatus, SystemKind

FIXTURES = Path(__file__).parents[1] / "fixtures" / "shopify"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
POINTS_A_QUERY = 1_000


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


def body(request):
    return json.loads(request.body)


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


# ---------------------------------------------------------------- questions and their costs


def test_orders_of_fifty_customers_are_one_question():
    parents = [str(n) for n in range(50)]
    until = datetime(2026, 7, 1, 15, 43, 57, tzinfo=UTC)
    ask = ChildrenAsk(parents=parents, limit=250, until=until, fields=frozenset({"number"}))
    variables = body(queries.ask_orders_of(ask))["variables"]
    assert variables["first"] == 250
    assert variables["query"].startswith("(customer_id:0 OR customer_id:1 OR ")
    assert variables["query"].endswith(") AND created_at:<='2026-07-01T15:43:57Z'")
    assert len(variables["query"]) < 1_500


@pytest.mark.parametrize(
    ("fields", "absent"),
    [
        (frozenset({"number", "total"}), ["lineItems", "fulfillments", "displayFinancialStatus"]),
        (frozenset({"status"}), ["lineItems", "trackingInfo", "totalPriceSet"]),
        (frozenset({"lines"}), ["fulfillments", "totalPriceSet"]),
        (frozenset({"shipments"}), ["lineItems"]),
        (None, []),
    ],
)
def test_only_what_is_asked_for_is_selected(fields, absent):
    selection, _ = queries.order_selection(fields)
    assert not [name for name in absent if name in selection]
    assert all(name in selection for name in ("legacyResourceId", "createdAt", "customer"))


@pytest.mark.parametrize("fields", [None, frozenset({"status"}), frozenset({"lines", "shipments"})])
def test_no_question_costs_more_than_the_vendor_allows(fields):
    ids = [str(n) for n in range(200)]
    asks = [
        queries.ask_customers(GetAsk(ids=ids)),
        queries.ask_orders(GetAsk(ids=ids[:50], fields=fields)),
        queries.ask_orders_of(ChildrenAsk(parents=ids[:50], limit=250, fields=fields)),
        queries.ask_orders_by_email(ChildrenAsk(parents=["a@example.com"], limit=250)),
        queries.ask_customers_by_phone(GetAsk(ids=["+12125550123"])),
        queries.ask_changed_customers(SinceAsk(since=NOW)),
        queries.ask_buyer(SearchAsk(key=LookupKey(KeyKind.ORDER_NUMBER, "1042"))),
    ]
    assert max(ask.cost for ask in asks) <= POINTS_A_QUERY


def test_a_connection_costs_what_the_vendor_s_answers_showed():
    """requestedQueryCost of customers(first: n) with one object a node, API 2025-07."""
    assert [queries.connection(n, 1) for n in (1, 3, 10, 100, 250)] == [3, 4, 6, 11, 13]


def test_global_ids_are_made_of_bare_numbers():
    variables = body(queries.ask_customers(GetAsk(ids=["544365967"])))["variables"]
    assert variables == {"ids": ["gid://shopify/Customer/544365967"]}


def test_customers_that_are_not_there_leave_no_row():
    data = {"data": {"nodes": [None, {"legacyResourceId": "1"}]}}
    assert queries.read_nodes(data, None).rows == [{"legacyResourceId": "1"}]


def test_addresses_are_searched_whole():
    ask = SearchAsk(key=LookupKey(KeyKind.EMAIL, 'a"b\\@example.com'))
    assert body(queries.ask_customer_search(ask))["variables"]["query"] == (
        'email:"a\\"b\\\\@example.com"'
    )


def test_an_order_number_leads_to_its_buyer_alone():
    ask = SearchAsk(key=LookupKey(KeyKind.ORDER_NUMBER, "1042"))
    buyer = {"legacyResourceId": "1"}
    nodes = [
        {"name": "#1042", "customer": buyer},
        {"name": "#10421", "customer": {"legacyResourceId": "2"}},
        {"name": "#1042", "customer": None},
    ]
    assert queries.read_buyers({"data": {"orders": {"nodes": nodes}}}, ask).rows == [buyer]


def test_a_page_ends_where_the_vendor_says_so():
    assert queries.read_customers(recorded("customers"), None).cursor is not None
    assert queries.read_orders(recorded("orders"), None).cursor is None


# ---------------------------------------------------------------- refusals with status 200


def judge(data):
    return judged("shop", Reply(status=200, headers={}, data=data))


def test_a_throttled_caller_waits_until_the_bucket_holds_the_query():
    error = judge(recorded("throttled"))
    assert isinstance(error, SourceRateLimited)
    assert error.retry_after_s == 1.5


def test_an_answer_that_throttles_without_a_bucket_names_no_wait():
    error = judge({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]})
    assert isinstance(error, SourceRateLimited)
    assert error.retry_after_s is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ACCESS_DENIED", SourceAuthError),
        ("INTERNAL_SERVER_ERROR", SourceUnavailable),
        ("MAX_COST_EXCEEDED", SourceProtocolError),
        ("undefinedField", SourceProtocolError),
    ],
)
def test_errors_of_the_vendor_become_ours(code, kind):
    data = {"data": None, "errors": [{"message": "No: bo.wang", "extensions": {"code": code}}]}
    error = judge(data)
    assert type(error) is kind
    assert "bo.wang" not in str(error)


def test_an_error_without_a_code_is_an_error():
    assert isinstance(judge({"errors": [{"message": "no"}]}), SourceProtocolError)


def test_what_is_no_graphql_answer_is_an_error():
    assert isinstance(judge(["nothing"]), SourceProtocolError)
    assert isinstance(judge({"errors": "nothing"}), SourceProtocolError)


def test_a_filter_the_vendor_left_out_is_an_error():
    """It would serve rows nobody asked for."""
    warning = {"field": "customer", "code": "invalid_field", "message": "Invalid search field"}
    found = {"path": ["orders"], "query": "customer:1", "warnings": [warning]}
    error = judge({"data": {"orders": {}}, "extensions": {"search": [found]}})
    assert isinstance(error, SourceProtocolError)


def test_a_good_answer_is_let_through():
    assert judge(recorded("customers")) is None


# ---------------------------------------------------------------- webhooks


def told(topic, said):
    request = WebhookRequest(
        method="POST",
        url="https://knownas.example/webhooks/shop",
        headers={
            "x-shopify-topic": topic,
            "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
            "x-shopify-triggered-at": "2026-07-01T18:00:27.877041743Z",
        },
        body=b"",
        received_at=NOW,
    )
    return parse(said, request, "shop")


@pytest.mark.parametrize(
    ("topic", "said", "kind", "change"),
    [
        ("customers/create", {"id": 7}, Kind.CONTACT, ChangeKind.CHANGED),
        ("customers/update", {"id": 7}, Kind.CONTACT, ChangeKind.CHANGED),
        ("customers/delete", {"id": 7}, Kind.CONTACT, ChangeKind.DELETED),
        ("orders/create", {"id": 7}, Kind.ORDER, ChangeKind.CHANGED),
        ("orders/updated", {"id": 7}, Kind.ORDER, ChangeKind.CHANGED),
        ("orders/delete", {"id": 7}, Kind.ORDER, ChangeKind.DELETED),
        ("orders/edited", {"order_edit": {"order_id": 7}}, Kind.ORDER, ChangeKind.CHANGED),
        ("fulfillments/update", {"id": 1, "order_id": 7}, Kind.ORDER, ChangeKind.CHANGED),
        ("refunds/create", {"id": 1, "order_id": 7}, Kind.ORDER, ChangeKind.CHANGED),
    ],
)
def test_topics_become_hints(topic, said, kind, change):
    (event,) = told(topic, said)
    assert event.key == SourceKey("shop", kind, "7")
    assert event.change is change
    assert event.event_id == "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043"
    assert event.occurred_at == datetime(2026, 7, 1, 18, 0, 27, 877041, tzinfo=UTC)


def test_a_merge_names_who_is_left():
    said = {
        "admin_graphql_api_customer_kept_id": "gid://shopify/Customer/1",
        "admin_graphql_api_customer_deleted_id": "gid://shopify/Customer/2",
    }
    (event,) = told("customers/merge", said)
    assert (event.key.external_id, event.change, event.into) == ("2", ChangeKind.MERGED, "1")


def test_a_redaction_reaches_the_customer_and_the_orders():
    said = {
        "shop_id": 954889,
        "shop_domain": "lighthouse.myshopify.com",
        "customer": {"id": 191167, "email": "bo.wang@example.com", "phone": "+12125550123"},
        "orders_to_redact": [299938, 280263],
    }
    events = told("customers/redact", said)
    assert [(e.key.kind, e.key.external_id) for e in events] == [
        (Kind.CONTACT, "191167"),
        (Kind.ORDER, "299938"),
        (Kind.ORDER, "280263"),
    ]
    assert {event.change for event in events} == {ChangeKind.REDACTED}
    assert len({event.event_id for event in events}) == 3


def test_an_order_replayed_as_a_redaction_erases_nobody():
    """The topic is in a header that the signature does not cover."""
    with pytest.raises(KeyError):
        told("customers/redact", {"id": 7, "customer": {"id": 191167}})


@pytest.mark.parametrize(
    "topic", ["customers/data_request", "shop/redact", "products/update", "app/uninstalled", ""]
)
def test_topics_of_other_things_are_left_out(topic):
    assert told(topic, {"id": 7}) == []
