"""What the resolvers of one request share, and the vendor's global ids."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeAlias

from graphql import GraphQLError, GraphQLResolveInfo

from sandbox.rows import Order, ShopCustomer
from sandbox.shopify.search import Warned
from sandbox.world import World

Path: TypeAlias = list[str | int]


@dataclass(frozen=True, slots=True)
class SearchNote:
    """What one `query:` argument was warned about, for `extensions.search`."""

    path: Path
    query: str
    warned: list[Warned]


@dataclass
class Request:
    """The world as one request sees it; deleted rows are gone."""

    world: World
    notes: list[SearchNote] = field(default_factory=list)

    @cached_property
    def orders_by_customer(self) -> dict[str, list[Order]]:
        found: dict[str, list[Order]] = {}
        for order in self.world.orders.live():
            if order.customer_id is not None:
                found.setdefault(order.customer_id, []).append(order)
        return found

    def customer(self, row_id: str | None) -> ShopCustomer | None:
        row = None if row_id is None else self.world.shop_customers.get(row_id)
        return row if row is not None and row.deleted_at is None else None

    def order(self, row_id: str) -> Order | None:
        row = self.world.orders.get(row_id)
        return row if row is not None and row.deleted_at is None else None


Info: TypeAlias = "GraphQLResolveInfo[Request]"


def request_of(info: Info) -> Request:
    return info.context


def gid(kind: str, number: str | int) -> str:
    return f"gid://shopify/{kind}/{number}"


def gid_parts(text: str) -> tuple[str, str]:
    """Kind and bare id. GraphQLError where it is no global id."""
    before, _, rest = text.partition("gid://shopify/")
    kind, _, number = rest.partition("/")
    if before or not kind or not number:
        raise GraphQLError(
            f"Invalid global id '{text}'", extensions={"code": "argumentLiteralsIncompatible"}
        )
    return kind, number.partition("?")[0]


def bare_id(kind: str, text: str) -> str:
    """The bare id of a global id of this kind."""
    named, number = gid_parts(text)
    if named != kind:
        raise GraphQLError("invalid id", extensions={"code": "RESOURCE_NOT_FOUND"})
    return number
