"""Twilio as data: kinds, limits, credentials."""

import re
from dataclasses import dataclass
from datetime import timedelta

from connectors.auth import Authenticator, Basic, Secrets
from connectors.reading import Options
from connectors.spec import (
    BatchRead,
    ChildRead,
    Endpoint,
    Figure,
    Limits,
    Option,
    Since,
    Spec,
)
from connectors.twilio import mapping, queries, threads
from connectors.twilio.events import WEBHOOKS
from domain.ids import Kind
from domain.sources import CursorKind, CursorPolicy, ParentBy
from domain.vocabulary import SystemKind

CALL_LIMIT = (
    "https://www.twilio.com/en-us/blog/introducing-configurable-call-limits-for-programmable-voice"
)
PAGES = 10
"""Ours: 10,000 calls or messages in each direction are more than anybody has of one person."""

_CALL_SID = re.compile("CA[0-9a-fA-F]{32}")


def call_sid(external_id: str) -> bool:
    return _CALL_SID.fullmatch(external_id) is not None


@dataclass(frozen=True, slots=True)
class KeyOrAccount:
    """HTTP Basic: an API key with its secret, else the account with its auth token (twilio.com/
    docs/iam/api-keys).
    """

    @property
    def secrets(self) -> tuple[str, ...]:
        return ("token",)

    def open(self, source: str, secrets: Secrets, options: Options) -> Authenticator:
        user = "{api_key}" if options.get("api_key") else "{account_sid}"
        return Basic(user).open(source, secrets, options)


CALLS = Endpoint(
    map=mapping.call,
    get_many=BatchRead(
        ask=queries.ask_call, read=queries.read_call, size=queries.ONE, valid=call_sid
    ),
    children={
        ParentBy.PHONE: ChildRead(
            ask=queries.ask_calls_of,
            read=queries.read_calls_of,
            size=queries.NUMBER,
            page=queries.MOST_A_PAGE,
            pages=PAGES,
            lists=2,
            # The description does not say in which order calls are listed.
            newest_first=False,
            valid=threads.e164,
            owners=queries.both_sides,
        )
    },
    changed_since=Since(
        ask=queries.ask_changed_calls,
        read=queries.read_calls,
        policy=CursorPolicy(
            kind=CursorKind.TIMESTAMP,
            resolution=timedelta(seconds=1),
            # Calls are found by when they began, and change until they end: after 24 hours at the
            # latest (CALL_LIMIT).
            overlap=timedelta(hours=24),
            covers=frozenset({Kind.CALL}),
            full_scan_every=timedelta(days=7),
        ),
    ),
)

THREADS = Endpoint(
    map=mapping.conversation,
    get_many=BatchRead(
        ask=queries.ask_thread,
        read=queries.read_messages,
        size=queries.NUMBER,
        pages=PAGES,
        lists=2,
        gather=threads.gathered,
        valid=threads.sealed_id,
    ),
    children={
        ParentBy.PHONE: ChildRead(
            ask=queries.ask_messages_of,
            read=queries.read_messages,
            size=queries.NUMBER,
            page=queries.MOST_A_PAGE,
            pages=PAGES,
            lists=2,
            gather=threads.gathered,
            newest_first=False,
            valid=threads.e164,
            owners=queries.both_sides_of_thread,
        )
    },
)

MESSAGES = Endpoint(
    map=mapping.message,
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_messages_in,
            read=queries.read_messages,
            size=queries.NUMBER,
            page=queries.MOST_A_PAGE,
            pages=PAGES,
            lists=2,
            newest_first=False,
            valid=threads.sealed_id,
        )
    },
)

SPEC = Spec(
    connector="twilio",
    system=SystemKind.VOICE,
    base_url="https://api.twilio.com",
    auth=KeyOrAccount(),
    limits=Limits(
        concurrency=Figure(
            8, "ours: Twilio limits calls at once (error 20429), and does not say how many"
        )
    ),
    kinds={Kind.CALL: CALLS, Kind.CONVERSATION: THREADS, Kind.MESSAGE: MESSAGES},
    options=(
        Option("account_sid", "the account (AC...) whose calls and messages are read", None),
        Option("api_key", "SID (SK...) of an API key, where `token` is its secret"),
    ),
    webhooks=WEBHOOKS,
)
