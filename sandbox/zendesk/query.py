"""The search language, taken apart.

Source: Zendesk Support search reference. `type:ticket requester:1 requester:2 created<2026-01-01`:
terms of one property with `:` are alternatives, different properties must all hold, `-` negates,
quotes hold words together, anything without an operator is a word looked for in the text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_TERM: Final = re.compile(
    r"""(?P<minus>-)?
        (?:(?P<name>[a-z_]+)(?P<operator>:|<=|>=|<|>))?
        (?:"(?P<quoted>[^"]*)"|(?P<plain>\S+))""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; `name` is empty for a word looked for in the text."""

    name: str
    operator: str
    value: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """`types` empty: every type. `groups`: of each, one term must hold."""

    types: frozenset[str]
    groups: tuple[tuple[Term, ...], ...]
    sort_by: str | None = None
    sort_order: str | None = None


def parsed(text: str) -> Query:
    terms = [_term(match) for match in _TERM.finditer(text)]
    controls = {term.name: term.value for term in terms if term.name in ("order_by", "sort")}
    conditions = [term for term in terms if term.name not in ("type", "order_by", "sort")]
    return Query(
        types=frozenset(term.value for term in terms if term.name == "type"),
        groups=tuple(_grouped(conditions)),
        sort_by=controls.get("order_by"),
        sort_order=controls.get("sort"),
    )


def _term(match: re.Match[str]) -> Term:
    quoted, plain = match["quoted"], match["plain"]
    return Term(
        name=match["name"] or "",
        operator=match["operator"] or ":",
        value=plain if quoted is None else quoted,
        negated=match["minus"] is not None,
    )


def _grouped(terms: Iterable[Term]) -> Iterable[tuple[Term, ...]]:
    """Equalities of one property together, every other term by itself."""
    equal: defaultdict[str, list[Term]] = defaultdict(list)
    for term in terms:
        if term.name and term.operator == ":" and not term.negated:
            equal[term.name].append(term)
        else:
            yield (term,)
    yield from (tuple(group) for group in equal.values())
