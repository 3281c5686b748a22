"""Vendure's rows as records. Times are UTC.

Source: schema of the Admin API 3.7: Customer, Address, Order, OrderLine, Fulfillment; the default
order process (@vendure/core, config/order).
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from connectors.reading import Reading, Row, RowError, identifier, known, required, text, texts
from domain.ids import Kind
from domain.money import Money, from_major
from domain.records import Address, Contact, Order, OrderLine, Shipment
from domain.vocabulary import OrderStatus

# "Modifying" may be entered from any paid or shipped state: it has no entry, and shows UNKNOWN.
STATUS = {
    "created": OrderStatus.PENDING,
    "draft": OrderStatus.PENDING,
    "addingitems": OrderStatus.PENDING,
    "arrangingpayment": OrderStatus.PENDING,
    "arrangingadditionalpayment": OrderStatus.PENDING,
    "paymentauthorized": OrderStatus.CONFIRMED,
    "paymentsettled": OrderStatus.CONFIRMED,
    "partiallyshipped": OrderStatus.FULFILLING,
    "shipped": OrderStatus.SHIPPED,
    "partiallydelivered": OrderStatus.SHIPPED,
    "delivered": OrderStatus.DELIVERED,
    "cancelled": OrderStatus.CANCELLED,
}
DEFAULT_PRECISION = "2"


def contact(row: Row, at: Reading) -> Contact:
    """One customer. `user.verified` is true for all where nobody is asked to verify: no proof."""
    external_id = identifier(row["id"])
    given, family = text(row.get("firstName")), text(row.get("lastName"))
    addresses: Sequence[Row] = row.get("addresses") or ()
    shown = _first(addresses)
    return Contact(
        key=at.key(Kind.CONTACT, external_id),
        provenance=at.provenance(external_id, updated_at=_changed([row, *addresses], at)),
        full_name=" ".join(texts(given, family)) or None,
        given_name=given,
        family_name=family,
        emails=texts(row.get("emailAddress")),
        phones=texts(row.get("phoneNumber")),
        address=_address(shown) if shown else None,
        company=text(shown.get("company")) if shown else None,
        created_at=at.instant(row.get("createdAt")),
        raw=row,
    )


def order(row: Row, at: Reading) -> Order:
    """One order that was placed. `updatedAt` moves while it is drawn up and not when it is paid,
    shipped or delivered: the later of it and `orderPlacedAt` is the last change the source tells.
    """
    external_id = identifier(row["id"])
    placed = required(at.instant(row.get("orderPlacedAt")))
    touched = at.instant(row.get("updatedAt"))
    status, raw = known(STATUS, row.get("state"), OrderStatus.UNKNOWN)
    return Order(
        key=at.key(Kind.ORDER, external_id),
        provenance=at.provenance(external_id, updated_at=max(placed, touched or placed)),
        occurred_at=placed,
        number=text(row.get("code")),
        status=status,
        raw_status=raw,
        total=_money(row.get("totalWithTax"), row.get("currencyCode"), at),
        lines=_lines(row, at),
        shipments=_shipments(row.get("fulfillments")),
        owner_ids=texts((row.get("customer") or {}).get("id")),
    )


def _changed(rows: Sequence[Row], at: Reading) -> datetime | None:
    """A customer's own time stays where it is when an address changes."""
    times = [at.instant(row.get("updatedAt")) for row in rows]
    return max((time for time in times if time), default=None)


def _first(addresses: Sequence[Row]) -> Row | None:
    """Where parcels go, else the bill, else the first."""
    for name in ("defaultShippingAddress", "defaultBillingAddress"):
        for address in addresses:
            if address.get(name) is True:
                return address
    return addresses[0] if addresses else None


def _address(row: Row) -> Address:
    return Address(
        street=", ".join(texts(row.get("streetLine1"), row.get("streetLine2"))) or None,
        city=text(row.get("city")),
        region=text(row.get("province")),
        postcode=text(row.get("postalCode")),
        country=text((row.get("country") or {}).get("code")),
    )


def _lines(row: Row, at: Reading) -> tuple[OrderLine, ...] | None:
    """None where they were not asked for."""
    found: Sequence[Row] | None = row.get("lines")
    if found is None:
        return None
    return tuple(_line(line, row.get("currencyCode"), at) for line in found)


def _line(row: Row, currency: object, at: Reading) -> OrderLine:
    variant = row.get("productVariant") or {}
    return OrderLine(
        sku=text(variant.get("sku")),
        title=text(variant.get("name")),
        quantity=_whole(row.get("quantity")),
        price=_money(row.get("unitPriceWithTax"), currency, at),
    )


def _shipments(found: Sequence[Row] | None) -> tuple[Shipment, ...] | None:
    """None where they were not asked for."""
    if found is None:
        return None
    return tuple(
        Shipment(
            carrier=text(one.get("method")),
            tracking_number=text(one.get("trackingCode")),
            status=text(one.get("state")),
        )
        for one in found
        if one.get("state") != "Cancelled"
    )


def _money(value: object, currency: object, at: Reading) -> Money | None:
    """An amount is a whole number with as many decimals as the server's money strategy has,
    whatever its currency has.
    """
    amount, code = _whole(value), text(currency)
    if amount is None or code is None:
        return None
    precision = int(at.option("money_precision") or DEFAULT_PRECISION)
    return from_major(Decimal(amount).scaleb(-precision), code)


def _whole(value: object) -> int | None:
    """Raises RowError for what is no whole number."""
    if value is None or type(value) is int:
        return value
    raise RowError("a whole number expected")
