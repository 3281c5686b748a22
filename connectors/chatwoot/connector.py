"""Chatwoot as data: kinds, limits, credentials."""

import re
from datetime import timedelta

from connectors.auth import Header
from connectors.chatwoot import mapping, queries
from connectors.chatwoot.events import WEBHOOKS
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
    Via,
    decimal_id,
)
from domain.customer import KeyKind
from domain.ids import Kind
from domain.sources import CursorKind, CursorPolicy, ParentBy
from domain.vocabulary import SystemKind

_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def e164(value: str) -> bool:
    """Numbers are kept so, and in no other form."""
    return _NUMBER.fullmatch(value) is not None


def policy(*covers: Kind, full_scan_every: timedelta) -> CursorPolicy:
    return CursorPolicy(
        kind=CursorKind.TIMESTAMP,
        resolution=timedelta(seconds=1),
        overlap=timedelta(minutes=5),  # ours: a row shows when its transaction ends
        covers=frozenset(covers),
        full_scan_every=full_scan_every,
    )


CONTACTS = Endpoint(
    map=mapping.contact,
    get_many=BatchRead(
        ask=queries.ask_contact, read=queries.read_contact, size=queries.ONE, valid=decimal_id
    ),
    search={
        KeyKind.EMAIL: KeyRead(ask=queries.ask_by_email, read=queries.read_contacts),
        KeyKind.PHONE: KeyRead(ask=queries.ask_by_phone, read=queries.read_contacts),
        KeyKind.ACCOUNT_NUMBER: KeyRead(ask=queries.ask_by_identifier, read=queries.read_contacts),
    },
    changed_since=Since(
        ask=queries.ask_changed_contacts,
        read=queries.read_changed_contacts,
        # A name or an address that was changed moves no time: webhooks tell, or the full scan.
        policy=policy(Kind.CONTACT, full_scan_every=timedelta(hours=6)),
    ),
)

CONVERSATIONS = Endpoint(
    map=mapping.conversation,
    get_many=BatchRead(
        ask=queries.ask_conversation,
        read=queries.read_conversation,
        size=queries.ONE,
        valid=decimal_id,
    ),
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_conversations_of,
            read=queries.read_conversations_of,
            size=queries.ONE,
            page=queries.CONVERSATIONS,
            pages=1,
            newest_first=False,
            valid=decimal_id,
        ),
        ParentBy.EMAIL: Via(ask=queries.ask_emails, read=queries.read_contacts, size=queries.KEYS),
        ParentBy.PHONE: Via(
            ask=queries.ask_phones, read=queries.read_contacts, size=queries.KEYS, valid=e164
        ),
    },
    changed_since=Since(
        ask=queries.ask_changed_conversations,
        read=queries.read_changed_conversations,
        policy=policy(Kind.CONVERSATION, Kind.MESSAGE, full_scan_every=timedelta(days=7)),
    ),
)

MESSAGES = Endpoint(
    map=mapping.message,
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_messages,
            read=queries.read_messages,
            size=queries.ONE,
            page=queries.MESSAGES,
            pages=50,
            valid=decimal_id,
        )
    },
)

SPEC = Spec(
    connector="chatwoot",
    system=SystemKind.CHAT,
    base_url="https://{host}",
    auth=Header("api_access_token"),
    limits=Limits(
        concurrency=Figure(8, "ours: Chatwoot names no limit; a server runs a few workers"),
        rates={
            ACCOUNT: Rate(
                Figure(3_000, "config/initializers/rack_attack.rb: RACK_ATTACK_LIMIT, by address"),
                60,
            )
        },
    ),
    kinds={Kind.CONTACT: CONTACTS, Kind.CONVERSATION: CONVERSATIONS, Kind.MESSAGE: MESSAGES},
    options=(
        Option("host", "the server's name, where base_url is not set", "app.chatwoot.com"),
        Option("account_id", "the number of the account, as it stands in addresses", None, r"\d+"),
    ),
    webhooks=WEBHOOKS,
)
