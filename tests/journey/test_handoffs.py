"""What the receiver of a matter knows, and when it should go to somebody else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.context import Attempt, Commitment, Extract, Slot, Statement
from domain.money import Money
from domain.records import Actor
from domain.vocabulary import ActorKind, CommitmentState
from journey.escalation import advice
from journey.handoffs import packet
from journey.issues import issues

BOT = Actor(kind=ActorKind.AI, id="bot")
ANN = Actor(kind=ActorKind.HUMAN, id="ann")


def said(text):
    return Statement(text=text, evidence=("message_x",), by=BOT)


@pytest.fixture
def matter(week):
    (issue,) = issues([week.chat("a", 0, went={"order_number": "1042"})], week.day(1))
    return issue


@pytest.fixture
def tried(week):
    def made(step, outcome, days=0, by=BOT):
        return Attempt(
            step=step, by=by, at=week.day(days), outcome=outcome, evidence=("message_x",)
        )

    return made


@pytest.fixture
def slot(week):
    def made(name, value="x", days=0):
        provenance = replace(week.provenance("crm", "7"), fetched_at=week.day(days))
        return Slot(name=name, value=value, provenance=provenance)

    return made


def test_the_receiver_opens_with_what_is_known(week, matter, tried):
    read = Extract(
        goal=said("Where is my parcel?"),
        attempted=(tried("restart the tracker", "FAILED"),),
        commitments=(
            Commitment(
                id="commitment_1",
                what=said("We will call you back"),
                made_by=BOT,
                made_at=week.day(0),
                due_at=week.day(2),
                state=CommitmentState.OVERDUE,
            ),
        ),
        open_question=said("Can I get it by Friday?"),
    )
    assert packet(matter, read, (), week.day(3)).acknowledgement == (
        "You contacted us about this: “Where is my parcel?”. "
        "You have already tried without success: “restart the tracker”. "
        "You were promised by Wednesday 04 March, which is late: “We will call you back”. "
        "You are still waiting for an answer to: “Can I get it by Friday?”"
    )


def test_nothing_is_said_where_nothing_is_known(week, matter):
    assert packet(matter, Extract(), (), week.day(0)).acknowledgement is None


def test_a_kept_promise_is_not_held_against_anybody(week, matter):
    kept = Commitment(
        id="commitment_1",
        what=said("We will call"),
        made_by=BOT,
        made_at=week.day(0),
        state=CommitmentState.KEPT,
    )
    assert packet(matter, Extract(commitments=(kept,)), (), week.day(0)).acknowledgement is None


def test_long_words_are_cut_at_a_word_and_put_on_one_line(week, matter):
    read = Extract(goal=said("one\ntwo " * 100))
    told = packet(matter, read, (), week.day(0)).acknowledgement
    assert "\n" not in told
    assert told.endswith(" two…”.") or told.endswith(" one…”.")
    assert len(told) < 250


def test_it_stalled_at_the_last_step_unless_that_helped(week, matter, tried):
    failed, worked = tried("restart", "FAILED"), tried("reset", "WORKED", days=1)
    assert packet(matter, Extract(attempted=(failed,)), (), week.day(1)).stalled_at is failed
    both = Extract(attempted=(worked, failed))
    assert packet(matter, both, (), week.day(1)).stalled_at is None


def test_only_fresh_values_are_not_to_be_asked_for(week, matter, slot):
    known = (slot("name", days=0), slot("contact", days=-31), slot("reason", value=None))
    found = packet(matter, Extract(), known, week.day(0))
    assert [one.name for one in found.do_not_ask] == ["name"]
    assert found.filled_share == pytest.approx(1 / 4), "one of name, contact, reason, order number"


def test_a_matter_about_no_order_does_not_need_its_number(week, slot):
    (issue,) = issues([week.chat("a", 0)], week.day(1))
    known = (slot("name"), slot("contact"), slot("reason"))
    assert packet(issue, Extract(), known, week.day(0)).filled_share == 1.0


def test_upset_people_go_to_somebody(matter):
    found = advice(matter, frustration=0.7, attempts=(), at_stake=None)
    assert (found.escalate, found.reasons) == (True, ("emotional",))


def test_two_steps_of_a_bot_that_failed_are_enough(matter, tried):
    attempts = [tried("a", "FAILED"), tried("b", "")]
    found = advice(matter, frustration=0.1, attempts=attempts, at_stake=None)
    assert (found.escalate, found.reasons) == (True, ("stalled twice",))


def test_steps_of_a_person_do_not_call_for_another(matter, tried):
    attempts = [tried("a", "FAILED", by=ANN), tried("b", "FAILED", by=ANN)]
    assert not advice(matter, frustration=None, attempts=attempts, at_stake=None).escalate


def test_a_costly_matter_alone_is_no_reason_and_a_long_one_with_it_is(week, matter):
    costly = Money(60_000, "GBP")
    assert not advice(matter, frustration=None, attempts=(), at_stake=costly).escalate
    contacts = [week.chat(str(n), n, went={"order_number": "1"}) for n in range(3)]
    (long,) = issues(contacts, week.day(3) + timedelta(hours=1))
    found = advice(long, frustration=None, attempts=(), at_stake=costly)
    assert found.escalate
    assert found.reasons == ("complex", "high value")
    assert sum(one.value * one.weight for one in found.terms) == 1.0
