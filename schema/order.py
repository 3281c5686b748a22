"""Orders and what is in them."""

from datetime import datetime
from decimal import Decimal

import strawberry
from strawberry import federation

from domain import money, records
from domain.vocabulary import Channel, OrderStatus
from resolvers import orders
from schema.base import Node, speaks_for
from schema.directives import CONTACT, FINANCIAL, about
from schema.interaction import TimelineItem
from schema.scalars import URL, CurrencyCode


@strawberry.type
class Money:
    is_type_of = speaks_for(money.Money)

    text: Decimal = strawberry.field(name="amount")
    currency: CurrencyCode


@strawberry.type
class OrderLine:
    is_type_of = speaks_for(records.OrderLine)

    sku: str | None
    title: str | None
    quantity: int | None
    price: Money | None
    warranty_until: datetime | None


@strawberry.type
class Shipment:
    is_type_of = speaks_for(records.Shipment)

    carrier: str | None
    tracking_number: str | None = strawberry.field(directives=[CONTACT])
    tracking_url: URL | None = strawberry.field(directives=[CONTACT])
    status: str | None
    eta: datetime | None


@federation.type(keys=["id"])
class Order(Node, TimelineItem):
    is_type_of = speaks_for(records.Order)

    number: str | None
    status: OrderStatus
    raw_status: str | None
    channel: Channel
    total: Money | None = strawberry.field(directives=[FINANCIAL])
    lines: list[OrderLine] | None = strawberry.field(directives=[about(5)])
    shipments: list[Shipment] | None = strawberry.field(directives=[about(2)])


@strawberry.type
class OrderNotFound:
    is_type_of = speaks_for(orders.OrderNotFound)

    message: str
