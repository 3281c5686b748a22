"""A mailbox as data: kinds, limits, credentials."""

import re
from datetime import timedelta

from connectors.auth import AnyOf, Basic
from connectors.imap import mapping, queries
from connectors.imap.options import OPTIONS
from connectors.imap.refusals import refused
from connectors.oauth import ClientCredentials, RefreshToken
from connectors.request import ACCOUNT
from connectors.sender import Sender
from connectors.settings import SourceSettings
from connectors.spec import (
    BatchRead,
    ChildRead,
    Endpoint,
    Figure,
    Limits,
    Rate,
    Spec,
    Stream,
)
from domain.ids import Kind
from domain.sources import CursorKind, CursorPolicy, ParentBy
from domain.vocabulary import SystemKind

PLACE = "http://mailbox"
"""Stands where others have an address: a mailbox has a host, and is not reached over HTTP."""
_ADDRESS = re.compile(r"[^@\s\x00-\x20\x7f-\U0010ffff]{1,64}@[^@\s\x00-\x20\x7f-\U0010ffff]{1,255}")
_VEILED = re.compile("(?:[0-9a-f]{2}){9,600}")


def address(value: str) -> bool:
    return _ADDRESS.fullmatch(value) is not None


def veiled(external_id: str) -> bool:
    return _VEILED.fullmatch(external_id) is not None


def open_sender(settings: SourceSettings) -> Sender:
    # Imported here: the libraries for IMAP and HTML are of no use to who has no mailbox.
    from connectors.imap import sender  # noqa: PLC0415

    return sender.open_sender(settings)


THREADS = Endpoint(
    map=mapping.conversation,
    get_many=BatchRead(
        ask=queries.ask_threads,
        read=queries.read_threads,
        size=queries.THREADS,
        valid=veiled,
        strict=True,
    ),
    children={
        ParentBy.EMAIL: ChildRead(
            ask=queries.ask_threads_of,
            read=queries.read_threads,
            size=queries.PEOPLE,
            page=queries.PAGE,
            valid=address,
            owners=queries.people,
        )
    },
    changed_since=Stream(
        ask=queries.ask_news,
        read=queries.read_news,
        by_id=True,
        policy=CursorPolicy(
            kind=CursorKind.OPAQUE,
            resolution=timedelta(seconds=1),
            overlap=timedelta(0),  # UIDs only ever rise
            covers=frozenset({Kind.CONVERSATION, Kind.MESSAGE}),
            # What is expunged, or moved out of the folders that are read, is told nowhere.
            full_scan_every=timedelta(days=7),
        ),
    ),
)

MAILS = Endpoint(
    map=mapping.message,
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_messages,
            read=queries.read_messages,
            size=queries.THREADS,
            page=queries.PAGE,
            valid=veiled,
        )
    },
)

SPEC = Spec(
    connector="imap",
    system=SystemKind.EMAIL,
    base_url=PLACE,
    auth=AnyOf(
        (
            Basic("{user}", "password"),
            ClientCredentials(url="{token_url}", scope="{scope}", in_body=True),
            RefreshToken(url="{token_url}", scope="{scope}", in_body=True),
        )
    ),
    limits=Limits(
        concurrency=Figure(4, "ours: one session each; Dovecot allows 10 a user, Gmail 15"),
        rates={
            ACCOUNT: Rate(
                Figure(1_200, "ours: RFC 3501 names no limit; a visit is a few calls"), 60
            )
        },
    ),
    kinds={Kind.CONVERSATION: THREADS, Kind.MESSAGE: MAILS},
    options=OPTIONS,
    refused=refused,
    sender=open_sender,
)
