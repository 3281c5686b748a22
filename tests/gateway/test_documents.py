"""Documents are prepared once, and forgotten before they fill the memory."""

from typing import Any

import pytest

from gateway import documents
from gateway.config import Limits
from gateway.documents import Documents
from gateway.refusals import BadRequest
from schema.graph import build_schema


@pytest.fixture
def prepared(small_schema: Any) -> Documents:
    return Documents(small_schema._schema, Limits(), introspection=True)


def test_a_document_is_prepared_once(prepared: Documents) -> None:
    assert prepared.prepare("{ customer { id } }", None) is prepared.prepare(
        "{ customer { id } }", None
    )


def test_each_operation_of_a_document_is_its_own(prepared: Documents) -> None:
    text = "query A { customer { id } } query B { __typename }"
    assert prepared.prepare(text, "A").name == "A"
    assert prepared.prepare(text, "B").name == "B"


def test_the_longest_unused_is_forgotten_first(
    prepared: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "REMEMBERED_CHARS", 40)
    first = prepared.prepare("query A { __typename }", None)
    second = prepared.prepare("query B{a:__typename}", None)
    assert prepared.prepare("query B{a:__typename}", None) is second
    assert prepared.prepare("query A { __typename }", None) is not first


def test_what_is_wrong_is_not_remembered(prepared: Documents) -> None:
    for _ in range(2):
        with pytest.raises(BadRequest, match="Cannot query field"):
            prepared.prepare("{ nothing }", None)


def test_only_the_first_errors_are_told(prepared: Documents) -> None:
    with pytest.raises(BadRequest) as caught:
        prepared.prepare("{ customer { " + " ".join(f"n{n}" for n in range(50)) + " } }", None)
    assert len(caught.value.errors) == documents.MAX_ERRORS + 1


def test_an_input_that_must_be_exactly_one_is_checked_with_the_document() -> None:
    checked = Documents(build_schema()._schema, Limits(), introspection=True)
    with pytest.raises(BadRequest, match="CustomerKey"):
        checked.prepare('{ customer(by: { email: "a", phone: "b" }) { id } }', None)
