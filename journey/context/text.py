"""A message as the sentences its author wrote: without what they quoted and how they signed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from domain.records import Actor, Message
from domain.vocabulary import ActorKind

MAX_CHARACTERS = 8_000
"""Of one message: what comes after is a log or a contract, and nobody's word."""

_HISTORY = re.compile(
    r"^\s*(?:-{2,}\s*(?:original|forwarded) message|_{10,}\s*$|from:.*\bsent:|from: .+@)", re.I
)
_WROTE = re.compile(r"^\s*(?:on\b.{4,120}|.{0,80}<[^>]+@[^>]+>)\s*wrote:\s*$", re.I)
_QUOTED = re.compile(r"^\s*[>|]")
_SIGNED = re.compile(
    r"^\s*(?:--\s*$|sent from my\b|get outlook for\b|(?:(?:with )?(?:kind(?:est)?|best|"
    r"warm(?:est)?|"
    r"many)? ?(?:regards|wishes)|yours (?:faithfully|sincerely|truly)|sincerely(?: yours)?|"
    r"cheers|all the best|best|many thanks|thanks|thank you|kr|br),?\s*$)",
    re.I,
)
_CLOSING = re.compile(r"^\s*(?:many thanks|thanks|thank you|cheers|best),?\s*$", re.I)
_SPOKEN_OF = re.compile(r"[\"“«][^\"“”«»]{9,400}[\"”»]")
_END = re.compile(r"(?<=[.!?…])[\"')\]]*\s+|\s*\n+\s*|\s*;\s+|\s+[\u2013\u2014]\s+")
_ABBREVIATED = re.compile(
    r"\b(?:mr|mrs|ms|dr|st|no|nr|approx|e\.g|i\.e|etc|vs|inc|ltd|co|p\.m|a\.m|ref|tel)\.$", re.I
)
_MARKS = {0x2019: "'", 0x2018: "'", 0x60: "'", 0xB4: "'", 0xA0: " "}
"""Typographic quotes, a grave and an acute accent, and the space that does not break."""
_SLIPS = (
    (
        r"\bi(?:'| |' )ll\b|(?:^|(?<=[,.;!:?] )|(?<=\band )|(?<=\bbut )|(?<=\bso )|"
        r"(?<=\bthen )|(?<=\bok ))i'?l{1,2}(?= \w)",
        "I'll",
    ),
    (
        r"^well (?=send|get|call|ring|be in touch|let you|check|look|e-?mail|post|refund|"
        r"fix|sort|need)",
        "we'll ",
    ),
    (r"\bwil\b", "will"),
    (r"\bwen\b", "when"),
    (r"\b(?:wat|wot)\b", "what"),
    (r"\bwher\b", "where"),
    (r"\bshud\b", "should"),
    (r"\bcud\b", "could"),
    (r"\b(you|they)ll\b", r"\1'll"),
    (r"\b(wo|do|ca|does|did|is|was|have|has|could|would)nt\b", r"\1n't"),
    (r"\bim\b", "I'm"),
    (r"\bive\b", "I've"),
    (r"\bt(?:mrw|mr|mrow|omm?orr?ow)\b|\b2mor+o(?:w)?\b", "tomorrow"),
    (r"\bgonna\b", "going to"),
    (r"\bu\b", "you"),
    (r"\bur\b", "your"),
    (r"\b(?:pls|plz)\b", "please"),
)
_TYPED = tuple((re.compile(slip, re.IGNORECASE), mended) for slip, mended in _SLIPS)


@dataclass(frozen=True, slots=True)
class Sentence:
    """`said` is as it was written; `plain` is for rules: straight apostrophes, common slips of
    typing mended, and what stands in quotation marks left out, as it is somebody else's word.
    """

    said: str = field(repr=False)
    plain: str = field(repr=False)

    @property
    def asks(self) -> bool:
        return self.said.rstrip("\"')] ").endswith("?")


@dataclass(frozen=True)
class Reading:
    """A message and what its author wrote in it."""

    message: Message
    found: dict[str, float] = field(default_factory=dict, repr=False, compare=False)
    """What rules have worked out of it that others ask for again."""

    @property
    def id(self) -> str:
        return self.message.id

    @property
    def author(self) -> Actor:
        return self.message.author

    @property
    def by_customer(self) -> bool:
        return self.author.kind is ActorKind.CUSTOMER

    @property
    def by_us(self) -> bool:
        return self.author.kind in (ActorKind.HUMAN, ActorKind.AI)

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        return tuple(_sentences(own_words(self.message.body or "")))

    @cached_property
    def plain(self) -> str:
        return " ".join(sentence.plain for sentence in self.sentences)


def own_words(body: str) -> str:
    """What the author wrote this time: no quoted history, no signature."""
    lines = body[:MAX_CHARACTERS].replace("\r\n", "\n").split("\n")
    kept: list[str] = []
    for i, line in enumerate(lines):
        if _HISTORY.match(line) or (_WROTE.match(line) and not _quotes_next(lines, i)):
            break
        if _SIGNED.match(line) and _nothing_follows(line, lines[i + 1 :]):
            break
        if not (_QUOTED.match(line) or _WROTE.match(line)):
            kept.append(line)
    return "\n".join(kept).strip()


def _quotes_next(lines: list[str], i: int) -> bool:
    return bool(_QUOTED.match(next((line for line in lines[i + 1 :] if line.strip()), ">")))


def _nothing_follows(line: str, rest: list[str]) -> bool:
    """A thanks that stands alone ends a letter only where no more than a name comes after it."""
    if not _CLOSING.match(line):
        return True
    written = [one for one in rest if one.strip() and not _QUOTED.match(one)]
    return all(len(one.split()) <= 6 and not one.rstrip().endswith("?") for one in written[:3])


def _sentences(text: str) -> Iterator[Sentence]:
    waiting = ""
    for part in _END.split(_unwrapped(text)):
        waiting = f"{waiting} {part}".strip() if waiting else part.strip()
        if not waiting or _ABBREVIATED.search(waiting):
            continue
        yield Sentence(waiting, _plain(waiting))
        waiting = ""
    if waiting:
        yield Sentence(waiting, _plain(waiting))


def _unwrapped(text: str) -> str:
    """Lines that a mail program broke are one again."""
    return re.sub(r"(?<=[\w,])[ \t]*\n(?=[a-z])", " ", text)


def _plain(said: str) -> str:
    text = _SPOKEN_OF.sub(" ", said.translate(_MARKS))
    for slip, mended in _TYPED:
        text = slip.sub(mended, text)
    return re.sub(r"\s+", " ", text).strip()
