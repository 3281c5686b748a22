"""The emulated Shopify Admin API: pages end, keep their order and have a limit."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

START = datetime(2026, 3, 1, tzinfo=UTC)


async def _walked(shop: Any, arguments: str, size: int) -> list[str]:
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
async def test_pages_end_and_hold_every_row_once(shop: Any, sort: str, reverse: bool) -> None:
    made = [shop.order(number).name for number in range(1001, 1008)]
    shop.order(1008, updated_at=START, created_at=START, processed_at=START)
    asked = f", sortKey: {sort}, reverse: {json.dumps(reverse)}"
    names = await _walked(shop, asked, 3)
    whole = await _walked(shop, asked, 250)
    assert names == whole
    assert sorted(names) == sorted([*made, "#1008"])
    if sort in ("ID", "ORDER_NUMBER"):
        assert names == sorted(names, reverse=reverse)


async def test_last_and_before_walk_backwards(shop: Any) -> None:
    for number in range(1001, 1006):
        shop.order(number)
    text = """query($b: String) { orders(last: 2, before: $b, sortKey: ID) {
      nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor } } }"""
    end = (await shop.data(text))["orders"]
    assert [row["name"] for row in end["nodes"]] == ["#1004", "#1005"]
    assert end["pageInfo"]["hasNextPage"] is False
    before = (await shop.data(text, b=end["pageInfo"]["startCursor"]))["orders"]
    assert [row["name"] for row in before["nodes"]] == ["#1002", "#1003"]
    assert before["pageInfo"]["hasNextPage"] is True
    assert before["pageInfo"]["hasPreviousPage"] is True


async def test_a_row_that_comes_between_two_pages_shifts_none(shop: Any) -> None:
    for number in (1001, 1003, 1005):
        shop.order(number)
    text = """query($a: String) { orders(first: 2, after: $a, sortKey: ORDER_NUMBER) {
      nodes { name } pageInfo { endCursor } } }"""
    first = (await shop.data(text))["orders"]
    shop.order(1002)
    second = (await shop.data(text, a=first["pageInfo"]["endCursor"]))["orders"]
    assert [row["name"] for row in second["nodes"]] == ["#1005"]


async def test_an_empty_connection_has_no_cursors(shop: Any) -> None:
    text = """{ customers(first: 5) {
      edges { cursor } pageInfo { startCursor endCursor hasNextPage } } }"""
    assert (await shop.data(text))["customers"] == {
        "edges": [],
        "pageInfo": {"startCursor": None, "endCursor": None, "hasNextPage": False},
    }


@pytest.mark.parametrize(
    "cursor", ["nonsense", "eyJ4IjoxfQ==", "eyJsYXN0X2lkIjoxLCJsYXN0X3ZhbHVlIjoiYSJ9"]
)
async def test_a_cursor_of_another_order_is_refused(shop: Any, cursor: str) -> None:
    shop.order(1001)
    answer = await shop.answer(
        "query($a: String) { orders(first: 2, after: $a) { nodes { id } } }", a=cursor
    )
    assert "Invalid cursor" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    "arguments", ["", "(first: 251)", "(last: 251)", "(first: -1)", "(first: 1, last: 1)"]
)
async def test_pages_have_one_size_and_at_most_250_rows(shop: Any, arguments: str) -> None:
    assert await shop.code(f"{{ orders{arguments} {{ nodes {{ id }} }} }}") == "BAD_REQUEST"


async def test_nodes_take_at_most_250_ids(shop: Any) -> None:
    text = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    ids = [f"gid://shopify/Customer/{number}" for number in range(1, 252)]
    assert await shop.code(text, ids=ids) == "MAX_INPUT_SIZE_EXCEEDED"
    assert len((await shop.data(text, ids=ids[:250]))["nodes"]) == 250


async def test_orders_of_a_customer_are_a_connection_of_their_own(shop: Any) -> None:
    ann, bob = shop.customer("Ann"), shop.customer("Bob")
    for number, owner in ((1001, ann), (1002, bob), (1003, ann)):
        shop.order(number, customer_id=owner.id)
    text = """{ customers(first: 2) { nodes { firstName numberOfOrders lastOrder { name }
      orders(first: 1, sortKey: PROCESSED_AT, reverse: true, query: "status:open") {
        nodes { name } pageInfo { hasNextPage } } } } }"""
    first, second = (await shop.data(text))["customers"]["nodes"]
    assert first["orders"] == {"nodes": [{"name": "#1003"}], "pageInfo": {"hasNextPage": True}}
    assert (first["numberOfOrders"], first["lastOrder"]) == ("2", {"name": "#1003"})
    assert second["orders"] == {"nodes": [{"name": "#1002"}], "pageInfo": {"hasNextPage": False}}
