"""Whether a matter should go to somebody who can do more, and by which reasons."""

from collections.abc import Sequence
from typing import Final

from domain.context import Attempt
from domain.handoffs import EscalationAdvice, ScoreTerm
from domain.issues import Issue
from domain.money import Money
from domain.vocabulary import ActorKind

EMOTIONAL_FROM: Final = 0.6
"""Frustration, of 1."""
COMPLEX_FROM: Final = 3
"""Contacts about one matter."""
STALLED_FROM: Final = 2
"""Steps that did not help."""
HIGH_VALUE_FROM: Final = 500
"""Of the order at stake, in major units of its currency."""
THRESHOLD: Final = 1.0
WEIGHTS: Final = {"emotional": 1.0, "stalled twice": 1.0, "complex": 0.5, "high value": 0.5}
"""Somebody upset, or stuck, is reason enough; a long or a costly matter alone is not."""


def advice(
    issue: Issue,
    *,
    frustration: float | None,
    attempts: Sequence[Attempt],
    at_stake: Money | None,
) -> EscalationAdvice:
    """What nobody knows speaks neither for nor against."""
    failed = sum(
        one.outcome.upper() != "WORKED" and one.by.kind is not ActorKind.HUMAN for one in attempts
    )
    holds = {
        "emotional": frustration is not None and frustration >= EMOTIONAL_FROM,
        "stalled twice": failed >= STALLED_FROM,
        "complex": len(issue.interactions) >= COMPLEX_FROM,
        "high value": at_stake is not None and at_stake.amount >= HIGH_VALUE_FROM,
    }
    terms = tuple(
        ScoreTerm(name=name, value=float(holds[name]), weight=weight)
        for name, weight in WEIGHTS.items()
    )
    return EscalationAdvice(
        escalate=sum(term.value * term.weight for term in terms) >= THRESHOLD,
        reasons=tuple(name for name in WEIGHTS if holds[name]),
        terms=terms,
    )
