"""Every field of the emulated objects, as a function of the row behind it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

from sandbox.rows import Order, OrderLine, Shipment, ShopCustomer
from sandbox.shopify.lists import ORDER_KEYS, order_number, orders, paged
from sandbox.shopify.pages import Page
from sandbox.shopify.request import Info, gid, request_of
from sandbox.world import shop_amount

Resolver: TypeAlias = Callable[..., object]

_CHANNELS: Final = {"pos": "Point of Sale", "web": "Online Store"}
_COUNTRIES: Final = {
    "AT": "Austria",
    "AU": "Australia",
    "BE": "Belgium",
    "CA": "Canada",
    "CH": "Switzerland",
    "DE": "Germany",
    "DK": "Denmark",
    "ES": "Spain",
    "FR": "France",
    "GB": "United Kingdom",
    "IE": "Ireland",
    "IT": "Italy",
    "JP": "Japan",
    "NL": "Netherlands",
    "NO": "Norway",
    "NZ": "New Zealand",
    "PL": "Poland",
    "PT": "Portugal",
    "SE": "Sweden",
    "US": "United States",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line item knows its order's currency."""

    row: OrderLine
    order: Order


@dataclass(frozen=True, slots=True)
class Fulfillment:
    """A fulfillment knows its order and its place in it, from 1."""

    row: Shipment
    order: Order
    number: int


@dataclass(frozen=True, slots=True)
class Money:
    """Both sides of a MoneyBag: the emulated shop takes each order in its own currency."""

    amount: Decimal
    currency: str


def table(getters: Mapping[str, Callable[[Any], object]]) -> dict[str, Resolver]:
    """Resolvers that need nothing but the row."""

    def resolver(get: Callable[[Any], object]) -> Resolver:
        return lambda row, _info: get(row)

    return {name: resolver(get) for name, get in getters.items()}


def _display_name(row: ShopCustomer) -> str:
    """The full name, else the e-mail, else the phone: as the field is described."""
    full = " ".join(part for part in (row.first_name, row.last_name) if part)
    return full or row.email or row.phone or ""


def _has_address(row: ShopCustomer) -> bool:
    return any((row.address1, row.city, row.province, row.zip, row.country_code, row.company))


def _email(row: ShopCustomer) -> dict[str, object] | None:
    if row.email is None:
        return None
    valid = "@" in row.email
    return {
        "emailAddress": row.email,
        "marketingState": "NOT_SUBSCRIBED" if valid else "INVALID",
        "validFormat": valid,
    }


def _phone(row: ShopCustomer) -> dict[str, object] | None:
    if row.phone is None:
        return None
    return {"phoneNumber": row.phone, "marketingState": "NOT_SUBSCRIBED"}


def _order_count(row: ShopCustomer, info: Info) -> str:
    return str(len(request_of(info).orders_by_customer.get(row.id, [])))


def _last_order(row: ShopCustomer, info: Info) -> Order | None:
    placed = request_of(info).orders_by_customer.get(row.id, [])
    return max(placed, key=ORDER_KEYS["PROCESSED_AT"], default=None)


CUSTOMER: Final[Mapping[str, Resolver]] = {
    **table(
        {
            "id": lambda row: gid("Customer", row.id),
            "legacyResourceId": lambda row: row.id,
            "firstName": lambda row: row.first_name,
            "lastName": lambda row: row.last_name,
            "displayName": _display_name,
            "email": lambda row: row.email,
            "phone": lambda row: row.phone,
            "defaultEmailAddress": _email,
            "defaultPhoneNumber": _phone,
            "defaultAddress": lambda row: row if _has_address(row) else None,
            "createdAt": lambda row: row.created_at,
            "updatedAt": lambda row: row.updated_at,
            "state": lambda row: "ENABLED" if row.email else "DISABLED",
            "locale": lambda _row: "en",
            "note": lambda row: row.note,
            "tags": lambda row: sorted(row.tags),
            "verifiedEmail": lambda row: row.email is not None,
        }
    ),
    "numberOfOrders": _order_count,
    "lastOrder": _last_order,
    "orders": orders,
}
ADDRESS: Final = table(
    {
        "id": lambda row: gid("MailingAddress", f"{row.id}?model_name=CustomerAddress"),
        "firstName": lambda row: row.first_name,
        "lastName": lambda row: row.last_name,
        "name": lambda row: " ".join(filter(None, (row.first_name, row.last_name))) or None,
        "company": lambda row: row.company,
        "address1": lambda row: row.address1,
        "address2": lambda _row: None,
        "city": lambda row: row.city,
        "province": lambda row: row.province,
        "provinceCode": lambda _row: None,
        "zip": lambda row: row.zip,
        "country": lambda row: _COUNTRIES.get(row.country_code or ""),
        "countryCodeV2": lambda row: row.country_code,
        "phone": lambda row: row.phone,
    }
)


def _lines(order: Order, _: Info, **asked: Any) -> Page[Line]:
    places = {line.id: at for at, line in enumerate(order.lines)}
    rows = [Line(line, order) for line in order.lines]
    return paged(rows, lambda line: (places[line.row.id], places[line.row.id]), asked)


def _fulfillments(order: Order, _: Info, first: int | None = None) -> list[Fulfillment]:
    made = [Fulfillment(row, order, at) for at, row in enumerate(order.shipments, start=1)]
    return made[:first]


