"""Which plans gather nothing: those no two places of which could share a call."""

import pytest
from graphql import OperationDefinitionNode, parse
from graphql.execution.values import VariableValues

from gateway.documents import Prepared
from gateway.execution.compiler import Compiler
from schema.graph import build_schema

BY = '(by: {email: "alice@example.com"})'


@pytest.fixture(scope="module")
def compiler() -> Compiler:
    return Compiler(build_schema(), hide_suggestions=False)


def at_once(compiler: Compiler, text: str) -> bool:
    document = parse(text)
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    return compiler.plan(Prepared(document, operation, {}), VariableValues({}, {})).at_once


@pytest.mark.parametrize(
    "text",
    [
        f"{{ customer{BY} {{ displayName }} }}",
        f"{{ customer{BY} {{ orders {{ nodes {{ number }} }} tickets {{ nodes {{ id }} }} }} }}",
        "{ customers(by: []) { conversations { nodes { lastMessage { body } } } } }",
    ],
)
def test_places_that_ask_for_different_things_gather_nothing(compiler, text):
    assert at_once(compiler, text)


@pytest.mark.parametrize(
    "text",
    [
        f"{{ a: customer{BY} {{ id }} b: customer{BY} {{ id }} }}",
        f"{{ customer{BY} {{ id }} customers(by: []) {{ id }} }}",
        f"{{ customer{BY} {{ a: orders {{ completeness }} b: orders {{ completeness }} }} }}",
        f"{{ customer{BY} {{ issues {{ id }} journeys {{ nodes {{ id }} }} }} }}",
        f"{{ customer{BY} {{ conversations {{ completeness }} commitments {{ id }} }} }}",
    ],
)
def test_places_that_may_share_a_call_are_gathered(compiler, text):
    assert not at_once(compiler, text)
