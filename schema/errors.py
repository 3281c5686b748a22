"""Errors as clients see them: a stable code, the source at fault, and nothing of our insides."""

import logging
from collections.abc import Iterator
from typing import Any

from graphql import ExecutionResult, GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.types import ExecutionResult as StrawberryResult

from domain.errors import GatewayError, InputError, SourceError, SourceRateLimited
from resolvers.operation import Operation, Problem

logger = logging.getLogger(__name__)

MASKED = "something went wrong here"


def extensions(error: GatewayError) -> dict[str, Any]:
    """`code`, and for a source `system` and how long it wants to be left alone."""
    said: dict[str, Any] = {"code": error.code}
    if isinstance(error, SourceError):
        said["system"] = error.source
    if isinstance(error, SourceRateLimited) and error.retry_after_s is not None:
        said["retryAfterMs"] = round(error.retry_after_s * 1000)
    return said


def coded(error: GraphQLError) -> GraphQLError:
    """The error with its code. One of GraphQL itself is the caller's to mend; what nobody expected
    is masked, and logged without its text, which may quote a customer.
    """
    cause = _cause(error)
    if isinstance(cause, GatewayError):
        return _told(error, str(cause), extensions(cause))
    if cause is None:
        return _told(error, error.message, {"code": InputError.code, **(error.extensions or {})})
    logger.error("internal_error", extra={"fields": {"error": type(cause).__qualname__}})
    return _told(error, MASKED, {"code": GatewayError.code})


def of_problem(problem: Problem) -> GraphQLError:
    """What a source left out of an answer that has no error of its own to say so."""
    return GraphQLError(
        str(problem.error), path=list(problem.path), extensions=extensions(problem.error)
    )


def _cause(error: GraphQLError) -> BaseException | None:
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause


def _told(error: GraphQLError, message: str, said: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        original_error=error.original_error,
        extensions=said,
    )


class CodedErrors(SchemaExtension):
    """Gives every error of an operation its code, and the sources' problems their errors, where the
    graph is executed by Strawberry itself.
    """

    def on_operation(self) -> Iterator[None]:
        yield
        result = self.execution_context.result
        if not isinstance(result, ExecutionResult | StrawberryResult):
            return
        errors = [coded(error) for error in result.errors or ()]
        context = self.execution_context.context
        if isinstance(context, Operation):
            errors += [of_problem(problem) for problem in context.problems]
        result.errors = errors or None
