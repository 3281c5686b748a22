"""The executable schema: `admin.graphql` with its roots, and every object bound to its fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Final

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
)

from sandbox.rows import ShopCustomer
from sandbox.shopify import fields
from sandbox.shopify.lists import customers, orders
from sandbox.shopify.request import Info, bare_id, gid, gid_parts, request_of

_SHOP: Final = {
    "id": gid("Shop", 68_800_123),
    "name": "Sandbox Shop",
    "email": "shop@example.com",
    "myshopifyDomain": "sandbox-shop.myshopify.com",
    "currencyCode": "GBP",
    "ianaTimezone": "Europe/London",
}


@cache
def admin_schema() -> GraphQLSchema:
    """The schema with its resolvers. KeyError where a table names what the schema has not."""
    schema = build_schema(files("sandbox.shopify").joinpath("admin.graphql").read_text("utf-8"))
    for type_name, resolvers in _RESOLVERS.items():
        kind = schema.type_map[type_name]
        if isinstance(kind, GraphQLObjectType):
            for name, resolver in resolvers.items():
                kind.fields[name].resolve = resolver
    moment, node = schema.type_map["DateTime"], schema.type_map["Node"]
    if isinstance(moment, GraphQLScalarType) and isinstance(node, GraphQLInterfaceType):
        moment.coerce_output_value = _instant
        node.resolve_type = _node_type
    return schema


def _instant(moment: datetime) -> str:
    """A time as the vendor writes it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _node_type(row: object, *_: object) -> str:
    return "Customer" if isinstance(row, ShopCustomer) else "Order"


def _node(_: object, info: Info, id: str) -> object:
    """A customer or an order; null for any other kind, which the emulator does not keep."""
    kind, number = gid_parts(id)
    if kind == "Customer":
        return request_of(info).customer(number)
    return request_of(info).order(number) if kind == "Order" else None


def _nodes(source: object, info: Info, ids: list[str]) -> list[object]:
    """In the order asked, null for what is not there."""
    return [_node(source, info, one) for one in ids]


def _customer_by(_: object, info: Info, identifier: Mapping[str, str]) -> ShopCustomer | None:
    request = request_of(info)
    if "id" in identifier:
        return request.customer(bare_id("Customer", identifier["id"]))
    name, value = next(iter(identifier.items()))
    column = "email" if name == "emailAddress" else "phone"
    asked = _squeezed(value)
    found = (
        row
        for row in request.world.shop_customers.live()
        if _squeezed(getattr(row, column) or "") == asked
    )
    return next(found, None) if asked else None


def _squeezed(text: str) -> str:
    return text.casefold().replace(" ", "")


_RESOLVERS: Final[Mapping[str, Mapping[str, fields.Resolver]]] = {
    "QueryRoot": {
        "shop": lambda _root, _info: _SHOP,
        "node": _node,
        "nodes": _nodes,
        "customer": lambda _root, info, id: request_of(info).customer(bare_id("Customer", id)),
        "customerByIdentifier": _customer_by,
        "customers": customers,
        "order": lambda _root, info, id: request_of(info).order(bare_id("Order", id)),
        "orders": orders,
    },
    "Customer": fields.CUSTOMER,
    "MailingAddress": fields.ADDRESS,
    "Order": fields.ORDER,
    "LineItem": fields.LINE_ITEM,
    "Fulfillment": fields.FULFILLMENT,
    "Location": fields.LOCATION,
    "MoneyBag": fields.MONEY_BAG,
    "MoneyV2": fields.MONEY,
    "CustomerConnection": fields.CONNECTION,
    "OrderConnection": fields.CONNECTION,
    "LineItemConnection": fields.CONNECTION,
}
