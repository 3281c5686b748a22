"""Who claims what the rules read, and the words two texts share."""

import re

from domain.context import Statement
from domain.records import Actor
from domain.vocabulary import ActorKind
from journey.context.text import Reading

RULES = Actor(kind=ActorKind.POLICY, id="rules", name="Rules")
"""The author of every statement that the rules make: not the one whose text it was."""

_WORD = re.compile(r"[a-z0-9£$€][a-z0-9'-]+")
_COMMON = frozenset(
    [
        "the",
        "and",
        "you",
        "your",
        "for",
        "with",
        "that",
        "this",
        "have",
        "has",
        "had",
        "will",
        "would",
        "can",
        "could",
        "should",
        "our",
        "are",
        "was",
        "were",
        "been",
        "being",
        "not",
        "but",
        "all",
        "any",
        "get",
        "got",
        "its",
        "it's",
        "from",
        "just",
        "now",
        "here",
        "there",
        "then",
        "than",
        "them",
        "they",
        "he",
        "she",
        "his",
        "her",
        "him",
        "what",
        "when",
        "where",
        "which",
        "who",
        "how",
        "why",
        "i'll",
        "we'll",
        "you'll",
        "i've",
        "we've",
        "i'm",
        "we're",
        "out",
        "off",
        "back",
        "over",
        "please",
        "thank",
        "thanks",
        "sorry",
        "okay",
        "today",
        "tomorrow",
        "about",
        "into",
        "some",
        "one",
        "very",
        "also",
        "still",
        "send",
        "sent",
        "sending",
        "call",
        "called",
        "calling",
        "let",
        "know",
        "make",
        "made",
        "take",
        "took",
        "give",
        "gave",
        "going",
        "done",
        "again",
        "after",
        "before",
        "only",
        "more",
        "much",
        "day",
        "days",
        "hour",
        "hours",
        "week",
        "weeks",
        "minute",
        "minutes",
    ]
)


def statement(text: str, evidence: tuple[str, ...], confidence: float) -> Statement:
    return Statement(text=text, evidence=evidence, confidence=confidence, by=RULES)


def quote(said: str, reading: Reading, confidence: float) -> Statement:
    """What somebody said, as they said it, cut where it is long."""
    text = said if len(said) <= 300 else said[:297].rstrip() + "..."
    return statement(text, (reading.id,), confidence)


def topics(text: str) -> frozenset[str]:
    """Words that say what a text is about, in a form that stands for singular and plural."""
    found = _WORD.findall(text.lower())
    return frozenset(_stem(word) for word in found if len(word) > 2 and word not in _COMMON)


def _stem(word: str) -> str:
    for end in ("ments", "ment", "ings", "ing", "ies", "ied", "ed", "es", "s", "e"):
        if word.endswith(end) and len(word) - len(end) >= 4:
            return word[: -len(end)]
    return word
