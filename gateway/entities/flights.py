"""Questions under way: who asks what somebody is asking already waits for that answer."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import EllipsisType

from domain.errors import SourceError, SourceTimeout
from domain.sources import Deadline, Fields
from gateway.entities.entry import Answer, covers
from gateway.entities.shelves import Key, Tag, tags

Call = Callable[[Sequence[Key], Fields, Deadline], Awaitable[Mapping[Key, Answer]]]
"""Asks the source; every key gets its answer, or the error of its chunk. Raises SourceError."""


@dataclass(slots=True, eq=False)
class Question:
    """What one caller asks of one source; `keys` do not repeat."""

    source: str
    kind: str
    keys: Sequence[Key]
    fields: Fields
    deadline: Deadline
    call: Call

    def of(self, keys: Sequence[Key], fields: Fields | EllipsisType = ...) -> "Question":
        """The same about these keys, with other fields where they are given."""
        wanted = self.fields if fields is ... else fields
        return Question(self.source, self.kind, keys, wanted, self.deadline, self.call)


@dataclass(slots=True, eq=False, kw_only=True)
class Flight:
    """A question on its way since `at` (seconds since the epoch). It lands with the answers, or
    with None where whoever asked gave up.
    """

    question: Question
    at: float
    landing: asyncio.Future[Mapping[Key, Answer] | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def serves(self, fields: Fields, since: float) -> bool:
        return self.at >= since and covers(self.question.fields, fields)

    async def answers(self, keys: Sequence[Key], deadline: Deadline) -> dict[Key, Answer]:
        """Of these keys, as they land. What is not in it is to be asked again: the one who asked
        gave up, or had less time.
        """
        try:
            async with asyncio.timeout_at(deadline):
                landed = await asyncio.shield(self.landing)
        except TimeoutError:
            error = SourceTimeout(self.question.source, "no answer before the deadline")
            return dict.fromkeys(keys, error)
        if landed is None:
            return {}
        hasty = self.question.deadline < deadline
        answers = {key: landed[key] for key in keys}
        return {
            key: answer
            for key, answer in answers.items()
            if not (hasty and isinstance(answer, SourceTimeout))
        }


class Flights:
    """By key."""

    def __init__(self) -> None:
        self._flights: dict[Key, Flight] = {}

    def __contains__(self, key: Key) -> bool:
        return key in self._flights

    def get(self, key: Key) -> Flight | None:
        return self._flights.get(key)

    def take_off(self, question: Question, at: float) -> Flight:
        flight = Flight(question=question, at=at)
        self._flights.update(dict.fromkeys(question.keys, flight))
        return flight

    async def fly(self, flight: Flight) -> Mapping[Key, Answer]:
        """Asks the source."""
        question = flight.question
        try:
            landed = await question.call(question.keys, question.fields, question.deadline)
        except SourceError as error:
            landed = dict.fromkeys(question.keys, error)
        flight.landing.set_result(landed)
        return landed

    def end(self, flight: Flight) -> None:
        if not flight.landing.done():
            flight.landing.set_result(None)
        for key in flight.question.keys:
            if self._flights.get(key) is flight:
                del self._flights[key]

    def drop(self, dropped: Collection[Tag]) -> None:
        """Who asks from now on does not wait for an answer of before."""
        for key in [key for key in self._flights if not set(tags(key)).isdisjoint(dropped)]:
            del self._flights[key]
