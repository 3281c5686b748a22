"""Every limit at its bound and one above, for the operation as it would be executed."""

import time
from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_introspection_query, parse

from gateway.config import Limits
from gateway.limits import Shape, innermost_first, shape_of


def _shape(text: str) -> Shape:
    document = parse(text)
    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    fragments: Any = {
        d.name.value: d for d in document.definitions if not isinstance(d, OperationDefinitionNode)
    }
    return shape_of(operation, fragments)


def _nested(depth: int) -> str:
    """`depth` levels of fields."""
    friends = depth - 2
    return "{ customer { " + "friends(first: 1) { " * friends + "id" + " }" * friends + " } }"


def _aliases(count: int) -> str:
    return "{ customer { " + " ".join(f"a{n}: id" for n in range(count)) + " } }"


def _roots(count: int) -> str:
    return "{ " + "__typename " * count + "}"


def _directives(count: int) -> str:
    fields = " ".join(f"...on Customer @include(if: true) {{ {name} }}" for name in ["id"] * count)
    return "{ customer { " + fields + " } }"


BOUNDS: list[tuple[Any, int, str]] = [
    (_nested, 15, "TOO_DEEP"),
    (_aliases, 30, "TOO_MANY_ALIASES"),
    (_roots, 20, "TOO_MANY_ROOT_FIELDS"),
    (_directives, 10, "TOO_MANY_DIRECTIVES"),
]


@pytest.mark.parametrize(("form", "most", "refusal"), BOUNDS, ids=[b[2] for b in BOUNDS])
async def test_the_bound_is_allowed_and_one_more_is_refused(  # noqa: PLR0917  # fixtures
    ask: Any, code: Any, form: Any, most: int, refusal: str, server: Any
) -> None:
    status, body = await ask(form(most))
    assert (status, "errors" in body) == (200, False)
    status, body = await ask(form(most + 1))
    assert (status, code(body)) == (400, refusal)
    assert len(server.contexts) == 1


@pytest.mark.parametrize(("form", "most", "refusal"), BOUNDS, ids=[b[2] for b in BOUNDS])
async def test_fragments_hide_nothing(
    ask: Any, code: Any, form: Any, most: int, refusal: str
) -> None:
    selection = form(most + 1)
    document = f"query {{ ...Hidden }} fragment Hidden on Query {selection}"
    _, body = await ask(document)
    assert code(body) == refusal


@pytest.mark.parametrize(("form", "most", "refusal"), BOUNDS, ids=[b[2] for b in BOUNDS])
async def test_the_named_operation_is_judged_and_no_other(
    ask: Any, form: Any, most: int, refusal: str, code: Any
) -> None:
    document = f"query Big {form(most + 1)} query Small {{ __typename }}"
    assert await ask(document, operationName="Small") == (200, {"data": {"__typename": "Query"}})
    _, body = await ask(document, operationName="Big")
    assert code(body) == refusal


async def test_the_configuration_sets_the_bounds(make_server: Any) -> None:
    limits = {"depth": 2, "aliases": 0, "root_fields": 1, "directives": 0}
    async with make_server(limits=limits).client() as client:
        for document, refusal in (
            (_nested(3), "TOO_DEEP"),
            (_aliases(1), "TOO_MANY_ALIASES"),
            (_roots(2), "TOO_MANY_ROOT_FIELDS"),
            (_directives(1), "TOO_MANY_DIRECTIVES"),
        ):
            body = (await client.post("/graphql", json={"query": document})).json()
            assert body["errors"][0]["extensions"]["code"] == refusal


# ---------------------------------------------------------------- the shape itself


def test_a_fragment_counts_each_time_it_is_spread() -> None:
    shape = _shape(
        "query { x: a { ...F } y: b { c { ...F } } }"
        " fragment F on T @d { p: q @d ... @d { r: s { t } } }"
    )
    assert shape == Shape(depth=4, aliases=6, directives=6, top_fields=2)


def test_directives_are_counted_wherever_they_may_stand() -> None:
    shape = _shape(
        "query Q($v: Int @a) @b { f @c ...F @d ... on T @e { g } } fragment F on T @f { h @g }"
    )
    assert shape.directives == 7


def test_inline_fragments_are_no_level() -> None:
    assert _shape("{ ... { ... on T { a { ... { b } } } } }").depth == 2


def test_root_fields_are_seen_through_fragments() -> None:
    text = "{ a ... on Q { b { c } } ...F } fragment F on Q { d ...G } fragment G on Q { e f }"
    assert _shape(text).top_fields == 5


def test_a_cycle_ends() -> None:
    text = "{ ...A } fragment A on T { a ...B } fragment B on T { b { c { ...A } } ...B }"
    assert _shape(text).depth == 2


def test_a_fragment_nobody_defined_counts_nothing() -> None:
    assert _shape("{ a ...Missing }").top_fields == 1


def test_doubling_fragments_are_counted_without_being_expanded() -> None:
    steps = 200
    text = "{ ...F0 } " + " ".join(
        f"fragment F{n} on T {{ a: x ...F{n + 1} ...F{n + 1} }}" for n in range(steps)
    )
    shape = _shape(text + f" fragment F{steps} on T {{ b: y }}")
    assert shape.aliases == 2 ** (steps + 1) - 1
    assert shape.top_fields == 2 ** (steps + 1) - 1


