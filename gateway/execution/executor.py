"""The port of the executor, and the one that every other is measured by."""

from inspect import isawaitable
from math import inf
from typing import Any, Protocol

from graphql import ExecutionResult, execute
from graphql.execution.values import VariableValues
from strawberry import Schema
from strawberry.execution import optimized_is_awaitable

from domain.waiting import before, in_task
from gateway.documents import Prepared


class Executor(Protocol):
    """Runs an operation whose limits have been judged. Variables are as the caller sent them."""

    async def run(
        self,
        prepared: Prepared,
        variables: dict[str, Any],
        context: object,
        values: VariableValues | None = None,
        until: float = inf,
    ) -> ExecutionResult:
        """`values` are the variables coerced, where that has been done. Raises TimeoutError at
        `until`, in seconds of the event loop's clock.
        """
        ...


class ReferenceExecutor:
    """graphql-core, called as Strawberry calls it. `Schema.execute` would parse, validate and word
    errors a second time: those are the gateway's own.
    """

    def __init__(self, schema: Schema, hide_suggestions: bool) -> None:
        self._schema = schema._schema  # Strawberry has no other name for it
        self._executor_class = schema.execution_context_class
        self._hide_suggestions = hide_suggestions

    async def run(
        self,
        prepared: Prepared,
        variables: dict[str, Any],
        context: object,
        values: VariableValues | None = None,
        until: float = inf,
    ) -> ExecutionResult:
        await in_task()
        with before(until):
            result = execute(
                self._schema,
                prepared.document,
                variable_values=variables,
                operation_name=prepared.name,
                context_value=context,
                executor_class=self._executor_class,
                is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]  # typed as a plain bool
                hide_suggestions=self._hide_suggestions,
            )
            if isawaitable(result):
                return await result
        return result
