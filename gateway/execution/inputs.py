"""Variables of plain types, coerced in a fraction of the time.

graphql-core looks at a type anew for each value and Strawberry once more; for the fifty keys of a
list that is a quarter of the whole request. Here each type becomes a function once, written out so
that nothing is called for a value within a list or an object. It knows values that are exactly as
they should be and raises Uncommon for all others, which are the libraries' to judge: nothing is
refused here.

    def coerce(x0):                           # [CustomerKey!]!
        if x0.__class__ is not list: raise Uncommon
        x1 = []
        for x2 in x0:
            if x2.__class__ is not dict or len(x2) != 1: raise Uncommon
            ((x3, x4),) = x2.items()
            if x3 in g5: ...
            x1.append(x2)
        return x1
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from weakref import WeakKeyDictionary

from graphql import (
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    VariableDefinitionNode,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_scalar_type,
    type_from_ast,
)
from graphql.execution.get_variable_signature import (
    GraphQLVariableSignature,
    get_variable_signature,
)
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.pyutils import Undefined
from strawberry.types.base import StrawberryObjectDefinition

from gateway.execution.written import Written

Coerce = Callable[[Any], Any]

MAX_NESTING: Final = 6
"""Of lists and objects in each other; Python allows 20 blocks, and callers write lists of lists."""
MAX_TYPES: Final = 256

_CLASSES = {"String": "str", "ID": "str", "Boolean": "bool"}
_made: WeakKeyDictionary[GraphQLSchema, dict[str, Coerce]] = WeakKeyDictionary()
_tuple = tuple.__new__
"""Makes a named tuple without the function its class has for it."""


def known_variables(
    schema: GraphQLSchema, definitions: Iterable[VariableDefinitionNode]
) -> "Variables | None":
    """None where only the library knows the types."""
    try:
        return Variables(schema, definitions)
    except Uncommon:
        return None


class Uncommon(Exception):
    """Only the library knows what becomes of the value."""


class Variables:
    """The variables of one operation."""

    def __init__(
        self, schema: GraphQLSchema, definitions: Iterable[VariableDefinitionNode]
    ) -> None:
        """Raises Uncommon where one is of a type that is not known here."""
        self._known: list[tuple[str, GraphQLVariableSignature, Coerce, bool]] = []
        self.have_sizes = False
        """One of them may be a number, a switch, a list or null: all that a cost depends on."""
        for definition in definitions:
            signature = get_variable_signature(schema, definition)
            kind: Any = type_from_ast(schema, definition.type)
            if not isinstance(signature, GraphQLVariableSignature) or definition.default_value:
                raise Uncommon
            needed = is_non_null_type(kind)
            self.have_sizes |= not needed or not _is_opaque(kind.of_type)
            self._known.append((signature.name, signature, coercer(schema, kind), needed))

    def coerced(self, given: Mapping[str, Any]) -> VariableValues | None:
        """What graphql-core makes of them; None where only it knows."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        try:
            for name, signature, coerce, needed in self._known:
                if name in given:
                    value = given[name]
                    coerced[name] = coerce(value)
                    sources[name] = _tuple(VariableValueSource, (signature, value))
                elif needed:
                    return None
                else:
                    sources[name] = VariableValueSource(signature)
        except Uncommon:
            return None
        return _tuple(VariableValues, (sources, coerced))


def _is_opaque(kind: GraphQLInputType) -> bool:
    return is_input_object_type(kind) or (is_scalar_type(kind) and kind.name in ("ID", "String"))


def coercer(schema: GraphQLSchema, kind: GraphQLInputType) -> Coerce:
    """What graphql-core makes of a value of the type. Raises Uncommon, as it does itself."""
    known = _made.setdefault(schema, {})
    name = str(kind)
    if name not in known:
        if len(known) >= MAX_TYPES:
            known.clear()
        known[name] = _Coercer().function(kind)
    return known[name]


