"""What commercetools is asked over GraphQL, and how the answers are read.

Documents: docs.commercetools.com/api (GraphQL, query predicates, general concepts: limits). Lists
are cut by predicates and not by offsets: those end at 10,000, and rows that change move others past
them.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.reading import Options, Row, RowError, identifier
from connectors.request import Request, graphql, segment
from connectors.spec import ChildrenAsk, Figure, GetAsk, Page, SearchAsk, SinceAsk, chosen
from domain.sources import Fields

DOCS = "https://docs.commercetools.com/api"
IDS = Figure(100, f"{DOCS}/general-concepts: limit is at most 500; ours: a predicate of 4 kB")
PARENTS = Figure(20, "ours: their orders share a page")
PAGE = Figure(100, f"{DOCS}/general-concepts: limit is at most 500; ours: below 200 kB")
_FOUND = 20

CUSTOMER = """id version createdAt lastModifiedAt customerNumber externalId email firstName lastName
  dateOfBirth companyName isEmailVerified defaultBillingAddressId defaultShippingAddressId
  addresses { id streetName streetNumber city region postalCode country phone mobile }"""
_MONEY = "{ centAmount currencyCode fractionDigits }"
# What each attribute of an order needs.
_ORDER: Mapping[str, tuple[str, ...]] = {
    "number": ("orderNumber",),
    "status": ("orderState", "shipmentState"),
    "raw_status": ("orderState", "shipmentState"),
    "total": (f"totalPrice {_MONEY}", f"taxedPrice {{ totalGross {_MONEY} }}"),
    "lines": (
        "lineItems { quantity nameAllLocales { value } variant { sku }"
        f" price {{ value {_MONEY} discounted {{ value {_MONEY} }} }} }}",
    ),
    "shipments": (
        "shippingInfo { deliveries { parcels { trackingData { trackingId carrier isReturn } } } }",
        "shipmentState",
    ),
}
_ORDER_ALWAYS = ("id", "createdAt", "lastModifiedAt", "customerId", "customerEmail", "origin")


def ask_customers(ask: GetAsk) -> Request:
    return _customers(ask.options, _among("id", ask.ids), limit=len(ask.ids))


def ask_by_email(ask: SearchAsk) -> Request:
    wanted = f"lowercaseEmail = {quoted(ask.key.value.strip().lower())}"
    return _customers(ask.options, wanted)


def ask_by_number(ask: SearchAsk) -> Request:
    return _customers(ask.options, f"customerNumber = {quoted(ask.key.value.strip())}")


def ask_changed_customers(ask: SinceAsk) -> Request:
    where, sort = _since(ask)
    return _customers(ask.options, where, sort=sort, limit=PAGE.value)


def ask_orders(ask: GetAsk) -> Request:
    return _orders(ask.options, _among("id", ask.ids), len(ask.ids), fields=ask.fields)


def ask_orders_of(ask: ChildrenAsk) -> Request:
    return _orders_by(ask, _among("customerId", ask.parents))


def ask_orders_by_email(ask: ChildrenAsk) -> Request:
    """Kept as it was typed and compared with case: asked for in that form and in lower case."""
    given = [value.strip() for value in ask.parents]
    return _orders_by(ask, _among("customerEmail", [*given, *map(str.lower, given)]))


def ask_changed_orders(ask: SinceAsk) -> Request:
    where, sort = _since(ask)
    return _orders(ask.options, where, PAGE.value, sort=sort)


def read_customers(data: Any, _ask: object) -> Page:
    return Page(rows=_rows(data, "customers"))


def read_orders(data: Any, _ask: object) -> Page:
    return Page(rows=_rows(data, "orders"))


def read_orders_of(data: Any, ask: ChildrenAsk) -> Page:
    """The cursor is the place of the last row: the next page is what lies behind it."""
    rows = _rows(data, "orders")
    full = len(rows) >= ask.limit
    return Page(rows=rows, cursor=_place(rows[-1], "createdAt") if full else None)


def read_changed_customers(data: Any, ask: SinceAsk) -> Page:
    return _changed(_rows(data, "customers"), ask)


def read_changed_orders(data: Any, ask: SinceAsk) -> Page:
    return _changed(_rows(data, "orders"), ask)


def emails_of(row: Row) -> list[str]:
    """Whose order it is, by address."""
    return [row["customerEmail"]] if isinstance(row.get("customerEmail"), str) else []


def quoted(value: str) -> str:
    """A text in a predicate, without characters that cannot be seen."""
    shown = "".join(character for character in value if character.isprintable())
    escaped = shown.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _rows(data: Any, name: str) -> list[Row]:
    rows = data["data"][name]["results"]
    if not isinstance(rows, list):
        raise RowError("no list")
    return rows


def _among(name: str, values: Iterable[str]) -> str:
    return f"{name} in ({', '.join(map(quoted, dict.fromkeys(values)))})"


def _orders_by(ask: ChildrenAsk, whose: str) -> Request:
    """Newest first, then by id."""
    where = [whose]
    if ask.cursor:
        where.append(_behind("createdAt", ask.cursor, "<"))
    elif ask.until:
        where.append(f"createdAt <= {quoted(_written(ask.until))}")
    sort = ["createdAt desc", "id desc"]
    return _orders(ask.options, " and ".join(where), ask.limit, sort=sort, fields=ask.fields)


def _since(ask: SinceAsk) -> tuple[str | None, list[str]]:
    """Everything runs by id, changes by time and id: what changes meanwhile comes again later."""
    if ask.since is None:
        return (f"id > {quoted(ask.cursor)}" if ask.cursor else None), ["id asc"]
    sort = ["lastModifiedAt asc", "id asc"]
    if ask.cursor:
        return _behind("lastModifiedAt", ask.cursor, ">"), sort
    return f"lastModifiedAt >= {quoted(_written(ask.since))}", sort


def _behind(name: str, cursor: str, way: str) -> str:
    at, _, last = cursor.partition("/")
    same = f"{name} = {quoted(at)} and id {way} {quoted(last)}"
    return f"({name} {way} {quoted(at)} or ({same}))"


def _place(row: Row, name: str) -> str:
    return f"{identifier(row[name])}/{identifier(row['id'])}"


def _changed(rows: list[Row], ask: SinceAsk) -> Page:
    if len(rows) < PAGE.value:
        return Page(rows=rows)
    last = rows[-1]
    scan = ask.since is None
    return Page(
        rows=rows, cursor=identifier(last["id"]) if scan else _place(last, "lastModifiedAt")
    )


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _customers(
    options: Options, where: str | None, *, sort: list[str] | None = None, limit: int = _FOUND
) -> Request:
    variables = {"where": where, "sort": sort or ["id asc"], "limit": limit}
    return _list(options, "customers", CUSTOMER, variables)


def _orders(
    options: Options,
    where: str | None,
    limit: int,
    *,
    sort: list[str] | None = None,
    fields: Fields = None,
) -> Request:
    selection = " ".join(chosen(fields, _ORDER, _ORDER_ALWAYS))
    variables = {"where": where, "sort": sort or ["id asc"], "limit": limit}
    return _list(options, "orders", selection, variables)


def _list(options: Options, name: str, selection: str, variables: Mapping[str, Any]) -> Request:
    query = (
        f"query($where: String, $sort: [String!], $limit: Int) {{ {name}(where: $where,"
        f" sort: $sort, limit: $limit) {{ results {{ {selection} }} }} }}"
    )
    return graphql(f"/{segment(str(options['project']))}/graphql", query, variables)
