"""Variables coerced the short way are what the library makes of them, or are left to it."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_variable_values, parse

from gateway.execution.inputs import Variables, known_variables
from schema.graph import build_schema

SCHEMA = build_schema()._schema
KEY = "query ($by: CustomerKey!) { __typename }"
KEYS = "query ($by: [CustomerKey!]!) { __typename }"
WORDS = "query ($by: [String], $yes: Boolean!) { __typename }"

TAKEN: list[tuple[str, dict[str, Any]]] = [
    (KEY, {"by": {"email": "a@example.com"}}),
    (KEY, {"by": {"external": {"system": "crm", "externalId": "c1"}}}),
    (KEYS, {"by": [{"id": "cus_1"}, {"handle": {"platform": "x", "handle": "bob"}}]}),
    (KEYS, {"by": []}),
    (WORDS, {"by": ["a", None], "yes": True}),
    (WORDS, {"by": None, "yes": False}),
    (WORDS, {"yes": True}),
]
LEFT: list[tuple[str, dict[str, Any]]] = [
    (KEY, {}),
    (KEY, {"by": None}),
    (KEY, {"by": {}}),
    (KEY, {"by": {"email": None}}),
    (KEY, {"by": {"email": "a@example.com", "phone": "1"}}),
    (KEY, {"by": {"email": 7}}),
    (KEY, {"by": {"id": 7}}),
    (KEY, {"by": {"nothing": "x"}}),
    (KEY, {"by": {"external": {"system": "crm"}}}),
    (KEY, {"by": "a@example.com"}),
    (KEYS, {"by": {"id": "cus_1"}}),
    (KEYS, {"by": [None]}),
    (WORDS, {"by": "one", "yes": True}),
    (WORDS, {"by": [], "yes": "true"}),
]


def _both(text: str, given: dict[str, Any]) -> tuple[Any, Any]:
    (operation,) = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    definitions = operation.variable_definitions or ()
    known = Variables(SCHEMA, definitions).coerced(given)
    return known, get_variable_values(SCHEMA, definitions, given)


@pytest.mark.parametrize(("text", "given"), TAKEN)
def test_values_as_they_should_be_are_taken(text: str, given: dict[str, Any]) -> None:
    known, library = _both(text, given)
    assert known.coerced == library.coerced
    given_values = {name: source.value for name, source in library.sources.items()}
    assert {name: source.value for name, source in known.sources.items()} == given_values


@pytest.mark.parametrize(("text", "given"), LEFT)
def test_everything_else_is_left_to_the_library(text: str, given: dict[str, Any]) -> None:
    known, _ = _both(text, given)
    assert known is None


@pytest.mark.parametrize(
    "text",
    [
        "query ($at: OrderFilter) { __typename }",
        "query ($fresh: Freshness) { __typename }",
        "query ($n: Int) { __typename }",
        'query ($by: String = "x") { __typename }',
    ],
)
def test_types_with_a_mind_of_their_own_are_left_to_the_library(text: str) -> None:
    (operation,) = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert known_variables(SCHEMA, operation.variable_definitions or ()) is None
