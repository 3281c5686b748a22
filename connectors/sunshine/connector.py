"""Sunshine Conversations as data: kinds, limits, credentials."""

import re
from dataclasses import replace

from connectors.auth import Basic
from connectors.spec import BatchRead, ChildRead, Endpoint, Figure, Limits, Option, Spec
from connectors.sunshine import mapping, queries
from domain.ids import Kind
from domain.sources import ParentBy
from domain.vocabulary import SystemKind

_ID = re.compile("[0-9a-f]{24}")


def object_id(external_id: str) -> bool:
    return _ID.fullmatch(external_id) is not None


def _children(by: ParentBy) -> ChildRead:
    own = by is ParentBy.OWN
    read = ChildRead(
        ask=queries.ask_conversations_of if own else queries.ask_conversations_by_external_id,
        read=queries.read_conversations_of,
        by_id=True,
        size=queries.USER,
        page=queries.LISTED,
        # The description does not say in which order conversations are listed.
        newest_first=False,
    )
    return replace(read, valid=object_id) if own else read


CONVERSATIONS = Endpoint(
    map=mapping.conversation,
    get_many=BatchRead(
        ask=queries.ask_conversation,
        read=queries.read_conversation,
        gather=queries.gather_conversation,
        lists=queries.LISTS,
        size=queries.ONE,
        valid=object_id,
    ),
    children={by: _children(by) for by in (ParentBy.OWN, ParentBy.FOREIGN)},
)

MESSAGES = Endpoint(
    map=mapping.message,
    children={
        ParentBy.OWN: ChildRead(
            ask=queries.ask_messages,
            read=queries.read_messages,
            size=queries.ONE,
            page=queries.MESSAGES,
            pages=20,
            valid=object_id,
        )
    },
)

SPEC = Spec(
    connector="sunshine",
    system=SystemKind.SOCIAL,
    base_url="https://api.smooch.io",
    auth=Basic("{key_id}"),
    limits=Limits(
        concurrency=Figure(8, "ours: the vendor refuses with 429, and does not say beyond what")
    ),
    kinds={Kind.CONVERSATION: CONVERSATIONS, Kind.MESSAGE: MESSAGES},
    options=(
        Option("app_id", "the app (24 hexadecimal digits)", None, "[0-9a-f]{24}"),
        Option("key_id", "the id of the API key whose secret is token", None),
    ),
)
