"""Any system with a GraphQL API, described by configuration alone."""

from collections.abc import Mapping
from typing import Any

from connectors.graphql.transport import GraphQL
from connectors.mapped import compose as mapped
from connectors.mapped.example import example


def compose(values: Mapping[str, Any]) -> mapped.Composed:
    """What the mapping of a source makes. Raises MappingError."""
    return mapped.compose(GraphQL(), values)


SPEC = compose(example(__name__)).spec
"""Of the worked example beside this file: the contract suite is run on it."""

__all__ = ["SPEC", "compose"]
