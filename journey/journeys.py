"""The way to one outcome: a support journey is an issue, a visitor's runs from visit to visit until
an order is placed or somebody has to help.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from domain.events import Interaction
from domain.issues import Issue, Journey, Touchpoint
from domain.money import Money
from domain.records import Order, Visit
from domain.vocabulary import IssueState, JourneyKind
from journey.issues import last_moment

LOOKBACK: Final = timedelta(days=30)
"""A visit longer ago than this before the next belongs to another journey."""
ESCALATES: Final = timedelta(minutes=30)
"""Who contacts support so soon after a visit could not help themselves there."""


def journeys(
    issues: Iterable[Issue], interactions: Iterable[Interaction], orders: Iterable[Order]
) -> tuple[Journey, ...]:
    """Both kinds, the latest begun first."""
    known = list(orders)
    found = [support_journey(issue, known) for issue in issues] + visitor_journeys(
        interactions, known
    )
    return tuple(sorted(found, key=lambda one: (one.started_at, one.anchor), reverse=True))


def support_journey(issue: Issue, orders: Sequence[Order]) -> Journey:
    """`outcome_value` is what the order at stake is worth, once the matter is resolved."""
    resolved = issue.state is IssueState.RESOLVED
    order = next((one for one in orders if one.number == issue.order_number), None)
    return Journey(
        kind=JourneyKind.SUPPORT,
        touchpoints=issue.interactions,
        started_at=issue.opened_at,
        ended_at=issue.resolved_at,
        outcome="resolved" if resolved else "open",
        outcome_value=order.total if order is not None and resolved else None,
    )


# ---------------------------------------------------------------- visitors


def visitor_journeys(interactions: Iterable[Interaction], orders: Iterable[Order]) -> list[Journey]:
    """Visits up to an order, or up to a contact soon after one; a visit after that begins anew. Of
    what is told of one moment the visit came first.
    """
    steps: list[Touchpoint] = [*interactions, *orders]
    steps.sort(key=lambda one: (_at(one)[0], not _is_visit(one), _at(one)))
    found: list[Journey] = []
    visits: list[Interaction] = []
    for step in steps:
        if isinstance(step, Interaction) and _is_visit(step):
            if visits and _at(step)[0] - last_moment(visits[-1]) > LOOKBACK:
                found.append(_journey(visits, None))
                visits = []
            visits.append(step)
        elif visits and _ends(visits[-1], step):
            found.append(_journey(visits, step))
            visits = []
    return [*found, _journey(visits, None)] if visits else found


def _is_visit(step: Touchpoint) -> bool:
    return isinstance(step, Interaction) and isinstance(step.record, Visit)


def _ends(visit: Interaction, step: Touchpoint) -> bool:
    gap = _at(step)[0] - last_moment(visit)
    return gap <= (LOOKBACK if isinstance(step, Order) else ESCALATES)


def _journey(visits: Sequence[Interaction], outcome: Touchpoint | None) -> Journey:
    return Journey(
        kind=JourneyKind.VISITOR,
        touchpoints=tuple(visits),
        started_at=visits[0].record.occurred_at,
        ended_at=_at(outcome)[0] if outcome is not None else None,
        outcome=_named(outcome),
        outcome_value=_value(outcome),
    )


def _named(outcome: Touchpoint | None) -> str | None:
    if outcome is None:
        return None
    return "order" if isinstance(outcome, Order) else "escalation"


def _value(outcome: Touchpoint | None) -> Money | None:
    return outcome.total if isinstance(outcome, Order) else None


def _at(step: Touchpoint) -> tuple[datetime, str, str]:
    record = step if isinstance(step, Order) else step.record
    return record.occurred_at, record.key.external_id, record.key.source
