"""DuckDB's functions over values in hand, as far as comparisons and blocking keys use them.

Texts are ASCII (letters.fold); None is null. Distances are rapidfuzz's: a test holds every one of
these to what DuckDB says.
"""

from collections.abc import Callable, Sequence
from typing import Any

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler, Levenshtein


class Inline:
    """A function that is written as an expression; `{0}` is its first argument."""

    def __init__(self, form: str) -> None:
        self._form = form

    def __call__(self, *arguments: str) -> str:
        return self._form.format(*arguments)


def least(*values: Any) -> Any:
    """Nulls are left out, as in DuckDB."""
    told = [value for value in values if value is not None]
    return min(told) if told else None


def greatest(*values: Any) -> Any:
    told = [value for value in values if value is not None]
    return max(told) if told else None


def coalesce(*values: Any) -> Any:
    for value in values:
        if value is not None:
            return value
    return None


def list_value(*values: Any) -> list[Any]:
    return list(values)


def meet(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether two lists have a value in common."""
    return any(value in right for value in left) if left and right else False


def element(value: str | Sequence[str], place: int) -> str | None:
    """Places count from 1, or from the end where they are negative. A text has an empty one beyond
    its ends, a list null.
    """
    number = place - 1 if place > 0 else len(value) + place
    if place == 0 or not 0 <= number < len(value):
        return "" if isinstance(value, str) else None
    return value[number]


def cut(value: str | Sequence[str], first: int, last: int) -> str | Sequence[str]:
    """Both ends are included and count from 1."""
    return value[max(0, first - 1) : max(0, last)]


def edits(left: str, right: str) -> int:
    return DamerauLevenshtein.distance(left, right)


def plain_edits(left: str, right: str) -> int:
    return Levenshtein.distance(left, right)


def likeness(left: str, right: str) -> float:
    """Two empty texts are not alike, in DuckDB."""
    return JaroWinkler.similarity(left, right) if left and right else 0.0


LENIENT: dict[str, Callable[..., Any]] = {
    "least": least,
    "greatest": greatest,
    "operator_coalesce": coalesce,
    "list_value": list_value,
}
"""Functions that may have a value although an argument is null."""
STRICT: dict[str, Inline | Callable[..., Any]] = {
    "length": Inline("len({0})"),
    "len": Inline("len({0})"),
    "abs": Inline("abs({0})"),
    "||": Inline("({0} + {1})"),
    "+": Inline("({0} + {1})"),
    "-": Inline("({0} - {1})"),
    "starts_with": Inline("{0}.startswith({1})"),
    "ends_with": Inline("{0}.endswith({1})"),
    "contains": Inline("({1} in {0})"),
    "list_contains": Inline("({1} in {0})"),
    "list_has_any": Inline("({0} and {1} and meet({0}, {1}))"),
    "array_extract": element,
    "array_slice": cut,
    "damerau_levenshtein": edits,
    "levenshtein": plain_edits,
    "jaro_winkler_similarity": likeness,
}
"""Functions of which the value is null where an argument is."""
