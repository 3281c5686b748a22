"""Salesforce as data: kinds, limits, credentials."""

from collections.abc import Callable
from datetime import timedelta

from connectors.auth import AnyOf, Bearer
from connectors.oauth import ClientCredentials
from connectors.request import ACCOUNT, Request
from connectors.salesforce import mapping, queries
from connectors.salesforce.refusals import refused
from connectors.salesforce.soql import FIELD, long_id
from connectors.spec import (
    BatchRead,
    ChildRead,
    Endpoint,
    Figure,
    KeyRead,
    Limits,
    Option,
    Rate,
    SearchAsk,
    Since,
    Spec,
    Via,
)
from domain.customer import KeyKind
from domain.ids import Kind
from domain.sources import CursorKind, CursorPolicy, ParentBy
from domain.vocabulary import SystemKind

LIMITS = (
    "https://developer.salesforce.com/docs/platform/salesforce-app-limits-cheatsheet/guide/"
    "salesforce-app-limits-platform-api.html"
)


def policy(kind: Kind) -> CursorPolicy:
    return CursorPolicy(
        kind=CursorKind.TIMESTAMP,
        resolution=timedelta(seconds=1),
        # A row shows once its transaction ends, under the time it was written: calls may take ten
        # minutes (LIMITS, API Timeout Limits).
        overlap=timedelta(minutes=10),
        covers=frozenset({kind}),
        # Rows that were emptied out of the recycle bin vanish without a trace.
        full_scan_every=timedelta(days=7),
    )


def found_by(ask: Callable[[SearchAsk], Request | None]) -> KeyRead:
    return KeyRead(ask=ask, read=queries.read_found)


CONTACTS = Endpoint(
    map=mapping.contact,
    get_many=BatchRead(
        ask=queries.ask_contacts, read=queries.read_batch, size=queries.BATCH, valid=long_id
    ),
    search={
        KeyKind.EMAIL: found_by(queries.ask_email),
        KeyKind.PHONE: found_by(queries.ask_phone),
        KeyKind.ACCOUNT_NUMBER: found_by(queries.ask_account_number),
        KeyKind.EXTERNAL: found_by(queries.ask_foreign_id),
    },
    changed_since=Since(
        ask=queries.ask_changed_contacts, read=queries.read_changes, policy=policy(Kind.CONTACT)
    ),
)

CASES = Endpoint(
    map=mapping.ticket,
    get_many=BatchRead(
        ask=queries.ask_cases, read=queries.read_batch, size=queries.BATCH, valid=long_id
    ),
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_cases_of,
            read=queries.read_children,
            size=queries.BATCH,
            page=queries.PAGE,
            valid=long_id,
        ),
        ParentBy.EMAIL: ChildRead(
            ask=queries.ask_cases_by_email,
            read=queries.read_children,
            size=Figure(50, f"{queries.HELP}: 16,384 bytes; 50 addresses, named twice, take 6,000"),
            page=queries.PAGE,
            owners=queries.owner_emails,
        ),
        # Numbers of cases are those of their contacts, and only those are compared by digits.
        ParentBy.PHONE: Via(
            ask=queries.ask_contacts_by_phone, read=queries.read_found, size=queries.NUMBERS
        ),
    },
    changed_since=Since(
        ask=queries.ask_changed_cases, read=queries.read_changes, policy=policy(Kind.TICKET)
    ),
)

MESSAGES = Endpoint(
    map=mapping.message,
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_messages,
            read=queries.read_messages,
            size=queries.BATCH,
            page=queries.PAGE,
            lists=2,
            valid=long_id,
        )
    },
)

SPEC = Spec(
    connector="salesforce",
    system=SystemKind.CRM,
    base_url="https://{domain}.my.salesforce.com",
    auth=AnyOf(
        (
            Bearer(),
            # help.salesforce.com, "OAuth 2.0 Client Credentials Flow for Server-to-Server
            # Integration": the org's own address; the answer does not say how long a token lives.
            ClientCredentials(url="/services/oauth2/token", in_body=True),
        )
    ),
    limits=Limits(
        concurrency=Figure(5, f"{LIMITS}: 5 long requests at once in the least org, else 25"),
        rates={
            ACCOUNT: Rate(
                Figure(100_000, f"{LIMITS}: 100,000 in 24 hours, and more for each licence"), 86_400
            )
        },
    ),
    kinds={Kind.CONTACT: CONTACTS, Kind.TICKET: CASES, Kind.MESSAGE: MESSAGES},
    options=(
        Option(
            "domain", "the org's part of https://<domain>.my.salesforce.com", form=r"[A-Za-z0-9.-]+"
        ),
        Option("client_id", "the consumer key of the connected app, with `client_secret`"),
        Option("account_number_field", "the contact field with your account number", form=FIELD),
        Option(
            "foreign_ids",
            "contact fields with ids of other systems, by the system's name",
            {},
            form=FIELD,
        ),
        Option("leave_out", "fields not to ask for, with commas: those you may not see"),
        Option("case_statuses", "your words for a case's status, and what each means here", {}),
        Option("case_origins", "your words for a case's origin, and the channel of each", {}),
    ),
    refused=refused,
)
