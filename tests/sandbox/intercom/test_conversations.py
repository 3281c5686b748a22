"""The emulated Intercom API: what a conversation looks like, and what a reply does to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def unix(moment: datetime) -> int:
    return int(moment.timestamp())


def rule(name: str, operator: str, value: object) -> dict[str, object]:
    return {"field": name, "operator": operator, "value": value}


async def test_listed_conversations_have_no_parts_and_whole_ones_do(chat: Any) -> None:
    ann = chat.contact("Ann", email="ann@example.com")
    parts = (chat.part(), chat.part(author_type="user", author_id=ann.id))
    chat.thread("t", ann, parts=parts)
    query = rule("contact_ids", "=", ann.id)
    (listed,) = (await chat.search("conversations", query))["conversations"]
    assert "conversation_parts" not in listed
    whole = (await chat.ask("GET", f"/conversations/{listed['id']}")).json()
    parts = whole.pop("conversation_parts")
    assert whole == listed
    assert parts["total_count"] == 2
    first, second = parts["conversation_parts"]
    assert first["author"] == {
        "type": "admin",
        "id": "814861",
        "name": "Ada",
        "email": "ada@support.example",
    }
    assert second["author"]["email"] == "ann@example.com"
    assert listed["source"]["author"]["name"] == "Ann"
    assert listed["contacts"]["contacts"][0]["id"] == second["author"]["id"]
    assert listed["teammates"]["teammates"] == [{"type": "admin", "id": "814861"}]


async def test_only_the_500_latest_parts_are_shown(chat: Any) -> None:
    parts = tuple(chat.part(body=f"<p>{number}</p>") for number in range(501))
    row = chat.thread("long", chat.contact("Ann"), parts=parts)
    shown = (await chat.ask("GET", f"/conversations/{row.id}")).json()["conversation_parts"]
    assert shown["total_count"] == 501
    bodies = [part["body"] for part in shown["conversation_parts"]]
    assert (len(bodies), bodies[0], bodies[-1]) == (500, "<p>1</p>", "<p>500</p>")


async def test_plain_text_is_shown_when_asked_for(chat: Any) -> None:
    body = '<p>Tom &amp; <b>co</b></p><p>see <a href="https://x.example">this</a></p>'
    ann = chat.contact("Ann")
    row = chat.thread("t", ann, source_body=body, parts=(chat.part(body=body),))
    shown = (await chat.ask("GET", f"/conversations/{row.id}?display_as=plaintext")).json()
    expected = "Tom & co\nsee this (https://x.example)"
    assert shown["source"]["body"] == expected
    assert shown["conversation_parts"]["conversation_parts"][0]["body"] == expected


async def test_a_redacted_part_keeps_its_place_without_its_body(chat: Any) -> None:
    part = chat.part(redacted=True)
    row = chat.thread("t", chat.contact("Ann"), parts=(part,))
    shown = (await chat.ask("GET", f"/conversations/{row.id}")).json()
    (only,) = shown["conversation_parts"]["conversation_parts"]
    assert (only["redacted"], only["body"]) == (True, None)


async def test_unknown_and_deleted_conversations_are_not_found(chat: Any) -> None:
    row = chat.thread("t", chat.contact("Ann"))
    chat.world.conversations.remove(row.id)
    for one in (row.id, "1", "x"):
        response = await chat.ask("GET", f"/conversations/{one}")
        assert (response.status_code, chat.error_code(response)) == (404, "not_found")


async def test_parts_tell_the_state_the_conversation_had(chat: Any) -> None:
    ann = chat.contact("Ann")
    kinds = ("comment", "close", "note", "open", "snoozed")
    parts = tuple(chat.part(part_type=kind) for kind in kinds)
    row = chat.thread("t", ann, parts=parts, state="snoozed")
    shown = (await chat.ask("GET", f"/conversations/{row.id}")).json()
    states = [part["state"] for part in shown["conversation_parts"]["conversation_parts"]]
    assert states == ["open", "closed", "closed", "open", "snoozed"]


def _user_reply(**who: str) -> dict[str, str]:
    return {"message_type": "comment", "type": "user", "body": "Thanks again", **who}


async def test_a_contacts_reply_reopens_waits_and_is_found_as_changed(
    chat: Any, clock: Any
) -> None:
    ann = chat.contact("Ann", email="ann@example.com", external_id="70")
    row = chat.thread("t", ann, state="closed")
    answer = await chat.ask(
        "POST", f"/conversations/{row.id}/reply", _user_reply(intercom_user_id=ann.id)
    )
    shown = answer.json()
    assert (shown["state"], shown["open"], shown["read"]) == ("open", True, False)
    assert shown["waiting_since"] == shown["updated_at"] == unix(clock.now())
    (part,) = shown["conversation_parts"]["conversation_parts"]
    assert (part["part_type"], part["body"]) == ("open", "<p>Thanks again</p>")
    assert (part["author"]["type"], part["author"]["id"]) == ("user", ann.id)
    assert await chat.threads(rule("updated_at", ">", unix(clock.now()))) == ["t"]
    replied = (await chat.ask("GET", f"/contacts/{ann.id}")).json()["last_replied_at"]
    assert replied == unix(clock.now())


@pytest.mark.parametrize("who", [{"email": "ann@example.com"}, {"user_id": "70"}])
async def test_a_contact_may_be_named_by_email_or_external_id(
    chat: Any, who: dict[str, str]
) -> None:
    ann = chat.contact("Ann", email="ann@example.com", external_id="70")
    chat.thread("old", ann, updated_at=NOON - DAY)
    row = chat.thread("new", ann)
    answer = await chat.ask("POST", "/conversations/last/reply", _user_reply(**who))
    assert answer.json()["id"] == row.id
    assert answer.json()["conversation_parts"]["conversation_parts"][0]["part_type"] == "comment"


async def test_a_teammates_comment_ends_the_waiting_and_a_note_does_not(chat: Any) -> None:
    row = chat.thread("t", chat.contact("Ann"), waiting_since=NOON)
    reply = {"message_type": "note", "type": "admin", "admin_id": 814861, "body": "hm"}
    path = f"/conversations/{row.id}/reply"
    assert (await chat.ask("POST", path, reply)).json()["waiting_since"] == unix(NOON)
    shown = (await chat.ask("POST", path, {**reply, "message_type": "comment"})).json()
    assert shown["waiting_since"] is None
    kinds = [part["part_type"] for part in shown["conversation_parts"]["conversation_parts"]]
    assert kinds == ["note", "comment"]


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        ({}, 400),
        (_user_reply(), 400),
        (_user_reply(intercom_user_id="nobody"), 404),
        ({**_user_reply(email="ann@example.com"), "message_type": "note"}, 400),
        ({**_user_reply(email="ann@example.com"), "body": ""}, 400),
        ({**_user_reply(email="ann@example.com"), "created_at": "now"}, 400),
        ({"message_type": "comment", "type": "admin", "admin_id": "1", "body": "x"}, 404),
        ({"message_type": "quick_reply", "type": "admin", "admin_id": "814861"}, 400),
    ],
)
async def test_a_reply_that_cannot_be_is_refused_and_changes_nothing(
    chat: Any, reply: dict[str, object], status: int
) -> None:
    row = chat.thread("t", chat.contact("Ann", email="ann@example.com"))
    response = await chat.ask("POST", f"/conversations/{row.id}/reply", reply)
    assert response.status_code == status
    chat.error_code(response)
    assert chat.world.conversations.get(row.id) == row


async def test_a_reply_to_no_conversation_is_not_found(chat: Any) -> None:
    ann = chat.contact("Ann")
    for one in ("last", "17"):
        response = await chat.ask(
            "POST", f"/conversations/{one}/reply", _user_reply(intercom_user_id=ann.id)
        )
        assert (response.status_code, chat.error_code(response)) == (404, "not_found")
