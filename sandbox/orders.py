"""What people bought: orders of every fate, on the web and at tills, in four currencies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from sandbox.rows import Order, OrderLine, Shipment, ShopCustomer
from sandbox.world import World

# (sku, title, variant, pounds)
CATALOGUE: tuple[tuple[str, str, str | None, str], ...] = (
    ("ESP-200", "Barista 200 espresso machine", "Steel", "349.00"),
    ("GRD-110", "Burr grinder", None, "119.00"),
    ("KET-030", "Gooseneck kettle", "Black", "64.50"),
    ("MUG-004", "Stoneware mug, set of four", "Moss", "38.00"),
    ("BNS-250", "House blend beans 250 g", None, "8.95"),
    ("FLT-100", "Paper filters, 100", None, "4.20"),
    ("FRO-020", "Milk frother", "White", "42.00"),
    ("SCL-001", "Kitchen scale", None, "27.99"),
    ("TAM-058", "Tamper 58 mm", "Walnut", "33.40"),
    ("DSC-002", "Descaler, two bottles", None, "11.80"),
)

# Currency by country: units for one pound, and its smallest amount (yen have no decimals).
CURRENCIES: dict[str, tuple[str, Decimal, Decimal]] = {
    "GB": ("GBP", Decimal(1), Decimal("0.01")),
    "US": ("USD", Decimal("1.27"), Decimal("0.01")),
    "DE": ("EUR", Decimal("1.17"), Decimal("0.01")),
    "JP": ("JPY", Decimal(190), Decimal(1)),
}

CARRIERS = {
    "Royal Mail": "https://track.example.com/royal-mail/{}",
    "DPD": "https://track.example.com/dpd/{}",
    "UPS": "https://track.example.com/ups/{}",
}
TILLS = ("Bristol Harbourside", "Leeds Arcade", "London Borough Market")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of an order: statuses as Shopify names them, and what that implies."""

    weight: int
    financial: str
    fulfillment: str
    returned: str = "NO_RETURN"
    parcel: str | None = None
    refunded_share: Decimal = Decimal(0)
    cancel_reason: str | None = None
    days: tuple[int, int] = (20, 700)


FATES: tuple[Fate, ...] = (
    Fate(weight=34, financial="PAID", fulfillment="FULFILLED", parcel="DELIVERED"),
    Fate(weight=10, financial="PAID", fulfillment="FULFILLED", parcel="IN_TRANSIT", days=(1, 6)),
    Fate(
        weight=3, financial="PAID", fulfillment="FULFILLED", parcel="OUT_FOR_DELIVERY", days=(1, 4)
    ),
    Fate(weight=3, financial="PAID", fulfillment="FULFILLED", parcel=None),
    Fate(weight=8, financial="PAID", fulfillment="UNFULFILLED", days=(0, 3)),
    Fate(weight=4, financial="PAID", fulfillment="PARTIALLY_FULFILLED", parcel="IN_TRANSIT"),
    Fate(weight=3, financial="PAID", fulfillment="ON_HOLD", days=(1, 9)),
    Fate(weight=2, financial="PAID", fulfillment="IN_PROGRESS", days=(0, 3)),
    Fate(weight=2, financial="PAID", fulfillment="SCHEDULED", days=(0, 9)),
    Fate(weight=4, financial="PENDING", fulfillment="UNFULFILLED", days=(0, 3)),
    Fate(weight=2, financial="AUTHORIZED", fulfillment="UNFULFILLED", days=(0, 3)),
    Fate(weight=2, financial="EXPIRED", fulfillment="UNFULFILLED"),
    Fate(weight=2, financial="PARTIALLY_PAID", fulfillment="UNFULFILLED"),
    Fate(
        weight=4,
        financial="REFUNDED",
        fulfillment="UNFULFILLED",
        refunded_share=Decimal(1),
        cancel_reason="CUSTOMER",
    ),
    Fate(weight=2, financial="VOIDED", fulfillment="UNFULFILLED", cancel_reason="FRAUD"),
    Fate(
        weight=4,
        financial="REFUNDED",
        fulfillment="FULFILLED",
        returned="RETURNED",
        parcel="DELIVERED",
        refunded_share=Decimal(1),
    ),
    Fate(
        weight=4,
        financial="PARTIALLY_REFUNDED",
        fulfillment="FULFILLED",
        returned="IN_PROGRESS",
        parcel="DELIVERED",
        refunded_share=Decimal("0.5"),
    ),
    Fate(
        weight=2,
        financial="PAID",
        fulfillment="FULFILLED",
        returned="RETURN_REQUESTED",
        parcel="DELIVERED",
    ),
)
TILL_FATE = Fate(weight=0, financial="PAID", fulfillment="FULFILLED")


