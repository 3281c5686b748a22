"""The search language behind every `query:` argument, read and turned into a predicate.

Source: Shopify API search syntax (shopify.dev/docs/api/usage/search-syntax).

    query = term { [ AND | OR ] term }          AND is implied and binds tighter
    term  = [ "-" | NOT ] ( "(" query ")" | [ name ":" [ < | > | <= | >= ] ] value )
    value = a word, or text in single or double quotes
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\))
      | (?P<word>AND|OR|NOT)(?=[\s(]|$)
      | (?P<minus>-)(?=[\w("'])
      | (?:(?P<name>[A-Za-z_][\w.]*):\s*(?P<op><=|>=|<|>)?\s*)?
        (?: "(?P<double>(?:[^"\\]|\\.)*)" | '(?P<single>(?:[^'\\]|\\.)*)' | (?P<bare>[^\s()"']+) )
    )""",
    re.VERBOSE,
)
Predicate: TypeAlias = Callable[[Any], bool]


class SyntaxProblem(ValueError):
    """The text is no query: unbalanced brackets or quotes, a connective with nothing beside it."""


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; `field` None searches the default fields, `op` "" is equality."""

    field: str | None
    op: str
    value: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Not:
    node: Node


@dataclass(frozen=True, slots=True)
class All:
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    nodes: tuple[Node, ...]


Node: TypeAlias = Term | Not | All | AnyOf


class Field(Protocol):
    """What a filter name compares. ValueError for a value it cannot read."""

    def test(self, term: Term) -> Predicate: ...

    def test_any(self, terms: Iterable[Term]) -> Predicate | None:
        """One predicate for many equalities; None where the field has no short cut."""
        ...


@dataclass(frozen=True, slots=True)
class Warned:
    """A term that was left out of the search, as `extensions.search` reports it."""

    field: str
    value: str
    code: str
    message: str


def parse(text: str) -> Node:
    """The tree of a query; an empty one matches everything. SyntaxProblem where it is none."""
    parser = _Parser(_tokens(text))
    return parser.whole()


def compiled(
    node: Node, fields: Mapping[str, Field], default: Field
) -> tuple[Predicate, list[Warned]]:
    """A predicate over rows, and the terms the vendor leaves out with a warning.

    An unknown field or an unreadable value drops its term instead of failing the query, as the
    vendor does: a client that misspells a filter is served rows it did not ask for.
    """
    compiler = _Compiler(fields, default)
    predicate = compiler.predicate(node)
    return (predicate or (lambda _: True)), compiler.warned


def _tokens(text: str) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise SyntaxProblem(f"cannot be read from {text[at : at + 20].strip()!r} on")
        found.append(match)
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[re.Match[str]]) -> None:
        self._tokens = tokens
        self._at = 0

    def whole(self) -> Node:
        if not self._tokens:
            return All(())
        node = self._alternatives()
        if self._peek() is not None:
            raise SyntaxProblem("a bracket closes that was never opened")
        return node

    def _peek(self) -> re.Match[str] | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, group: str, value: str | None = None) -> bool:
        token = self._peek()
        if token is None or token[group] is None or (value and token[group] != value):
            return False
        self._at += 1
        return True

    def _alternatives(self) -> Node:
        nodes = [self._together()]
        while self._take("word", "OR"):
            nodes.append(self._together())
        return nodes[0] if len(nodes) == 1 else AnyOf(tuple(nodes))

    def _together(self) -> Node:
        nodes = [self._term()]
        while (token := self._peek()) is not None and not token["close"]:
            if token["word"] == "OR":
                break
            self._take("word", "AND")
            nodes.append(self._term())
        return nodes[0] if len(nodes) == 1 else All(tuple(nodes))

    def _term(self) -> Node:
        if self._take("minus") or self._take("word", "NOT"):
            return Not(self._term())
        if self._take("open"):
            node = self._alternatives()
            if not self._take("close"):
                raise SyntaxProblem("a bracket is never closed")
            return node
        return self._condition()

    def _condition(self) -> Term:
        token = self._peek()
        if token is None or token["word"] or token["close"]:
            raise SyntaxProblem("a condition is missing")
        self._at += 1
        quoted = token["bare"] is None
        value = token["bare"] or _unescaped(token["double"] or token["single"] or "")
        return Term(token["name"], token["op"] or "", value, quoted)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


class _Compiler:
    def __init__(self, fields: Mapping[str, Field], default: Field) -> None:
        self._fields = fields
        self._default = default
        self.warned: list[Warned] = []

    def predicate(self, node: Node) -> Predicate | None:
        """None where nothing of the node is left to test."""
        if isinstance(node, Term):
            return self._term(node)
        if isinstance(node, Not):
            inner = self.predicate(node.node)
            return None if inner is None else lambda row: not inner(row)
        if isinstance(node, All):
            return _every([self.predicate(part) for part in node.nodes])
        return self._any(node)

    def _term(self, term: Term) -> Predicate | None:
        field = self._default if term.field is None else self._fields.get(term.field)
        if field is None:
            self._leave_out(term, "invalid_field", "Invalid search field for this query.")
            return None
        try:
            return field.test(term)
        except ValueError:
            self._leave_out(term, "invalid_value", "Input could not be parsed.")
            return None

    def _leave_out(self, term: Term, code: str, message: str) -> None:
        self.warned.append(Warned(term.field or "default", term.value, code, message))

    def _any(self, node: AnyOf) -> Predicate | None:
        """Hundreds of `customer_id:1 OR customer_id:2` become one look-up in a set."""
        equalities: dict[str, list[Term]] = {}
        rest: list[Node] = []
        for part in node.nodes:
            if isinstance(part, Term) and part.field and not part.op and part.field in self._fields:
                equalities.setdefault(part.field, []).append(part)
            else:
                rest.append(part)
        tests = [self._equal_to_any(name, terms) for name, terms in equalities.items()]
        return _some([*tests, *(self.predicate(part) for part in rest)])

    def _equal_to_any(self, name: str, terms: list[Term]) -> Predicate | None:
        together = self._fields[name].test_any(terms)
        return together or _some([self._term(term) for term in terms])


def _every(tests: Iterable[Predicate | None]) -> Predicate | None:
    kept = [test for test in tests if test is not None]
    return (lambda row: all(test(row) for test in kept)) if kept else None


def _some(tests: Iterable[Predicate | None]) -> Predicate | None:
    kept = [test for test in tests if test is not None]
    return (lambda row: any(test(row) for test in kept)) if kept else None
