"""Python source of the functions that build what is at hand.

    def s7(v, run):
        x1 = v.id
        if x1.__class__ is not str: x1 = must2(x1)
        ...
        x9 = {"id": x1, "lines": x3}
        return x9

A name in the source is a response name (a literal), an attribute, or made here; what a caller
hands in never gets into it. Whatever is not as expected raises, and is read again with its place.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import orjson
from graphql import GraphQLEnumType

from gateway.execution.fields import NeedsPlace
from gateway.execution.shapes import Field, Leaf, Many, Objects, Selection, Shape, objects
from schema.scalars import rfc3339

MAX_DEPTH: Final = 8
"""Of objects within objects in one function: Python allows 20 nested loops."""
_PLAIN: Final[Mapping[str, str]] = {
    "String": "{x}.__class__ is not str",
    "ID": "{x}.__class__ is not str",
    "Boolean": "{x}.__class__ is not bool",
    "Int": "{x}.__class__ is not int or not -2147483648 <= {x} <= 2147483647",
    "Float": "{x}.__class__ is not float or {x} - {x} != 0.0",
}
"""When a value of a built-in scalar is not answered as it is, but by what `serialize` makes of it.
(A float less itself is zero unless it is infinite or no number.)
"""


class Source:
    """Collects functions, and what they refer to."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._scope: dict[str, Any] = {
            "UTC": UTC,
            "datetime": datetime,
            "Decimal": Decimal,
            "dumps": orjson.dumps,
            "utc_z": orjson.OPT_UTC_Z,
            "refuse": _refuse,
        }
        self._names: dict[object, str] = {}
        self._called: dict[Selection, None] = {}
        self._variables = 0
        self._blocks = 0

    def generate(self, root: Selection) -> None:
        """Give the selections and fields of a plan the functions that a run calls."""
        self._called = called(root)
        builders = {self._builder(selection): selection for selection in self._called}
        fields = (field for selection in self._called for field in selection.completed)
        completers = {self._completer(field): field for field in fields}
        # Nothing in the text is a caller's own: see above.
        exec(compile("\n".join(self._lines), "<plan>", "exec"), self._scope)  # noqa: S102
        for name, selection in builders.items():
            selection.build = self._scope[name]
        for name, field in completers.items():
            field.complete = self._scope[name]

    def _builder(self, selection: Selection) -> str:
        name = self._named("s", selection)
        with self._block(f"def {name}(v, run):"):
            x = self._variable()
            self._object(selection, "v", x)
            self._line(f"return {x}")
        return name

    def _completer(self, field: Field) -> str:
        """Of a step, from what was found; of a late field, which nothing waits for, from its
        parent.
        """
        name = self._named("c", field)
        with self._block(f"def {name}(v, run):"):
            if field.is_step:
                self._value(field.shape, "v")
                self._line("return v")
            else:
                self._line(f"return {self._field(field, 'v')}")
        return name

    # ---------------------------------------------------------------- text

    def _line(self, text: str) -> None:
        self._lines.append("    " * self._blocks + text)

    @contextmanager
    def _block(self, head: str) -> Iterator[None]:
        self._line(head)
        self._blocks += 1
        yield
        self._blocks -= 1

    def _variable(self) -> str:
        self._variables += 1
        return f"x{self._variables}"

    def _named(self, prefix: str, thing: Any) -> str:
        """The name under which generated source refers to the thing."""
        if thing not in self._names:
            self._names[thing] = f"{prefix}{len(self._names)}"
            self._scope[self._names[thing]] = thing
        return self._names[thing]

    # ---------------------------------------------------------------- values

    def _object(self, selection: Selection, v: str, target: str) -> None:
        """Build what is at hand of `v`. Of `v` and `target` one may be the other."""
        at_hand = set(selection.at_hand)
        pairs = [
            f"{field.key!r}: {self._field(field, v) if field in at_hand else None}"
            for field in selection.fields
        ]
        self._line(f"{target} = {{{', '.join(pairs)}}}")

    def _field(self, field: Field, v: str) -> str:
        """An expression for what is answered, worked out in the lines before it."""
        if field.name == "__typename":
            return repr(field.parent)
        x = self._variable()
        self._line(f"{x} = {self._read(field, v)}")
        self._value(field.shape, x)
        return x

    def _read(self, field: Field, v: str) -> str:
        resolver = field.resolver
        if resolver is None:
            return f"{v}.{field.attribute}"
        given = [v] if resolver.by_position else []
        given += [f"{name}={v}" for name in resolver.parents]
        given += [f"{resolver.info}=run.info"] if resolver.info else []
        if field.arguments.any:
            given.append(f"**run.arguments({self._named('f', field)})")
        return f"{self._named('r', resolver.call)}({', '.join(given)})"

    def _value(self, shape: Shape, x: str) -> None:
        """From the value in a variable to what is answered, in the same variable."""
        of = shape.of
        if isinstance(of, Leaf):
            self._leaf(of, x, self._named("t", _Rest(of, shape.non_null)), shape.non_null)
            return
        if shape.non_null:
            self._line(f"if {x} is None: refuse()")
            self._composite(of, x)
        else:
            with self._block(f"if {x} is not None:"):
                self._composite(of, x)

    def _leaf(self, leaf: Leaf, x: str, rest: str, non_null: bool) -> None:
        otherwise = f"else: {x} = {rest}({x})"
        if leaf.type_name in _PLAIN:
            unlike = _PLAIN[leaf.type_name].format(x=x)
            known = "" if non_null else f"{x} is not None and "
            self._line(f"if {known}({unlike}): {x} = {rest}({x})")
        elif leaf.serialize is rfc3339:
            # What rfc3339 says, in a third of the time.
            utc = f"{x}.__class__ is datetime and {x}.tzinfo is UTC"
            self._line(f"if {utc}: {x} = dumps({x}, None, utc_z)[1:-1].decode()")
            self._line(otherwise)
        elif leaf.serialize is str:
            self._line(f"if {x}.__class__ is Decimal: {x} = str({x})")
            self._line(f"elif {x}.__class__ is not str: {x} = {rest}({x})")
        elif leaf.members:
            self._line(f"if {x}.__class__ is {self._named('E', leaf.members)}: {x} = {x}._name_")
            self._line(otherwise)
        else:
            self._line(f"{x} = {rest}({x})")

    def _composite(self, of: Many | Objects, x: str) -> None:
        if isinstance(of, Many):
            self._list(of, x)
        elif not of.is_exact:
            self._line(f"{x} = {self._named('o', of)}.by_class[{x}.__class__].build({x}, run)")
        else:
            (selection,) = of.selections.values()
            if selection in self._called:
                self._line(f"{x} = {self._named('s', selection)}({x}, run)")
            else:
                self._object(selection, x, x)

    def _list(self, of: Many, x: str) -> None:
        self._line(f"if {x}.__class__ is not tuple and {x}.__class__ is not list: refuse()")
        found, item = self._variable(), self._variable()
        self._line(f"{found} = []")
        with self._block(f"for {item} in {x}:"):
            self._value(of.item, item)
            self._line(f"{found}.append({item})")
        self._line(f"{x} = {found}")


def called(root: Selection) -> dict[Selection, None]:
    """The selections that have functions of their own; the others are part of those. All that is
    told by class or has steps below it has one.
    """
    found = {root: None}

    def walk(selection: Selection, depth: int) -> None:
        for of in filter(None, (objects(field.shape) for field in selection.fields)):
            for inner in of.selections.values():
                own = inner.waits or not of.is_exact or depth == MAX_DEPTH
                if own:
                    found[inner] = None
                walk(inner, 1 if own else depth + 1)

    walk(root, 1)
    return found


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
