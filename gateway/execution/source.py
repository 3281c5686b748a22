"""Python source of the functions that build what is at hand.

    def c4(items, found, run, failed):      # of the step `orders`
        for item, v in zip(items, found, strict=True):
            try:
                ...
                for x2 in x1:
                    x3 = x2.id
                    if x3.__class__ is not str: x3 = t5(x3)
                    x4.append({"id": x3})
                item[1]["orders"] = {"nodes": x4}
            except Exception:
                failed.append((item, v))

A name in the source is a response name (a literal), an attribute, or made here; what a caller
hands in never gets into it. A step is completed for all its parents by one call, since calls are
what costs. Whatever is not as expected raises, and is read again with its place.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import orjson
from graphql import GraphQLEnumType

from gateway.execution.fields import NeedsPlace, Resolver, Unplanned
from gateway.execution.shapes import (
    Field,
    Leaf,
    Many,
    Objects,
    Selection,
    Shape,
    has_steps,
    numbered,
    objects,
)
from gateway.execution.written import Written
from schema.scalars import rfc3339

MAX_DEPTH: Final = 8
"""Of objects within objects in one function: Python allows 20 nested loops."""
_PLAIN: Final[Mapping[str, str]] = {
    "String": "{x}.__class__ is not str",
    "ID": "{x}.__class__ is not str",
    "Boolean": "{x}.__class__ is not bool",
    "Int": "{x}.__class__ is not int or not -1073741824 < {x} < 1073741824",
    "Float": "{x}.__class__ is not float or {x} - {x} != 0.0",
}
"""When a value of a built-in scalar is not answered as it is, but by what `serialize` makes of it.
(A float less itself is zero unless it is infinite or no number. Of the 32 bits of an Int those are
looked at here which Python compares in one step.)
"""


class Source(Written):
    """The functions of a plan."""

    def __init__(self) -> None:
        super().__init__(
            UTC=UTC,
            datetime=datetime,
            Decimal=Decimal,
            dumps=orjson.dumps,
            utc_z=orjson.OPT_UTC_Z,
            refuse=_refuse,
        )
        self._names: dict[object, str] = {}
        self._called: dict[Selection, None] = {}
        self._first: dict[str, None] = {}
        """What the function under way begins with."""

    def generate(self, root: Selection) -> None:
        """Give the selections and fields of a plan the functions that a run calls."""
        self._called = called(root)
        fields = [field for one in numbered(root) for field in (*one.steps, *one.late)]
        builders = {self._builder(selection): selection for selection in self._called}
        completers = {self._completer(field): field for field in fields}
        made = self.functions("<plan>")
        for name, selection in builders.items():
            selection.build = made[name]
        for name, field in completers.items():
            field.complete = made[name]

    def _builder(self, selection: Selection) -> str:
        name = self._named("s", selection)
        with self._function(f"def {name}(v, run, above, at):"):
            x = self.variable()
            self._object(selection, "v", x, _At("above", "at"))
            self.line(f"return {x}")
        return name

    def _completer(self, field: Field) -> str:
        name = self._named("c", field)
        with (
            self._function(f"def {name}(items, found, run, failed):"),
            self.block("for item, v in zip(items, found, strict=True):"),
        ):
            with self.block("try:"):
                x = self._found(field) if field.is_found else self._field(field, "v", _NOWHERE)
                self.line(f"item[1][{field.key!r}] = {x}")
            self.line("except Exception: failed.append((item, v))")
        return name

    def _found(self, field: Field) -> str:
        self.line("if isinstance(v, Exception): raise v")
        x = self.variable()
        self.line(f"{x} = v")
        self._value(field.shape, x, _At("item", "None"))
        return x

    # ---------------------------------------------------------------- text

    @contextmanager
    def _function(self, head: str) -> Iterator[None]:
        self._first = {}
        with self.block(head):
            start = len(self._lines)
            yield
        self._lines[start:start] = [f"    {line}" for line in self._first]

    def _named(self, prefix: str, thing: Any) -> str:
        """The name under which generated source refers to the thing."""
        if thing not in self._names:
            self._names[thing] = f"{prefix}{len(self._names)}"
            self._scope[self._names[thing]] = thing
        return self._names[thing]

    # ---------------------------------------------------------------- values

    def _object(self, selection: Selection, v: str, target: str, at: "_At") -> None:
        """Build what is at hand of `v`. Of `v` and `target` one may be the other."""
        known = {field.key: self._field(field, v, at) for field in selection.at_hand}
        pairs = [f"{field.key!r}: {known.get(field.key)}" for field in selection.fields]
        text = f"{{{', '.join(pairs)}}}"
        if selection.waits:
            text = self._waiting(selection, v, text, at)
        self.line(f"{target} = {text}")

    def _waiting(self, selection: Selection, v: str, text: str, at: "_At") -> str:
        """Tell the run of the object; what is at hand below it is below the item made here."""
        x, item, waiting = self.variable(), self.variable(), f"w{selection.index}"
        self._first[f"{waiting} = run.waiting[{selection.index}].append"] = None
        self.line(f"{x} = {text}")
        self.line(f"{item} = {v}, {x}, {at.above}, {at.place}")
        self.line(f"{waiting}({item})")
        for field in selection.relations:
            self.line(f"{x}[{field.key!r}] = {self._field(field, v, _At(item, 'None'))}")
        return x

    def _field(self, field: Field, v: str, at: "_At") -> str:
        """An expression for what is answered, worked out in the lines before it."""
        if field.name == "__typename":
            return repr(field.parent)
        x, resolver = self.variable(), field.resolver
        is_leaf = isinstance(field.shape.of, Leaf)
        if resolver is not None and resolver.follows and is_leaf and not field.arguments.any:
            self._known(resolver, field, v, x)
            return x
        read = f"{v}.{field.attribute}" if resolver is None else self._call(resolver, field, v)
        self.line(f"{x} = {read}")
        self._value(field.shape, x, at)
        return x

    def _call(self, resolver: Resolver, field: Field, v: str) -> str:
        given = [v] if resolver.by_position else []
        given += [f"{name}={v}" for name in resolver.parents]
        given += [f"{resolver.info}=run.info"] if resolver.info else []
        if field.arguments.any:
            given.append(f"**run.arguments({self._named('f', field)})")
        return f"{self._named('r', resolver.call)}({', '.join(given)})"

    def _known(self, resolver: Resolver, field: Field, v: str, x: str) -> None:
        """Work out a leaf once for all parents from which the same follows; nearly always that is
        what followed for the parent before.
        """
        name, key = self._named("r", resolver.call), self.variable()
        known, last, answer = f"k{name}", f"l{name}", f"a{name}"
        self._first[f"{last} = {known} = run.known[{name}]"] = None  # no key is this dictionary
        self.line(f"{key} = {v}.{resolver.follows}")
        self.line(f"if {key} is {last}: {x} = {answer}")
        with self.block("else:"):
            self.line(f"{x} = {known}.get({key})")
            with self.block(f"if {x} is None:"):
                self.line(f"{x} = {self._call(resolver, field, v)}")
                self._value(field.shape, x, _NOWHERE)
                self.line(f"{known}[{key}] = {x}")
            self.line(f"{last}, {answer} = {key}, {x}")

    def _value(self, shape: Shape, x: str, at: "_At") -> None:
        """From the value in a variable to what is answered, in the same variable."""
        of = shape.of
        if isinstance(of, Leaf):
            self._leaf(of, x, self._named("t", _Rest(of, shape.non_null)), shape.non_null)
            return
        if shape.non_null:
            self.line(f"if {x} is None: refuse()")
            self._composite(of, x, at)
        else:
            with self.block(f"if {x} is not None:"):
                self._composite(of, x, at)

    def _leaf(self, leaf: Leaf, x: str, rest: str, non_null: bool) -> None:
        otherwise = f"else: {x} = {rest}({x})"
        if leaf.type_name in _PLAIN:
            unlike = _PLAIN[leaf.type_name].format(x=x)
            # Most are there, so whether they are is asked last.
            unlike = unlike if non_null else f"({unlike}) and {x} is not None"
            self.line(f"if {unlike}: {x} = {rest}({x})")
        elif leaf.serialize is rfc3339:
            # What rfc3339 says, in a third of the time.
            utc = f"{x}.__class__ is datetime and {x}.tzinfo is UTC"
            self.line(f"if {utc}: {x} = dumps({x}, None, utc_z)[1:-1].decode()")
            self.line(otherwise)
        elif leaf.serialize is str:
            other = f"str({x}) if {x}.__class__ is Decimal else {rest}({x})"
            self.line(f"if {x}.__class__ is not str: {x} = {other}")
        elif leaf.members:
            self.line(f"if {x}.__class__ is {self._named('E', leaf.members)}: {x} = {x}._name_")
            self.line(otherwise)
        else:
            self.line(f"{x} = {rest}({x})")

    def _composite(self, of: Many | Objects, x: str, at: "_At") -> None:
        if isinstance(of, Many):
            self._list(of, x, at)
            return
        called = f"({x}, run, {at.above}, {at.place})"
        if not of.is_exact:
            self.line(f"{x} = {self._named('o', of)}.by_class[{x}.__class__].build{called}")
            return
        (selection,) = of.selections.values()
        if selection in self._called:
            self.line(f"{x} = {self._named('s', selection)}{called}")
        else:
            self._object(selection, x, x, at)

    def _list(self, of: Many, x: str, at: "_At") -> None:
        self.line(f"if {x}.__class__ is not tuple and {x}.__class__ is not list: refuse()")
        found, item = self.variable(), self.variable()
        head = f"for {item} in {x}:"
        if has_steps(of.item):
            if isinstance(of.item.of, Many):
                raise Unplanned("what waits in lists of lists")
            i = self.variable()
            head, at = f"for {i}, {item} in enumerate({x}):", _At(at.above, i)
        self.line(f"{found} = []")
        with self.block(head):
            self._value(of.item, item, at)
            self.line(f"{found}.append({item})")
        self.line(f"{x} = {found}")


def called(root: Selection) -> dict[Selection, None]:
    """The selections that have functions of their own; the others are part of those, or of what
    completes a step.
    """
    found = {root: None}

    def walk(selection: Selection, depth: int) -> None:
        for field in selection.fields:
            of = objects(field.shape)
            if of is None:
                continue
            above = 0 if field.is_step else depth
            for inner in of.selections.values():
                own = not of.is_exact or above == MAX_DEPTH
                if own:
                    found[inner] = None
                walk(inner, 1 if own else above + 1)

    walk(root, 1)
    return found


class _At(NamedTuple):
    """Expressions for the item above a value, and for its index in a list."""

    above: str
    place: str


_NOWHERE: Final = _At("None", "None")
"""Of what nothing waits for."""


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