def test_a_chain_longer_than_the_stack_is_followed() -> None:
    steps = 3_000
    text = "{ ...F0 } " + " ".join(f"fragment F{n} on T {{ ...F{n + 1} }}" for n in range(steps))
    document = parse(text + f" fragment F{steps} on T {{ deep {{ deeper }} }}")
    fragments: Any = {d.name.value: d for d in document.definitions[1:]}  # type: ignore[attr-defined]
    operation: Any = document.definitions[0]
    assert shape_of(operation, fragments).depth == 2
    assert innermost_first(operation, fragments)[0] == f"F{steps}"


async def test_a_doubling_document_is_refused_at_once(ask: Any, code: Any) -> None:
    text = "{ ...F0 } " + " ".join(
        f"fragment F{n} on Query {{ a{n}: customer {{ id }} ...F{n + 1} ...F{n + 1} }}"
        for n in range(80)
    )
    _, body = await ask(text + " fragment F80 on Query { __typename }")
    assert code(body) == "TOO_MANY_ROOT_FIELDS"
    assert "more than a million" in body["errors"][0]["message"]


# ---------------------------------------------------------------- the document


async def test_the_lexer_stops_at_the_last_token_that_is_allowed(
    make_server: Any, code: Any
) -> None:
    # `{`, the fields, `}`; the start of the file is not counted, its end is.
    async with make_server(limits={"tokens": 20, "root_fields": 100}).client() as client:
        for fields, refused in ((10, False), (40, True)):
            body = (await client.post("/graphql", json={"query": _roots(fields)})).json()
            assert ("errors" in body) is refused
        assert code(body) == "TOO_MANY_TOKENS"


async def test_two_thousand_tokens_are_lexed_and_more_are_not(ask: Any, code: Any) -> None:
    fits = "{ __typename } # " + "c" * 100
    assert (await ask(fits))[0] == 200
    lists = "[" + "1 " * 1_980 + "]"
    _, body = await ask(f"{{ echo(text: {lists}) }}")
    assert code(body) == "BAD_REQUEST"
    lists = "[" + "1 " * 2_000 + "]"
    _, body = await ask(f"{{ echo(text: {lists}) }}")
    assert code(body) == "TOO_MANY_TOKENS"


@pytest.mark.parametrize(
    "document",
    [
        "{" + "a " * 49_000 + "}",
        "{" + "a{" * 49_000,
        "#\n" * 49_000 + "{a}",
        "{a(b:" + "[" * 99_000 + ")}",
        "query(" + "$a:I " * 19_000 + "){a}",
    ],
    ids=["fields", "nesting", "comments", "lists", "variables"],
)
async def test_a_huge_document_is_refused_in_milliseconds(
    ask: Any, code: Any, document: str
) -> None:
    started = time.process_time()
    status, body = await ask(document)
    assert time.process_time() - started < 1.0  # 14 s without the limit, 40 ms with it
    assert status == 400
    assert code(body) in {"TOO_MANY_TOKENS", "BAD_REQUEST"}


@pytest.mark.parametrize("filler", [" ", ",", "\ufeff", '"'])
async def test_a_document_longer_than_allowed_is_refused_unread(
    ask: Any, code: Any, filler: str
) -> None:
    document = "{ __typename }" + " " * (100_000 - 14)
    assert (await ask(document))[0] == 200
    status, body = await ask(filler + document)
    assert (status, code(body)) == (413, "TOO_LARGE")


async def test_repeated_fields_cannot_keep_the_validation_busy(ask: Any, code: Any) -> None:
    repeated = "orders { nodes { number } } " * 240
    started = time.process_time()
    _, body = await ask("{ customer { " + repeated + "} }")
    assert time.process_time() - started < 1.0
    assert code(body) == "COST_EXCEEDED"


async def test_the_introspection_of_common_tools_fits(ask: Any) -> None:
    status, body = await ask(get_introspection_query(input_value_deprecation=True))
    assert (status, "errors" in body) == (200, False)


async def test_messages_do_not_repeat_a_whole_document(ask: Any) -> None:
    _, body = await ask("{ " + "a" * 90_000 + " }")
    assert len(body["errors"][0]["message"]) <= 500


# ---------------------------------------------------------------- variables


async def test_variables_hold_as_many_values_as_allowed(make_server: Any, code: Any) -> None:
    async with make_server(limits={"variable_values": 10}).client() as client:
        for values, status in ((9, 200), (10, 413)):
            query = "query($by: [ID!]!) { customers(by: $by) { id } }"
            by = [str(n) for n in range(values)]
            answer = await client.post("/graphql", json={"query": query, "variables": {"by": by}})
            assert answer.status_code == status
        assert code(answer.json()) == "TOO_LARGE"


async def test_deep_variables_are_counted_without_recursion(ask: Any, code: Any) -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    _, body = await ask("query($t: String!) { echo(text: $t) }", variables={"t": deep})
    assert code(body) == "BAD_REQUEST"


def test_limits_are_what_the_contract_says() -> None:
    limits = Limits()
    assert (limits.body_bytes, limits.tokens, limits.depth) == (1_000_000, 2_000, 15)
    assert (limits.aliases, limits.root_fields, limits.directives) == (30, 20, 10)
    assert (limits.page, limits.deadline_s) == (100, 10.0)
