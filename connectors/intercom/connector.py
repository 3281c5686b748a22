"""Intercom as data: kinds, limits, credentials."""

import re
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime

from connectors.auth import Bearer
from connectors.intercom import mapping, queries
from connectors.intercom.events import WEBHOOKS
from connectors.request import ACCOUNT
from connectors.spec import (
    BatchRead,
    ChildRead,
    Endpoint,
    Figure,
    KeyRead,
    Limits,
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

RATES = "https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting"
BATCH = Figure(150, "Search: ten IN filters of 15 in one group, 150 results per page")

_CONTACT_ID = re.compile("[0-9a-f]{24}")


def contact_id(external_id: str) -> bool:
    """24 hexadecimal digits: anything else is refused together with its whole batch."""
    return _CONTACT_ID.fullmatch(external_id) is not None


def wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from the answer's own time to the next window (X-RateLimit-Reset, Unix seconds)."""
    reset, date = headers.get("x-ratelimit-reset", ""), headers.get("date", "")
    if not reset or not date:
        return None
    return max(0.0, float(reset) - parsedate_to_datetime(date).timestamp())


CONTACTS = Endpoint(
    map=mapping.contact,
    get_many=BatchRead(
        ask=queries.ask_contacts, read=queries.read_contacts, size=BATCH, valid=contact_id
    ),
    search={
        KeyKind.EMAIL: KeyRead(ask=queries.ask_contact_by_email, read=queries.read_contacts),
        KeyKind.PHONE: KeyRead(ask=queries.ask_contact_by_phone, read=queries.read_contacts),
        KeyKind.ACCOUNT_NUMBER: KeyRead(
            ask=queries.ask_contact_by_number, read=queries.read_contacts
        ),
    },
    changed_since=Since(
        ask=queries.ask_changed_contacts,
        read=queries.read_changed_contacts,
        policy=CursorPolicy(
            kind=CursorKind.TIMESTAMP,
            resolution=timedelta(seconds=1),
            # "This delay can take a few minutes" (Search contacts, Contact Creation Delay).
            overlap=timedelta(minutes=15),
            covers=frozenset({Kind.CONTACT}),
            full_scan_every=timedelta(days=1),
        ),
    ),
)

CONVERSATIONS = Endpoint(
    map=mapping.conversation,
    get_many=BatchRead(
        ask=queries.ask_conversations,
        read=queries.read_conversations,
        size=BATCH,
        valid=decimal_id,
    ),
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_conversations_of,
            read=queries.read_conversations,
            size=queries.GROUP,
            page=queries.MOST_A_PAGE,
            valid=contact_id,
        ),
        ParentBy.EMAIL: Via(
            ask=queries.ask_contacts_by_email, read=queries.read_contacts, size=queries.GROUP
        ),
        ParentBy.PHONE: Via(
            ask=queries.ask_contacts_by_phone, read=queries.read_contacts, size=queries.GROUP
        ),
    },
)

PARTS = Endpoint(
    map=mapping.message,
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_parts,
            read=queries.read_parts,
            size=Figure(1, "Retrieve a conversation: lists and searches carry no parts"),
            page=Figure(501, "Retrieve a conversation: the 500 most recent parts, and the source"),
            pages=1,
            newest_first=False,
            valid=decimal_id,
        )
    },
)

SPEC = Spec(
    connector="intercom",
    system=SystemKind.CHAT,
    base_url="https://api.intercom.io",
    auth=Bearer(),
    limits=Limits(
        concurrency=Figure(8, "ours: the vendor names no limit"),
        rates={
            ACCOUNT: Rate(
                Figure(1666, f"{RATES}: 10,000 a minute for an app, in slices of 10 seconds"), 10
            )
        },
    ),
    kinds={Kind.CONTACT: CONTACTS, Kind.CONVERSATION: CONVERSATIONS, Kind.MESSAGE: PARTS},
    headers={"intercom-version": "2.16"},
    wait_s=wait_s,
    webhooks=WEBHOOKS,
)
