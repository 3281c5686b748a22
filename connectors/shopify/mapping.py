"""Shopify rows as records. Times are UTC; ids are the bare numbers behind the global ids, which are
also what webhooks carry.

Source: schema of the Admin GraphQL API, version 2026-07: Customer, Order, LineItem, Fulfillment.
"""

from collections.abc import Iterable, Sequence

from connectors.reading import Reading, Row, RowError, identifier, known, required, text, texts
from domain.ids import Kind
from domain.money import Money, from_major
from domain.records import Address, Contact, Order, OrderLine, Shipment
from domain.vocabulary import Channel, OrderStatus

# `sourceName` of another origin is an app's number or a word of its own ("shopify_draft_order").
CHANNEL = {
    "pos": Channel.STORE,
    # The shop's own check-out: the customer serves themselves.
    "web": Channel.SELF_SERVICE,
    "mobile_app": Channel.IN_APP,
}

# What an order has come to. The first rule that fits decides:
#   cancelledAt is set                                  CANCELLED
#   displayFinancialStatus REFUNDED                     REFUNDED (all of it was paid back)
#   returnStatus RETURNED, INSPECTION_COMPLETE          RETURNED (the source does not tell a part)
#   displayFulfillmentStatus FULFILLED                  DELIVERED where every parcel is, or where a
#                                                       sale at the till sent none; else SHIPPED
#   another displayFulfillmentStatus of FULFILLMENT     as it says
#   nothing on its way (NOT_STARTED)                    as displayFinancialStatus says in PAYMENT
#   anything else                                       UNKNOWN
RETURNED = {"RETURNED", "INSPECTION_COMPLETE"}
FULFILLMENT = {
    "PARTIALLY_FULFILLED": OrderStatus.FULFILLING,
    "IN_PROGRESS": OrderStatus.FULFILLING,
    "PENDING_FULFILLMENT": OrderStatus.FULFILLING,
    "SCHEDULED": OrderStatus.CONFIRMED,
    "ON_HOLD": OrderStatus.CONFIRMED,
    "REQUEST_DECLINED": OrderStatus.CONFIRMED,
}
NOT_STARTED = {"UNFULFILLED", "OPEN", "RESTOCKED"}
PAYMENT = {
    "PAID": OrderStatus.CONFIRMED,
    "AUTHORIZED": OrderStatus.CONFIRMED,
    "PARTIALLY_PAID": OrderStatus.CONFIRMED,
    "PARTIALLY_REFUNDED": OrderStatus.CONFIRMED,
    "PENDING": OrderStatus.PENDING,
    "EXPIRED": OrderStatus.PENDING,
    "VOIDED": OrderStatus.PENDING,
}
ARRIVED = {"DELIVERED", "PICKED_UP"}
HANDED_OVER = {"FULFILLED", "MARKED_AS_FULFILLED"}
FAILED_PARCEL = {"CANCELLED", "ERROR", "FAILURE"}
COINS = frozenset({"USDC"})


def contact(row: Row, at: Reading) -> Contact:
    """One customer. `verifiedEmail` is true for all whom staff or an app created: not a proof."""
    external_id = identifier(row["legacyResourceId"])
    given, family = text(row.get("firstName")), text(row.get("lastName"))
    return Contact(
        key=at.key(Kind.CONTACT, external_id),
        provenance=at.provenance(
            external_id,
            updated_at=at.instant(row.get("updatedAt")),
            url=_page(at, "customers", external_id),
        ),
        # Without a name the source shows an address or a number in its place.
        full_name=text(row.get("displayName")) if given or family else None,
        given_name=given,
        family_name=family,
        emails=texts((row.get("defaultEmailAddress") or {}).get("emailAddress")),
        phones=texts((row.get("defaultPhoneNumber") or {}).get("phoneNumber")),
        address=_address(row.get("defaultAddress")),
        company=text((row.get("defaultAddress") or {}).get("company")),
        created_at=at.instant(row.get("createdAt")),
        raw=row,
    )


def order(row: Row, at: Reading) -> Order:
    """One order. `createdAt` is when the check-out was completed, and never moves; amounts are what
    was ordered, before returns, in the currency of the shop.
    """
    external_id = identifier(row["legacyResourceId"])
    return Order(
        key=at.key(Kind.ORDER, external_id),
        provenance=at.provenance(
            external_id,
            updated_at=at.instant(row.get("updatedAt")),
            url=_page(at, "orders", external_id),
        ),
        occurred_at=required(at.instant(row.get("createdAt"))),
        number=text(row.get("name")),
        status=status(row),
        raw_status=raw_status(row),
        channel=_channel(row),
        total=_money(row.get("totalPriceSet")),
        lines=_lines(row.get("lineItems")),
        shipments=_shipments(row, at),
        owner_ids=texts((row.get("customer") or {}).get("legacyResourceId")),
    )


