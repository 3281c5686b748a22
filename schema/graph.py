"""The graph, built from its types."""

from collections.abc import Callable, Iterable
from typing import Final

from graphql import GraphQLError
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

import schema.enums  # noqa: F401  # registers the enumerations the types below speak of
from schema.entities import FederatedSchema
from schema.errors import CodedErrors
from schema.execution import Execution
from schema.interaction import Call, Visit
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS, Long
from schema.subscription import Subscription

FEDERATION: Final = "2.7"
"""Both composition libraries know it, and nothing newer is used."""

Extension = type[SchemaExtension] | Callable[[], SchemaExtension]


class Graph(FederatedSchema):
    """The product's graph. `_schema` is graphql-core's; run it with `execution_context_class`."""

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Strawberry would log every error with its text, which may quote a customer."""


def build_schema(
    extensions: Iterable[Extension] = (), config: StrawberryConfig | None = None
) -> Graph:
    """Ready to execute with an `Operation` as context."""
    return Graph(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[Long, Call, Visit],
        extensions=[*extensions, CodedErrors],
        execution_context_class=Execution,
        config=config or StrawberryConfig(),
        scalar_overrides=dict(SCALARS),
        federation_version=FEDERATION,
    )


def sdl() -> str:
    """What partners generate code from, without the federation's own fields."""
    return build_schema().as_str().rstrip() + "\n"
