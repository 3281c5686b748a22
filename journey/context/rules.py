"""The extractor that is always there: rules over sentences, offline, the same every time."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from domain.context import Extract, Statement, Thread
from domain.sources import Deadline
from domain.vocabulary import CommitmentState
from journey.context.commitments import commitments
from journey.context.goals import goal
from journey.context.moods import frustration
from journey.context.questions import answered_elsewhere, open_question
from journey.context.signals import intent_signals, sensitivities
from journey.context.steps import attempts
from journey.context.text import Reading

AT_ONCE: Final = 25
"""Messages, at about a millisecond each. A longer history is read beside the event loop, so that
others need not wait for it.
"""


class RuleExtractor:
    """English; texts in other languages give fewer statements, never other ones."""

    async def extract(
        self, threads: Sequence[Thread], now: datetime, _deadline: Deadline
    ) -> Extract:
        if sum(len(thread.messages) for thread in threads) <= AT_ONCE:
            return read(threads, now)
        return await asyncio.to_thread(read, threads, now)


def read(threads: Sequence[Thread], now: datetime) -> Extract:
    """What the texts tell, of threads oldest first. Promises that were taken back are left out."""
    readings = [tuple(_readable(thread)) for thread in threads]
    every = sorted(
        (one for some in readings for one in some), key=lambda one: (one.message.at, one.id)
    )
    promised = (one for some in readings for one in commitments(some, now))
    return Extract(
        goal=next((found for some in reversed(readings) if (found := goal(some))), None),
        attempted=tuple(one for some in readings for one in attempts(some)),
        commitments=tuple(one for one in promised if one.state is not CommitmentState.CANCELLED),
        open_question=_open_question(readings, every),
        frustration=frustration(every, contacts=len(threads)),
        intent_signals=tuple(intent_signals(every)),
        sensitivities=tuple(sensitivities(every)),
    )


def _readable(thread: Thread) -> list[Reading]:
    return [Reading(one) for one in thread.messages if one.body and not one.deleted]


def _open_question(
    readings: Sequence[Sequence[Reading]], every: Sequence[Reading]
) -> Statement | None:
    """The newest that is open in its own thread and was not answered in another one since."""
    found = [one for some in readings if (one := open_question(some)) is not None]
    for asked, question in sorted(found, key=lambda one: one[0].message.at, reverse=True):
        others = [one for one in every if _thread_of(one) != _thread_of(asked)]
        if not answered_elsewhere(question, asked, others):
            return question
    return None


def _thread_of(reading: Reading) -> tuple[str, str]:
    key = reading.message.key
    return key.source, key.external_id.rpartition("/")[0]
