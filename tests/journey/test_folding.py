"""What the events of one interaction come to, in whatever order they come in."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random

import pytest

from domain.events import EventData, EventType, InteractionEvent
from domain.ids import Kind, SourceKey
from domain.provenance import System
from domain.records import Actor, Call, Conversation, Ticket, Visit
from domain.vocabulary import ActorKind, Channel, InteractionState, SystemKind
from journey.folding import folding

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BOT = Actor(kind=ActorKind.AI, id="bot")
ANNA = Actor(kind=ActorKind.HUMAN, id="anna")
CUSTOMER = Actor(kind=ActorKind.CUSTOMER, id="c-1")
FOLD = folding({"chat": System(name="chat", kind=SystemKind.CHAT, connector="events")})


def told(kind, minute, *, event_id=None, sequence=None, subject=Kind.CONVERSATION, **data):
    return InteractionEvent(
        system="chat",
        event_id=event_id or f"{kind}-{minute}",
        type=EventType(kind),
        occurred_at=NOON + timedelta(minutes=minute),
        sequence=sequence,
        subject=SourceKey("chat", subject, "7"),
        data=EventData(**data),
    )


def at(minute):
    return NOON + timedelta(minutes=minute)


CHAT = [
    told("interaction.started", 0, actor=BOT, order_number="#1001", reason="where is it"),
    told("message.created", 1, message_id="m1", actor=CUSTOMER, text="Where is my order?"),
    told("question.asked", 2, slot="postcode", actor=BOT, message_id="m1"),
    told("message.created", 3, message_id="m2", actor=CUSTOMER, text="N1"),
    told("step.attempted", 4, actor=BOT, step="look it up", outcome="not found"),
    told("message.updated", 5, message_id="m2", actor=CUSTOMER, text="N1 9GU"),
    told("message.created", 6, message_id="m3", actor=CUSTOMER, text="my card is 4111"),
    told("message.deleted", 7, message_id="m3"),
    told("interaction.transferred", 8, actor=BOT, more={"to": {"kind": "HUMAN", "id": "anna"}}),
    told("message.created", 9, message_id="m4", actor=ANNA, text="Hello", internal=False),
    told("interaction.held", 10),
    told("interaction.resumed", 11),
    told("interaction.ended", 12, outcome="resolved"),
]


def test_a_chat_from_beginning_to_end():
    chat = FOLD(CHAT)
    assert isinstance(chat.record, Conversation)
    assert chat.record.state is InteractionState.ENDED
    assert (chat.record.occurred_at, chat.record.ended_at) == (at(0), at(12))
    assert chat.record.channel is Channel.WEB_CHAT
    assert (chat.record.owner.id, chat.order_number, chat.reason) == (
        "anna", "#1001", "where is it",
    )  # fmt: skip
    assert [(one.body, one.deleted) for one in chat.messages] == [
        ("Where is my order?", False),
        ("N1 9GU", False),
        (None, True),
        ("Hello", False),
    ]
    assert chat.record.last_message.body == "Hello"
    (tried,), (asked,), (transfer,) = chat.attempts, chat.asked, chat.transfers
    assert (tried.step, tried.outcome, tried.evidence) == (
        "look it up", "not found", (chat.key.node_id,),
    )  # fmt: skip
    assert asked.evidence == (chat.messages[0].id,)
    assert (transfer.by, transfer.to.id) == (BOT, "anna")
    assert chat.leased_until is None


def test_any_order_and_any_repetition_comes_to_the_same():
    clean, dice = FOLD(CHAT), Random(7)
    for _ in range(50):
        mixed = [*CHAT, *dice.choices(CHAT, k=4)]
        dice.shuffle(mixed)
        assert FOLD(mixed) == clean


def test_a_sequence_decides_over_a_clock_that_is_wrong():
    ended = told("interaction.ended", 0, sequence=3)
    started = told("interaction.started", 30, sequence=1)
    resumed = told("interaction.resumed", 10, sequence=2)
    loose = told("message.created", 31, actor=ANNA, text="still here")
    for events in permutations([ended, started, resumed, loose]):
        assert FOLD(events).record.state is InteractionState.ENDED


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_is_deleted_before_it_is_written_stays_deleted(order):
    pair = [
        told("message.deleted", 1, message_id="m1", sequence=1),
        told("message.created", 2, message_id="m1", sequence=2, actor=CUSTOMER, text="no"),
    ]
    (message,) = FOLD([pair[i] for i in order]).messages
    assert message.deleted
    assert message.body is None


def test_an_edit_before_its_message_is_what_the_message_says():
    events = [
        told("message.updated", 1, message_id="m1", sequence=1, text="new"),
        told("message.created", 2, message_id="m1", sequence=2, actor=CUSTOMER, text="old"),
    ]
    (message,) = FOLD(events).messages
    assert (message.body, message.author) == ("new", CUSTOMER)


def test_of_nothing_but_deletions_there_is_no_interaction():
    assert FOLD([told("message.deleted", 1, message_id="m1")]) is None


def test_a_lease_ends_what_nobody_closed():
    call = FOLD([told("interaction.started", 0, subject=Kind.CALL, lease_seconds=120)])
    assert isinstance(call.record, Call)
    assert call.leased_until == at(2)
    assert call.as_of(at(1.9)).record.state is InteractionState.IN_PROGRESS
    over = call.as_of(at(2)).record
    assert (over.state, over.ended_at) == (InteractionState.ENDED, at(2))


def test_who_was_never_answered_is_lost_when_the_lease_runs_out():
    queued = FOLD([told("interaction.started", 0, more={"state": "queued"}, lease_seconds=60)])
    assert queued.record.state is InteractionState.QUEUED
    assert queued.as_of(at(5)).record.state is InteractionState.ABANDONED


def test_each_event_extends_the_lease_that_was_last_named():
    events = [
        told("interaction.started", 0, lease_seconds=600),
        told("message.created", 5, actor=CUSTOMER, text="hello"),
    ]
    assert FOLD(events).leased_until == at(15)


def test_an_end_without_a_talk_is_a_loss():
    events = [told("interaction.started", 0), told("interaction.ended", 1, outcome="abandoned")]
    assert FOLD(events).record.state is InteractionState.ABANDONED


def test_a_start_after_an_end_opens_it_again():
    events = [*CHAT, told("interaction.started", 20, actor=ANNA)]
    again = FOLD(events).record
    assert (again.state, again.ended_at) == (InteractionState.IN_PROGRESS, None)
    assert again.occurred_at == at(0)


def test_an_actor_who_takes_over_is_whom_it_went_to():
    events = [
        told("interaction.started", 0, actor=BOT),
        told("interaction.transferred", 1, actor=ANNA, reason="no idea"),
    ]
    (transfer,) = FOLD(events).transfers
    assert (transfer.by, transfer.to, transfer.reason) == (BOT, ANNA, "no idea")


def test_a_visit_counts_pages_and_not_what_is_done_on_them():
    def seen(minute, **more):
        return told("visit.recorded", minute, subject=Kind.VISIT, consent=minute > 0, more=more)

    visit = FOLD(
        [
            seen(0, page={"path": "/"}, referrer="https://search.example"),
            seen(1, page={"path": "/lamps"}),
            seen(2, event="added"),
        ]
    )
    assert isinstance(visit.record, Visit)
    assert (visit.record.pages, visit.record.referrer) == (2, "https://search.example")
    assert visit.record.channel is Channel.SELF_SERVICE
    assert visit.consent is True


def test_a_system_that_is_no_longer_configured_has_told_all_the_same():
    subject = SourceKey("gone", Kind.TICKET, "7")
    event = replace(told("interaction.started", 0, channel=Channel.EMAIL), subject=subject)
    ticket = FOLD([event]).record
    assert isinstance(ticket, Ticket)
    assert (ticket.provenance.system.name, ticket.channel) == ("gone", Channel.EMAIL)
