"""Matrix Synapse as data: kinds, limits, credentials."""

import re
from datetime import timedelta

from connectors.auth import Bearer
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
    Stream,
)
from connectors.synapse import mapping, queries
from domain.customer import KeyKind
from domain.ids import Kind
from domain.sources import CursorKind, CursorPolicy, ParentBy
from domain.vocabulary import SystemKind

ACCOUNT_ID = re.compile(r"@[^:/\s]+:\S+")
# Since room version 12 without a server part.
ROOM_ID = re.compile(r"![^/\s]+")


def account_id(external_id: str) -> bool:
    return ACCOUNT_ID.fullmatch(external_id) is not None


def room_id(external_id: str) -> bool:
    return ROOM_ID.fullmatch(external_id) is not None


ACCOUNTS = Endpoint(
    map=mapping.contact,
    get_many=BatchRead(
        ask=queries.ask_account,
        read=queries.read_account,
        size=Figure(1, "Admin API, Users: threepids are shown of one account at a time"),
        valid=account_id,
    ),
    search={
        KeyKind.EMAIL: KeyRead(ask=queries.ask_by_email, read=queries.read_bound, by_id=True),
        KeyKind.PHONE: KeyRead(ask=queries.ask_by_phone, read=queries.read_bound, by_id=True),
        KeyKind.HANDLE: KeyRead(ask=queries.ask_by_handle, read=queries.read_account),
    },
    changed_since=Since(
        ask=queries.ask_accounts,
        read=queries.read_accounts,
        by_id=True,
        policy=CursorPolicy(
            kind=CursorKind.TIMESTAMP,
            resolution=timedelta(seconds=1),
            overlap=timedelta(minutes=10),
            covers=frozenset({Kind.CONTACT}),
            # No list tells that a name, an address or a number was changed.
            full_scan_every=timedelta(hours=6),
        ),
    ),
)

ROOMS = Endpoint(
    map=mapping.conversation,
    get_many=BatchRead(
        ask=queries.ask_room,
        read=queries.read_room,
        gather=queries.gather_room,
        lists=queries.LISTS,
        size=Figure(1, "Admin API, Rooms: state and messages are of one room"),
        valid=room_id,
    ),
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_rooms_of,
            read=queries.read_rooms_of,
            by_id=True,
            size=Figure(1, "Admin API, Users: joined rooms are of one account"),
            page=queries.PAGE,
            newest_first=False,
            valid=account_id,
        )
    },
    changed_since=Stream(
        ask=queries.ask_changed_rooms,
        read=queries.read_changed_rooms,
        by_id=True,
        policy=CursorPolicy(
            kind=CursorKind.OPAQUE,
            resolution=timedelta(milliseconds=1),
            overlap=timedelta(0),
            # Edits and redactions are events of the room, too.
            covers=frozenset({Kind.CONVERSATION, Kind.MESSAGE}),
            full_scan_every=timedelta(days=7),
        ),
    ),
)

MESSAGES = Endpoint(
    map=mapping.message,
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_messages,
            read=queries.read_messages,
            size=Figure(1, "Admin API, Rooms: messages are of one room"),
            page=queries.PAGE,
            pages=50,
            valid=room_id,
        )
    },
)

SPEC = Spec(
    connector="synapse",
    system=SystemKind.CHAT,
    base_url="https://{host}",
    auth=Bearer(),
    limits=Limits(
        concurrency=Figure(8, "ours: the admin API names no limit; one process answers"),
        rates={
            ACCOUNT: Rate(
                Figure(
                    3_000, "ours: reads are not limited (rc_* of homeserver.yaml are of writes)"
                ),
                60,
            )
        },
    ),
    kinds={Kind.CONTACT: ACCOUNTS, Kind.CONVERSATION: ROOMS, Kind.MESSAGE: MESSAGES},
    options=(
        Option("host", "the server's name, where base_url is not set"),
        Option(
            "desk",
            "the accounts that answer, with commas; the token's is among them",
            default=None,
            form=r"\s*@[^:,\s]+:[^,\s]+(\s*,\s*@[^:,\s]+:[^,\s]+)*\s*",
        ),
    ),
)
