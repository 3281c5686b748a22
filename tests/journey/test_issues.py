"""Which contacts are about one matter, and how it stands."""

from datetime import timedelta
from itertools import permutations

import pytest

from domain.issues import GroupedBy
from domain.vocabulary import InteractionState, IssueState, TicketStatus
from journey.issues import issues


def ids(issue):
    return [one.key.external_id for one in issue.interactions]


def test_chat_call_and_mail_about_one_order_are_one_issue(week):
    contacts = [
        week.chat("tuesday", 1, went={"order_number": "1042"}),
        week.call("thursday", 3, went={"order_number": "#1042"}),
        week.ticket("friday", 4, status=TicketStatus.OPEN, went={"order_number": "1042"}),
    ]
    for some in permutations(contacts):
        (issue,) = issues(some, week.day(5))
        assert ids(issue) == ["tuesday", "thursday", "friday"]
        assert issue.grouped_by is GroupedBy.ORDER
        assert issue.state is IssueState.OPEN
        assert issue.order_number == "1042"
        assert issue.anchor == contacts[0].key


def test_a_call_that_names_the_number_of_a_ticket_is_of_its_case(week):
    call = week.call("c", 0, went={"case_id": "#77"})
    ticket = week.ticket("5", 60, number="77", status=TicketStatus.OPEN)
    (issue,) = issues([call, ticket], week.day(61))
    assert issue.grouped_by is GroupedBy.CASE


def test_two_orders_are_two_matters_even_for_one_reason(week):
    one = week.chat("one", 0, went={"reason": "late", "order_number": "1"})
    two = week.chat("two", 1, went={"reason": "late", "order_number": "2"})
    assert len(issues([one, two], week.day(2))) == 2


def test_two_cases_are_two_matters_even_for_one_reason(week):
    one = week.ticket("1", 0, category="billing", status=TicketStatus.OPEN)
    two = week.ticket("2", 1, category="billing", status=TicketStatus.OPEN)
    assert len(issues([one, two], week.day(2))) == 2


@pytest.mark.parametrize(("days", "count"), [(7, 1), (7.1, 2)])
def test_one_reason_is_one_matter_within_the_window(week, days, count):
    one = week.chat("one", 0, minutes=0, went={"reason": "Refund"})
    two = week.chat("two", days, went={"reason": "refund "})
    found = issues([one, two], week.day(8))
    assert len(found) == count
    if count == 1:
        assert found[0].grouped_by is GroupedBy.REASON


def test_contacts_without_anything_in_common_stay_apart(week):
    found = issues([week.chat("one", 0), week.chat("two", 0.1)], week.day(1))
    assert [one.grouped_by for one in found] == [GroupedBy.SINGLE] * 2
    assert ids(found[0]) == ["two"], "the latest begun comes first"


def test_a_link_joins_what_has_nothing_else_in_common(week):
    one = week.chat("one", 0)
    two = week.call("two", 40, went={"related": (one.key,)})
    (issue,) = issues([one, two], week.day(41))
    assert issue.grouped_by is GroupedBy.LINK


def test_the_weakest_rule_of_a_chain_is_named(week):
    contacts = [
        week.chat("a", 0, went={"order_number": "1", "reason": "late"}),
        week.chat("b", 1, went={"order_number": "1"}),
        week.chat("c", 2, went={"reason": "late"}),
    ]
    (issue,) = issues(contacts, week.day(3))
    assert issue.grouped_by is GroupedBy.REASON


def test_an_order_after_months_of_silence_is_a_new_matter(week):
    one = week.chat("one", 0, went={"order_number": "1"})
    two = week.chat("two", 91, went={"order_number": "1"})
    assert len(issues([one, two], week.day(92))) == 2


def test_the_order_of_a_contact_that_names_none_is_asked_for(week):
    one = week.chat("one", 0, went={"order_number": "1042"})
    two = week.ticket("two", 1, subject="Re: 1042", status=TicketStatus.OPEN)

    def mentions(contact):
        return "1042" if contact.key == two.key else None

    (issue,) = issues([one, two], week.day(2), mentions=mentions)
    assert issue.grouped_by is GroupedBy.ORDER


def test_a_chat_nobody_came_back_to_is_resolved_after_the_window(week):
    chat = week.chat("one", 0)
    (soon,) = issues([chat], week.day(6))
    (later,) = issues([chat], week.day(8))
    assert soon.state is IssueState.OPEN
    assert soon.resolved_at is None
    assert later.state is IssueState.RESOLVED
    assert later.resolved_at == chat.record.ended_at


def test_a_closed_ticket_is_resolved_at_once(week):
    ticket = week.ticket("1", 0, status=TicketStatus.CLOSED)
    (issue,) = issues([ticket], week.day(0) + timedelta(hours=1))
    assert issue.state is IssueState.RESOLVED


def test_a_contact_after_the_ticket_was_closed_reopens_the_matter(week):
    ticket = week.ticket("1", 0, status=TicketStatus.CLOSED, went={"order_number": "1"})
    call = week.call("2", 1, state=InteractionState.IN_PROGRESS, went={"order_number": "1"})
    (issue,) = issues([ticket, call], week.day(1))
    assert issue.state is IssueState.REOPENED


def test_an_issue_waits_only_while_all_of_it_waits(week):
    waits = week.ticket("1", 0, status=TicketStatus.PENDING, went={"order_number": "1"})
    talks = week.call("2", 1, state=InteractionState.IN_PROGRESS, went={"order_number": "1"})
    (waiting,) = issues([waits], week.day(1))
    (open_,) = issues([waits, talks], week.day(1))
    assert (waiting.state, open_.state) == (IssueState.WAITING, IssueState.OPEN)


def test_nobody_who_never_called_has_an_issue(week):
    assert issues([], week.day(0)) == ()
