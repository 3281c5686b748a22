"""Who binds themselves to what: the sentences in which somebody says what they will do for the
other side.

No commitment is an offer that hangs on an if, a rule of the house, a hope, what somebody else is
said to have promised, irony, a threat, and what is done already.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from journey.context import binding, weakening
from journey.context.due import due
from journey.context.text import Reading, Sentence


@dataclass(frozen=True, slots=True)
class Promise:
    """`clause` says what; it is part of `sentence`, the `place`-th of its message."""

    reading: Reading
    place: int
    clause: str
    confidence: float


_CUT = re.compile(
    r",?\s+(?:and|then|but|plus|so)\s+(?=if\b|(?:i|we|you|he|she|they|it|my|our|your|"
    r"the)\b[^,]{0,30}?(?:'ll|will|'m going|'re going)\b)",
    re.IGNORECASE,
)


def promises(reading: Reading) -> Iterator[Promise]:
    """In the order in which they were made; what is taken back later is among them."""
    for place, sentence in enumerate(reading.sentences):
        for clause in _clauses(_told(sentence)):
            confidence = _binds(reading, clause)
            if confidence:
                yield Promise(reading, place, clause.strip(" ,"), confidence)


def _told(sentence: Sentence) -> str:
    """What the sentence says rather than asks: all of it, or what stands before a question that is
    hung on to it ("I'll ring at five, does that suit you?").
    """
    if not sentence.asks:
        return sentence.plain
    hung = weakening.TAIL.search(sentence.plain) or weakening.TAG.search(sentence.plain)
    told = sentence.plain[: hung.start()] if hung else ""
    return "" if weakening.ASKS_FIRST.match(told) else told


def _clauses(plain: str) -> list[str]:
    """A sentence that opens with a condition is one clause: all of it hangs on the condition."""
    return [plain] if weakening.OPENS_WITH_IF.match(plain) else _CUT.split(plain)


def _binds(reading: Reading, clause: str) -> float:
    """How sure it is that the clause binds its author, or who they speak for; 0: it does not."""
    text = weakening.AS_PROMISED.sub(" ", clause)
    conditional = weakening.IF.search(weakening.WHETHER.sub(" ", text))
    if conditional or weakening.RULE_OF_HOUSE.search(text):
        return 0.0
    if reading.by_customer:
        found = None if binding.THREAT.search(text) else _customer_binds(text)
    else:
        found = _we_bind(text, reading) if reading.by_us else None
    if found is None or _weakened(text[: found[0]], text[found[0] : found[1]]):
        return 0.0
    return found[2]


def _weakened(before: str, said: str) -> bool:
    """By what governs the promise: it was hoped, doubted, or said by somebody else."""
    return bool(
        weakening.HOPE.search(before + said)
        or weakening.NOT.search(before)
        or weakening.DENIED.search(said)
        or weakening.SOMEBODY_SAID.search(before)
    )


_Found = tuple[int, int, float]
"""Where the words that bind begin and end, and how sure they are."""


def _customer_binds(clause: str) -> _Found | None:
    for match in binding.WE_DO.finditer(clause):
        for_us = not binding.CUSTOMER_DOES_NOT.match(match["verb"] + match["rest"])
        if for_us and _does_something(match["verb"], match["rest"]):
            return (match.start(), match.end("verb"), 0.8)
    bare = binding.BARE.match(clause) or binding.CUSTOMER_DOING.search(clause)
    return (bare.start(), bare.end(), 0.6) if bare else None


def _we_bind(clause: str, reading: Reading) -> _Found | None:
    for match in binding.WE_DO.finditer(clause):
        if _does_something(match["verb"], match["rest"]):
            return (match.start(), match.end("verb"), 0.9)
    for hint, rules in _OF_OURS:
        for rule, confidence in rules if hint.search(clause) else ():
            found = rule.search(clause)
            if found:
                return (found.start(), found.end(), confidence)
    found = binding.ARRANGED.search(clause)
    if found and due(clause, reading.message.at):
        return (found.start(), found.end(), 0.6)
    return None


_OF_OURS = (
    (
        re.compile("'ll|will|shall|going to|expect", re.IGNORECASE),
        (
            (binding.YOU_GET, 0.85),
            (binding.THEY_DO, 0.85),
            (binding.SOMEONE_DOES, 0.75),
            (binding.IT_HAPPENS, 0.85),
        ),
    ),
    (
        re.compile("being|booked|scheduled|due|set|coming", re.IGNORECASE),
        ((binding.IT_IS_SET, 0.7),),
    ),
    (
        re.compile("", re.IGNORECASE),
        (
            (binding.VOW, 0.85),
            (binding.LET_ME, 0.85),
            (binding.SHORT, 0.6),
            (binding.DOING, 0.7),
            (binding.BARE, 0.7),
            (binding.LET_ME_DO, 0.6),
        ),
    ),
)
"""Behind a word without which none of the rules can hold: looking for it costs a hundredth."""


def _does_something(verb: str, rest: str) -> bool:
    said = verb + rest
    if any(rule.match(said) for rule in binding.BINDING):
        return True
    return verb.lower() not in binding.EMPTY_VERBS and not binding.HOLLOW.match(said)
