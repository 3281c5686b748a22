"""Zendesk in our words. The fixtures are made from the vendor's documents."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.reading import Reading, RowError
from connectors.spec import ChildrenAsk, GetAsk, SearchAsk, StreamAsk
from connectors.zendesk import mapping, queries
from connectors.zendesk.connector import wait_s
from connectors.zendesk.events import parse
from domain.customer import KeyKind, LookupKey
from domain.ids import Kind, SourceKey
from domain.provenance import System
from domain.records import Actor, Handle
from domain.sources import ChangeKind, ChildFilter, WebhookRequest
from domain.vocabulary import (
    ActorKind,
    Channel,
    InteractionState,
    SystemKind,
    TicketStatus,
    Verification,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "zendesk"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def recorded(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


def reading(**said):
    system = System(name="desk", kind=SystemKind.TICKETING, connector="zendesk")
    return Reading(system=system, fetched_at=NOW, **said)


def customers():
    return [
        mapping.contact(row, reading()) for row in queries.read_users(recorded("users"), None).rows
    ]


def ticket(**changes):
    row = queries.read_tickets(recorded("tickets"), None).rows[0]
    return mapping.ticket({**row, **changes}, reading())


def comments():
    ask = ChildrenAsk(parents=["35411"], limit=100)
    page = queries.read_comments(recorded("comments"), ask)
    return [mapping.message(row, reading()) for row in page.rows]


# ---------------------------------------------------------------- people


def test_a_user_carries_every_address_with_the_primary_one_first():
    johnny = customers()[0]
    assert johnny.key == SourceKey("desk", Kind.CONTACT, "35436001")
    assert johnny.emails == ("johnny@example.com", "appleseed.j@example.org")
    assert johnny.phones == ("+44 7700 900111", "+447700900111")
    assert johnny.handles == (Handle("twitter", "japple_example"),)
    assert johnny.full_name == "Johnny Appleseed"
    assert johnny.created_at == datetime(2024, 3, 5, 10, 38, 52, tzinfo=UTC)
    assert johnny.provenance.source_updated_at == datetime(2026, 7, 21, 14, 2, 11, tzinfo=UTC)
    assert johnny.provenance.url == "https://example.zendesk.com/agent/users/35436001"


def test_agents_and_deleted_users_are_not_customers():
    assert [each.key.external_id for each in customers()] == ["35436001", "35436002"]


def test_an_external_id_is_the_account_number_unless_it_is_another_sources_id():
    row = queries.read_users(recorded("users"), None).rows[0]
    own = mapping.contact(row, reading())
    assert (own.account_number, own.foreign_ids) == ("AC-100037", ())
    foreign = mapping.contact(row, reading(customer_key="shop"))
    assert (foreign.account_number, foreign.foreign_ids) == (None, (("shop", "AC-100037"),))


def test_a_user_is_verified_only_where_every_address_is():
    row = queries.read_users(recorded("users"), None).rows[0]
    assert mapping.contact(row, reading()).verification is Verification.VERIFIED
    doubtful = [{**row["identities"][0], "verified": False}, *row["identities"][1:]]
    half = mapping.contact({**row, "identities": doubtful}, reading())
    assert half.verification is Verification.OBSERVED
    assert customers()[1].verification is Verification.OBSERVED


def test_a_user_without_id_is_no_row():
    with pytest.raises(RowError):
        mapping.contact({"id": None, "name": "Rosa"}, reading())


# ---------------------------------------------------------------- tickets


def test_a_ticket_in_our_words():
    found = ticket()
    assert found.key == SourceKey("desk", Kind.TICKET, "35411")
    assert found.number == "35411"
    assert found.subject == "Help, my printer is on fire!"
    assert found.occurred_at == datetime(2026, 7, 20, 22, 55, 29, tzinfo=UTC)
    assert found.channel is Channel.EMAIL
    assert (found.priority, found.category) == ("high", "incident")
    assert found.owner == Actor(kind=ActorKind.HUMAN, id="35436003", name="Ada Lovegrove")
    assert found.owner_ids == ("35436001",)
    assert found.provenance.url == "https://example.zendesk.com/agent/tickets/35411"


@pytest.mark.parametrize(
    ("word", "status", "state"),
    [
        ("new", TicketStatus.NEW, InteractionState.QUEUED),
        ("open", TicketStatus.OPEN, InteractionState.IN_PROGRESS),
        ("pending", TicketStatus.PENDING, InteractionState.WAITING),
        ("hold", TicketStatus.ON_HOLD, InteractionState.WAITING),
        ("solved", TicketStatus.RESOLVED, InteractionState.ENDED),
        ("closed", TicketStatus.CLOSED, InteractionState.ENDED),
        ("deleted", TicketStatus.CLOSED, InteractionState.ENDED),
        ("suspended", TicketStatus.UNKNOWN, InteractionState.UNKNOWN),
    ],
)
def test_every_status_keeps_its_word(word, status, state):
    found = ticket(status=word)
    assert (found.status, found.raw_status) == (status, word)
    assert (found.state, found.raw_state) == (state, word)


@pytest.mark.parametrize(
    ("via", "channel"),
    [
        ("email", Channel.EMAIL),
        ("web", Channel.SELF_SERVICE),
        ("chat", Channel.WEB_CHAT),
        ("native_messaging", Channel.WEB_CHAT),
        ("mobile_sdk", Channel.IN_APP),
        ("voice", Channel.VOICE),
        ("twilio_sms", Channel.SMS),
        ("whatsapp", Channel.WHATSAPP),
        ("sunshine_conversations_facebook_messenger", Channel.SOCIAL),
        ("api", Channel.UNKNOWN),
        ("side_conversation", Channel.UNKNOWN),
        (None, Channel.UNKNOWN),
    ],
)
def test_the_channel_comes_from_via(via, channel):
    assert ticket(via={"channel": via}).channel is channel


def test_a_web_ticket_an_agent_wrote_for_somebody_has_no_known_channel():
    assert ticket(via={"channel": "web"}, submitter_id=35436003).channel is Channel.UNKNOWN


def test_a_ticket_nobody_is_assigned_to_has_no_owner():
    assert ticket(assignee_id=None).owner is None


def test_a_ticket_without_a_time_is_no_row():
    with pytest.raises(RowError):
        ticket(created_at=None)


# ---------------------------------------------------------------- comments


def test_comments_say_who_spoke_and_who_may_read():
    system, agent, customer = comments()
    assert customer.key.external_id == "35411/1274001"
    assert (customer.author.kind, customer.author.name) == (ActorKind.CUSTOMER, "Johnny Appleseed")
    assert (customer.body, customer.internal) == ("Thanks for your help!", False)
    assert (agent.author.kind, agent.internal) == (ActorKind.HUMAN, True)
    assert (system.author.kind, system.author.id) == (ActorKind.SYSTEM, "-1")


def test_a_comment_whose_visibility_is_not_said_is_internal():
    row = {"id": 1, "ticket_id": "2", "author_id": -1, "created_at": "2026-01-01T00:00:00Z"}
    assert mapping.message(row, reading()).internal


def test_a_comment_of_an_unknown_role_is_no_row():
    author = {"id": 9, "name": "Somebody", "role": "supervisor"}
    row = {"id": 1, "ticket_id": "2", "author_id": 9, "author": author}
    with pytest.raises(RowError):
        mapping.message({**row, "created_at": "2026-01-01T00:00:00Z"}, reading())


# ---------------------------------------------------------------- questions


def test_tickets_of_many_requesters_are_one_search():
    ask = ChildrenAsk(
        parents=["1", "2"],
        limit=42,
        until=datetime(2026, 7, 20, 22, 55, 29, tzinfo=UTC),
        where=ChildFilter(ticket_status=frozenset({TicketStatus.OPEN, TicketStatus.ON_HOLD})),
        fields=frozenset({"number"}),
    )
    query = dict(queries.ask_tickets_of(ask).query)
    assert query == {
        "query": "type:ticket requester:1 requester:2 created<=2026-07-20T22:55:29Z "
        "status:hold status:open",
        "sort_by": "created_at",
        "sort_order": "desc",
        "per_page": "42",
        "page": "1",
    }


def test_a_status_the_vendor_has_no_word_for_is_left_to_our_own_filter():
    where = ChildFilter(ticket_status=frozenset({TicketStatus.OPEN, TicketStatus.UNKNOWN}))
    ask = ChildrenAsk(parents=["1"], limit=1, where=where)
    assert "status:" not in dict(queries.ask_tickets_of(ask).query)["query"]


def test_fifty_requesters_make_an_address_below_two_thousand_characters():
    ids = [str(361_234_567_000 + n) for n in range(50)]
    ask = ChildrenAsk(parents=ids, limit=100, until=NOW)
    assert len(queries.ask_tickets_of(ask).target) < 2_000


def test_names_of_owners_are_loaded_only_when_asked_for():
    asked = queries.ask_tickets(GetAsk(ids=["1"], fields=frozenset({"owner"})))
    assert ("include", "users") in asked.query
    assert "include" not in dict(queries.ask_tickets(GetAsk(ids=["1"], fields=frozenset())).query)


def test_search_pages_by_number_until_the_vendor_names_no_next():
    ask = ChildrenAsk(parents=["1"], limit=100, cursor="3")
    following = "https://example.zendesk.com/api/v2/search?page=4"
    assert queries.read_found_tickets({"results": [], "next_page": following}, ask).cursor == "4"
    assert queries.read_found_tickets({"results": [], "next_page": None}, ask).cursor is None


def test_comments_older_than_a_position_are_reached_in_full_pages():
    ask = ChildrenAsk(parents=["7"], limit=2, until=NOW)
    assert dict(queries.ask_comments(ask).query)["page[size]"] == "100"
    assert (
        dict(queries.ask_comments(ChildrenAsk(parents=["7"], limit=2)).query)["page[size]"] == "2"
    )


def test_a_phone_is_searched_as_given_and_by_its_ending():
    ask = SearchAsk(key=LookupKey(KeyKind.PHONE, "+447700900111"))
    query = dict(queries.ask_user_by_phone(ask).query)["query"]
    assert query == 'role:end-user phone:"+447700900111" phone:*700900111'


def test_a_quote_in_an_address_does_not_leave_the_quotes():
    ask = SearchAsk(key=LookupKey(KeyKind.EMAIL, 'a" role:admin "@example.com'))
    query = dict(queries.ask_user_by_email(ask).query)["query"]
    assert query == 'role:end-user email:"a role:admin @example.com"'


def test_the_export_goes_on_with_its_cursor_and_says_who_is_gone():
    users = recorded("users")
    first = queries.read_changed_users(
        {**users, "after_cursor": "c1", "end_of_stream": False}, StreamAsk(cursor=None)
    )
    assert (first.cursor, first.resume) == ("c1", None)
    assert first.deleted == ["35436003", "35436004"]
    last = queries.read_changed_users(
        {**users, "after_cursor": "c2", "end_of_stream": True}, StreamAsk(cursor="c1")
    )
    assert (last.cursor, last.resume) == (None, "c2")


def test_an_export_without_a_cursor_stays_where_it_was():
    empty = {"users": [], "after_cursor": None, "end_of_stream": True}
    assert queries.read_changed_users(empty, StreamAsk(cursor="c1")).resume == "c1"
    assert queries.read_changed_users(empty, StreamAsk(cursor=None)).resume == ""


def test_deleted_tickets_are_told_by_the_export():
    data = recorded("tickets")
    data["tickets"][1]["status"] = "deleted"
    page = queries.read_changed_tickets(
        {**data, "after_cursor": "c", "end_of_stream": True}, StreamAsk(cursor=None)
    )
    assert [row["id"] for row in page.rows] == [35411]
    assert page.deleted == ["35412"]


# ---------------------------------------------------------------- webhooks


def delivery(body=b""):
    return WebhookRequest(
        method="POST",
        url="https://knownas.example/webhooks/desk",
        headers={},
        body=body,
        received_at=NOW,
    )


def event(**changes):
    return parse({**recorded("webhook_user_active_changed"), **changes}, delivery(), "desk")


def test_a_user_who_was_switched_off_is_deleted():
    (told,) = event()
    assert told.event_id == "2b24ef10-19d4-4740-93cf-8f98ec4776c0"
    assert told.key == SourceKey("desk", Kind.CONTACT, "6596848315901")
    assert told.change is ChangeKind.DELETED
    assert told.occurred_at == datetime(2026, 7, 4, 5, 33, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "kind", "change"),
    [
        ("zen:event-type:user.created", Kind.CONTACT, ChangeKind.CHANGED),
        ("zen:event-type/user.identity_changed", Kind.CONTACT, ChangeKind.CHANGED),
        ("zen:event-type/user.merged", Kind.CONTACT, ChangeKind.CHANGED),
        ("zen:event-type:user.deleted", Kind.CONTACT, ChangeKind.DELETED),
        ("zen:event-type:ticket.status_changed", Kind.TICKET, ChangeKind.CHANGED),
        ("zen:event-type:ticket.comment_added", Kind.TICKET, ChangeKind.CHANGED),
        ("zen:event-type:ticket.soft_deleted", Kind.TICKET, ChangeKind.DELETED),
        ("zen:event-type:ticket.permanently_deleted", Kind.TICKET, ChangeKind.DELETED),
        ("zen:event-type:ticket.undeleted", Kind.TICKET, ChangeKind.CHANGED),
    ],
)
def test_events_become_hints(name, kind, change):
    (told,) = event(type=name, event={"current": True})
    assert (told.key.kind, told.change) == (kind, change)


def test_events_of_other_things_are_left_out():
    assert event(type="zen:event-type:organization.created") == []


def test_the_wait_is_the_rest_of_the_window():
    assert wait_s({"ratelimit-reset": "41"}) == timedelta(seconds=41).total_seconds()
    assert wait_s({}) is None
