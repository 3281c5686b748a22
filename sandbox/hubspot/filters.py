"""One filter of a search: an operator on one property.

Source: CRM search guide. Text is compared without regard to case, but IN and NOT_IN want their
values in lower case and find nothing else. Dates are epoch milliseconds or ISO 8601.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from sandbox.hubspot.errors import invalid
from sandbox.hubspot.properties import DATES, KNOWN, NUMBERS, value
from sandbox.rows import CrmContact
from sandbox.wire import epoch_milliseconds

T = TypeVar("T")
Operator = Literal[
    "EQ",
    "NEQ",
    "LT",
    "LTE",
    "GT",
    "GTE",
    "BETWEEN",
    "IN",
    "NOT_IN",
    "HAS_PROPERTY",
    "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN",
    "NOT_CONTAINS_TOKEN",
]
Comparable = str | int
# A test of one property's text; None is an empty property.
Match = Callable[[str | None], bool]


class Filter(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    propertyName: str
    operator: Operator
    value: str | None = None
    highValue: str | None = None
    values: list[str] | None = None


def predicate(rule: Filter) -> Callable[[CrmContact], bool]:
    """Whether a contact passes the filter. Raises Refused for what HubSpot does not take."""
    name = rule.propertyName
    if name not in KNOWN:
        raise invalid(f"There was a problem with the request: property {name!r} does not exist")
    matches = _MATCHERS.get(rule.operator, _comparison)(rule)
    return lambda row: matches(value(row, name))


def _presence(rule: Filter) -> Match:
    wanted = rule.operator == "HAS_PROPERTY"
    return lambda text: (text is not None) == wanted


def _comparison(rule: Filter) -> Match:
    """Against one value; an empty property matches NEQ alone."""
    name = rule.propertyName
    wanted = comparable(name, _needed(rule, rule.value, "value"))
    if rule.operator == "NEQ":
        return lambda text: text is None or comparable(name, text) != wanted
    compare = _COMPARE[rule.operator]
    return lambda text: text is not None and compare(comparable(name, text), wanted)


def _between(rule: Filter) -> Match:
    """Both ends belong to it."""
    name = rule.propertyName
    low = comparable(name, _needed(rule, rule.value, "value"))
    high = comparable(name, _needed(rule, rule.highValue, "highValue"))
    return lambda text: text is not None and _within(low, comparable(name, text), high)


def _membership(rule: Filter) -> Match:
    wanted = set(_needed(rule, rule.values, "values"))
    if rule.operator == "IN":
        return lambda text: text is not None and text.lower() in wanted
    return lambda text: text is None or text.lower() not in wanted


def _tokens(rule: Filter) -> Match:
    """A whole token of the text, or a part of one where the value has wildcards (*).

    An address is a token, and so is each word of it.
    """
    wanted = _needed(rule, rule.value, "value").lower()
    pattern = re.compile(".*".join(re.escape(part) for part in wanted.split("*")))

    def contains(text: str | None) -> bool:
        whole = (text or "").lower()
        tokens = [whole, *re.split(r"[\s;,]+", whole), *re.split(r"[\s@.,;+_-]+", whole)]
        return any(pattern.fullmatch(token) for token in tokens)

    if rule.operator == "CONTAINS_TOKEN":
        return contains
    return lambda text: not contains(text)


_MATCHERS: Final[Mapping[str, Callable[[Filter], Match]]] = {
    "HAS_PROPERTY": _presence,
    "NOT_HAS_PROPERTY": _presence,
    "IN": _membership,
    "NOT_IN": _membership,
    "CONTAINS_TOKEN": _tokens,
    "NOT_CONTAINS_TOKEN": _tokens,
    "BETWEEN": _between,
}
_COMPARE: Final[Mapping[str, Callable[[Comparable, Comparable], bool]]] = {
    "EQ": lambda left, right: left == right,
    "LT": lambda left, right: _ordered(left, right) < 0,
    "LTE": lambda left, right: _ordered(left, right) <= 0,
    "GT": lambda left, right: _ordered(left, right) > 0,
    "GTE": lambda left, right: _ordered(left, right) >= 0,
}


def _within(low: Comparable, at: Comparable, high: Comparable) -> bool:
    return _ordered(low, at) <= 0 and _ordered(at, high) <= 0


def _ordered(left: Comparable, right: Comparable) -> int:
    """-1, 0 or 1. Both sides come from one property, so they are of one type."""
    if isinstance(left, int) and isinstance(right, int):
        return (left > right) - (left < right)
    return (str(left) > str(right)) - (str(left) < str(right))


def comparable(name: str, text: str) -> Comparable:
    """Dates as epoch milliseconds, numbers as numbers, the rest in lower case."""
    if name in DATES:
        return _milliseconds(name, text)
    if name in NUMBERS:
        if not text.isdecimal():
            raise invalid(f"{text!r} was not a valid number for {name}")
        return int(text)
    return text.lower()


def _milliseconds(name: str, text: str) -> int:
    """Epoch milliseconds or ISO 8601, the two forms the search guide allows for dates."""
    if text.lstrip("-").isdecimal():
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError as problem:
        raise invalid(f"{text!r} was not a valid date for {name}") from problem
    return epoch_milliseconds(at if at.tzinfo else at.replace(tzinfo=UTC))


def _needed(rule: Filter, given: T | None, field: str) -> T:
    if given is None:
        raise invalid(f"operator {rule.operator} requires {field}")
    return given
