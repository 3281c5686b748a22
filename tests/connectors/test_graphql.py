"""The generic GraphQL connector: what its queries must be, and what its refusals mean."""

import json
from random import Random
from typing import Any

import httpx
import pytest

from connectors.auth import Secret
from connectors.graphql import compose
from connectors.httpx_sender import HttpxSender
from connectors.mapped.example import example
from connectors.mapped.tables import MappingError
from connectors.registry import build_source
from connectors.settings import SourceSettings
from domain.errors import (
    SourceAuthError,
    SourceError,
    SourceProtocolError,
    SourceRateLimited,
)
from domain.ids import Kind
from domain.money import Money

EXAMPLE = example("connectors.graphql")
QUERY = "query A($ids: [ID!]!, $first: Int) { people(ids: $ids, first: $first) { id } }"


def described(query: str, **variables: Any) -> dict[str, Any]:
    get = {"query": query, "variables": variables, "size": 5, "rows": "data.people"}
    contact = {"fields": {"id": "id"}, "get": get}
    return {"system": "CRM", "auth": {"kind": "none"}, "contact": contact}


def problems(query: str, **variables: Any) -> list[tuple[str, str]]:
    with pytest.raises(MappingError) as refused:
        compose(described(query, **variables))
    return list(refused.value.problems)


def test_a_query_with_its_variables_is_taken() -> None:
    spec = compose(described(QUERY, ids=["{ids}"])).spec
    get: Any = spec.kinds[Kind.CONTACT].get_many
    assert get.size.value == 5


@pytest.mark.parametrize(
    "query",
    [
        "mutation A($ids: [ID!]!) { deletePeople(ids: $ids) { id } }",
        "subscription A($ids: [ID!]!) { people(ids: $ids) { id } }",
        "query A($ids: [ID!]!) { a(ids: $ids) } query B { b }",
        "fragment F on Person { id }",
    ],
)
def test_only_one_query_is_taken_and_nothing_that_writes(query: str) -> None:
    told = dict(problems(query, ids=["{ids}"]))
    assert told["contact.get.query"] == "must be one operation, and a query: sources are only read"


def test_a_syntax_error_is_told_with_its_line() -> None:
    ((place, what),) = problems("query A($ids: [ID!]!) {\n  people(ids: $ids {\n", ids=["{ids}"])
    assert place == "contact.get.query"
    assert what.startswith("Syntax Error: ")
    assert what.endswith("(line 2)")


def test_variables_and_query_have_to_agree() -> None:
    told = dict(problems(QUERY, idz=["{ids}"], first=5))
    assert told == {
        "contact.get.variables.idz": "the query has no $idz; did you mean ids?",
        "contact.get.variables.ids": "must be set: the query needs it",
    }


def source(harness: Any, answer: Any) -> Any:
    def respond(request: httpx.Request) -> httpx.Response:
        found = answer(json.loads(request.content))
        return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)

    return build_source(
        "shop",
        SourceSettings(connector="graphql", secrets={"token": Secret("t")}, mapping=EXAMPLE),
        HttpxSender(httpx.MockTransport(respond)),
        clock=harness.Clock(),
        telemetry=harness.Tally(),
        dice=Random(7),
    )


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("UNAUTHENTICATED", SourceAuthError),
        ("forbidden", SourceAuthError),
        ("THROTTLED", SourceRateLimited),
        ("BAD_USER_INPUT", SourceProtocolError),
        (None, SourceProtocolError),
    ],
)
async def test_an_answer_with_errors_is_a_refusal_whatever_data_it_has(
    harness: Any, code: str | None, meant: type[SourceError]
) -> None:
    error = {"message": "no, ann@example.com", "extensions": {"code": code} if code else {}}
    shop = source(harness, lambda _asked: {"data": {"customers": []}, "errors": [error]})
    (got,) = await shop.gets[Kind.CONTACT].get_many(["1"], None, harness.within(1.0))
    assert type(got) is meant
    assert "ann@example.com" not in str(got)


async def test_unknown_ids_that_are_null_in_the_list_are_unknown(harness: Any) -> None:
    row = {"id": "2", "name": "Bo", "updatedAt": "2026-01-01T00:00:00Z"}
    shop = source(harness, lambda _asked: {"data": {"customers": [None, row]}})
    got = await shop.gets[Kind.CONTACT].get_many(["1", "2"], None, harness.within())
    assert [one and one.full_name for one in got] == [None, "Bo"]


async def test_money_is_in_minor_units_and_in_major_ones_as_the_fields_say(harness: Any) -> None:
    vendor = harness.load_vendor("graphql")
    shop = source(harness, lambda _asked: {"data": {"orders": [vendor.order(5001)]}})
    (order,) = await shop.gets[Kind.ORDER].get_many(["5001"], None, harness.within())
    assert order.total == Money(1250, "EUR")
    assert order.lines[0].price == Money(1250, "EUR")
