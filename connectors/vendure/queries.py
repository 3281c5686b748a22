"""What is asked of Vendure's Admin API, and how the answers are read.

Documents: docs.vendure.io, Admin API reference and "Paginated list queries"; schema of 3.7. Lists
have offsets and no cursors. Orders without `orderPlacedAt` are carts and drafts; seller orders
repeat the lines of the order they belong to.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.matching import digits
from connectors.reading import Options, Row, RowError, identifier
from connectors.request import Request, graphql
from connectors.spec import ChildrenAsk, Figure, GetAsk, Page, SearchAsk, SinceAsk, chosen
from domain.sources import Fields

PATH = "/admin-api"
LIMIT = "apiOptions.adminListQueryLimit: 1,000 unless configured"
PAGE = Figure(100, f"{LIMIT}; ours: 100 rows are below 100 kB")
FOUND = 100
RESOLUTION = timedelta(milliseconds=1)
REREAD_DAYS = "30"

CUSTOMER = """id firstName lastName phoneNumber emailAddress createdAt updatedAt
  addresses { streetLine1 streetLine2 city province postalCode company country { code }
    defaultShippingAddress defaultBillingAddress updatedAt }"""

_MONEY = ("totalWithTax", "currencyCode")
_LINES = "lines { quantity unitPriceWithTax productVariant { sku name } }"
# What each attribute of an order needs.
_ORDER: Mapping[str, tuple[str, ...]] = {
    "number": ("code",),
    "status": ("state",),
    "raw_status": ("state",),
    "total": _MONEY,
    "lines": (_LINES, "currencyCode"),
    "shipments": ("fulfillments { state method trackingCode }",),
}
_ORDER_ALWAYS = ("id", "orderPlacedAt", "updatedAt")
_PLACED = {"orderPlacedAt": {"isNull": False}, "type": {"notEq": "Seller"}}


def ask_customers(ask: GetAsk) -> Request:
    return _customers({"id": {"in": list(ask.ids)}}, take=len(ask.ids))


def ask_by_email(ask: SearchAsk) -> Request:
    """Kept in lower case and compared with case."""
    given = ask.key.value.strip()
    return _customers({"emailAddress": {"in": sorted({given, given.lower()})}})


def ask_by_phone(ask: SearchAsk) -> Request:
    """By the last seven digits, whatever stands between them: `contains` takes the database's
    pattern, and the number is kept as it was typed.
    """
    return _customers({"phoneNumber": {"contains": "%".join(digits(ask.key.value)[-7:])}})


def ask_buyer(ask: SearchAsk) -> Request:
    given = ask.key.value.strip().removeprefix("#")
    document = f"""query Buyer($options: OrderListOptions) {{
  orders(options: $options) {{ items {{ code customer {{ {CUSTOMER} }} }} }} }}"""
    codes = {"code": {"in": sorted({given, given.upper()})}}
    return _asked(document, {"options": {"take": FOUND, "filter": {**_PLACED, **codes}}})


def ask_changed_customers(ask: SinceAsk) -> Request:
    """Everything by id, which nothing moves; changes oldest first, each page from the last time
    seen.
    """
    changed = {} if ask.since is None else {"updatedAt": {"after": _behind(ask.since)}}
    by = "id" if ask.since is None else "updatedAt"
    return _customers(changed, skip=_place(ask)[0], by=by)


def ask_orders(ask: GetAsk) -> Request:
    options = {"take": len(ask.ids), "filter": {**_PLACED, "id": {"in": list(ask.ids)}}}
    return _orders(options, ask.fields)


def ask_orders_of(ask: ChildrenAsk) -> Request:
    """Newest first of each customer: orders have no filter by customer of their own."""
    placed: dict[str, Any] = {**_PLACED}
    if ask.until is not None:
        at_most = {"before": _stamp(ask.until + RESOLUTION)}
        placed = {"_and": [placed, {"orderPlacedAt": at_most}]}
    document = f"""query OrdersOf($ids: [String!]!, $take: Int!, $orders: OrderListOptions) {{
  customers(options: {{ take: $take, filter: {{ id: {{ in: $ids }} }} }}) {{ items {{ id
    orders(options: $orders) {{ totalItems items {{ {_selection(ask.fields)} }} }} }} }} }}"""
    orders = {
        "take": ask.limit,
        "skip": int(ask.cursor or 0),
        "sort": {"orderPlacedAt": "DESC"},
        "filter": placed,
    }
    ids = list(ask.parents)
    return _asked(document, {"ids": ids, "take": len(ids), "orders": orders})


def ask_changed_orders(ask: SinceAsk) -> Request:
    """What happens to an order after it was placed moves none of its times: those placed in the
    last `reread_days` are read again with every question.
    """
    wanted: dict[str, Any] = _PLACED
    if ask.since is not None:
        young = ask.since - timedelta(days=_days(ask.options))
        either = [
            {"updatedAt": {"after": _behind(ask.since)}},
            {"orderPlacedAt": {"after": _behind(young)}},
        ]
        wanted = {"_and": [_PLACED, {"_or": either}]}
    options = {"take": PAGE.value, "skip": _place(ask)[0], "sort": {"id": "ASC"}}
    return _orders({**options, "filter": wanted}, None)


def read_customers(data: Any, ask: object) -> Page:
    return _paged(data["data"]["customers"], ask)


def read_buyers(data: Any, _ask: object) -> Page:
    rows = data["data"]["orders"]["items"]
    return Page(rows=[row["customer"] for row in rows if row["customer"] is not None])


def read_orders(data: Any, ask: object) -> Page:
    return _paged(data["data"]["orders"], ask)


def read_orders_of(data: Any, ask: ChildrenAsk) -> Page:
    """The list of each customer is cut at the same place, and goes on while any of them does."""
    people = data["data"]["customers"]["items"]
    rows = [
        {**row, "customer": {"id": one["id"]}} for one in people for row in one["orders"]["items"]
    ]
    end = int(ask.cursor or 0) + ask.limit
    more = any(one["orders"]["totalItems"] > end for one in people)
    return Page(rows=rows, cursor=str(end) if more else None)


def _paged(listed: Row, ask: object) -> Page:
    """Offset pages where a list is read on, one page where ids or a key were asked for. Raises
    RowError where the page before comes again.
    """
    rows = listed["items"]
    if not isinstance(ask, SinceAsk):
        return Page(rows=rows)
    skip, before = _place(ask)
    last = identifier(rows[-1]["id"]) if rows else ""
    if last and last == before:
        raise RowError("the page before")
    end = skip + PAGE.value
    return Page(rows=rows, cursor=f"{end}/{last}" if listed["totalItems"] > end else None)


def _place(ask: SinceAsk) -> tuple[int, str]:
    """How many rows were read, and the id of the last of them."""
    count, _, last = (ask.cursor or "0/").partition("/")
    return int(count), last


def _customers(
    wanted: Mapping[str, Any], *, take: int = PAGE.value, skip: int = 0, by: str = "id"
) -> Request:
    document = f"""query Customers($options: CustomerListOptions) {{
  customers(options: $options) {{ totalItems items {{ {CUSTOMER} }} }} }}"""
    options = {"take": take, "skip": skip, "sort": {by: "ASC"}, "filter": wanted}
    return _asked(document, {"options": options})


def _orders(options: Mapping[str, Any], fields: Fields) -> Request:
    document = f"""query Orders($options: OrderListOptions) {{
  orders(options: $options) {{ totalItems items {{
    {_selection(fields)} customer {{ id }} }} }} }}"""
    return _asked(document, {"options": options})


def _asked(document: str, variables: Mapping[str, Any]) -> Request:
    return graphql(PATH, document, variables)


def _selection(fields: Fields) -> str:
    return " ".join(chosen(fields, _ORDER, always=_ORDER_ALWAYS))


def _behind(moment: datetime) -> str:
    """`after` leaves the time itself out, and shows no more than milliseconds of it."""
    return _stamp(moment - RESOLUTION)


def _stamp(moment: datetime) -> str:
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _days(options: Options) -> int:
    return int(str(options.get("reread_days") or REREAD_DAYS))
