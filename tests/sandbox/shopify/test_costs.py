"""The emulated Shopify Admin API: what queries cost, and what happens when points run out."""

from datetime import timedelta
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type

from sandbox.faults import Fault, FaultKind
from sandbox.gate import Gate
from sandbox.seed import build_world
from sandbox.shopify import STANDARD, VENDOR, build
from sandbox.shopify.graph import admin_schema
from sandbox.world import World


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
async def test_a_query_costs_what_the_vendor_counts(shop: Any, query: str, cost: int) -> None:
    told = (await shop.answer(query))["extensions"]["cost"]
    assert told["requestedQueryCost"] == cost
    assert told["actualQueryCost"] <= cost
    assert told["throttleStatus"]["maximumAvailable"] == STANDARD.maximum


async def test_what_was_not_found_is_not_charged(shop: Any) -> None:
    shop.customer("Ann", email="ann@example.com")
    text = "{ customers(first: 250) { nodes { defaultEmailAddress { emailAddress } } } }"
    cost = (await shop.answer(text))["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (24, 4)
    assert cost["throttleStatus"]["currentlyAvailable"] == STANDARD.maximum - 4


async def test_a_query_above_a_thousand_points_is_refused_unrun(shop: Any) -> None:
    text = """{ orders(first: 250) { nodes { customer { orders(first: 250) { nodes {
      lineItems(first: 250) { nodes { id } } } } } } } }"""
    answer = await shop.answer(text)
    error = answer["errors"][0]["extensions"]
    assert error["code"] == "MAX_COST_EXCEEDED"
    assert error["cost"] > error["maxCost"] == 1000
    assert "data" not in answer


async def test_an_empty_bucket_throttles_with_http_200_until_the_clock_restores_it(
    small_shop: Any, clock: Any
) -> None:
    for number in range(1001, 1031):
        small_shop.order(number)
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


async def test_the_bucket_never_holds_more_than_its_plan(small_shop: Any, clock: Any) -> None:
    clock.advance(timedelta(days=1))
    status = (await small_shop.answer("{ shop { id } }"))["extensions"]["cost"]["throttleStatus"]
    assert status == {"maximumAvailable": 100.0, "currentlyAvailable": 99, "restoreRate": 10.0}


async def test_a_fault_switch_answers_in_the_vendors_words(world: World, open_shop: Any) -> None:
    gate = Gate(build(world), VENDOR.dialect)
    gate.faults.add(Fault(kind=FaultKind.RATE_LIMITED, retry_after_s=2, count=1))
    async with open_shop(world, app=gate) as shop:
        assert await shop.code("{ shop { name } }") == "THROTTLED"
        assert await shop.data("{ shop { name } }")
        assert gate.calls.count("POST", shop.path) == 2


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


async def test_every_field_of_the_schema_can_be_read_from_the_seeded_world(open_shop: Any) -> None:
    kinds = admin_schema().type_map
    world = build_world(people=30)
    async with open_shop(world) as shop:
        for rows, kind in (("customers", "Customer"), ("orders", "Order")):
            text = f"{{ {rows}(first: 250) {{ nodes {{ {_selected(kinds[kind])} }} }} }}"
            found = (await shop.data(text))[rows]["nodes"]
            table = world.shop_customers if kind == "Customer" else world.orders
            assert len(found) == sum(1 for _ in table.live())
