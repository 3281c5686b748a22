"""commercetools as data: kinds, limits, credentials."""

import re
from datetime import timedelta

from connectors.auth import AnyOf, Bearer
from connectors.commercetools import mapping, queries
from connectors.commercetools.refusals import judged
from connectors.oauth import ClientCredentials
from connectors.spec import (
    BatchRead,
    ChildRead,
    Endpoint,
    Figure,
    KeyRead,
    Limits,
    Option,
    Since,
    Spec,
)
from domain.customer import KeyKind
from domain.ids import Kind
from domain.sources import CursorKind, CursorPolicy, ParentBy
from domain.vocabulary import SystemKind

_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def uuid(external_id: str) -> bool:
    return _ID.fullmatch(external_id) is not None


def address(value: str) -> bool:
    return "@" in value and value.isprintable()


def policy(kind: Kind) -> CursorPolicy:
    return CursorPolicy(
        kind=CursorKind.TIMESTAMP,
        resolution=timedelta(milliseconds=1),
        # "Eventual consistency" (general concepts): a query may lag behind what was written.
        overlap=timedelta(minutes=1),
        covers=frozenset({kind}),
        full_scan_every=timedelta(days=7),
    )


CUSTOMERS = Endpoint(
    map=mapping.contact,
    get_many=BatchRead(
        ask=queries.ask_customers,
        read=queries.read_customers,
        size=queries.IDS,
        valid=uuid,
        strict=True,
    ),
    search={
        KeyKind.EMAIL: KeyRead(ask=queries.ask_by_email, read=queries.read_customers, strict=True),
        KeyKind.ACCOUNT_NUMBER: KeyRead(
            ask=queries.ask_by_number, read=queries.read_customers, strict=True
        ),
    },
    changed_since=Since(
        ask=queries.ask_changed_customers,
        read=queries.read_changed_customers,
        policy=policy(Kind.CONTACT),
        strict=True,
    ),
)

ORDERS = Endpoint(
    map=mapping.order,
    get_many=BatchRead(
        ask=queries.ask_orders,
        read=queries.read_orders,
        size=queries.IDS,
        valid=uuid,
        strict=True,
    ),
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_orders_of,
            read=queries.read_orders_of,
            size=queries.PARENTS,
            page=queries.PAGE,
            valid=uuid,
        ),
        ParentBy.EMAIL: ChildRead(
            ask=queries.ask_orders_by_email,
            read=queries.read_orders_of,
            size=queries.PARENTS,
            page=queries.PAGE,
            valid=address,
            owners=queries.emails_of,
        ),
    },
    changed_since=Since(
        ask=queries.ask_changed_orders,
        read=queries.read_changed_orders,
        policy=policy(Kind.ORDER),
        strict=True,
    ),
)

SPEC = Spec(
    connector="commercetools",
    system=SystemKind.OMS,
    base_url="https://api.{region_host}.commercetools.com",
    auth=AnyOf(
        (
            Bearer(),
            # docs.commercetools.com/api/authorization, client credentials flow.
            ClientCredentials(
                url="https://auth.{region_host}.commercetools.com/oauth/token",
                scope="view_customers:{project} view_orders:{project}",
            ),
        )
    ),
    limits=Limits(
        concurrency=Figure(8, "ours: the vendor publishes no quota, and refuses with 429 or 503")
    ),
    kinds={Kind.CONTACT: CUSTOMERS, Kind.ORDER: ORDERS},
    judge=judged,
    options=(
        Option("project", "the key of the project", None, "[a-z0-9_-]+"),
        Option(
            "region_host",
            "region and cloud, as in the address of the API",
            "europe-west1.gcp",
            "[a-z0-9.-]+",
        ),
        Option("client_id", "of the API client, where client_secret is given"),
    ),
)
