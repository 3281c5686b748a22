import logging

import pytest
from graphql import GraphQLError

from domain.errors import (
    Forbidden,
    InputError,
    NotSupported,
    SourceAuthError,
    SourceProtocolError,
    SourceRateLimited,
    SourceTimeout,
    SourceUnavailable,
    StoreError,
)
from schema.errors import MASKED, coded, extensions


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SourceUnavailable("crm", "x"), {"code": "SOURCE_UNAVAILABLE", "system": "crm"}),
        (SourceTimeout("crm", "x"), {"code": "SOURCE_TIMEOUT", "system": "crm"}),
        (
            SourceRateLimited("crm", "x", 1.5),
            {"code": "SOURCE_RATE_LIMITED", "system": "crm", "retryAfterMs": 1500},
        ),
        (SourceRateLimited("crm", "x"), {"code": "SOURCE_RATE_LIMITED", "system": "crm"}),
        (SourceAuthError("crm", "x"), {"code": "SOURCE_UNAUTHORIZED", "system": "crm"}),
        (SourceProtocolError("crm", "x"), {"code": "SOURCE_PROTOCOL_ERROR", "system": "crm"}),
        (NotSupported("crm", "x"), {"code": "SOURCE_NOT_SUPPORTED", "system": "crm"}),
        (InputError("x"), {"code": "BAD_REQUEST"}),
        (Forbidden("x"), {"code": "FORBIDDEN"}),
        (StoreError("x"), {"code": "INTERNAL"}),
    ],
)
def test_every_error_has_its_code_and_a_source_is_named(error, said):
    assert extensions(error) == said
    assert coded(GraphQLError("x", original_error=error)).extensions == said


def test_an_error_of_graphql_is_the_callers_to_mend():
    assert coded(GraphQLError("Syntax Error")).extensions == {"code": "BAD_REQUEST"}
    own = GraphQLError("x", extensions={"code": "COST_EXCEEDED"})
    assert coded(own).extensions == {"code": "COST_EXCEEDED"}


def test_what_nobody_expected_is_masked_and_logged_without_its_text(caplog):
    caplog.set_level(logging.ERROR)
    cause = KeyError("alice@example.com")
    nested = GraphQLError("inner", original_error=cause)
    told = coded(GraphQLError("outer", path=["a"], original_error=nested))
    assert (told.message, told.extensions, told.path) == (MASKED, {"code": "INTERNAL"}, ["a"])
    assert "alice" not in caplog.text
    assert caplog.records[0].fields == {"error": "KeyError"}


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("{ customer(by: {id: 1) }", None),
        ("{ nothing }", None),
        ("{ customer(by: {}) { id } }", None),
        ('{ customer(by: {id: "a", email: "b"}) { id } }', None),
        ("{ customer(by: {id: null}) { id } }", None),
        ('{ customer(by: {email: " "}) { id } }', ["customer"]),
        ('{ customer(by: {id: "a"}, freshness: {maxAgeMs: -1}) { id } }', ["customer"]),
        ('{ customer(by: {id: "cus_alice"}) { orders(after: "x") { nodes { id } } } }',
         ["customer", "orders"]),
        ('{ customer(by: {id: "cus_alice"}) { orders(first: 0) { nodes { id } } } }',
         ["customer", "orders"]),
    ],
)  # fmt: skip
async def test_bad_input_is_a_coded_error_with_its_place(run, world, query, path):
    world.alice()
    answer = await run(query)
    assert [(where, code) for where, code, _ in answer.told] == [(path, "BAD_REQUEST")]


@pytest.mark.parametrize(
    "by", [{}, {"id": "a", "email": "b"}, {"id": None}, {"email": "a", "phone": None}]
)
async def test_one_key_and_no_more_in_variables_too(run, by):
    answer = await run("query($by: CustomerKey!) { customer(by: $by) { id } }", by=by)
    assert {code for _, code, _ in answer.told} == {"BAD_REQUEST"}


async def test_a_hundred_keys_and_no_more(run):
    query = "query($by: [CustomerKey!]!) { customers(by: $by) { id } }"
    answer = await run(query, by=[{"id": f"cus_{i}"} for i in range(101)])
    assert answer.told == [(["customers"], "PAGE_TOO_LARGE", None)]
    answer = await run(query, by=[{"id": f"cus_{i}"} for i in range(100)])
    assert answer.data["customers"] == [None] * 100


async def test_a_page_holds_a_hundred_and_no_more(run, world):
    world.alice()
    answer = await run(
        '{ customer(by: {id: "cus_alice"}) { conversations { nodes { messages(first: 101)'
        " { nodes { id } } } } } }"
    )
    assert [code for _, code, _ in answer.told] == ["PAGE_TOO_LARGE"]


async def test_an_exception_in_a_resolver_is_masked(run, world):
    world.alice()

    async def broken(keys):
        raise RuntimeError("postgresql://user:secret@host")

    world.identity.find = broken
    answer = await run('{ customer(by: {email: "alice@example.com"}) { id } }')
    assert answer.told == [(["customer"], "INTERNAL", None)]
    assert answer.errors[0].message == MASKED
    assert answer.data == {"customer": None}
