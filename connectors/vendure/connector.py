"""Vendure's Admin API as data: kinds, limits, credentials."""

import re
from datetime import timedelta

from connectors.request import ACCOUNT
from connectors.spec import (
    BatchRead,
    ChildRead,
    Endpoint,
    Figure,
    KeyRead,
    Limits,
    Option,
    Rate,
    Since,
    Spec,
    decimal_id,
)
from connectors.vendure import mapping, queries
from connectors.vendure.credentials import SessionOrKey
from connectors.vendure.refusals import judged
from domain.customer import KeyKind
from domain.ids import Kind
from domain.sources import CursorKind, CursorPolicy, ParentBy
from domain.vocabulary import SystemKind

LARGEST_ID = 2**31 - 1
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def row_id(external_id: str) -> bool:
    """A number the database holds, or an id of the UUID strategy: a larger number fails the whole
    question.
    """
    if UUID.fullmatch(external_id):
        return True
    return decimal_id(external_id) and int(external_id) <= LARGEST_ID


def policy(kind: Kind) -> CursorPolicy:
    return CursorPolicy(
        kind=CursorKind.TIMESTAMP,
        resolution=queries.RESOLUTION,
        # A row shows when its transaction ends, under the time it was written.
        overlap=timedelta(minutes=10),
        covers=frozenset({kind}),
        # Addresses of a customer and whatever is deleted move no time that can be asked for.
        full_scan_every=timedelta(days=1),
    )


CUSTOMERS = Endpoint(
    map=mapping.contact,
    get_many=BatchRead(
        ask=queries.ask_customers, read=queries.read_customers, size=queries.PAGE, valid=row_id
    ),
    search={
        KeyKind.EMAIL: KeyRead(ask=queries.ask_by_email, read=queries.read_customers),
        KeyKind.PHONE: KeyRead(ask=queries.ask_by_phone, read=queries.read_customers),
        KeyKind.ORDER_NUMBER: KeyRead(ask=queries.ask_buyer, read=queries.read_buyers, exact=False),
    },
    changed_since=Since(
        ask=queries.ask_changed_customers,
        read=queries.read_customers,
        policy=policy(Kind.CONTACT),
        keyset=True,
    ),
)

ORDERS = Endpoint(
    map=mapping.order,
    get_many=BatchRead(
        ask=queries.ask_orders,
        read=queries.read_orders,
        size=Figure(50, "ours: 50 orders with their lines took half a second"),
        valid=row_id,
    ),
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_orders_of,
            read=queries.read_orders_of,
            size=Figure(10, "ours: the server reads customer by customer, 0.1 s each when busy"),
            page=queries.PAGE,
            valid=row_id,
        )
    },
    changed_since=Since(
        ask=queries.ask_changed_orders, read=queries.read_orders, policy=policy(Kind.ORDER)
    ),
)

SPEC = Spec(
    connector="vendure",
    system=SystemKind.OMS,
    base_url="https://{host}",
    auth=SessionOrKey(),
    limits=Limits(
        concurrency=Figure(4, "ours: Vendure names no limit; one process answers"),
        rates={ACCOUNT: Rate(Figure(600, "ours: Vendure names no limit; a shop's own server"), 60)},
    ),
    kinds={Kind.CONTACT: CUSTOMERS, Kind.ORDER: ORDERS},
    options=(
        Option("host", "the server's name, where base_url is not set"),
        Option("api_key_header", "the header of API keys, where the token is one"),
        Option(
            "money_precision",
            "decimals of amounts (the server's moneyStrategy.precision)",
            mapping.DEFAULT_PRECISION,
            form=r"\d",
        ),
        Option(
            "reread_days",
            "how many days after it was placed an order is followed",
            queries.REREAD_DAYS,
            form=r"\d{1,4}",
        ),
    ),
    judge=judged,
)
