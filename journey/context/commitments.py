"""What was promised, until when, and what has become of it since."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from domain.context import COMMITMENT_PREFIX, Commitment
from domain.ids import encode_node_id
from domain.vocabulary import CommitmentState
from journey.context.due import due
from journey.context.promises import Promise, promises
from journey.context.statements import quote, topics
from journey.context.text import Reading


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_UNSAY = _rule(
    r"\b(?:scratch that|ignore (?:that|what i|my last|the above)|disregard (?:that|my|"
    r"what)|forget (?:that|what i|it)|"
    r"(?:i|we) take (?:that|it) back|(?:i|we) (?:was|were) (?:wrong|mistaken)|correction|"
    r"on second thoughts?|"
    r"i misspoke|i spoke too soon|that won't (?:be possible|work|happen)|"
    r"that's not (?:possible|going to happen)|"
    r"(?:that|this|it)(?: is|'s) not possible after all|have to (?:withdraw|retract|"
    r"cancel (?:that|this|what))|"
    r"(?:i|we) made (?:a|an) (?:mistake|error)|(?:won't|can't|cannot|not) .{0,60}\bafter all)\b"
)
_CANNOT = _rule(
    r"\b(?:won't|will not|can't|cannot|can not|unable to|not able to|not going to|"
    r"isn't going to|no longer|isn't possible|"
    r"not possible|isn't available|is not available|out of stock|have to cancel|"
    r"had to cancel|need to cancel|fell through)\b"
)
_NOT_NEEDED = _rule(
    r"\b(?:(?:no need|don't bother|please don't|you don't (?:have|need)|not necessary|"
    r"needn't)(?: to)?|"
    r"never mind|forget it|leave it|don't (?:send|call|ring|post|ship|come)|"
    r"(?:please )?cancel (?:that|the (?:visit|call|appointment|replacement)))\b"
)
_DONE = _rule(
    r"\b(?:(?:i|we)(?:'ve| have)(?: just| now| already)?\s+(?P<a>[\w-]+)|(?:has|"
    r"have) (?:just |now |already )?been (?P<b>[\w-]+)|"
    r"(?:is|are|was|were) (?:now )?(?P<c>sent|shipped|refunded|posted|issued|processed|"
    r"credited|done|fixed|restored|active|unblocked)|"
    r"(?:i|we) just (?P<d>\w+ed|sent|put|paid|rang))\b|^(?:done|all done|sent|that's done|"
    r"it's done)\b"
)
_AT_ONCE = _rule(
    r"^(?:(?:and|ok|there|right)[,.! ]+)*(?:all )?(?:done|sorted|that's done|it's done|"
    r"there you go)\b"
)
_GOT_IT = _rule(
    r"\b(?:(?:i|we)(?:'ve| have)?(?: just)? (?:got|received)(?! (?:no|nothing|told|"
    r"an? (?:error|answer)))|got it|received it|"
    r"(?:it|they|that|the [\w ]{2,30}?)(?:'s| has| have| is| are)? (?:just |now |"
    r"finally )?(?:arrived|here|came|come through))\b"
)
_NEGATED = _rule(
    r"\b(?:not|haven't|hasn't|never|nothing|no|didn't|don't|isn't|"
    r"still waiting)\b|\?"
)


def commitments(readings: Sequence[Reading], now: datetime) -> tuple[Commitment, ...]:
    """Of one thread in order of time. `now` decides what is overdue."""
    found = []
    for i, reading in enumerate(readings):
        for number, promise in enumerate(promises(reading)):
            if _done_at_once(promise):
                continue
            later = _after(readings, i, promise)
            found.append(_commitment(promise, number, _state(promise, later, now)))
    return tuple(found)


def _commitment(
    promise: Promise, number: int, settled: tuple[CommitmentState, str | None]
) -> Commitment:
    reading, (state, by) = promise.reading, settled
    when = due(promise.clause, reading.message.at)
    key = reading.message.key
    return Commitment(
        id=encode_node_id(COMMITMENT_PREFIX, key.source, key.external_id, str(number)),
        what=quote(promise.clause, reading, promise.confidence),
        made_by=reading.author,
        made_at=reading.message.at,
        due_at=None if when is None else when.at,
        state=state,
        fulfilled_by=by,
    )


def _done_at_once(promise: Promise) -> bool:
    """ "I'm changing it right now. Done." is a report, not a promise."""
    rest = promise.reading.sentences[promise.place + 1 :]
    return any(_AT_ONCE.match(sentence.plain) for sentence in rest[:2])


def _after(readings: Sequence[Reading], i: int, promise: Promise) -> Iterator[tuple[Reading, str]]:
    """What was said after the promise: the rest of its message, then every later one."""
    for sentence in promise.reading.sentences[promise.place + 1 :]:
        yield promise.reading, sentence.plain
    for reading in readings[i + 1 :]:
        for sentence in reading.sentences:
            yield reading, sentence.plain


def _state(
    promise: Promise, later: Iterator[tuple[Reading, str]], now: datetime
) -> tuple[CommitmentState, str | None]:
    about = topics(promise.clause)
    for reading, said in later:
        own = reading.by_customer == promise.reading.by_customer
        if (own and _taken_back(said, about)) or (not own and _declined(said, about)):
            return CommitmentState.CANCELLED, None
        if _kept(promise, reading, said, about, own=own):
            return CommitmentState.KEPT, reading.id
    when = due(promise.clause, promise.reading.message.at)
    late = when is not None and when.at < now
    return (CommitmentState.OVERDUE if late else CommitmentState.OPEN), None


def _taken_back(said: str, about: frozenset[str]) -> bool:
    return bool(_UNSAY.search(said)) or bool(_CANNOT.search(said) and about & topics(said))


def _declined(said: str, about: frozenset[str]) -> bool:
    match = _NOT_NEEDED.search(said)
    return bool(match) and (bool(about & topics(said)) or len(said.split()) <= 6)


def _kept(
    promise: Promise, reading: Reading, said: str, about: frozenset[str], *, own: bool
) -> bool:
    """Who promised says that it is done, or the other side that it has come."""
    if reading.id == promise.reading.id or _NEGATED.search(said):
        return False
    shared = about & topics(said)
    if not own:
        return bool(_GOT_IT.search(said)) and (bool(shared) or reading.by_customer)
    done = _DONE.search(said)
    return done is not None and (bool(shared) or len(said.split()) <= 3)
