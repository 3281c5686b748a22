"""Matrix Synapse in our words. The fixtures are answers of a real server (Synapse 1.163.2)."""

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from connectors.reading import Reading, RowError
from connectors.spec import ChildrenAsk, GetAsk, SearchAsk, SinceAsk, StreamAsk
from connectors.synapse import mapping, queries
from connectors.synapse.connector import SPEC, account_id, room_id
from domain.customer import KeyKind, LookupKey
from domain.errors import ConfigError, SourceUnavailable
from domain.ids import Kind, SourceKey
from domain.provenance import System
from domain.records import Handle
from domain.vocabulary import ActorKind, Channel, InteractionState, SystemKind

FIXTURES = Path(__file__).parents[2] / "fixtures" / "synapse"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DESK = {"desk": " @support-desk:realsys.test ,@night:realsys.test"}
AISHA = "@aivanov27:realsys.test"


def recorded(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


ROOM = recorded("rooms_of")["joined_rooms"][0]


def reading():
    system = System(name="chat", kind=SystemKind.CHAT, connector="synapse")
    return Reading(system=system, fetched_at=NOW)


def account(**changes):
    return mapping.contact({**recorded("account"), **changes}, reading())


def room(state=None, messages=None, options=None):
    """The room as it is put together from two answers."""
    parts = [
        (queries.STATE, {"state": state or recorded("state")["state"]}),
        (queries.LAST, messages or recorded("messages")),
    ]
    options = options or DESK
    rows = [
        row
        for part, data in parts
        for row in queries.read_room(data, GetAsk(ids=[ROOM], part=part)).rows
    ]
    return queries.gather_room(rows, GetAsk(ids=[ROOM], options=options))


def conversation(**parts):
    (row,) = room(**parts)
    return mapping.conversation(row, reading())


def members(membership):
    """The recorded state, with the customer's membership changed an hour later."""
    state = copy.deepcopy(recorded("state")["state"])
    for event in state:
        if event.get("state_key") == AISHA:
            event["content"]["membership"] = membership
            event["origin_server_ts"] += 3_600_000
    return state


def messages():
    ask = ChildrenAsk(parents=[ROOM], limit=20, options=DESK)
    rows = queries.read_messages(recorded("messages"), ask).rows
    return [mapping.message(row, reading()) for row in rows]


# ---------------------------------------------------------------- people


def test_an_account_in_our_words():
    found = account()
    assert found.key == SourceKey("chat", Kind.CONTACT, AISHA)
    assert found.full_name == "Aisha Ivanov"
    assert (found.emails, found.phones) == (("ivanov27@example.com",), ("+442079460027",))
    assert found.handles == (Handle("matrix", AISHA),)


def test_one_account_tells_seconds_and_the_list_milliseconds():
    (listed,) = (r for r in recorded("accounts")["users"] if r["name"] == AISHA)
    assert listed["creation_ts"] == recorded("account")["creation_ts"] * 1_000
    assert account().created_at.year == 2026


def test_a_display_name_the_server_made_is_no_name():
    assert account(displayname="aivanov27").full_name is None
    assert account(displayname=None).full_name is None


@pytest.mark.parametrize(
    "changes",
    [
        {"deactivated": True},
        {"admin": True},
        {"user_type": "bot"},
        {"name": "@night:realsys.test"},
    ],
)
def test_closed_accounts_administrators_bots_and_the_desk_are_nobody(changes):
    ask = GetAsk(ids=[AISHA], options=DESK)
    assert queries.read_account({**recorded("account"), **changes}, ask).rows == ()
    assert len(queries.read_account(recorded("account"), ask).rows) == 1


def test_a_list_tells_ids_and_who_was_closed():
    data = recorded("accounts")
    data["users"] += [{**data["users"][-1], "name": "@gone:realsys.test", "deactivated": True}]
    page = queries.read_accounts(data, SinceAsk(since=None, options=DESK))
    customers = [row["name"] for row in data["users"] if not row["admin"]][:-1]
    assert [row["id"] for row in page.rows] == customers
    assert page.deleted == ["@gone:realsys.test"]


def test_new_accounts_are_read_down_to_the_time_asked_for():
    rows = [{**recorded("accounts")["users"][-1], "creation_ts": 1_795_325_000_000}]
    data = {"users": rows, "next_token": "50"}
    later, earlier = (datetime.fromtimestamp(at, UTC) for at in (1_795_326_000, 1_795_324_000))
    assert queries.read_accounts(data, SinceAsk(since=later, options=DESK)).cursor is None
    following = queries.read_accounts(data, SinceAsk(since=earlier, options=DESK)).cursor
    assert following == f"50/{rows[0]['name']}"
    with pytest.raises(RowError):
        queries.read_accounts(data, SinceAsk(since=None, cursor=following, options=DESK))


# ---------------------------------------------------------------- rooms


def test_a_room_in_our_words():
    found = conversation()
    assert found.key == SourceKey("chat", Kind.CONVERSATION, ROOM)
    assert (found.channel, found.state) == (Channel.WEB_CHAT, InteractionState.IN_PROGRESS)
    assert found.owner_ids == (AISHA,)
    assert found.last_message.at == max(message.at for message in messages())
    assert found.provenance.source_updated_at >= found.last_message.at


def test_a_room_the_desk_is_not_in_is_no_conversation():
    assert room(options={"desk": "@other:realsys.test"}) == []
    invited = copy.deepcopy(recorded("state")["state"])
    for event in invited:
        if event.get("state_key") == "@support-desk:realsys.test":
            event["content"]["membership"] = "invite"
    assert room(state=invited) == []


def test_a_room_ends_when_its_last_customer_leaves():
    found = conversation(state=members("leave"))
    assert found.state is InteractionState.ENDED
    assert (found.ended_at - found.occurred_at).seconds >= 3_600
    assert found.owner_ids == (AISHA,)


def test_a_room_ends_when_another_takes_its_place():
    tombstone = {"type": "m.room.tombstone", "content": {}, "origin_server_ts": 1_795_330_000_000}
    found = conversation(state=[*recorded("state")["state"], tombstone])
    assert found.ended_at == datetime.fromtimestamp(1_795_330_000, UTC)


def test_a_room_in_which_nothing_was_said_has_no_last_message():
    assert conversation(messages={"chunk": []}).last_message is None


def test_the_stream_begins_with_every_room_and_goes_on_with_what_changed():
    first = {"next_batch": "s1_2", "rooms": {"join": {"!a": {}, "!b": {}}}}
    page = queries.read_changed_rooms(first, StreamAsk(cursor=None))
    assert ([row["id"] for row in page.rows], page.cursor, page.resume) == (
        ["!a", "!b"],
        "s1_2",
        None,
    )
    later = queries.read_changed_rooms(recorded("sync"), StreamAsk(cursor="s1_2"))
    assert ([row["id"] for row in later.rows], later.cursor) == ([ROOM], None)
    assert later.resume == recorded("sync")["next_batch"]
    quiet = queries.read_changed_rooms({"next_batch": "s1_2"}, StreamAsk(cursor="s1_2"))
    assert (quiet.rows, quiet.resume) == ([], "s1_2")


# ---------------------------------------------------------------- messages


def test_an_edit_stands_in_the_message_it_replaces():
    (edited,) = (message for message in messages() if message.edited_at)
    assert edited.body == "edited"
    assert edited.edited_at > edited.at
    assert edited.provenance.source_updated_at == edited.edited_at
    assert not [message for message in messages() if message.body == "* edited"]


def test_a_redacted_message_keeps_its_place_without_words():
    (redacted,) = (message for message in messages() if message.deleted)
    assert redacted.body is None
    assert redacted.author.kind is ActorKind.HUMAN


def test_the_desk_works_here_and_everybody_else_is_a_customer():
    kinds = {message.author.id: message.author.kind for message in messages()}
    assert kinds == {AISHA: ActorKind.CUSTOMER, "@support-desk:realsys.test": ActorKind.HUMAN}


def test_a_list_that_ends_names_no_further_page():
    ask = ChildrenAsk(parents=[ROOM], limit=20, options=DESK)
    assert queries.read_messages({"chunk": [], "end": "t1"}, ask).cursor is None
    assert queries.read_messages({**recorded("messages"), "end": "t1"}, ask).cursor == "t1"


# ---------------------------------------------------------------- questions


def test_an_address_is_asked_for_in_lower_case_and_a_number_without_plus():
    """Upper case is a 404, and so is a plus sign (both tried)."""
    email, phone = (
        LookupKey(KeyKind.EMAIL, " Ivanov27@Example.com"),
        LookupKey(KeyKind.PHONE, "+44 20 7946 0027"),
    )
    asked = queries.ask_by_email(SearchAsk(key=email)).path
    assert asked.endswith("/email/users/ivanov27%40example.com")
    assert queries.ask_by_phone(SearchAsk(key=phone)).path.endswith("/msisdn/users/442079460027")
    assert queries.read_bound(recorded("bound"), SearchAsk(key=email)).rows == [{"id": AISHA}]


def test_names_on_other_platforms_are_not_asked_for():
    for name, scope in (("ivanov", "twitter"), ("ivanov", "matrix")):
        key = LookupKey(KeyKind.HANDLE, name, scope)
        assert queries.ask_by_handle(SearchAsk(key=key)) is None
    key = LookupKey(KeyKind.HANDLE, AISHA.lstrip("@"), "matrix")
    assert queries.ask_by_handle(SearchAsk(key=key)).path.endswith("%40aivanov27%3Arealsys.test")


def test_a_room_id_has_a_server_part_or_none():
    assert room_id(ROOM)
    assert room_id("!old:realsys.test")
    assert not room_id("#alias:realsys.test")
    assert account_id(AISHA)
    assert not account_id("@local")


def test_a_list_of_ids_needs_somebody_who_reads_them():
    bare = replace(SPEC.kinds[Kind.CONTACT], get_many=None)
    with pytest.raises(ConfigError, match="by_id of CONTACT"):
        replace(SPEC, kinds={Kind.CONTACT: bare})


async def test_a_page_of_ids_is_whole_or_an_error(harness, virtual_time):
    """An account that went away meanwhile is left out; one that could not be read is no gap."""
    broken = []

    def answer(request):
        name = request.url.path.rpartition("/")[2]
        if name == "users":
            rows = [{**recorded("accounts")["users"][1], "name": f"@p{n}:here.test"} for n in "123"]
            return httpx.Response(200, json={"users": rows, "total": 3})
        if name in broken:
            return httpx.Response(500)
        found = {**recorded("account"), "name": name}
        return httpx.Response(404 if name == "@p2:here.test" else 200, json=found)

    options = {"host": "here.test", "desk": "@desk:here.test"}
    changes = harness.opened(SPEC, answer, options=options).changes[Kind.CONTACT]
    page = await changes.changed_since(None, harness.within())
    assert [record.key.external_id for record in page.records] == ["@p1:here.test", "@p3:here.test"]
    assert not page.more
    broken.append("@p3:here.test")
    with pytest.raises(SourceUnavailable):
        await changes.changed_since(None, harness.within())
