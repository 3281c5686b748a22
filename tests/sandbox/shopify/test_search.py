"""The emulated Shopify Admin API: what its search language finds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

START = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def searched(shop: Any) -> Any:
    """Six orders: 1001 and 1002 of Ann, 1003 of Bob, and the rest of nobody."""
    ann, bob = shop.customer("Ann"), shop.customer("Bob")
    shop.order(1001, customer_id=ann.id, email="ann@example.com")
    shop.order(1002, customer_id=ann.id, source_name="pos", closed_at=START)
    shop.order(1003, customer_id=bob.id, financial_status="REFUNDED")
    shop.order(1004, cancelled_at=START, fulfillment_status="PARTIALLY_FULFILLED")
    shop.order(1005, processed_at=START + timedelta(days=3))
    shop.order(1006, created_at=START + timedelta(days=1, seconds=1))
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
    searched: Any, query: str, numbers: list[int]
) -> None:
    assert await searched.names(query) == [f"#{number}" for number in _by_process(numbers)]


def _by_process(numbers: list[int]) -> list[int]:
    """Orders come by `processedAt`, and 1005 was processed last."""
    return sorted(numbers, key=lambda number: (number == 1005, number))


async def test_orders_of_many_customers_come_in_one_search(searched: Any) -> None:
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
    shop: Any, query: str, names: list[str]
) -> None:
    shop.customer("Ann Lee", email="ann.lee@example.com", phone="+44 7700 900001")
    shop.customer("Lee Ann", email="lee.ann@example.com", country_code="FR")
    later = START + timedelta(days=1)
    shop.customer("Bo Wang", email="bo@other.example", tags=("VIP",), created_at=later)
    assert await shop.names(query, "customers") == names


async def test_an_unknown_filter_is_left_out_with_a_warning(searched: Any) -> None:
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
async def test_a_search_that_cannot_be_read_is_an_error(shop: Any, query: str) -> None:
    text = "query($q: String) { orders(first: 1, query: $q) { nodes { id } } }"
    assert await shop.code(text, q=query) == "BAD_REQUEST"
