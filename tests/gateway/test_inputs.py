"""Variables coerced the short way are what the library makes of them, or are left to it."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_variable_values, parse

from gateway.execution import inputs
from gateway.execution.inputs import Variables, known_variables
from schema.graph import build_schema

SCHEMA = build_schema()._schema
KEY = "query ($by: CustomerKey!) { __typename }"
KEYS = "query ($by: [CustomerKey!]!) { __typename }"
WORDS = "query ($by: [String], $yes: Boolean!) { __typename }"
VERSIONS = "query ($by: [[HandleInput!]]!) { __typename }"

TAKEN: list[tuple[str, dict[str, Any]]] = [
    (KEY, {"by": {"email": "a@example.com"}}),
    (KEY, {"by": {"external": {"system": "crm", "externalId": "c1"}}}),
    (KEYS, {"by": [{"id": "cus_1"}, {"handle": {"platform": "x", "handle": "bob"}}]}),
    (KEYS, {"by": []}),
    (WORDS, {"by": ["a", None], "yes": True}),
    (WORDS, {"by": None, "yes": False}),
    (WORDS, {"yes": True}),
    (WORDS, {"yes": True, "more": 1}),
    (VERSIONS, {"by": [None, [], [{"handle": "b", "platform": "x"}]]}),
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
    (KEY, {"by": {"handle": None}}),
    (KEY, {"by": {"external": {"system": "crm", "externalId": None}}}),
    (KEY, {"by": {"external": {"system": "crm", "externalId": "c1", "more": "x"}}}),
    (KEY, {"by": {"external": {"system": "crm", "externalId": 7}}}),
    (VERSIONS, {"by": [[None]]}),
    (VERSIONS, {"by": [[{}]]}),
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
        f"query ($by: {'[' * 30}String{']' * 30}) {{ __typename }}",
    ],
)
def test_types_with_a_mind_of_their_own_are_left_to_the_library(text: str) -> None:
    (operation,) = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert known_variables(SCHEMA, operation.variable_definitions or ()) is None


def test_types_are_remembered_within_bounds() -> None:
    texts = ["String", "ID", "Boolean"]
    for _ in range(inputs.MAX_NESTING):
        texts = [f"[{text}]{needed}" for text in texts for needed in ("", "!")]
    texts += [text.replace("]", "!]", 1) for text in texts]
    assert len(set(texts)) > inputs.MAX_TYPES
    for text in texts:
        (operation,) = parse(f"query ($by: {text}) {{ __typename }}").definitions
        assert isinstance(operation, OperationDefinitionNode)
        Variables(SCHEMA, operation.variable_definitions or ())
    assert len(inputs._made[SCHEMA]) <= inputs.MAX_TYPES


@pytest.mark.parametrize(
    ("text", "have"),
    [
        (KEY, False),
        ("query ($id: ID!, $text: String!) { __typename }", False),
        (KEYS, True),
        (WORDS, True),
        ("query ($by: CustomerKey) { __typename }", True),
        ("query ($id: ID!, $yes: Boolean!) { __typename }", True),
    ],
)
def test_only_what_a_cost_can_depend_on_has_a_size(text: str, have: bool) -> None:
    (operation,) = parse(text).definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert Variables(SCHEMA, operation.variable_definitions or ()).have_sizes is have
