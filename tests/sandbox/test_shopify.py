"""The emulated Shopify Admin API: who may ask, how much at once, what a search finds."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from graphql import GraphQLObjectType, get_named_type

from sandbox.faults import Fault, FaultKind
from sandbox.gate import Gate
from sandbox.rows import Order, OrderLine, Shipment, ShopCustomer
from sandbox.seed import build_world
from sandbox.shopify import STANDARD, TOKEN, VENDOR, Plan, build
from sandbox.shopify.graph import admin_schema
from sandbox.world import World

PATH = "/admin/api/2026-07/graphql.json"
START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Shop:
    """A client of the emulator over one world."""

    world: World
    client: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=lambda: {"X-Shopify-Access-Token": TOKEN})

    async def post(self, body: object) -> httpx.Response:
        return await self.client.post(PATH, json=body, headers=self.headers)

    async def answer(self, query: str, **variables: object) -> dict[str, Any]:
        response = await self.post({"query": query, "variables": variables})
        assert response.status_code == 200
        return response.json()

    async def data(self, query: str, **variables: object) -> Any:
        answer = await self.answer(query, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    async def code(self, query: str, **variables: object) -> str:
        return (await self.answer(query, **variables))["errors"][0]["extensions"]["code"]

    async def names(self, query: str, kind: str = "orders") -> list[str]:
        shown = "name" if kind == "orders" else "displayName"
        text = (
            f"query($q: String) {{ rows: {kind}(first: 250, query: $q) {{ nodes {{ {shown} }} }} }}"
        )
        rows = (await self.data(text, q=query))["rows"]["nodes"]
        return [row[shown] for row in rows]


@pytest.fixture
def world(clock: Any) -> World:
    clock.set(START + timedelta(days=30))
    return World(clock=clock.now)


@pytest.fixture
async def shop(world: World) -> AsyncIterator[Shop]:
    async with _client(world) as client:
        yield Shop(world, client)


@pytest.fixture
async def small_shop(world: World) -> AsyncIterator[Shop]:
    """A shop whose bucket holds 100 points and restores 10 a second."""
    async with _client(world, Plan(10.0, 100.0)) as client:
        yield Shop(world, client)


def _client(world: World, plan: Plan = STANDARD) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=build(world, plan=plan))
    return httpx.AsyncClient(transport=transport, base_url="http://shop")


def _customer(world: World, name: str, **values: Any) -> ShopCustomer:
    first, _, last = name.partition(" ")
    times = {"created_at": START, "updated_at": START}
    row = ShopCustomer(
        id=world.shop_customers.next_id(),
        **{**times, "first_name": first, "last_name": last or None, **values},
    )
    return world.shop_customers.add(row)


def _order(world: World, number: int, **values: Any) -> Order:
    at = START + timedelta(hours=number - 1000)
    defaults = {
        "created_at": at,
        "updated_at": at,
        "processed_at": at,
        "name": f"#{number}",
        "customer_id": None,
        "currency": "GBP",
        "total": Decimal("20.00"),
        "financial_status": "PAID",
        "fulfillment_status": "UNFULFILLED",
    }
    return world.orders.add(Order(id=world.orders.next_id(), **{**defaults, **values}))


# ---------------------------------------------------------------- who may ask, and how


@pytest.mark.parametrize("headers", [{}, {"X-Shopify-Access-Token": "shpat_wrong"}])
async def test_a_missing_or_wrong_token_is_refused_in_the_vendors_words(
    shop: Shop, headers: dict[str, str]
) -> None:
    shop.headers = headers
    response = await shop.post({"query": "{ shop { name } }"})
    assert response.status_code == 401
    assert response.json() == VENDOR.dialect.unauthorized().body


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b'{"query": 1}', b"\xff"])
async def test_a_body_without_a_query_is_a_bad_request(shop: Shop, content: bytes) -> None:
    response = await shop.client.post(PATH, content=content, headers=shop.headers)
    assert response.status_code == 400
    assert "query" in response.json()["errors"]


async def test_another_api_version_is_not_served(shop: Shop) -> None:
    path = PATH.replace("2026-07", "2019-04")
    response = await shop.client.post(path, json={"query": "{ shop { name } }"})
    assert response.status_code == 404


async def test_an_answer_names_its_api_version(shop: Shop) -> None:
    response = await shop.post({"query": "{ shop { myshopifyDomain } }"})
    assert response.headers["x-shopify-api-version"] == "2026-07"


@pytest.mark.parametrize(
    "query", ["{ customer(", "{ customer(id: 1) { nickname } }", "mutation { customerDelete }"]
)
async def test_what_the_schema_does_not_allow_is_answered_with_errors_and_http_200(
    shop: Shop, query: str
) -> None:
    answer = await shop.answer(query)
    assert answer["errors"][0]["message"]
    assert "data" not in answer


async def test_variables_of_a_wrong_type_are_refused(shop: Shop) -> None:
    answer = await shop.answer("query($n: Int!) { customers(first: $n) { nodes { id } } }", n="x")
    assert "errors" in answer
    assert "data" not in answer


# ---------------------------------------------------------------- one customer, one order


async def test_a_customer_is_found_by_id_email_and_phone(shop: Shop) -> None:
    row = _customer(shop.world, "Ann Lee", email="Ann@Example.com", phone="+447700900001")
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


async def test_nodes_answer_in_the_order_asked_with_null_for_what_is_missing(shop: Shop) -> None:
    ann, bob = _customer(shop.world, "Ann"), _customer(shop.world, "Bob")
    order = _order(shop.world, 1001)
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


async def test_ids_of_another_kind_and_no_ids_at_all_are_errors(shop: Shop) -> None:
    assert (
        await shop.code('{ customer(id: "gid://shopify/Order/1") { id } }') == "RESOURCE_NOT_FOUND"
    )
    assert await shop.code('{ node(id: "12345") { id } }') == "argumentLiteralsIncompatible"


async def test_an_order_shows_its_lines_shipments_and_money(shop: Shop) -> None:
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
    ann = _customer(shop.world, "Ann")
    _order(
        shop.world,
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


async def test_a_change_in_the_world_is_seen_in_the_next_answer(shop: Shop, clock: Any) -> None:
    row = _customer(shop.world, "Ann Lee")
    before = clock.now()
    clock.advance(timedelta(minutes=5))
    shop.world.shop_customers.change(row.id, last_name="Low")
    since = f"updated_at:>'{before:%Y-%m-%dT%H:%M:%SZ}'"
    assert await shop.names(since, "customers") == ["Ann Low"]
    shop.world.shop_customers.remove(row.id)
    assert await shop.names(since, "customers") == []


# ---------------------------------------------------------------- pages


async def _walked(shop: Shop, arguments: str, size: int) -> list[str]:
    """Every name, page by page, until the connection says it ends."""
    names: list[str] = []
    cursor: str | None = None
    text = f"""query($n: Int, $after: String) {{ orders(first: $n, after: $after {arguments}) {{
      edges {{ cursor node {{ name }} }}
      pageInfo {{ hasNextPage hasPreviousPage endCursor }} }} }}"""
    for page in range(100):
        orders = (await shop.data(text, n=size, after=cursor))["orders"]
        assert orders["pageInfo"]["hasPreviousPage"] is (page > 0)
        names += [edge["node"]["name"] for edge in orders["edges"]]
        cursor = orders["pageInfo"]["endCursor"]
        if not orders["pageInfo"]["hasNextPage"]:
            return names
        assert cursor == orders["edges"][-1]["cursor"]
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("sort", ["ID", "CREATED_AT", "UPDATED_AT", "PROCESSED_AT", "ORDER_NUMBER"])
@pytest.mark.parametrize("reverse", [False, True])
async def test_pages_end_and_hold_every_row_once(shop: Shop, sort: str, reverse: bool) -> None:
    made = [_order(shop.world, number).name for number in range(1001, 1008)]
    _order(shop.world, 1008, updated_at=START, created_at=START, processed_at=START)
    asked = f", sortKey: {sort}, reverse: {json.dumps(reverse)}"
    names = await _walked(shop, asked, 3)
    whole = await _walked(shop, asked, 250)
    assert names == whole
    assert sorted(names) == sorted([*made, "#1008"])
    if sort in ("ID", "ORDER_NUMBER"):
        assert names == sorted(names, reverse=reverse)


async def test_last_and_before_walk_backwards(shop: Shop) -> None:
    for number in range(1001, 1006):
        _order(shop.world, number)
    text = """query($b: String) { orders(last: 2, before: $b, sortKey: ID) {
      nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor } } }"""
    end = (await shop.data(text))["orders"]
    assert [row["name"] for row in end["nodes"]] == ["#1004", "#1005"]
    assert end["pageInfo"]["hasNextPage"] is False
    before = (await shop.data(text, b=end["pageInfo"]["startCursor"]))["orders"]
    assert [row["name"] for row in before["nodes"]] == ["#1002", "#1003"]
    assert before["pageInfo"]["hasNextPage"] is True
    assert before["pageInfo"]["hasPreviousPage"] is True


async def test_a_row_that_comes_between_two_pages_shifts_none(shop: Shop) -> None:
    for number in (1001, 1003, 1005):
        _order(shop.world, number)
    text = """query($a: String) { orders(first: 2, after: $a, sortKey: ORDER_NUMBER) {
      nodes { name } pageInfo { endCursor } } }"""
    first = (await shop.data(text))["orders"]
    _order(shop.world, 1002)
    second = (await shop.data(text, a=first["pageInfo"]["endCursor"]))["orders"]
    assert [row["name"] for row in second["nodes"]] == ["#1005"]


async def test_an_empty_connection_has_no_cursors(shop: Shop) -> None:
    text = """{ customers(first: 5) {
      edges { cursor } pageInfo { startCursor endCursor hasNextPage } } }"""
    assert (await shop.data(text))["customers"] == {
        "edges": [],
        "pageInfo": {"startCursor": None, "endCursor": None, "hasNextPage": False},
    }


@pytest.mark.parametrize(
    "cursor", ["nonsense", "eyJ4IjoxfQ==", "eyJsYXN0X2lkIjoxLCJsYXN0X3ZhbHVlIjoiYSJ9"]
)
async def test_a_cursor_of_another_order_is_refused(shop: Shop, cursor: str) -> None:
    _order(shop.world, 1001)
    answer = await shop.answer(
        "query($a: String) { orders(first: 2, after: $a) { nodes { id } } }", a=cursor
    )
    assert "Invalid cursor" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    "arguments", ["", "(first: 251)", "(last: 251)", "(first: -1)", "(first: 1, last: 1)"]
)
async def test_pages_have_one_size_and_at_most_250_rows(shop: Shop, arguments: str) -> None:
    assert await shop.code(f"{{ orders{arguments} {{ nodes {{ id }} }} }}") == "BAD_REQUEST"


async def test_nodes_take_at_most_250_ids(shop: Shop) -> None:
    text = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    ids = [f"gid://shopify/Customer/{number}" for number in range(1, 252)]
    assert await shop.code(text, ids=ids) == "MAX_INPUT_SIZE_EXCEEDED"
    assert len((await shop.data(text, ids=ids[:250]))["nodes"]) == 250


async def test_orders_of_a_customer_are_a_connection_of_their_own(shop: Shop) -> None:
    ann, bob = _customer(shop.world, "Ann"), _customer(shop.world, "Bob")
    for number, owner in ((1001, ann), (1002, bob), (1003, ann)):
        _order(shop.world, number, customer_id=owner.id)
    text = """{ customers(first: 2) { nodes { firstName numberOfOrders lastOrder { name }
      orders(first: 1, sortKey: PROCESSED_AT, reverse: true, query: "status:open") {
        nodes { name } pageInfo { hasNextPage } } } } }"""
    first, second = (await shop.data(text))["customers"]["nodes"]
    assert first["orders"] == {"nodes": [{"name": "#1003"}], "pageInfo": {"hasNextPage": True}}
    assert (first["numberOfOrders"], first["lastOrder"]) == ("2", {"name": "#1003"})
    assert second["orders"] == {"nodes": [{"name": "#1002"}], "pageInfo": {"hasNextPage": False}}


# ---------------------------------------------------------------- the search language


@pytest.fixture
def searched(shop: Shop) -> Shop:
    """Six orders: 1001 and 1002 of Ann, 1003 of Bob, and the rest of nobody."""
    ann, bob = _customer(shop.world, "Ann"), _customer(shop.world, "Bob")
    world = shop.world
    _order(world, 1001, customer_id=ann.id, email="ann@example.com")
    _order(world, 1002, customer_id=ann.id, source_name="pos", closed_at=START)
    _order(world, 1003, customer_id=bob.id, financial_status="REFUNDED")
    _order(world, 1004, cancelled_at=START, fulfillment_status="PARTIALLY_FULFILLED")
    _order(world, 1005, processed_at=START + timedelta(days=3))
    _order(world, 1006, created_at=START + timedelta(days=1, seconds=1))
    return shop


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("", [1001, 1002, 1003, 1004, 1005, 1006]),
        ("name:#1001", [1001]),
        ("name:1001", [1001]),
        ('name:"#1001" OR name:1003', [1001, 1003]),
        ("source_name:pos", [1002]),
        ("-source_name:pos", [1001, 1003, 1004, 1005, 1006]),
        ("NOT source_name:pos name:1002", []),
        ("email:ANN@example.com", [1001]),
        ("email:example.com", []),
        ("financial_status:refunded OR fulfillment_status:partial", [1003, 1004]),
        ("financial_status:refunded,paid status:cancelled", [1004]),
        ("status:closed", [1002]),
        ("status:open name:1001 OR name:1002", [1001, 1002]),
        ("status:open AND (name:1001 OR name:1002)", [1001]),
        ("processed_at:>'2026-03-03T00:00:00Z'", [1005]),
        ("processed_at:>=2026-03-04", [1005]),
        ("processed_at:<=2026-03-03", [1001, 1002, 1003, 1004, 1006]),
        ("processed_at:>2026", []),
        ("created_at:<='2026-03-01T02:00:00Z'", [1001, 1002]),
        ("created_at:<'2026-03-01T02:00:00Z'", [1001]),
        ("created_at:2026-03-01", [1001, 1002, 1003, 1004, 1005]),
        ("created_at:'2026-03-01T23:00:00Z'", [1001, 1002, 1003, 1004, 1005]),
        ("created_at:'2026-03-02..2026-03-05'", [1006]),
        ("created_at: >='2026-03-02' created_at:<now", [1006]),
        ("1003", [1003]),
    ],
)
async def test_orders_are_found_by_the_search_language(
    searched: Shop, query: str, numbers: list[int]
) -> None:
    assert await searched.names(query) == [f"#{number}" for number in _by_process(numbers)]


def _by_process(numbers: list[int]) -> list[int]:
    """Orders come by `processedAt`, and 1005 was processed last."""
    return sorted(numbers, key=lambda number: (number == 1005, number))


async def test_orders_of_many_customers_come_in_one_search(searched: Shop) -> None:
    rows = list(searched.world.shop_customers.live())
    query = " OR ".join(f"customer_id:{row.id}" for row in rows)
    assert await searched.names(query) == ["#1001", "#1002", "#1003"]
    ids = [row.id for row in searched.world.orders.live()]
    assert await searched.names(f"id:>={ids[4]}") == ["#1006", "#1005"]
    assert await searched.names(f"id:{ids[0]} OR id:{ids[2]}") == ["#1001", "#1003"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('email:"ann.lee@example.com"', ["Ann Lee"]),
        ('email:"ANN.LEE@EXAMPLE.COM" OR email:"bo@other.example"', ["Ann Lee", "Bo Wang"]),
        ("email:ann.lee@example.com", ["Ann Lee", "Lee Ann"]),
        ("email:example.com", ["Ann Lee", "Lee Ann"]),
        ("email:*", ["Ann Lee", "Lee Ann", "Bo Wang"]),
        ("phone:+447700900001", ["Ann Lee"]),
        ("phone:'+44 7700 900001'", ["Ann Lee"]),
        ("first_name:ann", ["Ann Lee"]),
        ("last_name:wan*", ["Bo Wang"]),
        ("ann lee", ["Ann Lee", "Lee Ann"]),
        ("tag:vip", ["Bo Wang"]),
        ("tag_not:vip", ["Ann Lee", "Lee Ann"]),
        ("customer_date:>=2026-03-02", ["Bo Wang"]),
        ("country:FR", ["Lee Ann"]),
    ],
)
async def test_customers_are_found_by_the_search_language(
    shop: Shop, query: str, names: list[str]
) -> None:
    world = shop.world
    _customer(world, "Ann Lee", email="ann.lee@example.com", phone="+44 7700 900001")
    _customer(world, "Lee Ann", email="lee.ann@example.com", country_code="FR")
    later = START + timedelta(days=1)
    _customer(world, "Bo Wang", email="bo@other.example", tags=("VIP",), created_at=later)
    assert await shop.names(query, "customers") == names


async def test_an_unknown_filter_is_left_out_with_a_warning(searched: Shop) -> None:
    text = '{ orders(first: 1, query: "nickname:x created_at:soon name:1001") { nodes { name } } }'
    answer = await searched.answer(text)
    assert answer["data"]["orders"]["nodes"] == [{"name": "#1001"}]
    (note,) = answer["extensions"]["search"]
    assert note["path"] == ["orders"]
    assert [(one["field"], one["code"]) for one in note["warnings"]] == [
        ("nickname", "invalid_field"),
        ("created_at", "invalid_value"),
    ]


@pytest.mark.parametrize("query", ["(name:1", "name:1)", "name:1 OR", "'open", "AND name:1"])
async def test_a_search_that_cannot_be_read_is_an_error(shop: Shop, query: str) -> None:
    text = "query($q: String) { orders(first: 1, query: $q) { nodes { id } } }"
    assert await shop.code(text, q=query) == "BAD_REQUEST"


# ---------------------------------------------------------------- costs and the bucket


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        # The first five are shapes with published answers of API 2025-07.
        ("{ customers(first: 1) { edges { node { id } } } }", 3),
        ("{ customers(first: 200) { pageInfo { hasNextPage } edges { cursor node { id } } } }", 12),
        ("{ orders(first: 250) { nodes { customer { id } } } }", 24),
        ('{ order(id: "gid://shopify/Order/1") { lineItems(first: 10) { nodes { id } } } }', 7),
        ('{ order(id: "gid://shopify/Order/1") { totalPriceSet { shopMoney { amount } } } }', 1),
        ("{ shop { name } }", 1),
        ("{ shop { name } more: shop { name } shop { id } }", 2),
        ("{ shop { name } shop @skip(if: true) { id } two: shop @include(if: false) { id } }", 1),
        ('{ nodes(ids: ["gid://shopify/Order/1", "gid://shopify/Order/2"]) { id } }', 2),
        (
            '{ node(id: "gid://shopify/Order/1") { ...on Order { customer { id } }'
            " ...on Customer { firstName } } }",
            2,
        ),
        ("query A { customers(first: 3) { ...C } } fragment C on CustomerConnection "
         "{ nodes { defaultAddress { city } defaultEmailAddress { emailAddress } } }", 8),
    ],
)  # fmt: skip
async def test_a_query_costs_what_the_vendor_counts(shop: Shop, query: str, cost: int) -> None:
    told = (await shop.answer(query))["extensions"]["cost"]
    assert told["requestedQueryCost"] == cost
    assert told["actualQueryCost"] <= cost
    assert told["throttleStatus"]["maximumAvailable"] == STANDARD.maximum


async def test_what_was_not_found_is_not_charged(shop: Shop) -> None:
    _customer(shop.world, "Ann", email="ann@example.com")
    text = "{ customers(first: 250) { nodes { defaultEmailAddress { emailAddress } } } }"
    cost = (await shop.answer(text))["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (24, 4)
    assert cost["throttleStatus"]["currentlyAvailable"] == STANDARD.maximum - 4


async def test_a_query_above_a_thousand_points_is_refused_unrun(shop: Shop) -> None:
    text = """{ orders(first: 250) { nodes { customer { orders(first: 250) { nodes {
      lineItems(first: 250) { nodes { id } } } } } } } }"""
    answer = await shop.answer(text)
    error = answer["errors"][0]["extensions"]
    assert error["code"] == "MAX_COST_EXCEEDED"
    assert error["cost"] > error["maxCost"] == 1000
    assert "data" not in answer


async def test_an_empty_bucket_throttles_with_http_200_until_the_clock_restores_it(
    small_shop: Shop, clock: Any
) -> None:
    for number in range(1001, 1031):
        _order(small_shop.world, number)
    text = (
        "{ orders(first: 30) { nodes { customer { id } lineItems(first: 5) { nodes { id } } } } }"
    )
    asked = 0
    while "errors" not in (answer := await small_shop.answer(text)):
        asked += 1
    assert asked >= 2
    assert answer["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in answer
    cost = answer["extensions"]["cost"]
    assert cost["actualQueryCost"] is None
    missing = cost["requestedQueryCost"] - cost["throttleStatus"]["currentlyAvailable"]
    clock.advance(timedelta(seconds=missing / cost["throttleStatus"]["restoreRate"]))
    assert "errors" not in await small_shop.answer(text)


async def test_the_bucket_never_holds_more_than_its_plan(small_shop: Shop, clock: Any) -> None:
    clock.advance(timedelta(days=1))
    status = (await small_shop.answer("{ shop { id } }"))["extensions"]["cost"]["throttleStatus"]
    assert status == {"maximumAvailable": 100.0, "currentlyAvailable": 99, "restoreRate": 10.0}


async def test_a_fault_switch_answers_in_the_vendors_words(world: World) -> None:
    gate = Gate(build(world), VENDOR.dialect)
    gate.faults.add(Fault(kind=FaultKind.RATE_LIMITED, retry_after_s=2, count=1))
    transport = httpx.ASGITransport(app=gate)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        shop = Shop(world, client)
        assert await shop.code("{ shop { name } }") == "THROTTLED"
        assert await shop.data("{ shop { name } }")
    assert gate.calls.count("POST", PATH) == 2


def test_a_switched_on_rate_limit_speaks_of_the_wait_it_was_given() -> None:
    answer = VENDOR.dialect.rate_limited(3)
    assert answer.status == 200
    cost = answer.body["extensions"]["cost"]
    status = cost["throttleStatus"]
    wait = (cost["requestedQueryCost"] - status["currentlyAvailable"]) / status["restoreRate"]
    assert wait == 3
    assert VENDOR.dialect.broken().status == 500


def _selected(kind: GraphQLObjectType, seen: frozenset[str] = frozenset()) -> str:
    """Every field of a type and of what is below it, each type once on a path."""
    parts = ["__typename"]
    for name, shown in kind.fields.items():
        named = get_named_type(shown.type)
        if named.name in seen:
            continue
        sized = "(first: 2)" if "first" in shown.args else ""
        below = ""
        if isinstance(named, GraphQLObjectType):
            below = f" {{ {_selected(named, seen | {kind.name, named.name})} }}"
        parts.append(f"{name}{sized}{below}")
    return " ".join(parts)


async def test_every_field_of_the_schema_can_be_read_from_the_seeded_world() -> None:
    kinds = admin_schema().type_map
    world = build_world(people=30)
    async with _client(world) as client:
        shop = Shop(world, client)
        for rows, kind in (("customers", "Customer"), ("orders", "Order")):
            text = f"{{ {rows}(first: 250) {{ nodes {{ {_selected(kinds[kind])} }} }} }}"
            found = (await shop.data(text))[rows]["nodes"]
            table = world.shop_customers if kind == "Customer" else world.orders
            assert len(found) == sum(1 for _ in table.live())
