"""The emulated Shopify Admin API: who may ask, and what a customer and an order look like."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.rows import OrderLine, Shipment
from sandbox.shopify import VENDOR

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("headers", [{}, {"X-Shopify-Access-Token": "shpat_wrong"}])
async def test_a_missing_or_wrong_token_is_refused_in_the_vendors_words(
    shop: Any, headers: dict[str, str]
) -> None:
    shop.headers = headers
    response = await shop.post({"query": "{ shop { name } }"})
    assert response.status_code == 401
    assert response.json() == VENDOR.dialect.unauthorized().body


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"query": 1}', b"\xff"])
async def test_a_body_without_a_query_is_a_bad_request(shop: Any, content: bytes) -> None:
    response = await shop.client.post(shop.path, content=content, headers=shop.headers)
    assert response.status_code == 400
    assert "query" in response.json()["errors"]


async def test_another_api_version_is_not_served(shop: Any) -> None:
    path = shop.path.replace("2026-07", "2019-04")
    response = await shop.client.post(path, json={"query": "{ shop { name } }"})
    assert response.status_code == 404


async def test_an_answer_names_its_api_version(shop: Any) -> None:
    response = await shop.post({"query": "{ shop { myshopifyDomain } }"})
    assert response.headers["x-shopify-api-version"] == "2026-07"


@pytest.mark.parametrize(
    "query", ["{ customer(", "{ customer(id: 1) { nickname } }", "mutation { customerDelete }"]
)
async def test_what_the_schema_does_not_allow_is_answered_with_errors_and_http_200(
    shop: Any, query: str
) -> None:
    answer = await shop.answer(query)
    assert answer["errors"][0]["message"]
    assert "data" not in answer


async def test_variables_of_a_wrong_type_are_refused(shop: Any) -> None:
    answer = await shop.answer("query($n: Int!) { customers(first: $n) { nodes { id } } }", n="x")
    assert "errors" in answer
    assert "data" not in answer


async def test_a_customer_is_found_by_id_email_and_phone(shop: Any) -> None:
    row = shop.customer("Ann Lee", email="Ann@Example.com", phone="+447700900001")
    gid = f"gid://shopify/Customer/{row.id}"
    text = """
      query($gid: ID!, $mail: String, $phone: String) {
        a: customer(id: $gid) { id }
        b: customerByIdentifier(identifier: {id: $gid}) { id }
        c: customerByIdentifier(identifier: {emailAddress: $mail}) { id }
        d: customerByIdentifier(identifier: {phoneNumber: $phone}) { id }
        e: customerByIdentifier(identifier: {emailAddress: "nobody@example.com"}) { id }
      }"""
    found = await shop.data(text, gid=gid, mail="ann@example.com", phone="+44 7700 900001")
    assert found == {**{key: {"id": gid} for key in "abcd"}, "e": None}


async def test_nodes_answer_in_the_order_asked_with_null_for_what_is_missing(shop: Any) -> None:
    ann, bob = shop.customer("Ann"), shop.customer("Bob")
    order = shop.order(1001)
    shop.world.shop_customers.remove(bob.id)
    ids = [
        f"gid://shopify/Order/{order.id}",
        f"gid://shopify/Customer/{bob.id}",
        f"gid://shopify/Customer/{ann.id}",
        "gid://shopify/Product/1",
        f"gid://shopify/Order/{order.id}",
    ]
    text = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    found = (await shop.data(text, ids=ids))["nodes"]
    assert [one and one["id"] for one in found] == [ids[0], None, ids[2], None, ids[0]]


async def test_ids_of_another_kind_and_no_ids_at_all_are_errors(shop: Any) -> None:
    assert (
        await shop.code('{ customer(id: "gid://shopify/Order/1") { id } }') == "RESOURCE_NOT_FOUND"
    )
    assert await shop.code('{ node(id: "12345") { id } }') == "argumentLiteralsIncompatible"


async def test_an_order_shows_its_lines_shipments_and_money(shop: Any) -> None:
    line = OrderLine(id="11", sku="MUG", title="Mug", quantity=2, unit_price=Decimal("9.50"))
    shipment = Shipment(
        id="21",
        status="SUCCESS",
        display_status="IN_TRANSIT",
        carrier="Royal Mail",
        tracking_number="RM1",
        tracking_url="https://example.com/RM1",
        created_at=START,
        updated_at=START,
        estimated_delivery_at=START + timedelta(days=2),
    )
    ann = shop.customer("Ann")
    shop.order(
        1001,
        customer_id=ann.id,
        total=Decimal("1999.00"),
        refunded=Decimal("0.10"),
        currency="JPY",
        source_name="pos",
        till="Leeds Arcade",
        lines=(line,),
        shipments=(shipment,),
    )
    text = """{ orders(first: 1) { nodes {
      name sourceName attribution { handle displayName } retailLocation { name }
      totalPriceSet { shopMoney { amount currencyCode } }
      currentTotalPriceSet { presentmentMoney { amount } }
      customer { firstName }
      lineItems(first: 5) { nodes { sku quantity originalTotalSet { shopMoney { amount } } } }
      fulfillments(first: 5) { name displayStatus estimatedDeliveryAt totalQuantity
        trackingInfo { company number url } } } } }"""
    shown = (await shop.data(text))["orders"]["nodes"][0]
    assert shown == {
        "name": "#1001",
        "sourceName": "pos",
        "attribution": {"handle": "pos", "displayName": "Point of Sale"},
        "retailLocation": {"name": "Leeds Arcade"},
        "totalPriceSet": {"shopMoney": {"amount": "1999.0", "currencyCode": "JPY"}},
        "currentTotalPriceSet": {"presentmentMoney": {"amount": "1998.9"}},
        "customer": {"firstName": "Ann"},
        "lineItems": {
            "nodes": [
                {"sku": "MUG", "quantity": 2, "originalTotalSet": {"shopMoney": {"amount": "19.0"}}}
            ]
        },
        "fulfillments": [
            {
                "name": "#1001-F1",
                "displayStatus": "IN_TRANSIT",
                "estimatedDeliveryAt": "2026-03-03T00:00:00Z",
                "totalQuantity": 2,
                "trackingInfo": [
                    {"company": "Royal Mail", "number": "RM1", "url": "https://example.com/RM1"}
                ],
            }
        ],
    }


async def test_a_change_in_the_world_is_seen_in_the_next_answer(shop: Any, clock: Any) -> None:
    row = shop.customer("Ann Lee")
    before = clock.now()
    clock.advance(timedelta(minutes=5))
    shop.world.shop_customers.change(row.id, last_name="Low")
    since = f"updated_at:>'{before:%Y-%m-%dT%H:%M:%SZ}'"
    assert await shop.names(since, "customers") == ["Ann Low"]
    shop.world.shop_customers.remove(row.id)
    assert await shop.names(since, "customers") == []
