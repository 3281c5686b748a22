"""HubSpot CRM as data: kinds, limits, credentials."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from connectors.auth import Bearer
from connectors.hubspot import mapping, queries
from connectors.hubspot.events import WEBHOOKS
from connectors.request import ACCOUNT, Request
from connectors.spec import (
    BatchRead,
    Endpoint,
    Figure,
    KeyRead,
    Limits,
    Option,
    Rate,
    SearchAsk,
    Since,
    Spec,
    decimal_id,
)
from domain.customer import KeyKind
from domain.ids import Kind
from domain.sources import CursorKind, CursorPolicy
from domain.vocabulary import SystemKind


def wait_s(headers: Mapping[str, str]) -> float | None:
    """A refused caller waits for the next window. The daily limit does not say when it ends."""
    window_ms = headers.get("x-hubspot-ratelimit-interval-milliseconds", "")
    return int(window_ms) / 1000 if window_ms.isdecimal() else None


def found_by(ask: Callable[[SearchAsk], Request | None]) -> KeyRead:
    return KeyRead(ask=ask, read=queries.read_page)


CONTACT = Endpoint(
    map=mapping.contact,
    get_many=BatchRead(
        ask=queries.ask_batch, read=queries.read_batch, size=queries.BATCH, valid=decimal_id
    ),
    search={
        KeyKind.EMAIL: found_by(queries.ask_email),
        KeyKind.PHONE: found_by(queries.ask_phone),
        KeyKind.ACCOUNT_NUMBER: found_by(queries.ask_account_number),
        KeyKind.EXTERNAL: found_by(queries.ask_foreign_id),
    },
    changed_since=Since(
        ask=queries.ask_changed,
        read=queries.read_page,
        keyset=True,
        cap=queries.CAP,
        policy=CursorPolicy(
            kind=CursorKind.TIMESTAMP,
            resolution=timedelta(milliseconds=1),
            # "It may take a few moments for newly created or updated objects to appear" (Search).
            overlap=timedelta(minutes=2),
            covers=frozenset({Kind.CONTACT}),
            # Archived contacts leave the search and the list without a word.
            full_scan_every=timedelta(days=1),
        ),
    ),
)

SPEC = Spec(
    connector="hubspot",
    system=SystemKind.CRM,
    base_url="https://api.hubapi.com",
    auth=Bearer(),
    limits=Limits(
        concurrency=Figure(8, "ours: HubSpot limits calls in a time, not calls at once"),
        rates={
            ACCOUNT: Rate(
                Figure(100, "https://developers.hubspot.com/apisbytier: the least of any plan"), 10
            ),
            queries.SEARCH: Rate(
                Figure(
                    4,
                    "https://developers.hubspot.com/changelog/crm-search-api-rate-limit-increase",
                ),
                1,
            ),
        },
    ),
    kinds={Kind.CONTACT: CONTACT},
    options=(
        Option("account_number_property", "the contact property that holds your account number"),
        Option("foreign_ids", "properties with ids of other systems, by the system's name", {}),
    ),
    wait_s=wait_s,
    webhooks=WEBHOOKS,
)
