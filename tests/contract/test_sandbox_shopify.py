"""The emulated Shopify Admin API against the vendor's published schema.

Field by field: what the emulator's schema has, the vendor's has too, with the same type,
nullability, arguments and defaults. Then its answers: each is checked against the vendor's types.
"""

import copy
import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    get_named_type,
    is_leaf_type,
    parse,
    print_ast,
    validate,
)

from sandbox.seed import build_world
from sandbox.shopify import TOKEN, build
from sandbox.shopify.graph import admin_schema
from sandbox.world import World

pytestmark = pytest.mark.contract

PATH = "/admin/api/2026-07/graphql.json"
# Arguments of the vendor's that the emulator does not take, each with its reason.
LEFT_OUT = {
    "QueryRoot.orders.savedSearchId": "the emulated shop keeps no saved searches",
    "Order.fulfillments.query": "nothing asks for some of an order's fulfillments",
}
SCALARS = {
    "ID": r"gid://shopify/\w+/[\w-]+(\?\w+=\w+)?",
    "DateTime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "Decimal": r"-?\d+\.\d+",
    "UnsignedInt64": r"\d+",
    "URL": r"https?://\S+",
}


@pytest.fixture(scope="module")
def vendor() -> GraphQLSchema:
    shared = Path(os.environ.get("KNOWNAS_SHARED") or Path(__file__).parents[2] / "../shared")
    text = (shared / "specs/shopify/admin-2026-07.graphql").read_text("utf-8")
    return build_schema(text, assume_valid=True)


@pytest.fixture(scope="module")
def ours() -> GraphQLSchema:
    return admin_schema()


def _difference(ours: GraphQLSchema, vendor: GraphQLSchema) -> list[str]:
    """Every place where the emulator says something the vendor does not."""
    return [
        problem
        for name, kind in ours.type_map.items()
        if not name.startswith("__")
        for problem in _type_difference(kind, vendor.type_map.get(name))
    ]


def _type_difference(ours: Any, vendor: Any) -> Iterator[str]:
    if type(ours) is not type(vendor):
        yield f"{ours}: {type(ours).__name__} is {type(vendor).__name__} there"
        return
    if isinstance(ours, GraphQLEnumType):
        yield from (f"{ours}.{value}" for value in ours.values if value not in vendor.values)
    if isinstance(ours, GraphQLObjectType | GraphQLInterfaceType):
        theirs = {interface.name for interface in vendor.interfaces}
        yield from (f"{ours} implements {i}" for i in ours.interfaces if i.name not in theirs)
    if isinstance(ours, GraphQLInputObjectType) and ours.is_one_of != vendor.is_one_of:
        yield f"{ours} @oneOf"
    for name, field in getattr(ours, "fields", {}).items():
        yield from _field_difference(f"{ours}.{name}", field, vendor.fields.get(name))


def _field_difference(place: str, ours: Any, vendor: Any) -> Iterator[str]:
    if vendor is None or str(ours.type) != str(vendor.type):
        yield f"{place}: {ours.type} is {vendor and vendor.type} there"
        return
    theirs = getattr(vendor, "args", {})
    for name, argument in getattr(ours, "args", {}).items():
        there = theirs.get(name)
        if there is None or str(argument.type) != str(there.type):
            yield f"{place}({name}: {argument.type}) is {there and there.type} there"
        elif _default(argument) != _default(there):
            yield f"{place}({name}) has another default"
    missing = {f"{place}.{name}" for name in theirs.keys() - getattr(ours, "args", {}).keys()}
    yield from sorted(missing - LEFT_OUT.keys())


def _default(argument: Any) -> str | None:
    literal = argument.default and argument.default.literal
    return literal and print_ast(literal)


def test_every_type_field_argument_and_value_is_the_vendors(
    ours: GraphQLSchema, vendor: GraphQLSchema
) -> None:
    assert _difference(ours, vendor) == []


def test_every_argument_left_out_is_one_the_vendor_has(vendor: GraphQLSchema) -> None:
    for place in LEFT_OUT:
        kind, field, argument = place.split(".")
        assert argument in vendor.type_map[kind].fields[field].args


