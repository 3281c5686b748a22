"""Chatwoot in our words. The fixtures are made from the published description."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.auth import Secret
from connectors.chatwoot import mapping, queries
from connectors.chatwoot.events import WEBHOOKS, parse
from connectors.reading import Reading, RowError
from connectors.spec import ChildrenAsk, GetAsk, SearchAsk, SinceAsk
from connectors.webhooks import verify
from domain.customer import KeyKind, LookupKey
from domain.errors import BadSignature
from domain.ids import Kind, SourceKey
from domain.provenance import System
from domain.records import Actor, Address, Handle
from domain.sources import WebhookRequest
from domain.vocabulary import ActorKind, Channel, InteractionState, SystemKind

FIXTURES = Path(__file__).parents[2] / "fixtures" / "chatwoot"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
OPTIONS = {"account_id": "3"}


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def reading(**said: Any) -> Reading:
    system = System(name="chat", kind=SystemKind.CHAT, connector="chatwoot")
    return Reading(system=system, fetched_at=NOW, **said)


def conversation(**changes: Any) -> Any:
    return mapping.conversation({**recorded("conversation"), **changes}, reading())


def test_people_in_our_words() -> None:
    rosa, moon = (mapping.contact(row, reading()) for row in recorded("contacts")["payload"])
    assert rosa.key == SourceKey("chat", Kind.CONTACT, "101")
    assert (rosa.full_name, rosa.emails) == ("Rosa Kowalski", ("rosa.k@example.org",))
    assert (rosa.phones, rosa.account_number) == (("+447700900222",), "AC-100074")
    assert rosa.handles == (Handle("twitter", "rosa_k_example"),)
    assert rosa.address == Address(city="Leeds", country="United Kingdom")
    assert rosa.company == "Kay & Sons"
    assert rosa.provenance.source_updated_at == datetime(2026, 2, 1, 9, 0, tzinfo=UTC)
    assert (moon.emails, moon.phones, moon.account_number) == ((), (), None)
    assert moon.provenance.source_updated_at == moon.created_at


def test_an_identifier_may_be_the_id_of_another_source() -> None:
    row = recorded("contacts")["payload"][0]
    rosa = mapping.contact(row, reading(customer_key="shop"))
    assert rosa.foreign_ids == (("shop", "AC-100074"),)
    assert rosa.account_number is None


def test_a_conversation_in_our_words() -> None:
    found = conversation()
    assert found.occurred_at == datetime(2026, 2, 1, 8, 0, tzinfo=UTC)
    assert (found.channel, found.state) == (Channel.WEB_CHAT, InteractionState.IN_PROGRESS)
    assert found.owner == Actor(kind=ActorKind.HUMAN, id="7", name="Bo")
    assert found.owner_ids == ("101",)
    assert found.last_message.body == "It should arrive on Tuesday."
    assert found.last_message.key.external_id == "5001/70012"
    assert found.last_message.author == Actor(kind=ActorKind.HUMAN, id="7", name="Bo Kay")


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"meta": {}, "first_reply_created_at": None}, InteractionState.QUEUED),
        ({"meta": {}}, InteractionState.IN_PROGRESS),
        ({"status": "pending"}, InteractionState.WAITING),
        ({"status": "snoozed"}, InteractionState.WAITING),
        ({"status": "resolved"}, InteractionState.ENDED),
        ({"status": "archived"}, InteractionState.UNKNOWN),
    ],
)
def test_a_state_is_what_was_done(changes: dict[str, Any], state: InteractionState) -> None:
    found = conversation(**changes)
    assert found.state is state
    assert found.raw_state == changes.get("status", "open")


def test_what_a_channel_does_not_say_is_not_known() -> None:
    meta = recorded("conversation")["meta"]
    for name, channel in [
        ("Channel::Api", Channel.UNKNOWN),
        ("Channel::TwilioSms", Channel.UNKNOWN),
        ("Channel::Whatsapp", Channel.WHATSAPP),
        ("Channel::Email", Channel.EMAIL),
    ]:
        assert conversation(meta={**meta, "channel": name}).channel is channel


def test_every_message_has_its_speaker_and_notes_stay_inside() -> None:
    rows = queries.read_messages(recorded("messages"), ChildrenAsk(parents=["5001"], limit=20)).rows
    said = [mapping.message(row, reading()) for row in rows]
    assert [one.author.kind for one in said] == [
        ActorKind.CUSTOMER,
        ActorKind.SYSTEM,
        ActorKind.SYSTEM,
        ActorKind.HUMAN,
        ActorKind.SYSTEM,
        ActorKind.AI,
    ]
    assert [one.internal for one in said] == [False, False, True, True, False, False]
    assert said[0].author == Actor(kind=ActorKind.CUSTOMER, id="101", name="Rosa Kowalski")
    assert [one.deleted for one in said] == [False] * 4 + [True, False]
    assert said[4].body is None


@pytest.mark.parametrize(
    "changes",
    [
        {"message_type": 9},
        {"message_type": 1, "sender": {"id": 1, "type": "robot"}},
        {"message_type": 1, "sender": {"id": 1, "type": "contact"}},
        {"message_type": 0, "sender": None},
    ],
)
def test_a_message_without_a_known_speaker_is_dropped(changes: dict[str, Any]) -> None:
    row = {**recorded("messages")["payload"][0], **changes}
    with pytest.raises(RowError):
        mapping.message(row, reading())


def test_filters_hold_one_value_each_and_no_plus_sign() -> None:
    ask = GetAsk(ids=["+447700900222", "+447700900223"], options=OPTIONS)
    body = json.loads(queries.ask_phones(ask).body or b"")
    one, other = body["payload"]
    assert (one["values"], one["query_operator"]) == (["447700900222"], "OR")
    assert other["values"] == ["447700900223"]
    assert "query_operator" not in other
    key = LookupKey(KeyKind.EMAIL, " Rosa.K@Example.org")
    (single,) = json.loads(queries.ask_by_email(SearchAsk(key=key, options=OPTIONS)).body or b"")[
        "payload"
    ]
    assert single["values"] == ["rosa.k@example.org"]


def test_changes_are_read_down_to_the_time_asked_for() -> None:
    since = datetime(2026, 2, 1, 8, 30, tzinfo=UTC)
    ask = SinceAsk(since=since, options=OPTIONS)
    page = queries.read_changed_contacts(recorded("contacts"), ask)
    assert page.cursor is None, "the last of them is older"
    older = SinceAsk(since=since - timedelta(days=1), options=OPTIONS)
    page = queries.read_changed_contacts(recorded("contacts"), older)
    assert page.cursor == "2/102"
    following = SinceAsk(since=older.since, cursor=page.cursor, options=OPTIONS)
    assert ("page", "2") in queries.ask_changed_contacts(following).query
    with pytest.raises(RowError):
        queries.read_changed_contacts(recorded("contacts"), following)


def test_messages_run_backwards_while_pages_are_full() -> None:
    row = recorded("messages")["payload"][0]
    full = {"payload": [{**row, "id": number} for number in range(81, 101)]}
    ask = ChildrenAsk(parents=["5001"], limit=20, options=OPTIONS)
    page = queries.read_messages(full, ask)
    assert page.cursor == "81"
    following = ChildrenAsk(parents=["5001"], limit=20, cursor="81", options=OPTIONS)
    assert ("before", "81") in queries.ask_messages(following).query
    assert queries.read_messages({"payload": []}, following).cursor is None


def test_a_signature_covers_time_dot_and_raw_body() -> None:
    """Worked out beside this: printf '1769932800.{}' | openssl dgst -sha256 -hmac secret."""
    body, secret = b"{}", "secret"
    expected = "bf5d9a77e03b4eee47169c2781b241fb26901c995796c0d19f2c53146cd5a0b2"
    headers = {"x-chatwoot-signature": f"sha256={expected}", "x-chatwoot-timestamp": "1769932800"}
    received_at = datetime.fromtimestamp(1769932800, UTC)
    request = WebhookRequest(
        method="POST", url="https://x.example", headers=headers, body=body, received_at=received_at
    )
    verify(WEBHOOKS.signature, [Secret(secret)], request)
    for changed in ({"x-chatwoot-timestamp": "1769932801"}, {"x-chatwoot-signature": expected}):
        forged = WebhookRequest(
            method="POST",
            url=request.url,
            headers={**headers, **changed},
            body=body,
            received_at=received_at,
        )
        with pytest.raises(BadSignature):
            verify(WEBHOOKS.signature, [Secret(secret)], forged)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"event": "contact_updated", "id": 101}, (Kind.CONTACT, "101")),
        ({"event": "conversation_created", "id": 5001}, (Kind.CONVERSATION, "5001")),
        (
            {"event": "message_updated", "id": 70001, "conversation": {"id": 5001}},
            (Kind.CONVERSATION, "5001"),
        ),
        ({"event": "webwidget_triggered", "id": 9}, None),
    ],
)
def test_an_event_names_what_is_to_be_read_anew(
    body: dict[str, Any], key: tuple[Kind, str] | None
) -> None:
    headers = {"x-chatwoot-timestamp": "1769932800"}
    request = WebhookRequest(
        method="POST", url="https://x.example", headers=headers, body=b"", received_at=NOW
    )
    events = parse(body, request, "chat")
    assert [(event.key.kind, event.key.external_id) for event in events] == ([key] if key else [])
