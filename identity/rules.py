"""Text rules with one definition and two executors.

Batch runs a rule as a DuckDB expression over whole columns, live runs the same steps on one value
in Python. Patterns keep to what RE2 and `re` read alike: no look-around, no back-reference inside
a pattern, ASCII input (see letters.fold).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field


def literal(text: str) -> str:
    """A SQL string."""
    return "'" + text.replace("'", "''") + "'"


def words(text: str) -> list[str]:
    return text.split()


def one_of(words: Iterable[str]) -> str:
    """A pattern for any of the words, longest first so that no word hides a longer one."""
    return "(?:" + "|".join(sorted(words, key=lambda word: (-len(word), word))) + ")"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Substitutions applied one after the other, each everywhere in the text; then trimmed."""

    steps: tuple[tuple[str, str], ...]
    compiled: tuple[tuple[re.Pattern[str], str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        compiled = tuple((re.compile(pattern), new) for pattern, new in self.steps)
        object.__setattr__(self, "compiled", compiled)

    def __call__(self, text: str) -> str:
        for pattern, new in self.compiled:
            text = pattern.sub(new, text)
        return text.strip(" ")

    def sql(self, expression: str) -> str:
        for pattern, new in self.steps:
            expression = f"regexp_replace({expression}, {literal(pattern)}, {literal(new)}, 'g')"
        return f"trim({expression}, ' ')"


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