@pytest.mark.parametrize(
    ("ours", "vendors"),
    [
        ("name: String!\n  number", "name: String\n  number"),
        ("displayName: String!\n  email", "displayNames: String!\n  email"),
        ("tags: [String!]!\n  lineItems", "tags: [String]!\n  lineItems"),
        ("sortKey: OrderSortKeys = PROCESSED_AT", "sortKey: OrderSortKeys = ID"),
        ("fulfillments(first: Int)", "fulfillments(first: Int, query: Int)"),
        ("INSPECTION_COMPLETE", "INSPECTED"),
        ("@oneOf", ""),
        (
            "type MailingAddress implements Node",
            "type MailingAddress implements LegacyInteroperability & Node",
        ),
        ("scalar Decimal", "scalar HTML scalar Decimal scalar Figure"),
    ],
)
def test_the_comparison_finds_a_difference(vendor: GraphQLSchema, ours: str, vendors: str) -> None:
    text = (Path(__file__).parents[2] / "sandbox/shopify/admin.graphql").read_text("utf-8")
    assert ours in text
    bent = build_schema(text.replace(ours, vendors, 1), assume_valid=True)
    assert _difference(bent, vendor)


# ---------------------------------------------------------------- the answers


def _problems(
    schema: GraphQLSchema, kind: GraphQLObjectType, selections: SelectionSetNode, shown: Any
) -> Iterator[str]:
    """Where an object of the answer is not what the vendor's schema lets it be."""
    expected: dict[str, tuple[Any, FieldNode]] = {}
    for node in selections.selections:
        if isinstance(node, FieldNode) and not node.name.value.startswith("__"):
            key = node.alias.value if node.alias else node.name.value
            expected[key] = (kind.fields[node.name.value].type, node)
        elif isinstance(node, InlineFragmentNode) and _is_about(node, kind):
            yield from _problems(schema, kind, node.selection_set, shown)
    for key, (asked, node) in expected.items():
        if key not in shown:
            yield f"{kind}.{key} is missing"
        else:
            yield from (f"{kind}.{key}: {p}" for p in _value(schema, asked, node, shown[key]))


def _is_about(node: InlineFragmentNode, kind: GraphQLObjectType) -> bool:
    return node.type_condition is None or node.type_condition.name.value == kind.name


def _value(schema: GraphQLSchema, asked: Any, node: FieldNode, shown: Any) -> Iterator[str]:
    if isinstance(asked, GraphQLNonNull):
        if shown is None:
            yield "null"
            return
        asked = asked.of_type
    if shown is None:
        return
    if isinstance(asked, GraphQLList):
        if not isinstance(shown, list):
            yield f"{shown!r} is no list"
            return
        for item in shown:
            yield from _value(schema, asked.of_type, node, item)
    elif is_leaf_type(asked):
        if not _is_leaf(asked, shown):
            yield f"{shown!r} is no {asked}"
    elif not isinstance(shown, Mapping):
        yield f"{shown!r} is no {asked}"
    else:
        named = asked if isinstance(asked, GraphQLObjectType) else None
        named = named or schema.type_map[shown["__typename"]]
        assert node.selection_set is not None
        yield from _problems(schema, named, node.selection_set, shown)


def _is_leaf(asked: Any, shown: Any) -> bool:
    if isinstance(asked, GraphQLEnumType):
        return shown in asked.values
    if asked.name in SCALARS:
        return isinstance(shown, str) and re.fullmatch(SCALARS[asked.name], shown) is not None
    expected = {"String": str, "Boolean": bool, "Int": int, "Float": float}[asked.name]
    return type(shown) is expected


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation


def _selected(kind: GraphQLObjectType, seen: frozenset[str] = frozenset()) -> str:
    """Every field of a type of ours and of what is below it, each type once on a path."""
    parts = []
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


def _everything(ours: GraphQLSchema) -> dict[str, str]:
    """Queries that together read every field from every row, every way there is to it."""
    customer, order = (_selected(ours.type_map[name]) for name in ("Customer", "Order"))
    return {
        "customers": f"{{ customers(first: 250) {{ edges {{ cursor node {{ {customer} }} }} }} }}",
        "orders": f"""{{ orders(first: 250, sortKey: UPDATED_AT, reverse: true) {{
            nodes {{ {order} }} pageInfo {{ startCursor endCursor hasNextPage }} }} }}""",
        "shop": f"{{ shop {{ {_selected(ours.type_map['Shop'])} }} }}",
        "missing": """{ order(id: "gid://shopify/Order/1") { id }
            customer(id: "gid://shopify/Customer/1") { id }
            nodes(ids: ["gid://shopify/Customer/1"]) { id __typename } }""",
        "identifier": """{ customerByIdentifier(identifier: {emailAddress: "a@b.example"}) {
            ...on Customer { id } } }""",
    }


