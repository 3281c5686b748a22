"""Zendesk Support as data: kinds, limits, credentials."""

from collections.abc import Mapping
from datetime import timedelta

from connectors.auth import Basic
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
    Spec,
    Stream,
    decimal_id,
)
from connectors.zendesk import mapping, queries
from connectors.zendesk.events import WEBHOOKS
from domain.customer import KeyKind
from domain.ids import Kind
from domain.sources import CursorKind, CursorPolicy, ParentBy
from domain.vocabulary import SystemKind

RATES = f"{queries.REFERENCE}/introduction/rate-limits/"
EXPORTS = f"{queries.REFERENCE}/ticketing/ticket-management/incremental_exports/"
BATCH = Figure(100, "Show Many Users, Show Multiple Tickets: up to 100 ids")


def export_policy(*covers: Kind) -> CursorPolicy:
    """Exports leave their most recent minute out, so that nothing comes late: no overlap."""
    return CursorPolicy(
        kind=CursorKind.OPAQUE,
        resolution=timedelta(seconds=1),
        overlap=timedelta(0),
        covers=frozenset(covers),
        full_scan_every=timedelta(days=7),
    )


def wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds until the window of the rate limit starts anew."""
    reset = headers.get("ratelimit-reset", "")
    return float(reset) if reset else None


USERS = Endpoint(
    map=mapping.contact,
    get_many=BatchRead(
        ask=queries.ask_users, read=queries.read_users, size=BATCH, valid=decimal_id
    ),
    search={
        KeyKind.EMAIL: KeyRead(ask=queries.ask_user_by_email, read=queries.read_users),
        KeyKind.PHONE: KeyRead(ask=queries.ask_user_by_phone, read=queries.read_users),
        KeyKind.ACCOUNT_NUMBER: KeyRead(ask=queries.ask_user_by_number, read=queries.read_users),
    },
    changed_since=Stream(
        ask=queries.ask_changed_users,
        read=queries.read_changed_users,
        policy=export_policy(Kind.CONTACT),
    ),
)

TICKETS = Endpoint(
    map=mapping.ticket,
    get_many=BatchRead(
        ask=queries.ask_tickets, read=queries.read_tickets, size=BATCH, valid=decimal_id
    ),
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_tickets_of,
            read=queries.read_found_tickets,
            size=Figure(50, "ours: keeps the address of the query below 2,000 characters"),
            page=queries.FOUND_PAGE,
            pages=queries.FOUND_PAGES,
            valid=decimal_id,
        )
    },
    changed_since=Stream(
        ask=queries.ask_changed_tickets,
        read=queries.read_changed_tickets,
        # `updated_at` moves with every ticket event, comments among them (Tickets).
        policy=export_policy(Kind.TICKET, Kind.MESSAGE),
    ),
)

COMMENTS = Endpoint(
    map=mapping.message,
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_comments,
            read=queries.read_comments,
            size=Figure(1, "Ticket Comments: listed for one ticket; there is no batch"),
            page=queries.COMMENTS_PAGE,
            pages=50,
            valid=decimal_id,
        )
    },
)

SPEC = Spec(
    connector="zendesk",
    system=SystemKind.TICKETING,
    base_url="https://{subdomain}.zendesk.com",
    auth=Basic("{email}/token"),
    limits=Limits(
        concurrency=Figure(8, "ours: the vendor names no limit"),
        rates={
            ACCOUNT: Rate(
                Figure(
                    200,
                    f"{RATES}: the least of any plan (Growth and Professional 400, Enterprise 700, "
                    "Enterprise Plus 2,500)",
                ),
                60,
            ),
            queries.INCREMENTAL: Rate(Figure(10, f"{EXPORTS}: 10 requests per minute"), 60),
        },
    ),
    kinds={Kind.CONTACT: USERS, Kind.TICKET: TICKETS, Kind.MESSAGE: COMMENTS},
    options=(
        Option("subdomain", "the account's part of https://<subdomain>.zendesk.com"),
        Option("email", "the agent the API token belongs to", default=None),
    ),
    wait_s=wait_s,
    webhooks=WEBHOOKS,
)
