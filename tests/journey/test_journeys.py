"""Ways to an outcome, and how its value is put down to what led there."""

import pytest

from domain.ids import Kind, SourceKey
from domain.money import Money
from domain.records import Order
from domain.vocabulary import AttributionModel, JourneyKind
from journey.credits import credits_of
from journey.issues import issues
from journey.journeys import journeys, visitor_journeys


def order(week, number, days, minor=10_000):
    return Order(
        key=SourceKey("shop", Kind.ORDER, number),
        provenance=week.provenance("shop", number),
        occurred_at=week.day(days),
        number=number,
        total=Money(minor, "GBP"),
    )


def test_visits_lead_to_an_order(week):
    visits = [week.visit("a", 0), week.visit("b", 3)]
    (journey,) = visitor_journeys(visits, [order(week, "1", 3.01)])
    assert journey.touchpoints == tuple(visits)
    assert journey.outcome == "order"
    assert journey.outcome_value == Money(10_000, "GBP")
    assert journey.kind is JourneyKind.VISITOR


def test_a_visit_after_the_order_begins_another_journey(week):
    visits = [week.visit("a", 0), week.visit("b", 2)]
    done, begun = visitor_journeys(visits, [order(week, "1", 1)])
    assert (done.outcome, begun.outcome) == ("order", None)
    assert begun.ended_at is None


def test_who_calls_from_the_page_could_not_help_themselves(week):
    (journey,) = visitor_journeys([week.visit("a", 0), week.call("b", 0.01)], [])
    assert journey.outcome == "escalation"
    assert journey.outcome_value is None


def test_who_calls_the_next_day_may_have_another_matter(week):
    (journey,) = visitor_journeys([week.visit("a", 0), week.call("b", 1)], [])
    assert journey.outcome is None


def test_visits_a_season_apart_are_two_journeys(week):
    assert len(visitor_journeys([week.visit("a", 0), week.visit("b", 40)], [])) == 2


def test_an_issue_is_a_support_journey_with_its_order_at_stake(week):
    chat = week.chat("a", 0, went={"order_number": "1"})
    bought = order(week, "1", -3)
    found = issues([chat], week.day(8))
    (support,) = journeys(found, [chat], [bought])
    assert support.kind is JourneyKind.SUPPORT
    assert support.outcome == "resolved"
    assert support.outcome_value == bought.total
    (still_open,) = journeys(issues([chat], week.day(1)), [chat], [bought])
    assert still_open.outcome_value is None


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (AttributionModel.FIRST, [100, 0, 0]),
        (AttributionModel.LAST, [0, 0, 100]),
        (AttributionModel.LINEAR, [34, 33, 33]),
        (AttributionModel.POSITION, [40, 20, 40]),
        # 14, 7 and 0 days before the order: weights 1/4, 1/2 and 1 of 7/4.
        (AttributionModel.TIME_DECAY, [14, 29, 57]),
    ],
)
def test_a_pound_is_put_down_to_three_visits(week, model, values):
    visits = [week.visit("a", 0), week.visit("b", 7), week.visit("c", 14)]
    (journey,) = visitor_journeys(visits, [order(week, "1", 14, minor=100)])
    found = credits_of(journey, model)
    assert [one.value.minor for one in found] == values
    assert sum(one.share for one in found) == pytest.approx(1)
    assert [one.touchpoint for one in found] == visits


def test_an_outcome_without_a_value_has_no_credits(week):
    (journey,) = visitor_journeys([week.visit("a", 0)], [])
    assert credits_of(journey, AttributionModel.LINEAR) == ()