@pytest.fixture(scope="module")
def world() -> World:
    """Read by these tests, changed by none."""
    return build_world()


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=build(world))
    headers = {"X-Shopify-Access-Token": TOKEN}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://shop", headers=headers
    ) as client:
        yield client


@pytest.mark.parametrize("name", ["customers", "orders", "shop", "missing", "identifier"])
async def test_queries_are_valid_there_and_answers_have_the_vendors_types(
    client: httpx.AsyncClient, ours: GraphQLSchema, vendor: GraphQLSchema, name: str
) -> None:
    query = _everything(ours)[name]
    document = parse(query)
    assert validate(vendor, document) == []
    answer = (await client.post(PATH, json={"query": query})).json()
    assert "errors" not in answer
    root = vendor.query_type
    assert root is not None
    selections = _operation(document).selection_set
    assert list(_problems(vendor, root, selections, answer["data"])) == []


async def test_nodes_answer_with_the_fields_of_their_type(
    client: httpx.AsyncClient, vendor: GraphQLSchema
) -> None:
    listed = "{ customers(first: 2) { nodes { id } } orders(first: 2) { nodes { id } } }"
    data = (await client.post(PATH, json={"query": listed})).json()["data"]
    ids = [row["id"] for rows in ("customers", "orders") for row in data[rows]["nodes"]]
    query = """query($ids: [ID!]!) { nodes(ids: $ids) { __typename id
      ...on Customer { displayName updatedAt defaultEmailAddress { emailAddress } }
      ...on Order { name processedAt totalPriceSet { shopMoney { amount currencyCode } } } } }"""
    document = parse(query)
    assert validate(vendor, document) == []
    answer = (await client.post(PATH, json={"query": query, "variables": {"ids": ids}})).json()
    assert [row["id"] for row in answer["data"]["nodes"]] == ids
    root = vendor.query_type
    assert root is not None
    selections = _operation(document).selection_set
    assert list(_problems(vendor, root, selections, answer["data"])) == []


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("name",), 1001),
        (("name",), None),
        (("number",), "1001"),
        (("createdAt",), "2026-03-01 10:00"),
        (("createdAt",), 1772323200),
        (("closed",), 0),
        (("displayFulfillmentStatus",), "SENT"),
        (("totalPriceSet", "shopMoney", "amount"), 19.99),
        (("totalPriceSet", "shopMoney", "amount"), "19,99"),
        (("totalPriceSet",), None),
        (("lineItems", "nodes", 0, "quantity"), 1.5),
        (("lineItems", "nodes"), {}),
        (("legacyResourceId",), 5501),
        (("tags",), None),
    ],
)
async def test_the_judge_refuses_a_wrong_value(
    client: httpx.AsyncClient,
    ours: GraphQLSchema,
    vendor: GraphQLSchema,
    path: tuple[str | int, ...],
    wrong: object,
) -> None:
    query = _everything(ours)["orders"].replace("first: 250", "first: 1")
    data = copy.deepcopy((await client.post(PATH, json={"query": query})).json()["data"])
    holder: Any = data["orders"]["nodes"][0]
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = wrong
    root = vendor.query_type
    assert root is not None
    assert list(_problems(vendor, root, _operation(parse(query)).selection_set, data))


async def test_amounts_and_times_are_numbers_and_moments(client: httpx.AsyncClient) -> None:
    query = """{ orders(first: 250) { nodes { updatedAt createdAt
      totalPriceSet { shopMoney { amount } } currentTotalPriceSet { shopMoney { amount } } } } }"""
    rows = (await client.post(PATH, json={"query": query})).json()["data"]["orders"]["nodes"]
    assert rows
    for row in rows:
        assert datetime.fromisoformat(row["updatedAt"]) >= datetime.fromisoformat(row["createdAt"])
        amounts = [Decimal(row[name]["shopMoney"]["amount"]) for name in _AMOUNTS]
        assert amounts == sorted(amounts)
        assert amounts[0] >= 0


_AMOUNTS = ("currentTotalPriceSet", "totalPriceSet")
