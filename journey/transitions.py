"""From one contact of an issue to the next, and what the customer lost on the way."""

from datetime import timedelta
from itertools import pairwise
from math import exp
from typing import Final

from domain.events import Interaction
from domain.issues import Friction, Issue, Transition
from domain.records import Actor
from domain.vocabulary import ActorKind
from journey.issues import last_moment

DELAY_SCALE: Final = timedelta(hours=24)
"""A gap this long is a friction of 0.63 (1 - 1/e), three times as long one of 0.95."""


def transitions(issue: Issue) -> tuple[Transition, ...]:
    """One for each contact but the first, in order of time."""
    return tuple(
        Transition(
            before=before,
            after=after,
            trigger=_trigger(before, after),
            friction=friction(issue, before, after),
        )
        for before, after in pairwise(issue.interactions)
    )


def _trigger(before: Interaction, after: Interaction) -> ActorKind:
    """Who brought the next contact about: who handed the customer on at the end of the one before,
    else who spoke first in the next, else the customer.
    """
    handed = [one for one in before.transfers if one.by is not None]
    if handed and handed[-1].by is not None:
        return handed[-1].by.kind
    said = [message.author.kind for message in after.messages or () if not message.internal]
    return said[0] if said else ActorKind.CUSTOMER


def friction(issue: Issue, before: Interaction, after: Interaction) -> Friction:
    """The mean of the parts that are known: whether who took over knew nothing of it, the share of
    questions that had been asked before, and the wait between.
    """
    loss, repetition = _context_loss(before, after), _repetition(issue, after)
    gap = after.record.occurred_at - last_moment(before)
    delay = 1 - exp(-max(gap / DELAY_SCALE, 0.0))
    known = [part for part in (loss, repetition, delay) if part is not None]
    return Friction(
        score=sum(known) / len(known),
        context_loss=loss,
        repetition=repetition,
        delay=delay,
        coverage=len(known) / 3,
    )


def _context_loss(before: Interaction, after: Interaction) -> float | None:
    """0 where the same one goes on with it, or the contacts were linked; 1 where somebody else
    does. None where nobody says who.
    """
    if after.record.key in before.related or before.record.key in after.related:
        return 0.0
    ours, theirs = before.record.owner, after.record.owner
    if ours is None or theirs is None:
        return None
    return 0.0 if _same(ours, theirs) else 1.0


def _same(one: Actor, other: Actor) -> bool:
    return (one.kind, one.id) == (other.kind, other.id)


def _repetition(issue: Issue, after: Interaction) -> float | None:
    """None where no question was asked in the contact."""
    if not after.asked:
        return None
    earlier = issue.interactions[: issue.interactions.index(after)]
    before = {question.slot for one in earlier for question in one.asked}
    return sum(question.slot in before for question in after.asked) / len(after.asked)
