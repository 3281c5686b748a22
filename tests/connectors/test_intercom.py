"""Intercom in our words. The fixtures are made from the vendor's documents."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from connectors.intercom import mapping, queries
from connectors.intercom.connector import contact_id, wait_s
from connectors.intercom.events import parse
from connectors.reading import Reading, RowError
from connectors.spec import ChildrenAsk, GetAsk, SearchAsk, SinceAsk
from domain.customer import KeyKind, LookupKey
from domain.ids import Kind, SourceKey
from domain.provenance import System
from domain.records import Actor, Handle
from domain.sources import ChangeKind, WebhookRequest
from domain.vocabulary import ActorKind, Channel, InteractionState, SystemKind

FIXTURES = Path(__file__).parents[1] / "fixtures" / "intercom"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ROSA = "6762f0dd1bb69f9f2193bb83"


def recorded(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


def reading(**said):
    system = System(name="chat", kind=SystemKind.CHAT, connector="intercom")
    return Reading(system=system, fetched_at=NOW, **said)


def conversation(**changes):
    (row,) = queries.read_conversations(recorded("conversations"), None).rows
    return mapping.conversation({**row, **changes}, reading())


def messages():
    ask = ChildrenAsk(parents=["515"], limit=501)
    rows = queries.read_parts(recorded("conversation"), ask).rows
    return [mapping.message(row, reading()) for row in rows]


def body(request):
    return json.loads(request.body)


# ---------------------------------------------------------------- people


def test_a_user_in_our_words():
    rosa, _ = (mapping.contact(row, reading()) for row in recorded("contacts")["data"])
    assert rosa.key == SourceKey("chat", Kind.CONTACT, ROSA)
    assert (rosa.full_name, rosa.emails) == ("Rosa Kowalski", ("rosa.k@example.org",))
    assert (rosa.phones, rosa.account_number) == (("+447700900222",), "AC-100074")
    assert rosa.handles == (Handle("twitter", "rosa_k_example"),)
    assert rosa.merged_ids == ("5ba682d23d7cf92bef87bfd3",)
    assert rosa.created_at == datetime(2024, 12, 18, 15, 57, 17, tzinfo=UTC)
    assert rosa.provenance.source_updated_at == datetime(2026, 2, 18, 11, 0, tzinfo=UTC)


def test_where_a_device_was_seen_is_no_address():
    rosa = mapping.contact(recorded("contacts")["data"][0], reading())
    assert rosa.address is None


def test_a_lead_without_anything_has_nothing():
    lead = mapping.contact(recorded("contacts")["data"][1], reading())
    assert (lead.emails, lead.phones, lead.account_number, lead.merged_ids) == ((), (), None, ())


def test_an_external_id_can_be_another_sources_id():
    rosa = mapping.contact(recorded("contacts")["data"][0], reading(customer_key="shop"))
    assert (rosa.account_number, rosa.foreign_ids) == (None, (("shop", "AC-100074"),))


# ---------------------------------------------------------------- conversations


def test_a_closed_conversation_in_our_words():
    found = conversation()
    assert found.key == SourceKey("chat", Kind.CONVERSATION, "515")
    assert found.occurred_at == datetime(2024, 12, 18, 15, 59, 6, tzinfo=UTC)
    assert found.ended_at == datetime(2024, 12, 18, 16, 59, 6, tzinfo=UTC)
    assert (found.state, found.raw_state) == (InteractionState.ENDED, "closed")
    assert found.channel is Channel.WEB_CHAT
    assert found.owner == Actor(kind=ActorKind.HUMAN, id="991267715")
    assert found.owner_ids == (ROSA,)
    assert found.last_message is None


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"state": "open"}, InteractionState.IN_PROGRESS),
        ({"state": "snoozed"}, InteractionState.WAITING),
        ({"state": "archived"}, InteractionState.UNKNOWN),
        ({"state": "open", "admin_assignee_id": 0}, InteractionState.IN_PROGRESS),
        ({"state": "open", "admin_assignee_id": 0, "teammates": None}, InteractionState.QUEUED),
        (
            {
                "state": "open",
                "admin_assignee_id": 0,
                "teammates": None,
                "ai_agent_participated": True,
            },
            InteractionState.IN_PROGRESS,
        ),
    ],
)
def test_states_keep_their_word(changes, state):
    found = conversation(**changes)
    assert (found.state, found.raw_state) == (state, changes["state"])
    assert found.ended_at is None


@pytest.mark.parametrize(
    ("word", "channel"),
    [
        ("conversation", Channel.WEB_CHAT),
        ("email", Channel.EMAIL),
        ("whatsapp", Channel.WHATSAPP),
        ("instagram", Channel.SOCIAL),
        ("phone_call", Channel.VOICE),
        ("sms", Channel.SMS),
        ("push", Channel.IN_APP),
        ("telegraph", Channel.UNKNOWN),
        (None, Channel.UNKNOWN),
    ],
)
def test_the_channel_comes_from_the_source(word, channel):
    assert conversation(source={"type": word}).channel is channel


def test_nobody_is_assigned_where_the_id_is_zero():
    assert conversation(admin_assignee_id=0).owner is None


# ---------------------------------------------------------------- messages


def test_a_thread_is_its_opening_message_and_the_parts_that_say_something():
    assert [each.key.external_id for each in messages()] == [
        "515/403918349",
        "515/129",
        "515/130",
        "515/131",
        "515/132",
    ]


def test_everybody_in_a_thread_is_who_they_are():
    kinds = [each.author.kind for each in messages()]
    assert kinds == [
        ActorKind.CUSTOMER,
        ActorKind.AI,
        ActorKind.HUMAN,
        ActorKind.CUSTOMER,
        ActorKind.CUSTOMER,
    ]


def test_only_notes_are_internal():
    assert [each.internal for each in messages()] == [False, False, True, False, False]


def test_a_part_of_a_new_type_is_kept_from_customers():
    author = {"type": "admin", "id": "1"}
    row = {"id": "1", "conversation_id": "2", "created_at": 1, "author": author, "body": "?"}
    assert mapping.message({**row, "part_type": "fin_internal_summary"}, reading()).internal


def test_a_redacted_part_is_deleted_and_says_nothing():
    redacted = messages()[3]
    assert (redacted.deleted, redacted.body) == (True, None)


def test_an_author_of_a_new_type_makes_no_row():
    author = {"type": "oracle", "id": "1"}
    row = {"id": "1", "conversation_id": "2", "created_at": 1, "author": author, "body": "?"}
    with pytest.raises(RowError):
        mapping.message({**row, "part_type": "comment"}, reading())


def test_a_source_without_an_id_still_has_a_place():
    data = recorded("conversation")
    data["source"]["id"] = None
    ask = ChildrenAsk(parents=["515"], limit=501)
    assert queries.read_parts(data, ask).rows[0]["id"] == "source"


def test_the_vendor_is_asked_to_make_text_of_its_html():
    request = queries.ask_parts(ChildrenAsk(parents=["515"], limit=501))
    assert request.target == "/conversations/515?display_as=plaintext"


# ---------------------------------------------------------------- questions


def test_a_hundred_and_fifty_ids_are_one_search_within_the_limits_of_groups():
    ids = [f"{n:024x}" for n in range(150)]
    query = body(queries.ask_contacts(GetAsk(ids=ids)))["query"]
    assert query["operator"] == "OR"
    assert [len(group["value"]) for group in query["value"]] == [15] * 10
    assert sorted(one for group in query["value"] for one in group["value"]) == ids


def test_few_ids_are_one_filter():
    asked = body(queries.ask_conversations(GetAsk(ids=["1", "2"])))
    assert asked["query"] == {"field": "id", "operator": "IN", "value": ["1", "2"]}
    assert asked["pagination"] == {"per_page": 2}


def test_conversations_older_than_a_position_include_its_second():
    ask = ChildrenAsk(parents=[ROSA], limit=21, until=datetime(2026, 1, 1, tzinfo=UTC), cursor="c")
    asked = body(queries.ask_conversations_of(ask))
    until = {"field": "created_at", "operator": "<", "value": 1767225601}
    assert asked["query"]["value"][1] == until
    assert asked["pagination"] == {"per_page": 21, "starting_after": "c"}
    assert asked["sort"] == {"field": "created_at", "order": "descending"}


@pytest.mark.parametrize("hours", [-11, 0, 14])
def test_no_workspace_s_midnight_hides_a_change(hours):
    """`>` on a contact's time begins with the day after the value's, where the workspace is."""
    zone = timezone(timedelta(hours=hours))
    for hour in range(24):
        since = datetime(2026, 3, 29, hour, 30, tzinfo=UTC)
        asked = body(queries.ask_changed_contacts(SinceAsk(since=since)))["query"]["value"]
        day = datetime.fromtimestamp(asked, zone).replace(hour=0, minute=0, second=0)
        assert day + timedelta(days=1) <= since


def test_rows_that_came_with_a_whole_day_but_were_not_asked_for_are_left_out():
    since = datetime(2026, 2, 18, tzinfo=UTC)
    page = queries.read_changed_contacts(recorded("contacts"), SinceAsk(since=since))
    assert [row["id"] for row in page.rows] == [ROSA]
    everything = queries.read_changed_contacts(recorded("contacts"), SinceAsk(since=None))
    assert len(everything.rows) == 2


def test_the_next_page_starts_after_the_vendor_s_cursor():
    page = queries.read_conversations(recorded("conversations"), None)
    assert page.cursor == "WzE3MzQ1Mzc1NDYwMDAsNTE1LDJd"
    assert queries.read_changed_contacts(recorded("contacts"), SinceAsk(since=None)).cursor is None


def test_a_phone_is_searched_as_given_and_by_its_ending():
    asked = body(
        queries.ask_contact_by_phone(SearchAsk(key=LookupKey(KeyKind.PHONE, "+447700900222")))
    )
    assert asked["query"]["value"] == [
        {"field": "phone", "operator": "=", "value": "+447700900222"},
        {"field": "phone", "operator": "$", "value": "900222"},
    ]


@pytest.mark.parametrize(
    "value", ["", "1", "6762F0DD1BB69F9F2193BB83", ROSA + "0", ROSA[:-1] + "g"]
)
def test_what_is_no_id_of_the_vendor_is_not_asked(value):
    assert not contact_id(value)
    assert contact_id(ROSA)


# ---------------------------------------------------------------- webhooks


def told(**changes):
    request = WebhookRequest(
        method="POST",
        url="https://knownas.example/webhooks/chat",
        headers={},
        body=b"",
        received_at=NOW,
    )
    return parse({**recorded("webhook_conversation_user_replied"), **changes}, request, "chat")


def test_a_reply_is_a_hint_at_its_conversation():
    (event,) = told()
    assert event.event_id == "notif_ccd8a4d0-f965-11e3-a367-c779cae3e1b3"
    assert event.key == SourceKey("chat", Kind.CONVERSATION, "515")
    assert event.change is ChangeKind.CHANGED
    assert event.occurred_at == datetime(2024, 12, 18, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("topic", "item", "key", "change"),
    [
        ("contact.user.updated", {"type": "contact", "id": ROSA}, ROSA, ChangeKind.CHANGED),
        ("contact.merged", {"type": "contact", "id": ROSA}, ROSA, ChangeKind.CHANGED),
        ("contact.deleted", {"type": "contact", "id": ROSA}, ROSA, ChangeKind.DELETED),
        (
            "contact.user.tag.created",
            {"type": "contact_tag", "contact": {"type": "contact", "id": ROSA}, "tag": {"id": "7"}},
            ROSA,
            ChangeKind.CHANGED,
        ),
        ("conversation.deleted", {"id": "515"}, "515", ChangeKind.DELETED),
        (
            "conversation_part.redacted",
            {"type": "conversation", "id": "5"},
            "5",
            ChangeKind.CHANGED,
        ),
    ],
)
def test_topics_become_hints(topic, item, key, change):
    (event,) = told(topic=topic, data={"item": item})
    assert (event.key.external_id, event.change) == (key, change)


@pytest.mark.parametrize("topic", ["ping", "admin.logged_in", "ticket.created", "company.created"])
def test_topics_of_other_things_are_left_out(topic):
    assert told(topic=topic) == []


def test_the_wait_is_counted_from_the_vendor_s_own_time():
    headers = {"x-ratelimit-reset": "1734537610", "date": "Wed, 18 Dec 2024 16:00:00 GMT"}
    assert wait_s(headers) == timedelta(seconds=10).total_seconds()
    assert wait_s({"x-ratelimit-reset": "1734537610"}) is None
