"""From an operation to a plan: which fields there are is graphql-core's to say, what each of them
is the schema's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from graphql import (
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLUnionType,
    is_enum_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues
from graphql.type import TypeNameMetaFieldDef
from strawberry import Schema

from domain.sources import Fields
from gateway.documents import Prepared
from gateway.execution.fields import Arguments, Unplanned, declared, resolver
from gateway.execution.shapes import (
    Field,
    Leaf,
    Many,
    Objects,
    Selection,
    Shape,
)
from gateway.execution.sharing import Sharing, sharing
from gateway.execution.source import Source, members_of
from gateway.execution.turns import asks_at_once
from schema.execution import LATE_FIELDS
from schema.selection import selected

MAX_FIELDS: Final = 5_000
"""Fields of a plan, those of every type an abstract one may be among them. Compiling takes about
30 us for each, and is done in the event loop.
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an operation comes to, and what it reads of each type."""

    root: Selection
    wanted: Mapping[str, Fields]
    at_once: bool
    """See `gateway.execution.turns`."""
    sharing: Sharing | None
    """Where requests may share a run of it."""


class Compiler:
    """Compiles operations on one schema."""

    def __init__(self, schema: Schema, hide_suggestions: bool) -> None:
        self._schema = schema
        self._hide_suggestions = hide_suggestions
        self._known: dict[str, dict[type, str]] = {}
        """By the name of a type what its values are, by their class."""
        if schema.schema_converter.exception_handlers:
            raise Unplanned("resolvers whose exceptions become values")

    def plan(self, prepared: Prepared, variables: VariableValues) -> Plan:
        """For the values that `@skip` and `@include` have in these variables. Raises Unplanned."""
        work = _Compilation(self._schema, self._hide_suggestions, self._known, prepared, variables)
        root = work.root()
        Source().generate(root)
        wanted = selected(self._schema._schema, prepared.operation, prepared.fragments, variables)
        at_once = asks_at_once(root)
        return Plan(root, wanted, at_once, sharing(root, prepared) if at_once else None)


class _Compilation:
    """The work on one operation."""

    def __init__(
        self,
        schema: Schema,
        hide_suggestions: bool,
        known: dict[str, dict[type, str]],
        prepared: Prepared,
        variables: VariableValues,
    ) -> None:
        self._strawberry = schema
        self._schema = schema._schema  # Strawberry has no other name for it
        self._hide_suggestions = hide_suggestions
        self._known = known
        self._prepared = prepared
        self._variables = variables
        self._fields = 0

    def root(self) -> Selection:
        kind = self._schema.query_type
        if kind is None or not self._prepared.is_query:
            raise Unplanned("not a query")
        collected = collect_fields(
            self._schema,
            _details(self._prepared.fragments),
            self._variables,
            kind,
            self._prepared.operation,
            self._hide_suggestions,
        )
        return self._selection(kind, collected.grouped_field_set)

    def _selection(self, kind: GraphQLObjectType, grouped: GroupedFieldSet) -> Selection:
        return Selection(kind, [self._field(kind, key, found) for key, found in grouped.items()])

    def _field(self, kind: GraphQLObjectType, key: str, details: list[FieldDetails]) -> Field:
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise Unplanned("too many fields")
        node = details[0].node
        name = node.name.value
        field = self._schema.get_field(kind, name)
        if field is None or (name.startswith("__") and name != "__typename"):
            raise Unplanned("introspection")
        found = None if field is TypeNameMetaFieldDef else declared(field)
        made = Field(
            key=key,
            name=name,
            parent=kind.name,
            shape=self._shape(field.type, details),
            nodes=[one.node for one in details],
            attribute=found.python_name if found else name,
            resolver=resolver(found) if found else None,
            arguments=self._arguments(field, details),
            is_late=name in LATE_FIELDS.get(kind.name, ()),
        )
        if made.is_late and made.waits:
            raise Unplanned("a late field that waits")
        return made

    def _arguments(self, field: GraphQLField, details: list[FieldDetails]) -> Arguments:
        return Arguments(self._strawberry, field, details[0].node, self._hide_suggestions)

    def _shape(self, kind: GraphQLOutputType, details: list[FieldDetails]) -> Shape:
        if is_non_null_type(kind):
            return Shape(self._shape(kind.of_type, details).of, non_null=True)
        if is_list_type(kind):
            return Shape(Many(self._shape(kind.of_type, details)), non_null=False)
        if is_leaf_type(kind):
            return Shape(_leaf(kind), non_null=False)
        return Shape(self._objects(kind, details), non_null=False)  # type: ignore[arg-type]

    def _objects(
        self,
        kind: GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType,
        details: list[FieldDetails],
    ) -> Objects:
        exact = is_object_type(kind)
        kinds = [kind] if exact else self._schema.get_possible_types(kind)  # type: ignore[arg-type]
        if not exact and not all(one.is_type_of for one in kinds):  # type: ignore[union-attr]
            raise Unplanned("types that cannot be told apart")
        return Objects(
            name=kind.name,
            selections={one.name: self._subfields(one, details) for one in kinds},  # type: ignore[arg-type]
            is_exact=exact,
            known=self._known.setdefault(kind.name, {}),
        )

    def _subfields(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> Selection:
        collected = collect_subfields(
            self._schema,
            _details(self._prepared.fragments),
            self._variables,
            self._prepared.operation,
            kind,
            details,
            self._hide_suggestions,
        )
        return self._selection(kind, collected.grouped_field_set)


def _details(fragments: Mapping[str, FragmentDefinitionNode]) -> dict[str, FragmentDetails]:
    return {name: FragmentDetails(definition) for name, definition in fragments.items()}


def _leaf(kind: GraphQLLeafType) -> Leaf:
    members = members_of(kind) if is_enum_type(kind) else None
    return Leaf(kind.name, kind.coerce_output_value, members)