def drawn_order(world: World, customer: ShopCustomer, now: datetime, rng: Random) -> Order:
    """One order of a customer, added to the world; about one in five happened at a till."""
    at_till = rng.random() < 0.2
    fate = TILL_FATE if at_till else rng.choices(FATES, [fate.weight for fate in FATES])[0]
    least = 2 if fate.fulfillment == "PARTIALLY_FULFILLED" else 1
    goods = rng.sample(CATALOGUE, max(least, rng.choice((1, 1, 1, 2, 2, 3))))
    placed = now - timedelta(days=rng.randint(*fate.days), minutes=rng.randint(0, 1_400))
    return add_order(
        world,
        customer,
        fate,
        placed=placed,
        now=now,
        goods=[(sku, rng.choice((1, 1, 1, 2))) for sku, *_ in goods],
        till=rng.choice(TILLS) if at_till else None,
        carrier=rng.choice(tuple(CARRIERS)),
    )


def add_order(
    world: World,
    customer: ShopCustomer,
    fate: Fate,
    *,
    placed: datetime,
    now: datetime,
    goods: list[tuple[str, int]],
    till: str | None = None,
    carrier: str = "Royal Mail",
) -> Order:
    """An order of (sku, quantity) that met this fate by `now`; no stamp lies after `now`."""
    currency, rate, unit = CURRENCIES[customer.country_code or "GB"]
    lines = tuple(_line(world, sku, quantity, rate, unit) for sku, quantity in goods)
    total = sum((line.unit_price * line.quantity for line in lines), Decimal(0))
    order_id = world.orders.next_id()
    order = Order(
        id=order_id,
        person_id=customer.person_id,
        name=f"#{1_000 + len(world.orders) + 1}",
        customer_id=customer.id,
        email=customer.email,
        phone=customer.phone,
        source_name="pos" if till else "web",
        till=till,
        currency=currency,
        total=total,
        refunded=(total * fate.refunded_share).quantize(unit, ROUND_HALF_UP),
        financial_status=fate.financial,
        fulfillment_status=fate.fulfillment,
        return_status=fate.returned,
        processed_at=placed,
        created_at=placed,
        updated_at=placed,
        cancel_reason=fate.cancel_reason,
        lines=lines,
    )
    return world.orders.add(_aged(world, order, fate, now, carrier))


def _line(world: World, sku: str, quantity: int, rate: Decimal, unit: Decimal) -> OrderLine:
    title, variant, pounds = next(row[1:] for row in CATALOGUE if row[0] == sku)
    price = (Decimal(pounds) * rate).quantize(unit, ROUND_HALF_UP)
    return OrderLine(
        id=world.part_id(),
        sku=sku,
        title=title,
        variant_title=variant,
        quantity=quantity,
        unit_price=price,
    )


def _aged(world: World, order: Order, fate: Fate, now: datetime, carrier: str) -> Order:
    """The order with its parcel, its cancellation and the stamp of its last change."""
    if fate.cancel_reason:
        cancelled = min(order.created_at + timedelta(hours=5), now)
        order = replace(order, cancelled_at=cancelled, updated_at=cancelled)
    if fate.parcel:
        shipment = _shipment(world, order, fate, now, carrier)
        order = replace(order, shipments=(shipment,), updated_at=shipment.updated_at)
    if fate.parcel == "DELIVERED" and fate.returned in ("NO_RETURN", "RETURNED"):
        closed = min(order.updated_at + timedelta(days=1), now)
        order = replace(order, closed_at=closed, updated_at=closed)
    return order


def _shipment(world: World, order: Order, fate: Fate, now: datetime, carrier: str) -> Shipment:
    sent = min(order.created_at + timedelta(hours=20), now)
    delivered = min(sent + timedelta(days=2), now) if fate.parcel == "DELIVERED" else None
    shipped = order.lines[:1] if fate.fulfillment == "PARTIALLY_FULFILLED" else order.lines
    shipment_id = world.part_id()
    number = f"{carrier[:2].upper()}{shipment_id[-9:]}GB"
    return Shipment(
        id=shipment_id,
        status="SUCCESS",
        display_status=fate.parcel,
        carrier=carrier,
        tracking_number=number,
        tracking_url=CARRIERS[carrier].format(number),
        created_at=sent,
        updated_at=delivered or sent,
        estimated_delivery_at=sent + timedelta(days=3),
        delivered_at=delivered,
        line_ids=tuple(line.id for line in shipped),
    )
