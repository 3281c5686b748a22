"""What a model answered, taken at its word only as far as it cites what it was given.

Who promised, when, and whether it is overdue is worked out here, from the messages cited; a model
is asked for none of it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from domain.context import COMMITMENT_PREFIX, Attempt, Commitment, Extract, Statement
from domain.ids import encode_node_id
from domain.records import Actor, Message
from domain.vocabulary import CommitmentState

MOST_TEXT = 500
"""Characters of a statement."""
MOST_STATEMENTS = 50
"""Of one kind."""


class Unreadable(Exception):
    """The answer has not the form that was asked for. Its text holds nothing of the answer."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one answer. `sent` are the messages by the names they had in the request."""

    sent: Mapping[str, Message] = field(repr=False)
    by: Actor
    now: datetime

    def extract(self, answer: Mapping[str, Any]) -> Extract:
        return Extract(
            goal=self._statement(answer.get("goal")),
            open_question=self._statement(answer.get("open_question")),
            frustration=_share(answer.get("frustration")),
            attempted=tuple(self._attempts(answer)),
            commitments=tuple(self._commitments(answer)),
            intent_signals=tuple(self._statements(answer, "intent_signals")),
            sensitivities=tuple(self._statements(answer, "sensitivities")),
        )

    def _cited(self, said: Any) -> tuple[Message, ...]:
        """The messages cited, in order; none where one of them was not sent."""
        names = said.get("evidence") if isinstance(said, dict) else None
        if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
            return ()
        found = [self.sent.get(name) for name in dict.fromkeys(names)]
        known = [one for one in found if one is not None]
        return tuple(known) if len(known) == len(found) else ()

    def _statement(self, said: Any) -> Statement | None:
        cited = self._cited(said)
        text = _text(said, "text") if cited else ""
        return self._claim(text, cited) if text else None

    def _claim(self, text: str, cited: tuple[Message, ...]) -> Statement:
        return Statement(text=text, evidence=tuple(one.id for one in cited), by=self.by)

    def _statements(self, answer: Mapping[str, Any], name: str) -> Iterator[Statement]:
        for said in _listed(answer, name):
            found = self._statement(said)
            if found is not None:
                yield found

    def _attempts(self, answer: Mapping[str, Any]) -> Iterator[Attempt]:
        for said in _listed(answer, "attempts"):
            cited, step = self._cited(said), _text(said, "step")
            if cited and step:
                outcome = _text(said, "outcome")
                yield Attempt(
                    step=step,
                    by=cited[-1].author,
                    at=cited[-1].at,
                    outcome=outcome if outcome in ("WORKED", "FAILED") else "",
                    evidence=tuple(one.id for one in cited),
                )

    def _commitments(self, answer: Mapping[str, Any]) -> Iterator[Commitment]:
        counted: Counter[str] = Counter()
        for said in _listed(answer, "commitments"):
            cited, what = self._cited(said), _text(said, "what")
            if not (cited and what) or _text(said, "state") == CommitmentState.CANCELLED:
                continue
            made = cited[0]
            number = counted[made.id]
            counted[made.id] += 1
            yield self._commitment(said, self._claim(what, cited), made, number)

    def _commitment(
        self, said: Mapping[str, Any], what: Statement, made: Message, number: int
    ) -> Commitment:
        due_at, kept = _time(said.get("due_at")), self._kept_by(said, made)
        late = due_at is not None and due_at < self.now
        waiting = CommitmentState.OVERDUE if late else CommitmentState.OPEN
        key = made.key
        return Commitment(
            id=encode_node_id(COMMITMENT_PREFIX, key.source, key.external_id, str(number)),
            what=what,
            made_by=made.author,
            made_at=made.at,
            due_at=due_at,
            state=CommitmentState.KEPT if kept else waiting,
            fulfilled_by=None if kept is None else kept.id,
        )

    def _kept_by(self, said: Mapping[str, Any], made: Message) -> Message | None:
        """A later message, where one is cited that shows it."""
        name = said.get("fulfilled_by")
        shown = self.sent.get(name) if isinstance(name, str) else None
        is_kept = said.get("state") == CommitmentState.KEPT
        return shown if is_kept and shown is not None and shown.at > made.at else None


def answer(body: bytes) -> Mapping[str, Any]:
    """The statements in a chat completion. Raises Unreadable."""
    try:
        content = orjson.loads(body)["choices"][0]["message"]["content"]
        said = orjson.loads(content)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Unreadable("no statements in the answer") from error
    if not isinstance(said, dict):
        raise Unreadable("the statements are no object")
    return said


def _listed(answer: Mapping[str, Any], name: str) -> list[Any]:
    found = answer.get(name)
    return found[:MOST_STATEMENTS] if isinstance(found, list) else []


def _text(said: Any, name: str) -> str:
    found = said.get(name) if isinstance(said, dict) else None
    return found.strip()[:MOST_TEXT] if isinstance(found, str) else ""


def _share(said: Any) -> float | None:
    is_number = isinstance(said, int | float) and not isinstance(said, bool)
    return min(1.0, max(0.0, float(said))) if is_number else None


def _time(said: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return None
    if found is None:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
