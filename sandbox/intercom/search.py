"""The search of contacts and conversations: nested filters, operators by type, sorting.

Source: "Nesting & Limitations", "Accepted Operators" and "Searching for Timestamp Fields" of both
searches, API 2.16. The two differ in dates: contacts compare whole days and know =, > and < alone;
conversations compare seconds, and there > and < say "Greater (or equal) than" and "Lower (or
equal) than".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any, Final, TypeAlias

from sandbox.intercom.errors import invalid
from sandbox.intercom.fields import Kind, Searchable, Value
from sandbox.vendor import Json

MOST_NESTED: Final = 2
MOST_FILTERS: Final = 15
_DAY_S: Final = 86_400

Predicate: TypeAlias = Callable[[Any], bool]
_EQUALITIES: Final = frozenset({"=", "!=", "IN", "NIN"})
_TEXT: Final = _EQUALITIES | {"~", "!~", "^", "$"}
_TEXT_TESTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "~": lambda has, asked: asked in has,
    "^": lambda has, asked: has.startswith(asked),
    "$": lambda has, asked: has.endswith(asked),
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What one of the two searches allows."""

    operators: Mapping[Kind, frozenset[str]]
    order: Mapping[str, Callable[[int, int], bool]]
    whole_days: bool


CONTACTS: Final = Rules(
    operators={
        Kind.STRING: _TEXT,
        Kind.BOOLEAN: _EQUALITIES,
        Kind.INTEGER: _EQUALITIES | {"<", ">", "<=", ">="},
        Kind.DATE: frozenset({"=", "<", ">"}),
        Kind.TAG: frozenset({"=", "!="}),
    },
    order={"<": lt, ">": gt, "<=": le, ">=": ge},
    whole_days=True,
)
CONVERSATIONS: Final = Rules(
    operators={
        Kind.STRING: _TEXT,
        Kind.BOOLEAN: _EQUALITIES,
        Kind.INTEGER: _EQUALITIES | {"<", ">"},
        Kind.DATE: _EQUALITIES | {"<", ">"},
    },
    order={"<": le, ">": ge},
    whole_days=False,
)


def predicate(query: Json, fields: Mapping[str, Searchable], rules: Rules) -> Predicate:
    """What the `query` of a search matches. Raises Refused for what the API does not take."""
    return _node(query, fields, rules, 1)


def _node(query: Json, fields: Mapping[str, Searchable], rules: Rules, depth: int) -> Predicate:
    if not isinstance(query, dict):
        raise invalid("query must be a filter or a group of filters")
    if "field" in query:
        return _filter(query, fields, rules)
    parts = _group(query, depth)
    tests = [_node(part, fields, rules, depth + 1) for part in parts]
    if query["operator"] == "AND":
        return lambda row: all(test(row) for test in tests)
    return lambda row: any(test(row) for test in tests)


def _group(query: Mapping[str, Json], depth: int) -> Sequence[Json]:
    parts = query.get("value")
    if query.get("operator") not in ("AND", "OR") or not isinstance(parts, list) or not parts:
        raise invalid("a group has an operator, AND or OR, and a list of filters as its value")
    if depth > MOST_NESTED:
        raise invalid(f"filters may be nested {MOST_NESTED} levels deep")
    if len(parts) > MOST_FILTERS:
        raise invalid(f"a group holds at most {MOST_FILTERS} filters, {len(parts)} were given")
    return parts


def _filter(query: Mapping[str, Json], fields: Mapping[str, Searchable], rules: Rules) -> Predicate:
    name, operator = query["field"], query.get("operator")
    field = fields.get(name) if isinstance(name, str) else None
    if field is None:
        raise invalid(f"{name} is not a field that can be searched", "invalid_field")
    if operator not in rules.operators[field.kind]:
        kind = field.kind.value
        raise invalid(f"{operator} is no operator of {name}, a {kind}", "invalid_operator")
    if "value" not in query:
        raise invalid(f"{name} has no value to compare with")
    if operator in ("IN", "NIN"):
        return _among(field, operator, query["value"], name)
    asked = _typed(field.kind, query["value"], name)
    if operator in ("=", "!="):
        return _equal(field, operator, asked, rules)
    if asked is None:
        raise invalid(f"{name} {operator} needs a value", "invalid_value")
    if isinstance(asked, str):
        return _text(field, operator, asked)
    return _ordered(field, operator, asked, rules)


def _among(field: Searchable, operator: str, values: Json, name: str) -> Predicate:
    if not isinstance(values, list):
        raise invalid(f"{name} {operator} needs an array of values")
    asked = {_typed(field.kind, value, name) for value in values}
    if operator == "IN":
        return lambda row: not asked.isdisjoint(_values(field, row))
    return lambda row: asked.isdisjoint(_values(field, row))


def _equal(field: Searchable, operator: str, asked: Value, rules: Rules) -> Predicate:
    if field.kind is Kind.DATE and rules.whole_days and isinstance(asked, int):
        day = asked // _DAY_S
        return lambda row: any(
            isinstance(has, int) and has // _DAY_S == day for has in _values(field, row)
        )
    if operator == "=":
        return lambda row: asked in _values(field, row)
    return lambda row: asked not in _values(field, row)


def _text(field: Searchable, operator: str, asked: str) -> Predicate:
    test = _TEXT_TESTS[operator.lstrip("!")]

    def holds(row: Any) -> bool:
        return any(isinstance(has, str) and test(has, asked) for has in _values(field, row))

    return (lambda row: not holds(row)) if operator.startswith("!") else holds


def _ordered(field: Searchable, operator: str, asked: int, rules: Rules) -> Predicate:
    """By size. A contact's date is cut to its day: `>` begins with the next one."""
    compare = rules.order[operator]
    step = _DAY_S if field.kind is Kind.DATE and rules.whole_days else 1
    bound = asked // step

    def holds(row: Any) -> bool:
        return any(
            isinstance(has, int) and compare(has // step, bound) for has in _values(field, row)
        )

    return holds


def _values(field: Searchable, row: Any) -> tuple[Value, ...]:
    """What the row has, text in lower case; (None,) for nothing, so that `= null` finds it."""
    got = field.get(row)
    several = got if isinstance(got, tuple) else (got,)
    return tuple(has.casefold() if isinstance(has, str) else has for has in several) or (None,)


def _typed(kind: Kind, value: Json, name: str) -> Value:
    """The value as the field's type. Raises Refused where it is none."""
    if value is None:
        return None
    if kind in (Kind.STRING, Kind.TAG) and isinstance(value, str):
        return value.casefold()
    if kind is Kind.BOOLEAN and isinstance(value, bool):
        return value
    if kind in (Kind.INTEGER, Kind.DATE) and _is_whole(value):
        return int(value)
    raise invalid(f"{value!r} is no {kind.value}, which {name} is", "invalid_value")


def _is_whole(value: Json) -> bool:
    """A whole number, or digits: the vendor's own examples send dates as text."""
    if isinstance(value, str):
        return value.isascii() and value.isdecimal()
    return isinstance(value, int) and not isinstance(value, bool)
