"""Request Tracker in our words. The fixtures are answers of a real server (RT 5.0.3)."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.auth import Secret
from connectors.reading import Reading, RowError
from connectors.rt import mapping, queries
from connectors.rt.credentials import TokenOrPassword
from connectors.spec import ChildrenAsk, GetAsk, SinceAsk
from domain.ids import Kind, SourceKey
from domain.provenance import System
from domain.records import Actor, Address
from domain.vocabulary import ActorKind, InteractionState, SystemKind, TicketStatus

FIXTURES = Path(__file__).parents[2] / "fixtures" / "rt"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SINCE = datetime(2026, 11, 22, 5, 30, tzinfo=UTC)
STAFF = {"staff": "root, @Lighthouse.example"}
OF_FIVE = ChildrenAsk(parents=["5"], limit=50)


def recorded(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


def reading():
    system = System(name="desk", kind=SystemKind.TICKETING, connector="rt")
    return Reading(system=system, fetched_at=NOW)


def ticket(place=1, **changes):
    row = queries.read_tickets(recorded("tickets"), None).rows[place]
    return mapping.ticket({**row, **changes}, reading())


def messages():
    """Those of the recorded ticket, by their numbers."""
    names = {0: "history", 1: "attachments", 2: "people"}
    rows = [
        row
        for part, name in names.items()
        for row in queries.read_messages(
            recorded(name), ChildrenAsk(parents=["5"], limit=50, part=part)
        ).rows
    ]
    found = [mapping.message(r, reading()) for r in queries.gather_messages(rows, OF_FIVE)]
    return {message.key.external_id: message for message in found}


# ---------------------------------------------------------------- people


def test_a_user_in_our_words():
    found = mapping.contact(recorded("user"), reading())
    assert found.key == SourceKey("desk", Kind.CONTACT, "27")
    assert (found.full_name, found.emails) == ("Ben Zimmerman", ("bzimmerman@mail.example.net",))
    assert found.phones == ("+15035550101",)
    assert found.address == Address(
        street="204 Station Road", city="Springfield", region="IL", postcode="62701", country="US"
    )


def test_a_list_and_a_single_user_have_the_same_number():
    """References show the login as id; the number is there where it is asked for by name."""
    (row,) = (r for r in recorded("users")["items"] if r["Name"] == recorded("user")["Name"])
    assert row["id"] == recorded("user")["id"] == 27


def test_an_address_in_place_of_a_name_is_no_name():
    row = {**recorded("user"), "RealName": "bzimmerman@mail.example.net", "City": "", "Zip": ""}
    found = mapping.contact({**row, "Address1": "", "State": "", "Country": ""}, reading())
    assert (found.full_name, found.address) == (None, None)


def test_rts_own_users_and_staff_are_no_customers():
    ask = SinceAsk(since=None, options=STAFF)
    page = recorded("users")
    assert [row["Name"] for row in page["items"][:3]] == ["RT_System", "Nobody", "root"]
    ours = {"id": 7, "Name": "ada", "EmailAddress": "ada@lighthouse.example"}
    page["items"] += [{**page["items"][3], **ours}]
    found = queries.read_changed_users(page, ask).rows
    assert [row["id"] for row in found] == [row["id"] for row in recorded("users")["items"][3:]]


def test_a_user_that_works_here_or_was_switched_off_is_nobody():
    ask = GetAsk(ids=["14"])
    assert queries.read_user(recorded("user_staff"), ask).rows == ()
    assert queries.read_user({**recorded("user"), "Disabled": "1"}, ask).rows == ()
    assert len(queries.read_user(recorded("user"), ask).rows) == 1


# ---------------------------------------------------------------- tickets


def test_a_ticket_in_our_words():
    found = ticket(0)
    assert found.key == SourceKey("desk", Kind.TICKET, "1")
    assert (found.number, found.subject) == ("1", "Refund for a returned item")
    assert (found.status, found.state) == (TicketStatus.OPEN, InteractionState.IN_PROGRESS)
    assert (found.category, found.owner, found.owner_ids) == ("General", None, ("27",))
    assert found.provenance.url == "https://rt.lighthouse.example/Ticket/Display.html?id=1"


def test_a_time_that_is_not_set_is_none():
    assert ticket(Resolved="1970-01-01T00:00:00Z").ended_at is None
    assert ticket(Resolved="2026-11-22T06:00:00Z").ended_at.hour == 6


@pytest.mark.parametrize(
    ("word", "status", "state"),
    [
        ("new", TicketStatus.NEW, InteractionState.QUEUED),
        ("stalled", TicketStatus.PENDING, InteractionState.WAITING),
        ("resolved", TicketStatus.RESOLVED, InteractionState.ENDED),
        ("rejected", TicketStatus.CLOSED, InteractionState.ENDED),
        ("in review", TicketStatus.UNKNOWN, InteractionState.UNKNOWN),
    ],
)
def test_a_status_of_the_default_lifecycle_is_known_and_others_keep_their_word(word, status, state):
    found = ticket(Status=word)
    assert (found.status, found.state, found.raw_status) == (status, state, word)


def test_an_owner_has_a_name():
    found = ticket(Owner={"id": 14, "Name": "root", "RealName": "Enoch Root"})
    assert found.owner == Actor(kind=ActorKind.HUMAN, id="14", name="Enoch Root")


# ---------------------------------------------------------------- messages


def test_what_was_said_is_put_together_from_three_lists():
    """The recorded history has no text in it: it lies in the attachments."""
    assert {row.get("Content") for row in recorded("history")["items"]} <= {None, ""}
    found = list(messages().values())
    assert [message.body for message in found] == [
        "Hello, this is Daniel Rossi. Please call +12175550102.",
        "Reply 1: we are looking into it.",
        "Reply 2: we are looking into it.",
        "The parcel is at the depot.",
        "It is on its way & comes tomorrow.",
    ]
    assert [message.internal for message in found] == [False, False, False, True, False]


def test_what_was_said_by_who_asked_is_the_customers():
    said = {"id": "9", "Type": "Correspond", "Created": "2026-11-22T06:00:00Z", "parts": []}
    for creator, kind in ((37, ActorKind.CUSTOMER), (14, ActorKind.HUMAN), (1, ActorKind.SYSTEM)):
        name = "RT_System" if creator == 1 else "x"
        row = {**said, "ticket_id": "5", "customers": ["37"]}
        row["Creator"] = {"id": creator, "Name": name}
        assert mapping.message(row, reading()).author.kind is kind


def test_a_part_with_a_file_name_is_no_text_and_plain_text_comes_before_html():
    said = {"id": "9", "Type": "Create", "Created": "2026-11-22T06:00:00Z", "ticket_id": "5"}
    row = {**said, "customers": [], "Creator": {"id": 37}}
    parts = [
        {"ContentType": "text/plain", "Content": "a file", "Filename": "log.txt"},
        {"ContentType": "text/html", "Content": "<p>b", "Filename": ""},
        {"ContentType": "text/plain", "Content": "c", "Filename": ""},
    ]
    assert mapping.message({**row, "parts": parts}, reading()).body == "c"
    assert mapping.message({**row, "parts": parts[:2]}, reading()).body == "b"
    assert mapping.message({**row, "parts": parts[:1]}, reading()).body is None


def test_lists_of_another_form_are_gathered_without_a_crash():
    rows = [{"list": n, "row": row} for n in range(3) for row in (None, [], {"id": []}, {"Cc": 7})]
    assert queries.gather_messages(rows, OF_FIVE) == []


# ---------------------------------------------------------------- questions


def test_no_question_holds_a_time():
    """TicketSQL reads times in the zone of the user who asks, even where they name another."""
    for ask in (queries.ask_changed_users, queries.ask_changed_tickets):
        assert "2026" not in ask(SinceAsk(since=SINCE)).target
    until = ChildrenAsk(parents=["27"], limit=9, until=SINCE)
    assert "2026" not in queries.ask_tickets_of(until).target


def test_changes_run_newest_first_down_to_the_time_asked_for():
    times = ["2026-11-22T05:40:00Z", "2026-11-22T05:20:00Z"]
    rows = [{"id": n, "LastUpdated": at} for n, at in enumerate(times, start=1)]
    page = {"items": rows, "page": 1, "pages": 3}
    assert queries.read_changed_tickets(page, SinceAsk(since=SINCE)).cursor is None
    assert queries.read_changed_tickets(page, SinceAsk(since=None)).cursor == "2/2"
    earlier = SinceAsk(since=SINCE.replace(minute=0))
    assert queries.read_changed_tickets(page, earlier).cursor == "2/2"


def test_a_page_that_comes_again_is_noticed():
    page = {"items": [{"id": 7, "LastUpdated": "2026-11-22T05:40:00Z"}], "page": 1, "pages": 3}
    with pytest.raises(RowError):
        queries.read_changed_tickets(page, SinceAsk(since=SINCE, cursor="2/7"))


def test_pages_go_on_where_their_number_is_not_told():
    page = {"items": [{"id": "1"}], "page": 1, "pages": None}
    ask = ChildrenAsk(parents=["27"], limit=9)
    assert queries.read_tickets_of(page, ask).cursor == "2"
    assert queries.read_tickets_of({**page, "items": []}, ask).cursor is None


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"user": ""}, "token 1-14-key"),
        ({"user": "ada"}, f"Basic {base64.b64encode(b'ada:1-14-key').decode()}"),
    ],
)
async def test_a_token_or_a_password_is_shown(options, shown):
    opened = TokenOrPassword().open("desk", {"token": Secret("1-14-key")}, options)
    assert await opened.headers() == {"authorization": shown}