def status(row: Row) -> OrderStatus:
    """By the rules above. A row that was read without its statuses is UNKNOWN."""
    fulfillment = row.get("displayFulfillmentStatus")
    if fulfillment is None:
        return OrderStatus.UNKNOWN
    undone = _undone(row)
    if undone is not None:
        return undone
    if fulfillment == "FULFILLED":
        return OrderStatus.DELIVERED if _arrived(row) else OrderStatus.SHIPPED
    if fulfillment in NOT_STARTED:
        return PAYMENT.get(row.get("displayFinancialStatus") or "", OrderStatus.UNKNOWN)
    return FULFILLMENT.get(fulfillment, OrderStatus.UNKNOWN)


def _undone(row: Row) -> OrderStatus | None:
    if row.get("cancelledAt"):
        return OrderStatus.CANCELLED
    if row.get("displayFinancialStatus") == "REFUNDED":
        return OrderStatus.REFUNDED
    return OrderStatus.RETURNED if row.get("returnStatus") in RETURNED else None


def raw_status(row: Row) -> str | None:
    """The source's words: payment, fulfilment, return, and whether it was cancelled."""
    names = ("displayFinancialStatus", "displayFulfillmentStatus", "returnStatus")
    words = [*texts(*(row.get(name) for name in names))]
    return "/".join([*words, *(["CANCELLED"] if row.get("cancelledAt") else [])]) or None


def _channel(row: Row) -> Channel:
    return known(CHANNEL, row.get("sourceName"), Channel.UNKNOWN)[0]


def _arrived(row: Row) -> bool:
    shown = [parcel.get("displayStatus") for parcel in _parcels(row)]
    if _channel(row) is Channel.STORE:
        return all(word in ARRIVED | HANDED_OVER for word in shown)
    return bool(shown) and all(word in ARRIVED for word in shown)


def _parcels(row: Row) -> list[Row]:
    """Fulfilments that came about."""
    found: Iterable[Row] = row.get("fulfillments") or ()
    return [parcel for parcel in found if parcel.get("status") not in FAILED_PARCEL]


def _lines(connection: Row | None) -> tuple[OrderLine, ...] | None:
    """None where they were not asked for, or where the list goes on: a part is not the order."""
    if connection is None or connection["pageInfo"]["hasNextPage"]:
        return None
    return tuple(_line(line) for line in connection["nodes"])


def _line(row: Row) -> OrderLine:
    return OrderLine(
        sku=text(row.get("sku")),
        title=text(row.get("name")),
        quantity=_count(row.get("quantity")),
        price=_money(row.get("originalUnitPriceSet")),
    )


def _count(value: object) -> int | None:
    """Raises RowError for what is no number of things."""
    if value is None or type(value) is int:
        return value
    raise RowError("a count expected")


def _shipments(row: Row, at: Reading) -> tuple[Shipment, ...] | None:
    """One for each parcel of a fulfilment. None where they were not asked for: the status alone
    needs less of them.
    """
    found: Sequence[Row] | None = row.get("fulfillments")
    if found is None or any("trackingInfo" not in one for one in found):
        return None
    return tuple(
        _shipment(one, parcel, at) for one in found for parcel in one["trackingInfo"] or [{}]
    )


def _shipment(row: Row, parcel: Row, at: Reading) -> Shipment:
    return Shipment(
        carrier=text(parcel.get("company")),
        tracking_number=text(parcel.get("number")),
        tracking_url=text(parcel.get("url")),
        status=text(row.get("displayStatus") or row.get("status")),
        eta=at.instant(row.get("estimatedDeliveryAt")),
    )


def _money(bag: Row | None) -> Money | None:
    """None also for an amount in coins: they have no code of ISO 4217 (CurrencyCode, `USDC`)."""
    if bag is None:
        return None
    money = bag["shopMoney"]
    if money["currencyCode"] in COINS:
        return None
    return from_major(text(money["amount"]) or "", money["currencyCode"])


def _address(row: Row | None) -> Address | None:
    if row is None:
        return None
    street = ", ".join(texts(row.get("address1"), row.get("address2")))
    return Address(
        street=street or None,
        city=text(row.get("city")),
        region=text(row.get("province")),
        postcode=text(row.get("zip")),
        country=text(row.get("countryCodeV2")),
    )


def _page(at: Reading, kind: str, external_id: str) -> str | None:
    """Where staff read it; None where the shop is not named in the configuration."""
    shop = at.option("shop")
    return f"https://{shop}.myshopify.com/admin/{kind}/{external_id}" if shop else None
