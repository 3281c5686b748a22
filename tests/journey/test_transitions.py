"""What a customer loses between two contacts, worked out by hand."""

from math import exp

import pytest

from domain.events import Asked, Transfer
from domain.records import Actor
from domain.vocabulary import ActorKind, TicketStatus
from journey.issues import issues
from journey.transitions import transitions

BOT = Actor(kind=ActorKind.AI, id="bot")
ANN = Actor(kind=ActorKind.HUMAN, id="ann")


def asked(week, slot, days, by):
    return Asked(slot=slot, by=by, at=week.day(days), evidence=())


def one_issue(contacts, week):
    (issue,) = issues(contacts, week.day(9))
    return issue


def test_three_contacts_have_two_transitions(week):
    contacts = [
        week.chat("a", 1, went={"order_number": "1"}),
        week.call("b", 3, went={"order_number": "1"}),
        week.ticket("c", 4, status=TicketStatus.OPEN, went={"order_number": "1"}),
    ]
    found = transitions(one_issue(contacts, week))
    assert [(one.before.key, one.after.key) for one in found] == [
        (contacts[0].key, contacts[1].key),
        (contacts[1].key, contacts[2].key),
    ]
    assert {one.trigger for one in found} == {ActorKind.CUSTOMER}


def test_who_handed_the_customer_on_brought_the_next_contact_about(week):
    handed = Transfer(by=BOT, to=ANN, at=week.day(0))
    contacts = [
        week.chat("a", 0, went={"order_number": "1", "transfers": (handed,)}),
        week.call("b", 0.1, went={"order_number": "1"}),
    ]
    (found,) = transitions(one_issue(contacts, week))
    assert found.trigger is ActorKind.AI


def test_a_day_with_somebody_else_who_asks_half_of_it_again(week):
    before = {"order_number": "1", "asked": (asked(week, "postcode", 0, BOT),)}
    after = {
        "order_number": "1",
        "asked": (asked(week, "postcode", 1, ANN), asked(week, "colour", 1, ANN)),
    }
    contacts = [
        week.chat("a", 0, minutes=0, owner=BOT, went=before),
        week.call("b", 1, owner=ANN, went=after),
    ]
    (found,) = transitions(one_issue(contacts, week))
    delay = 1 - exp(-1)
    assert found.friction.context_loss == 1.0
    assert found.friction.repetition == 0.5
    assert found.friction.delay == pytest.approx(delay)
    assert found.friction.score == pytest.approx((1 + 0.5 + delay) / 3)
    assert found.friction.coverage == 1.0


def test_what_nobody_knows_is_not_counted(week):
    contacts = [
        week.chat("a", 0, minutes=0, went={"order_number": "1"}),
        week.call("b", 0, went={"order_number": "1"}),
    ]
    (found,) = transitions(one_issue(contacts, week))
    assert (found.friction.context_loss, found.friction.repetition) == (None, None)
    assert found.friction.delay == found.friction.score == 0.0
    assert found.friction.coverage == pytest.approx(1 / 3)
