"""What the receiver of a matter is handed, worked out of the context."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from domain.context import Attempt, Commitment, Extract, Slot
from domain.handoffs import Packet
from domain.issues import Issue
from domain.vocabulary import CommitmentState

FRESH: Final = timedelta(days=30)
"""A value older than this is worth asking for again."""
REQUIRED: Final = ("name", "contact", "reason")
"""What whoever takes over needs of any matter; of one about an order its number as well."""
ORDER_NUMBER: Final = "order_number"
_WORKED: Final = "WORKED"
_QUOTED: Final = 160
"""Characters of somebody's words that an acknowledgement repeats."""


def packet(issue: Issue, read: Extract, known: Sequence[Slot], now: datetime) -> Packet:
    fresh = do_not_ask(known, now)
    return Packet(
        stalled_at=stalled_at(read.attempted),
        acknowledgement=acknowledgement(read),
        do_not_ask=fresh,
        filled_share=filled_share(issue, fresh),
    )


def do_not_ask(known: Iterable[Slot], now: datetime) -> tuple[Slot, ...]:
    """What is known, and was so lately enough to be relied on."""
    return tuple(slot for slot in known if slot.value is not None and now - _as_of(slot) <= FRESH)


def _as_of(slot: Slot) -> datetime:
    """A live answer is as fresh as its fetching, however long ago the source last changed it."""
    return slot.provenance.fetched_at


def filled_share(issue: Issue, known: Iterable[Slot]) -> float:
    required = (*REQUIRED, ORDER_NUMBER) if issue.order_number else REQUIRED
    names = {slot.name for slot in known}
    return sum(name in names for name in required) / len(required)


def stalled_at(attempts: Iterable[Attempt]) -> Attempt | None:
    """The last step that did not help, unless one after it did."""
    ordered = sorted(attempts, key=lambda one: one.at)  # of one moment, as they were told
    return ordered[-1] if ordered and ordered[-1].outcome.upper() != _WORKED else None


def acknowledgement(read: Extract) -> str | None:
    """What the receiver can open with, of nothing but statements that cite their evidence: what it
    is about, what was tried, what was promised, what is still asked. None where nothing is known.
    """
    said = [
        _about(read),
        _tried(read.attempted),
        *(_promised(one) for one in read.commitments),
        _asked(read),
    ]
    sentences = [one for one in said if one]
    return " ".join(sentences) if sentences else None


def _about(read: Extract) -> str | None:
    return f"You contacted us about this: {_quote(read.goal.text)}." if read.goal else None


def _tried(attempts: Sequence[Attempt]) -> str | None:
    failed = [one for one in attempts if one.outcome.upper() != _WORKED]
    if not failed:
        return None
    steps = "; ".join(_quote(one.step) for one in failed)
    return f"You have already tried without success: {steps}."


def _promised(one: Commitment) -> str | None:
    if one.state not in {CommitmentState.OPEN, CommitmentState.OVERDUE}:
        return None
    due = f" by {one.due_at:%A %d %B}" if one.due_at else ""
    late = ", which is late" if one.state is CommitmentState.OVERDUE else ""
    return f"You were promised{due}{late}: {_quote(one.what.text)}."


def _asked(read: Extract) -> str | None:
    question = read.open_question
    return f"You are still waiting for an answer to: {_quote(question.text)}" if question else None


def _quote(text: str) -> str:
    """Somebody's own words, on one line and marked as such."""
    words = " ".join(text.split())
    shown = words if len(words) <= _QUOTED else f"{words[:_QUOTED].rsplit(' ', 1)[0]}…"
    return f"“{shown}”"
