"""commercetools' rows as records. Times are RFC 3339, UTC.

Source: the published schema (Customer, Order, LineItem, Money) and docs.commercetools.com/api:
OrderState, ShipmentState.
"""

from decimal import Decimal

from connectors.reading import (
    Reading,
    Row,
    RowError,
    identifier,
    iso_date,
    known,
    required,
    rfc3339,
    text,
    texts,
)
from domain.ids import Kind
from domain.money import Money, from_major
from domain.records import Address, Contact, Order, OrderLine, Shipment
from domain.vocabulary import Channel, OrderStatus, Verification

# "Complete" says that nothing more will happen, and not what did: it is not known.
ORDER_STATE = {
    "open": OrderStatus.PENDING,
    "confirmed": OrderStatus.CONFIRMED,
    "cancelled": OrderStatus.CANCELLED,
}
SHIPMENT_STATE = {
    "shipped": OrderStatus.SHIPPED,
    "delivered": OrderStatus.DELIVERED,
    "ready": OrderStatus.FULFILLING,
    "partial": OrderStatus.FULFILLING,
    "delayed": OrderStatus.FULFILLING,
    "backorder": OrderStatus.FULFILLING,
}


def contact(row: Row, at: Reading) -> Contact:
    """One customer. Phones stand in addresses only."""
    external_id = identifier(row["id"])
    addresses = row.get("addresses") or ()
    names = (text(row.get("firstName")), text(row.get("lastName")))
    verified = row.get("isEmailVerified") is True
    return Contact(
        key=at.key(Kind.CONTACT, external_id),
        provenance=at.provenance(
            external_id, updated_at=required(rfc3339(row.get("lastModifiedAt")))
        ),
        full_name=" ".join(filter(None, names)) or None,
        given_name=names[0],
        family_name=names[1],
        emails=texts(row.get("email")),
        phones=texts(*(one.get(kind) for one in addresses for kind in ("mobile", "phone"))),
        account_number=text(row.get("customerNumber")),
        address=_address(row),
        birth_date=iso_date(row.get("dateOfBirth")),
        company=text(row.get("companyName")),
        created_at=rfc3339(row.get("createdAt")),
        verification=Verification.VERIFIED if verified else Verification.ASSERTED,
        foreign_ids=at.foreign(row.get("externalId")),
        raw=row,
    )


def order(row: Row, at: Reading) -> Order:
    """One order. Its attributes are there as far as they were asked for."""
    external_id = identifier(row["id"])
    status, raw = _status(row)
    lines = row.get("lineItems")
    return Order(
        key=at.key(Kind.ORDER, external_id),
        provenance=at.provenance(external_id, updated_at=rfc3339(row.get("lastModifiedAt"))),
        occurred_at=required(rfc3339(row.get("createdAt"))),
        number=text(row.get("orderNumber")),
        status=status,
        raw_status=raw,
        channel=Channel.SELF_SERVICE if row.get("origin") == "Customer" else Channel.UNKNOWN,
        total=_total(row),
        lines=None if lines is None else tuple(_line(one) for one in lines),
        shipments=_shipments(row),
        owner_ids=texts(row.get("customerId")),
    )


def _status(row: Row) -> tuple[OrderStatus, str | None]:
    """Cancelled is cancelled; else what became of the parcels, as far as it says more."""
    state, raw = known(ORDER_STATE, row.get("orderState"), OrderStatus.UNKNOWN)
    shipped, told = known(SHIPMENT_STATE, row.get("shipmentState"), OrderStatus.UNKNOWN)
    if state is OrderStatus.CANCELLED or shipped is OrderStatus.UNKNOWN:
        return state, raw
    return shipped, told


def _total(row: Row) -> Money | None:
    """With its taxes, where they are worked out."""
    gross = (row.get("taxedPrice") or {}).get("totalGross")
    return _money(gross or row.get("totalPrice"))


def _money(value: Row | None) -> Money | None:
    if value is None:
        return None
    minor, digits = value["centAmount"], value["fractionDigits"]
    if type(minor) is not int or type(digits) is not int or not 0 <= digits <= 20:
        raise RowError("not an amount")
    return from_major(Decimal(minor).scaleb(-digits), identifier(value["currencyCode"]))


def _line(row: Row) -> OrderLine:
    names = [text(name.get("value")) for name in row.get("nameAllLocales") or ()]
    price = row.get("price") or {}
    discounted = (price.get("discounted") or {}).get("value")
    quantity = row.get("quantity")
    return OrderLine(
        sku=text((row.get("variant") or {}).get("sku")),
        title=next(filter(None, names), None),
        quantity=quantity if type(quantity) is int else None,
        price=_money(discounted or price.get("value")),
    )


def _shipments(row: Row) -> tuple[Shipment, ...] | None:
    """A parcel each, without those that come back. None where they were not asked for."""
    if "shippingInfo" not in row:
        return None
    deliveries = (row["shippingInfo"] or {}).get("deliveries") or ()
    parcels = [parcel for one in deliveries for parcel in one.get("parcels") or ()]
    tracked = [parcel.get("trackingData") or {} for parcel in parcels]
    return tuple(
        Shipment(
            carrier=text(data.get("carrier")),
            tracking_number=text(data.get("trackingId")),
            status=text(row.get("shipmentState")),
        )
        for data in tracked
        if data.get("isReturn") is not True
    )


def _address(row: Row) -> Address | None:
    """The one for bills, else for parcels, else the first."""
    addresses = row.get("addresses") or ()
    wanted = [row.get("defaultBillingAddressId"), row.get("defaultShippingAddressId")]
    chosen = [one for key in wanted if key for one in addresses if one.get("id") == key]
    found = next(iter([*chosen, *addresses]), None)
    if found is None:
        return None
    street = " ".join(texts(found.get("streetName"), found.get("streetNumber")))
    return Address(
        street=street or None,
        city=text(found.get("city")),
        region=text(found.get("region")),
        postcode=text(found.get("postalCode")),
        country=text(found.get("country")),
    )