class _Coercer:
    """Writes the function of one type. Each part changes the value in a variable in its place."""

    def __init__(self) -> None:
        self._text = Written(Uncommon=Uncommon)
        self._nesting = 0

    def function(self, kind: GraphQLInputType) -> Coerce:
        text = self._text
        x = text.variable()
        with text.block(f"def coerce({x}):"):
            self._value(kind, x)
            text.line(f"return {x}")
        coerce: Coerce = text.function("coerce", f"<coerce {kind}>")
        return coerce

    def _value(self, kind: GraphQLInputType, x: str) -> None:
        if is_non_null_type(kind):
            self._present(kind.of_type, x)
            return
        with self._text.block(f"if {x} is not None:"):
            self._present(kind, x)

    def _present(self, kind: GraphQLInputType, x: str) -> None:
        """A value that must not be null: no class that is looked for is that of None."""
        if is_scalar_type(kind) and kind.name in _CLASSES:
            self._unless(f"{x}.__class__ is {_CLASSES[kind.name]}")
            return
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise Uncommon
        if is_list_type(kind):
            self._list(kind.of_type, x)
        elif is_input_object_type(kind):
            self._object(kind, x)
        else:
            raise Uncommon
        self._nesting -= 1

    def _unless(self, condition: str) -> None:
        self._text.line(f"if not ({condition}): raise Uncommon")

    def _list(self, item: GraphQLInputType, x: str) -> None:
        self._unless(f"{x}.__class__ is list")
        with self._text.list_of(x) as one:
            self._value(item, one)

    def _object(self, kind: GraphQLInputObjectType, x: str) -> None:
        fields = kind.fields
        if any(f.default_value is not Undefined or f.default is not None for f in fields.values()):
            raise Uncommon
        declared = kind.extensions.get("strawberry-definition")
        if not isinstance(declared, StrawberryObjectDefinition):
            raise Uncommon
        if kind.out_type is not GraphQLInputObjectType.out_type and not declared.is_one_of:
            raise Uncommon
        if kind.is_one_of or declared.is_one_of:
            self._one_of(fields, x)
        else:
            self._all_of(fields, x)

    def _one_of(self, fields: Mapping[str, GraphQLInputField], x: str) -> None:
        """Exactly one, which is not null."""
        text = self._text
        self._unless(f"{x}.__class__ is dict and len({x}) == 1")
        name, one = text.variable(), text.variable()
        text.line(f"(({name}, {one}),) = {x}.items()")
        texts = {n: f.out_name or n for n, f in fields.items() if str(f.type) in ("String", "ID")}
        outs = text.named(texts)
        with text.block(f"if {name} in {outs}:"):
            self._unless(f"{one}.__class__ is str")
            text.line(f"{x} = {{{outs}[{name}]: {one}}}")
        for other, field in fields.items():
            if other not in texts:
                with text.block(f"elif {name} == {other!r}:"):
                    of = field.type
                    self._present(of.of_type if is_non_null_type(of) else of, one)
                    text.line(f"{x} = {{{field.out_name or other!r}: {one}}}")
        text.line("else: raise Uncommon")

    def _all_of(self, fields: Mapping[str, GraphQLInputField], x: str) -> None:
        text = self._text
        names = text.named(frozenset(fields))
        self._unless(f"{x}.__class__ is dict and {x}.keys() <= {names}")
        made = text.variable()
        text.line(f"{made} = {{}}")
        for name, field in fields.items():
            one = text.variable()
            if is_non_null_type(field.type):
                text.line(f"{one} = {x}.get({name!r})")
                self._value(field.type, one)
                text.line(f"{made}[{field.out_name or name!r}] = {one}")
                continue
            with text.block(f"if {name!r} in {x}:"):
                text.line(f"{one} = {x}[{name!r}]")
                self._value(field.type, one)
                text.line(f"{made}[{field.out_name or name!r}] = {one}")
        text.line(f"{x} = {made}")
