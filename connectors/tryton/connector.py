"""Tryton's party module as data: people, limits, credentials."""

from datetime import timedelta

from connectors.request import ACCOUNT
from connectors.spec import (
    BatchRead,
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
from connectors.tryton import mapping, queries
from connectors.tryton.credentials import SessionOrPassword
from connectors.tryton.refusals import judged
from domain.customer import KeyKind
from domain.ids import Kind
from domain.sources import CursorKind, CursorPolicy
from domain.vocabulary import SystemKind

LARGEST_ID = 2**31 - 1


def party_id(external_id: str) -> bool:
    """An integer of the database: a larger one fails the whole question."""
    return decimal_id(external_id) and int(external_id) <= LARGEST_ID


PARTIES = Endpoint(
    map=mapping.contact,
    get_many=BatchRead(
        ask=queries.ask_parties, read=queries.read_parties, size=queries.PAGE, valid=party_id
    ),
    search={
        KeyKind.EMAIL: KeyRead(ask=queries.ask_by_email, read=queries.read_parties),
        KeyKind.PHONE: KeyRead(ask=queries.ask_by_phone, read=queries.read_parties),
        KeyKind.ACCOUNT_NUMBER: KeyRead(ask=queries.ask_by_code, read=queries.read_parties),
    },
    changed_since=Since(
        ask=queries.ask_changed,
        read=queries.read_changed,
        policy=CursorPolicy(
            kind=CursorKind.TIMESTAMP,
            resolution=timedelta(microseconds=1),
            # A row shows when its transaction ends, under the time it began.
            overlap=timedelta(minutes=10),
            covers=frozenset({Kind.CONTACT}),
            # A contact mechanism that is deleted leaves no trace of when.
            full_scan_every=timedelta(days=1),
        ),
    ),
)

SPEC = Spec(
    connector="tryton",
    system=SystemKind.CRM,
    base_url="https://{host}",
    auth=SessionOrPassword(),
    limits=Limits(
        concurrency=Figure(4, "ours: Tryton names no limit and answers with a process each"),
        rates={
            ACCOUNT: Rate(Figure(600, "ours: Tryton names no limit; a company's own server"), 60)
        },
    ),
    kinds={Kind.CONTACT: PARTIES},
    options=(
        Option("host", "the server's name, where base_url is not set"),
        Option("database", "the database behind the server's name", default=None),
        Option("user", "the login whose password is given in place of a session"),
    ),
    judge=judged,
)
