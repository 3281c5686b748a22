"""Text rules with one definition and two executors.

Batch runs a rule as a DuckDB expression over whole columns, live runs the same steps on one value
in Python. Patterns keep to what RE2 and `re` read alike: no look-around, no back-reference inside
a pattern, ASCII input (see letters.fold).
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby


def literal(text: str) -> str:
    """A SQL string."""
    return "'" + text.replace("'", "''") + "'"


def words(text: str) -> list[str]:
    return text.split()


def one_of(words: Iterable[str]) -> str:
    """A pattern for any of the words, longest first so that no word hides a longer one."""
    return "(?:" + "|".join(sorted(words, key=lambda word: (-len(word), word))) + ")"


REMEMBERED = 4_096
"""Texts whose rewriting each rule remembers: names, streets and cities come again and again."""
Steps = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Substitutions applied one after the other, each everywhere in the text; then trimmed."""

    steps: Steps
    rewritten: Callable[[str], str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        remembered = lru_cache(maxsize=REMEMBERED)(_rewriting(self.steps))
        object.__setattr__(self, "rewritten", remembered)

    def __call__(self, text: str) -> str:
        return self.rewritten(text)

    def sql(self, expression: str) -> str:
        for pattern, new in self.steps:
            expression = f"regexp_replace({expression}, {literal(pattern)}, {literal(new)}, 'g')"
        return f"trim({expression}, ' ')"


def _rewriting(steps: Steps) -> Callable[[str], str]:
    compiled = [(re.compile(pattern), new) for pattern, new in _fused(steps)]

    def rewrite(text: str) -> str:
        for pattern, new in compiled:
            text = pattern.sub(new, text)
        return text.strip(" ")

    return rewrite


def _fused(steps: Steps) -> Iterator[tuple[str, str]]:
    """Steps that each even out one doubled letter as one step, which RE2 cannot say."""
    for single, run in groupby(steps, key=_is_single):
        if single:
            letters = "".join(new for _, new in run)
            yield rf"([{letters}])\1+", r"\1"
        else:
            yield from run


def _is_single(step: tuple[str, str]) -> bool:
    pattern, new = step
    return len(new) == 1 and new.isalpha() and pattern == f"{new}{new}+"


@dataclass(frozen=True, slots=True)
class Match:
    """Whether a pattern fits the whole text."""

    pattern: str
    compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", re.compile(self.pattern))

    def __call__(self, text: str) -> bool:
        return self.compiled.fullmatch(text) is not None

    def sql(self, expression: str) -> str:
        return f"regexp_full_match({expression}, {literal(self.pattern)})"


@dataclass(frozen=True, slots=True)
class Extract:
    """The first group of the first place where a pattern fits; empty where it fits nowhere."""

    pattern: str
    compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compiled", re.compile(self.pattern))

    def __call__(self, text: str) -> str:
        found = self.compiled.search(text)
        return (found.group(1) or "") if found else ""

    def sql(self, expression: str) -> str:
        return f"coalesce(regexp_extract({expression}, {literal(self.pattern)}, 1), '')"


def first_word(text: str) -> str:
    return text.split(" ", maxsplit=1)[0]


def first_word_sql(expression: str) -> str:
    return f"split_part({expression}, ' ', 1)"


def last_word(text: str) -> str:
    return text.rsplit(" ", maxsplit=1)[-1]


def last_word_sql(expression: str) -> str:
    return f"split_part({expression}, ' ', -1)"
