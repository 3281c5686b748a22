"""How graphql-core executes this graph.

Two things it would not do by itself. The operation learns what is read of each type before
anything is resolved. And the fields of a customer that speak of its others (`completeness`,
`sources`) are resolved when those, with all that is selected in them, are done: they wait for
nothing by themselves, so nothing can wait for ever, and a compiled plan needs the same one rule:
last among their siblings.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from graphql import GraphQLObjectType
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from resolvers.operation import Operation
from schema.selection import selected

LATE_FIELDS: Mapping[str, frozenset[str]] = {"Customer": frozenset({"completeness", "sources"})}
"""By type, the fields that are resolved after their siblings."""
Fields = dict[str, Any]
"""Field details by response name, or what they came to."""


class Execution(StrawberryGraphQLCoreExecutionContext):
    """Handed to `graphql.execute` as `executor_class` (`Schema.execution_context_class`)."""

    def execute_operation(self, *args: Any, **kwargs: Any) -> Any:
        context = self.context_value
        if isinstance(context, Operation):
            context.wanted = selected(
                self.schema, self.operation, self.fragment_definitions, self.variable_values
            )
        return super().execute_operation(*args, **kwargs)

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Any,
        grouped_field_set: Fields,
        position_context: Any,
    ) -> Any:
        def run(fields: Fields) -> Any:
            return execute_fields(parent_type, source_value, path, fields, position_context)

        execute_fields = super().execute_fields
        names = LATE_FIELDS.get(parent_type.name)
        if names is None:
            return run(grouped_field_set)
        late = {key: field for key, field in grouped_field_set.items() if _name(field) in names}
        early = run({key: one for key, one in grouped_field_set.items() if key not in late})
        if self.is_awaitable(early):
            return self._in_turn(early, lambda: run(late), grouped_field_set)
        return _in_order(grouped_field_set, early | run(late))

    async def _in_turn(
        self, early: Awaitable[Fields], late: Callable[[], Any], order: Fields
    ) -> Fields:
        done = await early
        rest = late()
        return _in_order(order, done | (await rest if self.is_awaitable(rest) else rest))


def _name(details: Any) -> str:
    name: str = details[0].node.name.value
    return name


def _in_order(order: Fields, results: Fields) -> Fields:
    """An answer has its fields in the order in which they were asked for."""
    return {key: results[key] for key in order if key in results}
