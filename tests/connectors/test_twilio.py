"""Twilio in our words. The fixtures are made from the vendor's documents."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.auth import Secret
from connectors.reading import Reading, RowError
from connectors.spec import ChildrenAsk, GetAsk, SinceAsk
from connectors.twilio import SPEC, mapping, queries
from connectors.twilio.connector import KeyOrAccount
from connectors.twilio.events import WEBHOOKS, form, parse
from connectors.twilio.threads import Ends, gathered, seal, unseal
from connectors.webhooks import verify
from domain.errors import BadSignature, ConfigError
from domain.ids import Kind, SourceKey
from domain.provenance import System
from domain.records import Actor
from domain.sources import ChangeKind, WebhookRequest
from domain.vocabulary import ActorKind, Channel, InteractionState, SystemKind

FIXTURES = Path(__file__).parents[1] / "fixtures" / "twilio"
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
OPTIONS = {"account_sid": ACCOUNT}
CUSTOMER, OURS = "+447700900111", "+441134960001"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
THREAD = seal(ACCOUNT, Ends(CUSTOMER, OURS))


def recorded(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


def reading(**said):
    system = System(name="voice", kind=SystemKind.VOICE, connector="twilio")
    return Reading(system=system, fetched_at=NOW, options=OPTIONS, **said)


def call(number=0, **changes):
    return mapping.call({**recorded("calls")["calls"][number], **changes}, reading())


def message(number, **changes):
    return mapping.message({**recorded("messages")["messages"][number], **changes}, reading())


def asked(parents=(CUSTOMER,), **more):
    return ChildrenAsk(parents=list(parents), limit=1000, options=OPTIONS, **more)


# ---------------------------------------------------------------- calls


def test_a_call_has_its_length_and_its_end():
    answered = call()
    sid = "CA00000000000000000000000000000a01"
    assert answered.key == SourceKey("voice", Kind.CALL, sid)
    assert answered.channel is Channel.VOICE
    assert (answered.state, answered.raw_state) == (InteractionState.ENDED, "completed")
    assert answered.occurred_at == datetime(2026, 2, 3, 9, 14, 58, tzinfo=UTC)
    assert answered.ended_at == datetime(2026, 2, 3, 9, 21, 10, tzinfo=UTC)
    assert answered.provenance.source_updated_at == datetime(2026, 2, 3, 9, 21, 12, tzinfo=UTC)
    assert answered.duration_seconds == 372
    assert answered.wait_seconds is None


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("queued", InteractionState.QUEUED),
        ("ringing", InteractionState.QUEUED),
        ("in-progress", InteractionState.IN_PROGRESS),
        ("busy", InteractionState.ABANDONED),
        ("no-answer", InteractionState.ABANDONED),
        ("failed", InteractionState.ABANDONED),
        ("canceled", InteractionState.ABANDONED),
        ("parked", InteractionState.UNKNOWN),
    ],
)
def test_a_status_becomes_a_state_and_keeps_its_word(status, state):
    assert (call(status=status).state, call(status=status).raw_state) == (state, status)


def test_a_call_nobody_took_has_no_length():
    assert call(2).duration_seconds is None


def test_a_call_that_is_not_dialled_yet_began_when_it_was_made():
    queued = call(2, start_time=None)
    assert queued.occurred_at == datetime(2026, 2, 2, 16, 30, tzinfo=UTC)


def test_times_in_other_zones_are_utc_here():
    there = call(start_time="Tue, 03 Feb 2026 10:14:58 +0100")
    assert there.occurred_at == call().occurred_at


def test_a_call_without_a_time_is_no_row():
    with pytest.raises(RowError):
        call(start_time=None, date_created=None)


def test_a_number_is_asked_about_as_receiver_and_as_sender():
    sent, received = (queries.ask_calls_of(asked(part=part)) for part in (0, 1))
    assert sent.path == received.path == f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
    assert dict(sent.query) == {"To": CUSTOMER, "PageSize": "1000"}
    assert dict(received.query) == {"From": CUSTOMER, "PageSize": "1000"}


def test_the_leg_to_the_agent_is_not_a_second_call():
    page = queries.read_calls_of(recorded("calls"), asked(part=queries.RECEIVED))
    assert [row["sid"][-3:] for row in page.rows] == ["a01", "a03"]
    assert len(queries.read_calls_of(recorded("calls"), asked(part=queries.SENT)).rows) == 3


def test_changes_are_calls_that_began_since():
    since = SinceAsk(since=datetime(2026, 2, 3, tzinfo=UTC), options=OPTIONS)
    request = queries.ask_changed_calls(since)
    assert request.target.endswith("Calls.json?StartTime%3E=2026-02-03T00%3A00%3A00Z&PageSize=1000")
    whole = queries.ask_changed_calls(SinceAsk(since=None, options=OPTIONS))
    assert dict(whole.query) == {"PageSize": "1000"}


def test_of_the_next_address_only_the_place_is_believed():
    address = "https://evil.example/x?To=%2B1555&PageSize=50&Page=1&PageToken=PACA1"
    page = queries.read_calls({**recorded("calls"), "next_page_uri": address}, None)
    following = queries.ask_calls_of(asked(cursor=page.cursor))
    assert following.path == f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
    expected = {"To": CUSTOMER, "PageSize": "1000", "Page": "1", "PageToken": "PACA1"}
    assert dict(following.query) == expected


# ---------------------------------------------------------------- threads


def test_messages_between_two_numbers_are_one_thread():
    rows = recorded("messages")["messages"]
    (row,) = gathered(rows, asked())
    thread = mapping.conversation(row, reading())
    assert thread.key == SourceKey("voice", Kind.CONVERSATION, THREAD)
    assert thread.channel is Channel.SMS
    assert thread.state is InteractionState.UNKNOWN
    assert thread.occurred_at == datetime(2026, 2, 4, 7, 45, tzinfo=UTC)
    assert thread.last_message == message(0)


def test_each_number_of_ours_has_a_thread_of_its_own():
    one, other = recorded("messages")["messages"]
    threads = gathered([one, {**other, "to": "+441134960002"}], asked())
    assert len({row["id"] for row in threads}) == 2


def test_rows_that_cannot_be_placed_are_passed_on():
    good = recorded("messages")["messages"]
    bad = [7, {}, {**good[0], "direction": "sideways"}, {**good[0], "date_sent": "soon"}]
    rows = gathered([*good, *bad], asked())
    assert len(rows) == 5
    for row in bad:
        with pytest.raises((RowError, KeyError, TypeError, AttributeError)):
            mapping.conversation(row, reading())


def test_messages_say_who_wrote_and_hide_by_which_number():
    ours, theirs = message(0), message(1)
    assert theirs.author == Actor(kind=ActorKind.CUSTOMER, id=THREAD)
    assert ours.author == Actor(kind=ActorKind.SYSTEM, id="twilio")
    assert theirs.body == "Where is my parcel?"
    sid = "SM00000000000000000000000000000b01"
    assert theirs.key == SourceKey("voice", Kind.MESSAGE, f"{THREAD}/{sid}")
    for shown in (theirs.key.node_id, theirs.author.id, theirs.provenance.external_id, THREAD):
        assert "447700" not in shown


def test_a_thread_is_asked_for_in_each_direction():
    ask = GetAsk(ids=[THREAD], options=OPTIONS)
    sent, received = (queries.ask_thread(replace(ask, part=part)) for part in (0, 1))
    assert dict(sent.query) == {"To": CUSTOMER, "From": OURS, "PageSize": "1000"}
    assert dict(received.query) == {"To": OURS, "From": CUSTOMER, "PageSize": "1000"}


def test_a_sealed_id_opens_for_its_account_alone():
    assert unseal(ACCOUNT, THREAD) == Ends(CUSTOMER, OURS)
    assert unseal("AC" + "f" * 32, THREAD) is None
    for made_up in ("", "00", "zz", "0" * 60, THREAD[:-2], THREAD[:-1] + "0", f"{THREAD}00"):
        if made_up != THREAD:
            assert unseal(ACCOUNT, made_up) is None
    assert queries.ask_thread(GetAsk(ids=["0" * 60], options=OPTIONS)) is None


def test_threads_of_one_number_look_unlike_each_other():
    other = seal(ACCOUNT, Ends(CUSTOMER, "+441134960002"))
    same = sum(one == two for one, two in zip(other, THREAD, strict=True))
    assert same < len(THREAD) / 3


# ---------------------------------------------------------------- webhooks


def delivery(body, url="https://mycompany.com/myapp.php?foo=1&bar=2", signature=""):
    return WebhookRequest(
        method="POST",
        url=url,
        headers={"x-twilio-signature": signature},
        body=body,
        received_at=NOW,
    )


DOCUMENTED = (
    b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234"
    b"&From=%2B14158675309&To=%2B18005551212"
)


def test_the_vendors_own_example_is_believed():
    """twilio.com/docs/usage/security, and the tests of Twilio's libraries: auth token 12345."""
    signed = delivery(DOCUMENTED, signature="RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    verify(WEBHOOKS.signature, [Secret("12345")], signed)
    shuffled = b"&".join(reversed(DOCUMENTED.split(b"&")))
    verify(WEBHOOKS.signature, [Secret("12345")], replace(signed, body=shuffled))
    for changed in (
        replace(signed, body=DOCUMENTED.replace(b"1234&", b"1235&")),
        replace(signed, body=DOCUMENTED + b"&More=1"),
        replace(signed, url="https://mycompany.com/myapp.php?foo=1"),
    ):
        with pytest.raises(BadSignature):
            verify(WEBHOOKS.signature, [Secret("12345")], changed)


@pytest.mark.parametrize("called", ["https://a.example/x", "https://a.example:443/x"])
@pytest.mark.parametrize("signed", ["https://a.example/x", "https://a.example:443/x"])
def test_the_port_is_signed_or_not(called, signed):
    mac = hmac.new(b"12345", f"{signed}a1".encode(), hashlib.sha1).digest()
    request = delivery(b"a=1", called, base64.b64encode(mac).decode())
    verify(WEBHOOKS.signature, [Secret("12345")], request)


def test_a_json_body_is_proved_by_its_hash_in_the_address():
    body = b'{"x": 1}'
    url = f"https://a.example/x?bodySHA256={hashlib.sha256(body).hexdigest()}"
    mac = hmac.new(b"12345", url.encode(), hashlib.sha1).digest()
    request = delivery(body, url, base64.b64encode(mac).decode())
    verify(WEBHOOKS.signature, [Secret("12345")], request)
    with pytest.raises(BadSignature):
        verify(WEBHOOKS.signature, [Secret("12345")], replace(request, body=b'{"x": 2}'))


def told(name, **changes):
    fields = {**form((FIXTURES / f"{name}.form").read_bytes()), **changes}
    return parse(fields, delivery(b""), "voice")


def test_a_status_of_a_call_is_a_hint_about_it():
    (event,) = told("webhook_call_status")
    sid = "CA00000000000000000000000000000a01"
    assert event.key == SourceKey("voice", Kind.CALL, sid)
    assert event.change is ChangeKind.CHANGED
    assert event.event_id == f"{sid}:completed:0"
    assert event.occurred_at == datetime(2026, 2, 3, 9, 21, 10, tzinfo=UTC)


def test_an_incoming_message_is_a_hint_about_its_thread():
    (event,) = told("webhook_message_incoming")
    assert event.key == SourceKey("voice", Kind.CONVERSATION, THREAD)
    assert event.event_id == "SM00000000000000000000000000000b01:received"


def test_what_was_sent_belongs_to_the_same_thread():
    (event,) = told("webhook_message_incoming", From=OURS, To=CUSTOMER, MessageStatus="delivered")
    assert event.key.external_id == THREAD
    assert event.event_id.endswith(":delivered")


def test_messages_of_other_channels_are_left_out():
    assert told("webhook_message_incoming", From=f"whatsapp:{CUSTOMER}") == []


# ---------------------------------------------------------------- credentials


def header(**options):
    secrets = {"token": Secret("planted")}
    opened = KeyOrAccount().open("voice", secrets, {**OPTIONS, **options})
    return opened._headers["authorization"]


def test_an_api_key_stands_in_for_the_account():
    assert base64.b64decode(header().split()[1]).decode() == f"{ACCOUNT}:planted"
    assert base64.b64decode(header(api_key="SK1").split()[1]).decode() == "SK1:planted"


def test_an_account_must_be_named():
    (option,) = [one for one in SPEC.options if one.name == "account_sid"]
    assert option.default is None
    with pytest.raises(ConfigError, match=r"sources\.voice\.account_sid"):
        KeyOrAccount().open("voice", {"token": Secret("planted")}, {})