def _channel(order: Order) -> str:
    return _CHANNELS.get(order.source_name, order.source_name)


ORDER: Final[Mapping[str, Resolver]] = {
    **table(
        {
            "id": lambda row: gid("Order", row.id),
            "legacyResourceId": lambda row: row.id,
            "name": lambda row: row.name,
            "number": order_number,
            "createdAt": lambda row: row.created_at,
            "processedAt": lambda row: row.processed_at,
            "updatedAt": lambda row: row.updated_at,
            "closed": lambda row: row.closed_at is not None,
            "closedAt": lambda row: row.closed_at,
            "cancelledAt": lambda row: row.cancelled_at,
            "cancelReason": lambda row: row.cancel_reason,
            "confirmed": lambda _row: True,
            "test": lambda _row: False,
            "email": lambda row: row.email,
            "phone": lambda row: row.phone,
            "displayFinancialStatus": lambda row: row.financial_status,
            "displayFulfillmentStatus": lambda row: row.fulfillment_status,
            "returnStatus": lambda row: row.return_status,
            "sourceName": lambda row: row.source_name,
            "attribution": lambda row: {"handle": row.source_name, "displayName": _channel(row)},
            "channelInformation": lambda row: {
                "id": gid("ChannelInformation", row.source_name),
                "channelId": gid("Channel", row.source_name),
                "displayName": _channel(row),
            },
            "retailLocation": lambda row: row.till,
            "currencyCode": lambda row: row.currency,
            "presentmentCurrencyCode": lambda row: row.currency,
            "totalPriceSet": lambda row: Money(row.total, row.currency),
            "currentTotalPriceSet": lambda row: Money(row.total - row.refunded, row.currency),
            "totalRefundedSet": lambda row: Money(row.refunded, row.currency),
            "tags": lambda _row: [],
        }
    ),
    "customer": lambda row, info: request_of(info).customer(row.customer_id),
    "lineItems": _lines,
    "fulfillments": _fulfillments,
}


def _unit_price(line: Line) -> Money:
    return Money(line.row.unit_price, line.order.currency)


LINE_ITEM: Final = table(
    {
        "id": lambda line: gid("LineItem", line.row.id),
        "name": lambda line: " - ".join(filter(None, (line.row.title, line.row.variant_title))),
        "title": lambda line: line.row.title,
        "variantTitle": lambda line: line.row.variant_title,
        "sku": lambda line: line.row.sku,
        "quantity": lambda line: line.row.quantity,
        "currentQuantity": lambda line: line.row.quantity,
        "originalUnitPriceSet": _unit_price,
        "discountedUnitPriceSet": _unit_price,
        "originalTotalSet": lambda line: Money(
            line.row.unit_price * line.row.quantity, line.order.currency
        ),
    }
)


def _tracking(made: Fulfillment, _: Info, first: int | None = None) -> list[dict[str, str | None]]:
    row = made.row
    if row.tracking_number is None and row.tracking_url is None:
        return []
    shown = {"company": row.carrier, "number": row.tracking_number, "url": row.tracking_url}
    return [shown][:first]


def _total_quantity(made: Fulfillment) -> int:
    """Items in it: of the lines it names, or of all lines where it names none."""
    ids = made.row.line_ids or [line.id for line in made.order.lines]
    return sum(line.quantity for line in made.order.lines if line.id in ids)


FULFILLMENT: Final[Mapping[str, Resolver]] = {
    **table(
        {
            "id": lambda made: gid("Fulfillment", made.row.id),
            "legacyResourceId": lambda made: made.row.id,
            "name": lambda made: f"{made.order.name}-F{made.number}",
            "createdAt": lambda made: made.row.created_at,
            "updatedAt": lambda made: made.row.updated_at,
            "deliveredAt": lambda made: made.row.delivered_at,
            "estimatedDeliveryAt": lambda made: made.row.estimated_delivery_at,
            "displayStatus": lambda made: made.row.display_status,
            "status": lambda made: made.row.status,
            "totalQuantity": _total_quantity,
            "order": lambda made: made.order,
        }
    ),
    "trackingInfo": _tracking,
}


def _till_number(till: str) -> int:
    return 60_000_000_000 + zlib.crc32(till.encode())


LOCATION: Final = table(
    {
        "id": lambda till: gid("Location", _till_number(till)),
        "legacyResourceId": lambda till: str(_till_number(till)),
        "name": lambda till: till,
    }
)
MONEY_BAG: Final = table({"presentmentMoney": lambda bag: bag, "shopMoney": lambda bag: bag})
MONEY: Final = table(
    {
        "amount": lambda money: shop_amount(money.amount),
        "currencyCode": lambda money: money.currency,
    }
)
CONNECTION: Final = table(
    {
        "nodes": lambda page: [row for _, row in page.rows],
        "edges": lambda page: [{"cursor": cursor, "node": row} for cursor, row in page.rows],
        "pageInfo": lambda page: {
            "hasNextPage": page.has_next,
            "hasPreviousPage": page.has_previous,
            "startCursor": page.rows[0][0] if page.rows else None,
            "endCursor": page.rows[-1][0] if page.rows else None,
        },
    }
)
