"""What is asked of Shopify's Admin GraphQL API, what it costs, and how the answers are read.

Documents: the schema of version 2026-07 with its tables of search filters; API search syntax
(shopify.dev/docs/api/usage/search-syntax); GraphQL Admin API rate limits (shopify.dev/docs/apps/
build/apis/graphql-admin/rate-limits). Connections are "sized by first and last" there; how they
grow is taken from costs that answers showed: 2 + max(1, floor(2 ln first)) times a node.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.reading import Row
from connectors.request import Request, graphql
from connectors.spec import ChildrenAsk, Figure, GetAsk, Page, SearchAsk, SinceAsk, chosen
from domain.customer import KeyKind
from domain.sources import Fields

PATH = "/admin/api/2026-07/graphql.json"
MOST_A_PAGE = Figure(250, "API limits and pagination: at most 250 objects a page")

CUSTOMER = """legacyResourceId firstName lastName displayName createdAt updatedAt
  defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber }
  defaultAddress { address1 address2 city province zip countryCodeV2 company }"""
CUSTOMER_POINTS = 4

_MONEY = "{ shopMoney { amount currencyCode } }"
_STATUS = (
    "displayFinancialStatus",
    "displayFulfillmentStatus",
    "returnStatus",
    "cancelledAt",
    "sourceName",
    "fulfillments { status displayStatus }",
)
_LINES = f"""lineItems(first: 250) {{
    nodes {{ sku name quantity originalUnitPriceSet {_MONEY} }} pageInfo {{ hasNextPage }} }}"""
_SHIPMENTS = """fulfillments { status displayStatus estimatedDeliveryAt
    trackingInfo { company number url } }"""
# What each attribute of an order needs; lines and shipments are dear and read when asked for.
_ORDER: Mapping[str, tuple[str, ...]] = {
    "number": ("name",),
    "status": _STATUS,
    "raw_status": _STATUS,
    "channel": ("sourceName",),
    "total": (f"totalPriceSet {_MONEY}",),
    "lines": (_LINES,),
    "shipments": (_SHIPMENTS,),
}
_ORDER_ALWAYS = (
    "legacyResourceId",
    "createdAt",
    "updatedAt",
    "email",
    "customer { legacyResourceId }",
)
_CUSTOMER_KEYS = {KeyKind.EMAIL: "email", KeyKind.PHONE: "phone"}


def ask_customers(ask: GetAsk) -> Request:
    return _nodes("Customer", ask.ids, CUSTOMER, CUSTOMER_POINTS)


def ask_customer_search(ask: SearchAsk) -> Request:
    return _customers(_term(_CUSTOMER_KEYS[ask.key.kind], ask.key.value), first=10)


def ask_customers_by_phone(ask: GetAsk) -> Request:
    return _customers(_any_of("phone", ask.ids))


def ask_buyer(ask: SearchAsk) -> Request:
    """The customer of an order, by the number that stands on its page."""
    document = f"""query Buyer($query: String!) {{ orders(first: 10, query: $query) {{
  nodes {{ name customer {{ {CUSTOMER} }} }} }} }}"""
    variables = {"query": _term("name", ask.key.value)}
    return graphql(PATH, document, variables, cost=connection(10, 1 + CUSTOMER_POINTS))


def ask_changed_customers(ask: SinceAsk) -> Request:
    query = None if ask.since is None else f"updated_at:>={_stamp(ask.since)}"
    return _customers(query, after=ask.cursor)


def ask_orders(ask: GetAsk) -> Request:
    return _nodes("Order", ask.ids, *order_selection(ask.fields))


def ask_orders_of(ask: ChildrenAsk) -> Request:
    return _orders(" OR ".join(f"customer_id:{parent}" for parent in ask.parents), ask)


def ask_orders_by_email(ask: ChildrenAsk) -> Request:
    """By the address on the order, which guests leave too."""
    return _orders(_any_of("email", ask.parents), ask)


def order_selection(fields: Fields) -> tuple[str, int]:
    """The selection for these attributes, and the points of one order: itself, its customer, and
    what nests in it. Money costs nothing.
    """
    picked = chosen(fields, _ORDER, always=_ORDER_ALWAYS)
    points = 2
    if any(part.startswith("fulfillments") for part in picked):
        points += 1
    if _SHIPMENTS in picked:
        points += 1
    if _LINES in picked:
        points += connection(250, 1)
    return " ".join(picked), points


def connection(first: int, node: int) -> int:
    """Points of a connection of `first` nodes, each worth `node`."""
    return 2 + max(1, math.floor(2 * math.log(first))) * node


def read_nodes(data: Any, _ask: object) -> Page:
    return Page(rows=[node for node in data["data"]["nodes"] if node is not None])


def read_customers(data: Any, _ask: object) -> Page:
    return _page(data["data"]["customers"])


def read_orders(data: Any, _ask: object) -> Page:
    return _page(data["data"]["orders"])


def read_buyers(data: Any, ask: SearchAsk) -> Page:
    """Buyers of orders of exactly this name; guests have no customer."""
    wanted = _bare(ask.key.value)
    rows = data["data"]["orders"]["nodes"]
    return Page(rows=[o["customer"] for o in rows if _bare(o["name"]) == wanted and o["customer"]])


def owner_emails(row: Row) -> tuple[str, ...]:
    return (row["email"],) if row.get("email") else ()


def _nodes(kind: str, ids: Iterable[str], selection: str, points: int) -> Request:
    """Rows by global id: null for those that are not there. Each id is charged."""
    found = [f"gid://shopify/{kind}/{external_id}" for external_id in ids]
    document = f"""query {kind}s($ids: [ID!]!) {{ nodes(ids: $ids) {{
  ... on {kind} {{ {selection} }} }} }}"""
    return graphql(PATH, document, {"ids": found}, cost=points * len(found))


def _customers(
    query: str | None, *, first: int = MOST_A_PAGE.value, after: str | None = None
) -> Request:
    document = f"""query Customers($first: Int!, $query: String, $after: String) {{
  customers(first: $first, query: $query, after: $after, sortKey: UPDATED_AT) {{
  nodes {{ {CUSTOMER} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
    variables = {"first": first, "query": query, "after": after}
    return graphql(PATH, document, variables, cost=connection(first, CUSTOMER_POINTS))


def _orders(query: str, ask: ChildrenAsk) -> Request:
    if ask.until is not None:
        query = f"({query}) AND created_at:<={_stamp(ask.until)}"
    selection, points = order_selection(ask.fields)
    document = f"""query Orders($first: Int!, $query: String!, $after: String) {{
  orders(first: $first, query: $query, after: $after, sortKey: CREATED_AT, reverse: true) {{
  nodes {{ {selection} }} pageInfo {{ hasNextPage endCursor }} }} }}"""
    variables = {"first": ask.limit, "query": query, "after": ask.cursor}
    return graphql(PATH, document, variables, cost=connection(ask.limit, points))


def _page(listed: Row) -> Page:
    info = listed["pageInfo"]
    return Page(rows=listed["nodes"], cursor=info["endCursor"] if info["hasNextPage"] else None)


def _any_of(field: str, values: Iterable[str]) -> str:
    return " OR ".join(_term(field, value) for value in values)


def _term(field: str, value: str) -> str:
    """One filter on the whole value: unquoted, `email` would match its words in any order."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{field}:"{escaped}"'


def _stamp(moment: datetime) -> str:
    return f"'{moment.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}'"


def _bare(name: str) -> str:
    return name.strip().removeprefix("#").casefold()
