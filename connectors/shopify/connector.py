"""Shopify Admin GraphQL as data: kinds, limits, credentials."""

from datetime import timedelta

from connectors.auth import Header
from connectors.request import ACCOUNT
from connectors.shopify import mapping, queries
from connectors.shopify.events import WEBHOOKS
from connectors.shopify.refusals import judged
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
    Via,
    decimal_id,
)
from domain.customer import KeyKind
from domain.ids import Kind
from domain.sources import CursorKind, CursorPolicy, ParentBy
from domain.vocabulary import SystemKind

RATES = "https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits"
LIMITS = "https://shopify.dev/docs/api/usage/limits"

# Each id of `nodes` is charged: 250 (the most a list may hold) customers of 4 points would cost
# the whole 1,000 that one query may, orders of 17 with lines and shipments allow 58.
CUSTOMERS_A_CALL = Figure(200, f"{RATES}: 1,000 points a query, 4 a customer; {LIMITS}: 250 ids")
ORDERS_A_CALL = Figure(50, f"{RATES}: 1,000 points a query, 17 an order; {LIMITS}: 250 ids")
TERMS = Figure(50, "ours: the vendor names no limit; the query stays below 1,500 characters")

CUSTOMERS = Endpoint(
    map=mapping.contact,
    get_many=BatchRead(
        ask=queries.ask_customers,
        read=queries.read_nodes,
        size=CUSTOMERS_A_CALL,
        valid=decimal_id,
    ),
    search={
        KeyKind.EMAIL: KeyRead(ask=queries.ask_customer_search, read=queries.read_customers),
        KeyKind.PHONE: KeyRead(ask=queries.ask_customer_search, read=queries.read_customers),
        KeyKind.ORDER_NUMBER: KeyRead(ask=queries.ask_buyer, read=queries.read_buyers, exact=False),
    },
    changed_since=Since(
        ask=queries.ask_changed_customers,
        read=queries.read_customers,
        policy=CursorPolicy(
            kind=CursorKind.TIMESTAMP,
            resolution=timedelta(seconds=1),
            # Ours: the vendor does not say how far its search index lies behind.
            overlap=timedelta(minutes=10),
            covers=frozenset({Kind.CONTACT}),
            full_scan_every=timedelta(days=7),
        ),
        cap=Figure(25_000, f"{LIMITS}: pagination ends at 25,000 objects"),
    ),
)

ORDERS = Endpoint(
    map=mapping.order,
    get_many=BatchRead(
        ask=queries.ask_orders, read=queries.read_nodes, size=ORDERS_A_CALL, valid=decimal_id
    ),
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_orders_of,
            read=queries.read_orders,
            size=TERMS,
            page=queries.MOST_A_PAGE,
            valid=decimal_id,
        ),
        ParentBy.EMAIL: ChildRead(
            ask=queries.ask_orders_by_email,
            read=queries.read_orders,
            size=TERMS,
            page=queries.MOST_A_PAGE,
            owners=queries.owner_emails,
        ),
        # Orders have no filter by telephone number, customers have.
        ParentBy.PHONE: Via(
            ask=queries.ask_customers_by_phone, read=queries.read_customers, size=TERMS
        ),
    },
)

SPEC = Spec(
    connector="shopify",
    system=SystemKind.OMS,
    base_url="https://{shop}.myshopify.com",
    auth=Header("x-shopify-access-token"),
    limits=Limits(
        concurrency=Figure(8, "ours: the vendor counts points, not calls"),
        rates={
            ACCOUNT: Rate(
                Figure(
                    2_000,
                    f"{RATES}: the least of any plan, 100 points a second (Advanced 200, Plus "
                    "1,000, Enterprise 2,000); answers of such a shop show a bucket of 2,000",
                ),
                20,
            )
        },
    ),
    kinds={Kind.CONTACT: CUSTOMERS, Kind.ORDER: ORDERS},
    options=(Option("shop", "the shop's part of https://<shop>.myshopify.com"),),
    judge=judged,
    webhooks=WEBHOOKS,
)
