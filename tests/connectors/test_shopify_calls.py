"""What the Shopify connector asks, what it costs, and what refusals and deliveries mean."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.request import Reply
from connectors.shopify import queries
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
from domain.sources import ChangeKind, WebhookRequest

FIXTURES = Path(__file__).parents[1] / "fixtures" / "shopify"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
POINTS_A_QUERY = 1_000


def recorded(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


def body(request):
    return json.loads(request.body)


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
