"""The lists of customers and orders: searched, sorted, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from graphql import GraphQLError

from sandbox.rows import Order, ShopCustomer
from sandbox.shopify.filters import (
    TextField,
    customer_default,
    customer_filters,
    order_default,
    order_filters,
)
from sandbox.shopify.pages import BadCursor, Key, Page, Slice, page
from sandbox.shopify.request import Info, SearchNote, request_of
from sandbox.shopify.search import Field, SyntaxProblem, compiled, parse


def customers(
    _: object, info: Info, sortKey: str, query: str | None = None, **asked: Any
) -> Page[ShopCustomer]:
    world = request_of(info).world
    rows = _searched(
        info,
        world.shop_customers.live(),
        query,
        customer_filters(world.now),
        TextField(customer_default),
    )
    return paged(rows, CUSTOMER_KEYS[sortKey], asked)


def orders(
    source: object, info: Info, sortKey: str, query: str | None = None, **asked: Any
) -> Page[Order]:
    """All orders, or those of the customer it is asked on."""
    request = request_of(info)
    rows: Iterable[Order] = request.world.orders.live()
    if isinstance(source, ShopCustomer):
        rows = request.orders_by_customer.get(source.id, [])
    filters = order_filters(request.world.now)
    found = _searched(info, rows, query, filters, TextField(order_default))
    return paged(found, ORDER_KEYS[sortKey], asked)


def paged(rows: Iterable[Any], key: Callable[[Any], Key], asked: Mapping[str, Any]) -> Page[Any]:
    try:
        return page(rows, key, Slice(**asked))
    except BadCursor as problem:
        raise GraphQLError(str(problem), extensions={"code": "BAD_REQUEST"}) from problem


def order_number(order: Order) -> int:
    return int("".join(character for character in order.name if character.isdigit()))


def _searched(
    info: Info,
    rows: Iterable[Any],
    query: str | None,
    filters: Mapping[str, Field],
    default: Field,
) -> Iterable[Any]:
    if not query:
        return rows
    try:
        test, warned = compiled(parse(query), filters, default)
    except SyntaxProblem as problem:
        raise GraphQLError(
            f"Invalid search query: {problem}", extensions={"code": "BAD_REQUEST"}
        ) from problem
    if warned:
        request_of(info).notes.append(SearchNote(info.path.as_list(), query, warned))
    return filter(test, rows)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


CUSTOMER_KEYS: Final[Mapping[str, Callable[[ShopCustomer], Key]]] = {
    "ID": lambda row: (int(row.id), int(row.id)),
    "CREATED_AT": lambda row: (_seconds(row.created_at), int(row.id)),
    "UPDATED_AT": lambda row: (_seconds(row.updated_at), int(row.id)),
    "NAME": lambda row: (f"{row.last_name}, {row.first_name}".casefold(), int(row.id)),
}
ORDER_KEYS: Final[Mapping[str, Callable[[Order], Key]]] = {
    "ID": lambda row: (int(row.id), int(row.id)),
    "CREATED_AT": lambda row: (_seconds(row.created_at), int(row.id)),
    "PROCESSED_AT": lambda row: (_seconds(row.processed_at), int(row.id)),
    "UPDATED_AT": lambda row: (_seconds(row.updated_at), int(row.id)),
    "ORDER_NUMBER": lambda row: (order_number(row), int(row.id)),
}
