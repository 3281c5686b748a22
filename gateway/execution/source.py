"""Python source of the functions that build what is at hand.

    def s7(v, run):
        return {"id": (x0 if (x0 := v.id).__class__ is str else must1(x0)), "lines": ...}

A name in the source is a response name (a literal), an attribute, or made here; what a caller
hands in never gets into it. Whatever is not as expected raises, and is read again with its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from graphql import GraphQLEnumType

from gateway.execution.fields import NeedsPlace
from gateway.execution.shapes import Field, Leaf, Many, Objects, Selection, Shape
from schema.scalars import rfc3339

_EXACT: Final[Mapping[str, str]] = {
    "String": "{x}.__class__ is str",
    "ID": "{x}.__class__ is str",
    "Boolean": "{x}.__class__ is bool",
    "Int": "{x}.__class__ is int and -2147483648 <= {x} <= 2147483647",
    "Float": "{x}.__class__ is float and {x} - {x} == 0.0",
}
"""When a value of a built-in scalar is answered as it is: the common case of its `serialize`, the
rest of which is asked. (A float less itself is zero unless it is infinite or no number.)
"""


class Source:
    """Collects functions, and what they refer to."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._scope: dict[str, Any] = {"UTC": UTC, "datetime": datetime, "refuse": _refuse}
        self._names: dict[object, str] = {}
        self._variables = 0

    def generate(self, selections: list[Selection]) -> None:
        """Give every selection its function. Inner ones must come before those that use them."""
        for selection in selections:
            self._lines.append(f"def {self._named('s', selection)}(v, run):")
            self._lines.append(f"    return {self._dict(selection)}")
        # Nothing in the text is a caller's own: see above.
        exec(compile("\n".join(self._lines), "<plan>", "exec"), self._scope)  # noqa: S102
        for selection in selections:
            selection.build = self._scope[self._names[selection]]

    def _named(self, prefix: str, thing: Any) -> str:
        """The name under which generated source refers to the thing."""
        if thing not in self._names:
            self._names[thing] = f"{prefix}{len(self._names)}"
            self._scope[self._names[thing]] = thing
        return self._names[thing]

    def _variable(self) -> str:
        self._variables += 1
        return f"x{self._variables}"

    def _dict(self, selection: Selection) -> str:
        at_hand = set(selection.at_hand)
        self._variables = 0
        pairs = (
            f"{field.key!r}: {self._field(field) if field in at_hand else None}"
            for field in selection.fields
        )
        return "{" + ", ".join(pairs) + "}"

    def _field(self, field: Field) -> str:
        if field.name == "__typename":
            return repr(field.parent)
        x = self._variable()
        return self._value(field.shape, x, f"({x} := {self._read(field)})")

    def _read(self, field: Field) -> str:
        resolver = field.resolver
        if resolver is None:
            return f"v.{field.attribute}"
        given = ["v"] if resolver.by_position else []
        given += [f"{name}=v" for name in resolver.parents]
        given += [f"{resolver.info}=run.info"] if resolver.info else []
        if field.arguments.any:
            given.append(f"**run.arguments({self._named('f', field)})")
        return f"{self._named('r', resolver.call)}({', '.join(given)})"

    def _value(self, shape: Shape, x: str, first: str) -> str:
        """An expression for a value: `first` is how it is read, and binds it to `x`."""
        of = shape.of
        if isinstance(of, Leaf):
            return self._leaf(of, x, first, non_null=shape.non_null)
        known = self._list(of, x) if isinstance(of, Many) else self._object(of, x)
        missing = "refuse()" if shape.non_null else "None"
        return f"({missing} if {first} is None else {known})"

    def _leaf(self, leaf: Leaf, x: str, first: str, *, non_null: bool) -> str:
        rest = self._named("must" if non_null else "may", _Rest(leaf, non_null))
        if leaf.type_name in _EXACT:
            exact = _EXACT[leaf.type_name]
            test = exact.replace("{x}", first, 1).replace("{x}", x)
            return f"({x} if {test} else {rest}({x}))"
        if leaf.serialize is rfc3339:
            utc = f"{first}.__class__ is datetime and {x}.tzinfo is UTC"
            return f"({x}.isoformat()[:-6] + 'Z' if {utc} else {rest}({x}))"
        if leaf.serialize is str:
            return f"({x} if {first}.__class__ is str else {rest}({x}))"
        if leaf.members:
            kind = self._named("E", leaf.members)
            return f"({x}._name_ if {first}.__class__ is {kind} else {rest}({x}))"
        return f"{rest}({first})"

    def _list(self, of: Many, x: str) -> str:
        item = f"i{x}"
        inner = self._value(of.item, item, item)
        whole = f"{x}.__class__ is tuple or {x}.__class__ is list"
        return f"([{inner} for {item} in {x}] if {whole} else refuse())"

    def _object(self, of: Objects, x: str) -> str:
        if of.is_exact:
            (selection,) = of.selections.values()
            return f"{self._names[selection]}({x}, run)"
        return f"{self._named('o', of)}.by_class[{x}.__class__].build({x}, run)"


@dataclass(frozen=True, slots=True)
class _Rest:
    """What is not answered as it is: null where that may be, else what the schema makes of it."""

    leaf: Leaf
    non_null: bool

    def __call__(self, value: Any) -> Any:
        if value is None:
            return _refuse() if self.non_null else None
        if isinstance(value, Exception):
            raise value
        return self.leaf.answer(value)


def _refuse() -> Any:
    raise NeedsPlace


def members_of(kind: GraphQLEnumType) -> type | None:
    """The Python enumeration behind it, where each member is answered by its own name."""
    found: type | None = getattr(kind, "wrapped_cls", None)
    if found is None:
        return None
    names = {member._name_: member.value for member in found}  # type: ignore[attr-defined]
    return found if names == {name: one.value for name, one in kind.values.items()} else None
