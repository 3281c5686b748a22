"""SQL conditions as Python functions, so that one text decides in batch and in a request.

DuckDB parses the text (trees.py), and its tree becomes the source of a Python function over records
in hand. Truth has three values in SQL: a condition is written either as what is true
of it or as what is false of it, and whatever is neither is null. What has no Python form here is
refused when the program is built; tests hold the forms to DuckDB's answers.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from domain.errors import ConfigError
from identity import functions
from identity.functions import LENIENT, STRICT, Inline
from identity.trees import Node

_ORDERED = {
    "COMPARE_LESSTHAN": ("<", ">="),
    "COMPARE_LESSTHANOREQUALTO": ("<=", ">"),
    "COMPARE_GREATERTHAN": (">", "<="),
    "COMPARE_GREATERTHANOREQUALTO": (">=", "<"),
    "COMPARE_EQUAL": ("==", "!="),
    "COMPARE_NOTEQUAL": ("!=", "=="),
}
_WORDS = {"CONJUNCTION_AND": ("and", "or"), "CONJUNCTION_OR": ("or", "and")}
_SAME = {"COMPARE_NOT_DISTINCT_FROM": ("==", "!="), "COMPARE_DISTINCT_FROM": ("!=", "==")}
_NULLS = {"OPERATOR_IS_NULL": ("is", "is not"), "OPERATOR_IS_NOT_NULL": ("is not", "is")}
_TRUTHS = {
    "OPERATOR_NOT", "COMPARE_IN", "COMPARE_NOT_IN", "COMPARE_BETWEEN",
    *_WORDS, *_ORDERED, *_SAME, *_NULLS,
}  # fmt: skip
_WORTH_KEEPING = 6
"""What costs less is quicker worked out again than looked up."""


@dataclass(frozen=True, slots=True)
class Column:
    """What a column is in Python, and whether it may be null."""

    written: str
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class _Value:
    """Python of a value that is null unless all of `known` are not None."""

    written: str
    known: tuple[str, ...] = ()


class Writer:
    """Writes Python for trees.

    What occurs more than once is worked out once for each call: the source keeps it in a variable,
    which the function has to set to `UNSET` first (`variables`). What is cheap is asked first.
    """

    def __init__(self, columns: Callable[[str], Column]) -> None:
        self.variables: list[str] = []
        self._columns = columns
        self._seen: Counter[tuple[str, str]] = Counter()
        self._kept: dict[tuple[str, str], str] = {}
        self._bound: list[str] = []
        self._passing = 0
        self._counting = False
        self._writers: dict[str, Callable[[Node], _Value]] = {
            "COLUMN_REF": self._column,
            "CONSTANT": lambda node: _Value(repr(constant(node))),
            "CASE": lambda node: self._passed(self._case(node)),
            "CAST": self._cast,
            "OPERATOR": lambda node: self._call(node["type"].lower(), node["children"]),
            "FUNCTION": lambda node: self._call(
                node["function_name"], [one["expression"] for one in node["arguments"]]
            ),
        }

    def count(self, trees: Iterable[Node]) -> None:
        """Look through what is to be written, to know what occurs more than once."""
        self._counting = True
        for tree in trees:
            self.true(tree)
        self._counting = False

    def true(self, node: Node) -> str:
        """Python that holds where the condition is true."""
        return self._once("true", node, lambda one: self._truth(one, wanted=True))

    def false(self, node: Node) -> str:
        """Python that holds where the condition is false (and not null)."""
        return self._once("false", node, lambda one: self._truth(one, wanted=False))

    def value(self, node: Node) -> str:
        """Python of the value; None is null."""
        found = self._value(node)
        if not found.known or found.known == (found.written,):
            return found.written
        return f"({found.written} if {_joined('and', _asked(found.known))} else None)"

    def _once(self, mode: str, node: Node, write: Callable[[Node], str]) -> str:
        name = (mode, json.dumps(node, sort_keys=True))
        if self._counting:
            self._seen[name] += 1
            return write(node) if self._seen[name] == 1 else ""
        if self._seen[name] < 2 or self._bound or _cost(name[1]) < _WORTH_KEEPING:
            return write(node)
        if name not in self._kept:
            self._kept[name] = f"kept{len(self._kept)}"
            self.variables.append(self._kept[name])
        kept = self._kept[name]
        return f"({kept} if {kept} is not UNSET else ({kept} := {write(node)}))"

    # ------------------------------------------------------------ conditions

    def _truth(self, node: Node, *, wanted: bool) -> str:
        kind = node["type"]
        say = self.true if wanted else self.false
        if kind in _WORDS:
            return _joined(_WORDS[kind][not wanted], map(say, _cheapest(node["children"])))
        if kind == "COMPARE_BETWEEN":
            return _joined(_WORDS["CONJUNCTION_AND"][not wanted], map(say, _bounds(node)))
        if kind == "OPERATOR_NOT":
            return (self.false if wanted else self.true)(node["children"][0])
        if kind == "OPERATOR_COALESCE":
            return self._coalesced(node, wanted=wanted)
        return self._compared(node, wanted=wanted)

    def _compared(self, node: Node, *, wanted: bool) -> str:
        kind = node["type"]
        if kind in ("COMPARE_IN", "COMPARE_NOT_IN"):
            return self._among(node, inside=(kind == "COMPARE_IN") is wanted)
        if kind in _NULLS:
            return f"{self.value(node['children'][0])} {_NULLS[kind][not wanted]} None"
        if kind in _SAME:
            left, right = self.value(node["left"]), self.value(node["right"])
            return f"{left} {_SAME[kind][not wanted]} {right}"
        if kind in _ORDERED:
            return self._ordered(node, wanted=wanted)
        found = self._value(node)
        return _joined(
            "and", [*_asked(found.known), found.written if wanted else f"not {found.written}"]
        )

    def _ordered(self, node: Node, *, wanted: bool) -> str:
        test = _ORDERED[node["type"]][not wanted]
        left, right = self._value(node["left"]), self._value(node["right"])
        known = list(dict.fromkeys((*left.known, *right.known)))
        if test == "==" and (left.known == (left.written,) or right.known == (right.written,)):
            # None is equal to None alone: one side need not be asked.
            side = right if right.known == (right.written,) else left
            known = [one for one in known if one != side.written] if len(known) > 1 else known
            known = known if left.known and right.known else []
        return _joined("and", [*_asked(known), f"{left.written} {test} {right.written}"])

    def _coalesced(self, node: Node, *, wanted: bool) -> str:
        """`coalesce(condition, true | false)`, the form in which conditions use it."""
        condition, fallback = node["children"]
        said = constant(fallback)
        if not isinstance(said, bool):
            return f"({self.value(node)} is {wanted})"
        if said is wanted:
            return f"(not {self.false(condition) if wanted else self.true(condition)})"
        return self.true(condition) if wanted else self.false(condition)

    def _among(self, node: Node, *, inside: bool) -> str:
        what, *listed = node["children"]
        if inside:
            return _joined("or", (self.true(_equal(what, each)) for each in listed))
        return _joined("and", (self.false(_equal(what, each)) for each in listed))

    # ------------------------------------------------------------ values

    def _value(self, node: Node) -> _Value:
        if node["type"] in _TRUTHS:
            return self._truth_value(node)
        write = self._writers.get(node["class"])
        if write is None:
            raise ConfigError(f"identity: {node['type']} has no form outside the database")
        return write(node)

    def _truth_value(self, node: Node) -> _Value:
        true = self.true(node)
        if node["type"] in _NULLS or node["type"] in _SAME:
            return _Value(f"({true})")
        return self._passed(f"True if {true} else False if {self.false(node)} else None")

    def _passed(self, written: str) -> _Value:
        """A value that may be null for more reasons than that a part of it is."""
        if self._bound:
            return _Value(f"({written})")
        name = f"passing{self._passing}"
        self._passing += 1
        return _Value(name, (f"({name} := ({written}))",))

    def _column(self, node: Node) -> _Value:
        (name,) = node["column_names"]
        if name in self._bound:
            return _Value(name)
        column = self._columns(name)
        return _Value(column.written, (column.written,) if column.nullable else ())

    def _case(self, node: Node) -> str:
        written = self.value(node["else_expr"])
        for check in reversed(node["case_checks"]):
            then, when = self.value(check["then_expr"]), self.true(check["when_expr"])
            written = f"{then} if {when} else {written}"
        return written

    def _cast(self, node: Node) -> _Value:
        wanted = node["type_expr"]["type_name"]
        if wanted != "INTEGER":
            raise ConfigError(f"identity: a cast to {wanted} has no form outside the database")
        found = self._value(node["child"])
        return _Value(f"int({found.written})", found.known)

    def _call(self, name: str, arguments: Sequence[Node]) -> _Value:
        if name == "list_transform":
            return self._transform(*arguments)
        if name in LENIENT:
            return self._passed(
                f"{LENIENT[name].__name__}({', '.join(map(self.value, arguments))})"
            )
        if name not in STRICT:
            raise ConfigError(f"identity: {name}() has no form outside the database")
        found = [self._value(argument) for argument in arguments]
        known = tuple(dict.fromkeys(one for each in found for one in each.known))
        form = STRICT[name]
        parts = [each.written for each in found]
        told = form(*parts) if isinstance(form, Inline) else f"{form.__name__}({', '.join(parts)})"
        return _Value(told, known)

    def _transform(self, items: Node, change: Node) -> _Value:
        found, name = self._value(items), change["lhs"]["column_names"][0]
        self._bound.append(name)
        changed = self.value(change["expr"])
        self._bound.remove(name)
        return _Value(f"[{changed} for {name} in {found.written}]", found.known)


def compiled(name: str, source: str) -> Callable[..., Any]:
    """The function of this name that the source defines."""
    rooms: dict[str, Any] = vars(functions) | {"UNSET": object()}
    exec(compile(source, f"<{name}>", "exec"), rooms)  # noqa: S102  # written above, from our own SQL
    function: Callable[..., Any] = rooms[name]
    return function


def unset(writer: Writer) -> str:
    """The line a function begins with."""
    return f"    {' = '.join(writer.variables)} = UNSET\n" if writer.variables else ""


def constant(node: Node) -> object:
    """The value of a constant; None is null."""
    literal = node.get("literal", {"kind": "", "text": ""})
    kind, text = literal["kind"], literal["text"]
    if kind == "BOOLEAN":
        return bool(text.lower() == "true")
    if kind == "INTEGER":
        return int(text)
    if kind == "NUMERIC":
        return float(text)
    return str(text) if kind == "STRING" else None


def _asked(known: Iterable[str]) -> list[str]:
    return [f"{one} is not None" for one in known]


def _joined(word: str, parts: Iterable[str]) -> str:
    written = list(parts)
    return written[0] if len(written) == 1 else f"({f' {word} '.join(written)})"


def _equal(left: Node, right: Node) -> Node:
    return {"class": "COMPARISON", "type": "COMPARE_EQUAL", "left": left, "right": right}


def _bounds(node: Node) -> list[Node]:
    above = {"class": "COMPARISON", "type": "COMPARE_GREATERTHANOREQUALTO"}
    below = {"class": "COMPARISON", "type": "COMPARE_LESSTHANOREQUALTO"}
    return [
        above | {"left": node["input"], "right": node["lower"]},
        below | {"left": node["input"], "right": node["upper"]},
    ]


def _cheapest(nodes: Sequence[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: _cost(json.dumps(node, sort_keys=True)))


@cache
def _cost(told: str) -> int:
    """What it takes to work out a tree, about: one for each part, more for distances."""
    distances = told.count("levenshtein") + told.count("jaro")
    calls = 2 * told.count('"function_name"') + told.count("ARRAY_")
    return told.count('"type":') + calls + 20 * distances
