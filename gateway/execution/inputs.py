"""Variables of plain types, coerced in a fraction of the time.

graphql-core looks at a type anew for each value and Strawberry once more; for the fifty keys of a
list that is a quarter of the whole request. Here each type becomes a function once. It knows values
that are exactly as they should be and raises Uncommon for all others, which are the libraries' to
judge: nothing is refused here.
"""

from collections.abc import Callable, Iterable
from dataclasses import MISSING
from typing import Any

from graphql import (
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
from strawberry import ID
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import (
    StrawberryList,
    StrawberryObjectDefinition,
    StrawberryOptional,
    StrawberryType,
    has_object_definition,
)

Coerce = Callable[[Any], Any]

_CLASSES = {"String": str, "ID": str, "Boolean": bool}


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
        self._known: list[tuple[GraphQLVariableSignature, Coerce, bool]] = []
        for definition in definitions:
            signature = get_variable_signature(schema, definition)
            kind = type_from_ast(schema, definition.type)
            if not isinstance(signature, GraphQLVariableSignature) or definition.default_value:
                raise Uncommon
            self._known.append((signature, _coercer(kind), is_non_null_type(kind)))  # type: ignore[arg-type]

    def coerced(self, given: dict[str, Any]) -> VariableValues | None:
        """What graphql-core makes of them; None where only it knows."""
        try:
            return self._coerced(given)
        except Uncommon:
            return None

    def _coerced(self, given: dict[str, Any]) -> VariableValues:
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for signature, coerce, needed in self._known:
            name = signature.name
            if name in given:
                sources[name] = VariableValueSource(signature, given[name])
                coerced[name] = coerce(given[name])
            elif needed:
                raise Uncommon
            else:
                sources[name] = VariableValueSource(signature)
        return VariableValues(sources, coerced)


def _coercer(kind: GraphQLInputType) -> Coerce:
    if is_non_null_type(kind):
        inner = _coercer(kind.of_type)

        def needed(value: Any) -> Any:
            if value is None:
                raise Uncommon
            return inner(value)

        return needed
    if is_list_type(kind):
        return _list(_coercer(kind.of_type))
    if is_input_object_type(kind):
        return _object(kind)
    if is_scalar_type(kind) and kind.name in _CLASSES:
        return _exactly(_CLASSES[kind.name])
    raise Uncommon


def _exactly(cls: type) -> Coerce:
    def plain(value: Any) -> Any:
        if value is None or value.__class__ is cls:
            return value
        raise Uncommon

    return plain


def _list(item: Coerce) -> Coerce:
    def many(value: Any) -> Any:
        if value is None:
            return None
        if value.__class__ is not list:
            raise Uncommon
        return [item(one) for one in value]

    return many


def _object(kind: GraphQLInputObjectType) -> Coerce:
    fields = kind.fields
    if any(f.default_value is not Undefined or f.default is not None for f in fields.values()):
        raise Uncommon
    declared = kind.extensions.get("strawberry-definition")
    if not isinstance(declared, StrawberryObjectDefinition):
        raise Uncommon
    if kind.out_type is not GraphQLInputObjectType.out_type and not declared.is_one_of:
        raise Uncommon
    known = {name: (field.out_name or name, _coercer(field.type)) for name, field in fields.items()}
    needed = {name for name, field in fields.items() if is_non_null_type(field.type)}
    only_one = kind.is_one_of or declared.is_one_of

    def whole(value: Any) -> Any:
        if value is None:
            return None
        if value.__class__ is not dict or not needed <= value.keys():
            raise Uncommon
        if only_one and (len(value) != 1 or None in value.values()):
            raise Uncommon
        made: dict[str, Any] = {}
        for name, one in value.items():
            entry = known.get(name)
            if entry is None:
                raise Uncommon
            made[entry[0]] = entry[1](one)
        return made

    return whole


def converter(kind: StrawberryType | type, config: StrawberryConfig) -> Coerce:
    """What Strawberry makes of a coerced value of the type. Raises Uncommon."""
    if type(kind) is StrawberryOptional:
        return converter(kind.of_type, config)
    if type(kind) is StrawberryList:
        return _list(converter(kind.of_type, config))
    if kind in (str, bool, int, float, ID):
        return _as_it_is
    if not has_object_definition(kind):
        raise Uncommon
    definition = kind.__strawberry_definition__
    if definition.from_input is not None or not definition.is_input:
        raise Uncommon
    return _instance(kind, definition, config)


def _as_it_is(value: Any) -> Any:
    return value


def _instance(
    kind: Callable[..., Any], definition: StrawberryObjectDefinition, config: StrawberryConfig
) -> Coerce:
    fields = {
        config.name_converter.from_field(field): (
            field.python_name,
            converter(field.resolve_type(type_definition=definition), config),
        )
        for field in definition.fields
    }
    unsaid = {
        field.python_name: None
        for field in definition.fields
        if field.default_value is MISSING and field.default_factory is MISSING
    }

    def made(value: Any) -> Any:
        if value is None:
            return None
        given: dict[str, Any] = dict(unsaid)
        for name, one in value.items():
            python_name, convert = fields[name]
            given[python_name] = convert(one)
        return kind(**given)

    return made
