"""Sunshine Conversations in our words. The fixtures are made from the published description."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.reading import Reading, RowError
from connectors.spec import ChildrenAsk, GetAsk
from connectors.sunshine import mapping, queries
from domain.ids import Kind, SourceKey
from domain.provenance import System
from domain.records import Actor
from domain.vocabulary import ActorKind, Channel, SystemKind

FIXTURES = Path(__file__).parents[2] / "fixtures" / "sunshine"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ROOM = "67a0ecf8f0305f4a391e9db1"
OPTIONS = {"app_id": "5d8cff3cd55b040010928b5b"}


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def reading() -> Reading:
    system = System(name="social", kind=SystemKind.SOCIAL, connector="sunshine")
    return Reading(system=system, fetched_at=NOW)


def rows(messages: list[Any] | None = None) -> Any:
    """What the two lists come to."""
    parts = [recorded("conversation"), {"messages": messages or recorded("messages")["messages"]}]
    asks = [GetAsk(ids=[ROOM], part=part, options=OPTIONS) for part in (0, 1)]
    found = [
        row
        for ask, data in zip(asks, parts, strict=True)
        for row in queries.read_conversation(data, ask).rows
    ]
    return queries.gather_conversation(found, asks[0])


def test_a_conversation_is_held_where_the_customer_spoke_last() -> None:
    (row,) = rows()
    found = mapping.conversation(row, reading())
    assert found.key == SourceKey("social", Kind.CONVERSATION, ROOM)
    assert found.occurred_at == datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
    assert found.channel is Channel.SOCIAL
    assert found.last_message is not None
    assert found.last_message.body == "On Tuesday."
    (first,) = rows(recorded("messages")["messages"][:2])
    assert mapping.conversation(first, reading()).channel is Channel.WHATSAPP
    (silent,) = rows(recorded("messages")["messages"][3:])
    assert mapping.conversation(silent, reading()).channel is Channel.UNKNOWN


def test_every_message_has_its_speaker() -> None:
    ask = ChildrenAsk(parents=[ROOM], limit=100, options=OPTIONS)
    said = [
        mapping.message(row, reading())
        for row in queries.read_messages(recorded("messages"), ask).rows
    ]
    rosa = Actor(kind=ActorKind.CUSTOMER, id="42589ad070d43be9b00ff7e5", name="Rosa Kowalski")
    assert [one.author for one in said] == [
        rosa,
        Actor(kind=ActorKind.AI, id="Answer Bot", name="Answer Bot"),
        rosa,
        Actor(kind=ActorKind.HUMAN, id="Bo Kay", name="Bo Kay"),
    ]
    assert [one.body for one in said] == [
        "Where is my parcel?",
        "Let me see.",
        "[image]",
        "On Tuesday.",
    ]
    assert said[0].key.external_id == f"{ROOM}/67a10c0bf0305f4a391e9e51"


@pytest.mark.parametrize(
    ("author", "source", "kind"),
    [
        ({"type": "business", "subtypes": ["activity"]}, "zd:agentWorkspace", ActorKind.SYSTEM),
        ({"type": "business", "displayName": "Shop"}, "api:conversations", ActorKind.SYSTEM),
        ({"type": "business"}, "slack", ActorKind.HUMAN),
    ],
)
def test_who_speaks_for_the_business_is_told_by_where(
    author: dict[str, Any], source: str, kind: ActorKind
) -> None:
    row = {**recorded("messages")["messages"][3], "conversation_id": ROOM}
    row |= {"author": author, "source": {"type": source}}
    assert mapping.message(row, reading()).author.kind is kind


def test_what_was_deleted_is_not_shown() -> None:
    row = {**recorded("messages")["messages"][0], "conversation_id": ROOM, "deleted": True}
    said = mapping.message(row, reading())
    assert (said.deleted, said.body) == (True, None)


@pytest.mark.parametrize("author", [{"type": "robot"}, {"type": "user"}])
def test_a_message_without_a_known_speaker_is_dropped(author: dict[str, Any]) -> None:
    row = {**recorded("messages")["messages"][0], "conversation_id": ROOM, "author": author}
    with pytest.raises(RowError):
        mapping.message(row, reading())


def test_pages_go_on_while_there_is_more() -> None:
    ask = ChildrenAsk(parents=[ROOM], limit=100, options=OPTIONS)
    meta = {"hasMore": True, "afterCursor": "a" * 24, "beforeCursor": "b" * 24}
    assert queries.read_messages({"messages": [], "meta": meta}, ask).cursor == "b" * 24
    assert (
        queries.read_conversations_of({"conversations": [], "meta": meta}, ask).cursor == "a" * 24
    )
    assert queries.read_messages(recorded("messages"), ask).cursor is None
    following = ChildrenAsk(parents=["u"], limit=100, cursor="c" * 24, options=OPTIONS)
    assert ("page[after]", "c" * 24) in queries.ask_conversations_of(following).query
    assert ("page[before]", "c" * 24) in queries.ask_messages(following).query


def test_a_user_is_asked_for_by_either_id() -> None:
    ask = ChildrenAsk(parents=["AC-7"], limit=100, options=OPTIONS)
    assert ("filter[userExternalId]", "AC-7") in queries.ask_conversations_by_external_id(ask).query
    assert ("filter[userId]", "AC-7") in queries.ask_conversations_of(ask).query
