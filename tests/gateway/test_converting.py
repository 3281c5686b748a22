"""Coerced values become the instances Strawberry makes of them."""

from dataclasses import field
from typing import Any

import pytest
import strawberry
from strawberry import UNSET
from strawberry.types.arguments import convert_argument
from strawberry.types.base import StrawberryList, StrawberryOptional

from gateway.execution.converting import converter, is_filled_by_setting
from gateway.execution.inputs import Uncommon
from schema.graph import build_schema
from schema.inputs import CustomerKey, CustomerVersionInput, ExternalRef, MergeInput

GRAPH = build_schema()
VERSION = {"id": "cus_1", "expectedVersion": 3}

VALUES: list[tuple[Any, Any]] = [
    (CustomerKey, {"email": "a@example.com"}),
    (CustomerKey, {"external": {"system": "crm", "externalId": "c1"}}),
    (StrawberryList(CustomerKey), [{"id": "cus_1"}, {"handle": {"platform": "x", "handle": "b"}}]),
    (StrawberryList(CustomerKey), []),
    (StrawberryList(StrawberryOptional(str)), ["a", None]),
    (StrawberryOptional(CustomerKey), None),
    (
        MergeInput,
        {"keep": VERSION, "absorb": [VERSION, VERSION], "reason": "same", "idempotencyKey": "1"},
    ),
    (str, "text"),
]


@pytest.mark.parametrize(("kind", "value"), VALUES)
def test_values_become_what_strawberry_makes_of_them(kind: Any, value: Any) -> None:
    library = convert_argument(
        value, kind, GRAPH.schema_converter.scalar_registry, config=GRAPH.config
    )
    assert converter(kind, GRAPH.config)(value) == library


def test_what_was_not_given_is_unset() -> None:
    made = converter(CustomerKey, GRAPH.config)({"email": "a@example.com"})
    assert (made.email, made.phone, made.external) == ("a@example.com", UNSET, UNSET)
    made.phone = "1"
    assert converter(CustomerKey, GRAPH.config)({"id": "1"}).phone is UNSET


@strawberry.input
class Made:
    at: list[str] = field(default_factory=list)


@strawberry.input
class Checked:
    at: str = "x"

    def __post_init__(self) -> None:
        raise AssertionError


@strawberry.type
class Answered:
    at: str


@strawberry.input
class Nested:
    inner: "Nested | None" = None


@pytest.mark.parametrize("kind", [Made, Checked, Answered, Nested, object, StrawberryList(bytes)])
def test_classes_with_a_mind_of_their_own_are_left_to_strawberry(kind: Any) -> None:
    with pytest.raises(Uncommon):
        converter(kind, GRAPH.config)


@pytest.mark.parametrize("kind", [CustomerKey, ExternalRef, CustomerVersionInput, MergeInput])
def test_the_inputs_of_the_graph_only_set_what_they_are_given(kind: Any) -> None:
    assert is_filled_by_setting(kind)
