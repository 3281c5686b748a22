"""The executor that compiles what it sees twice."""

from collections import OrderedDict
from collections.abc import Coroutine
from math import inf
from typing import Any, Final, TypeVar

from graphql import (
    DirectiveNode,
    ExecutionResult,
    FragmentDefinitionNode,
    GraphQLIncludeDirective,
    GraphQLSkipDirective,
    VariableNode,
    Visitor,
    get_variable_values,
    visit,
)
from graphql.execution.values import VariableValues
from strawberry import Schema

from gateway.documents import Prepared
from gateway.execution.compiler import Compiler, Plan
from gateway.execution.executor import Executor
from gateway.execution.fields import Unplanned
from gateway.execution.together import Together, alone
from resolvers.operation import Operation

K = TypeVar("K")
V = TypeVar("V")

MAX_PLANS: Final = 512
"""A plan takes about 1 KB for each of its fields."""
_UNSEEN: Final[Any] = object()

Variant = tuple[Prepared, tuple[object, ...]]
"""An operation with the values on which it depends what is in it."""


class PlannedExecutor:
    """Runs an operation seen before as a plan; the first time, and whatever a plan does not know,
    by the reference executor.
    """

    def __init__(self, schema: Schema, reference: Executor, hide_suggestions: bool) -> None:
        self._schema = schema._schema  # Strawberry has no other name for it
        self._reference = reference
        self._hide_suggestions = hide_suggestions
        self._compiler = Compiler(schema, hide_suggestions)
        self._conditions: _Bounded[Prepared, tuple[str, ...] | None] = _Bounded(MAX_PLANS)
        self._plans: _Bounded[Variant, Plan | None] = _Bounded(MAX_PLANS)
        self._seen: _Bounded[Variant, None] = _Bounded(2 * MAX_PLANS)
        self._together = Together()

    def run(
        self,
        prepared: Prepared,
        variables: dict[str, Any],
        context: object,
        values: VariableValues | None = None,
        until: float = inf,
    ) -> Coroutine[Any, Any, ExecutionResult]:
        """Not itself a coroutine: each wait below would be resumed through it."""
        if values is None:
            values = self._values(prepared, variables)
        plan = None if values is None else self._plan(prepared, values)
        if plan is None or values is None:
            return self._reference.run(prepared, variables, context, None, until)
        if plan.sharing is not None and isinstance(context, Operation):
            return self._together.run(plan, values, context, until)
        return alone(plan, values, context, until)

    def _values(self, prepared: Prepared, variables: dict[str, Any]) -> VariableValues | None:
        """None where they are refused, which is the reference executor's to say."""
        known = prepared.variables.coerced(variables) if prepared.variables else None
        if known is not None:
            return known
        definitions = prepared.operation.variable_definitions or ()
        values = get_variable_values(
            self._schema, definitions, variables, hide_suggestions=self._hide_suggestions
        )
        return None if isinstance(values, list) else values

    def _plan(self, prepared: Prepared, values: VariableValues) -> Plan | None:
        """None for what is seen for the first time, or is not for plans."""
        try:
            names = self._conditions[prepared]
            self._conditions.move_to_end(prepared)
        except KeyError:
            names = conditions(prepared)
            self._conditions.hold(prepared, names)
        if names is None:
            return None
        variant = prepared, tuple(map(values.coerced.get, names)) if names else ()
        found: Plan | None = self._plans.get(variant, _UNSEEN)
        if found is not _UNSEEN:
            self._plans.move_to_end(variant)
            return found
        if variant not in self._seen:
            self._seen.hold(variant, None)
            return None
        plan = self._compiled(prepared, values)
        self._plans.hold(variant, plan)
        return plan

    def _compiled(self, prepared: Prepared, values: VariableValues) -> Plan | None:
        try:
            return self._compiler.plan(prepared, values)
        except Unplanned:
            return None


def conditions(prepared: Prepared) -> tuple[str, ...] | None:
    """Names of the variables on which it depends what is in an operation; None for an operation
    with directives a plan does not know.
    """
    finder = _Directives()
    for node in (prepared.operation, *prepared.fragments.values()):
        visit(node, finder)
    return None if finder.is_foreign else tuple(sorted(finder.variables))


class _Directives(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.is_foreign = False

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: object) -> None:
        self.is_foreign |= bool(node.variable_definitions)

    def enter_directive(self, node: DirectiveNode, *_: object) -> None:
        known = {GraphQLSkipDirective.name, GraphQLIncludeDirective.name}
        self.is_foreign |= node.name.value not in known
        for argument in node.arguments or ():
            if isinstance(argument.value, VariableNode):
                self.variables.add(argument.value.name.value)


class _Bounded(OrderedDict[K, V]):
    """Holds so many entries; the one unused for longest goes first, if each use moves to the end.
    It is read without a function of ours, since every request does.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def hold(self, key: K, value: V) -> None:
        self[key] = value
        self.move_to_end(key)
        if len(self) > self._most:
            self.popitem(last=False)
