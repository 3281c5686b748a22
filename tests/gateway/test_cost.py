"""The cost of operations, worked by hand from the directives of a graph."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from gateway.config import Limits
from gateway.cost import MAX_REMEMBERED, Verdicts, charge, sizes_of
from gateway.prices import PriceList
from gateway.refusals import BadRequest, CostExceeded, PageTooLarge

SDL = """
directive @cost(weight: String!) on FIELD_DEFINITION | OBJECT | SCALAR | ARGUMENT_DEFINITION
directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!],
  requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION
type Query {
  one: Thing
  many(first: Int = 20): [Thing!]!
  plain: [Thing!]!
  assumed: [Thing!]! @listSize(assumedSize: 3)
  keyed(by: [ID!]!): [Thing]! @listSize(slicingArguments: ["by"])
  page(first: Int = 5, last: Int): Page! @listSize(slicingArguments: ["first", "last"],
    sizedFields: ["rows"])
  bare(first: Int = 4): Connection!
  dear: Thing @cost(weight: "7.5")
  filtered(text: String @cost(weight: "2")): Thing
  heavy: Heavy
  names: [String!]!
  search: [Result!]! @listSize(assumedSize: 2)
}
type Thing { id: ID! blob: Blob part: Thing parts(first: Int = 2): [Thing!]! }
type Heavy @cost(weight: "9") { id: ID! }
type Page { rows: [Thing!]! total: Int! }
type Connection { edges: [Edge!]! nodes: [Thing!]! pageInfo: Info! }
type Edge { node: Thing! cursor: String! }
type Info { more: Boolean! }
scalar Blob @cost(weight: "3")
union Result = Thing | Heavy
type Mutation { make: Thing }
"""
PRICES = PriceList(SDL)


def cost(text: str, limits: Limits | None = None, **variables: Any) -> float:
    document = parse(text)
    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    fragments: Any = {
        d.name.value: d for d in document.definitions if not isinstance(d, OperationDefinitionNode)
    }
    return charge(operation, fragments, variables, PRICES, limits or Limits())


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ one { id } }", 1),
        ("{ one { id part { id } } }", 2),
        ("{ one { blob } }", 1 + 3),
        ("{ many { id } }", 20),
        ("{ many(first: 3) { part { id } } }", 3 * (1 + 1)),
        ("{ plain { id } }", 10),
        ("{ assumed { id } }", 3),
        ('{ keyed(by: ["a", "b"]) { part { id } } }', 2 * 2),
        ('{ keyed(by: "a") { id } }', 1),
        ("{ keyed(by: []) { id } }", 0),
        ("{ page { rows { part { id } } total } }", 1 + 5 * 2),
        ("{ page(first: 2, last: 9) { rows { id } } }", 1 + 9),
        ("{ page { total } }", 1),
        ("{ bare { nodes { id } } }", 1 + 4),
        ("{ bare { nodes { id } pageInfo { more } } }", 1 + 4 + 1),
        ("{ bare(first: 6) { edges { node { id } } } }", 1 + 6 * 2),
        ("{ dear { id } }", 7.5 + 1),
        ("{ filtered { id } }", 1),
        ('{ filtered(text: "x") { id } }', 2 + 1),
        ("{ heavy { id } }", 9),
        ("{ names }", 0),
        ("{ search { ... on Thing { part { id } } ... on Heavy { id } } }", 2 * (1 + 1)),
        ("{ many(first: 10) { parts(first: 10) { parts(first: 10) { id } } } }", 10 + 100 + 1000),
        ("{ __typename __schema { types { name } } }", 0),
        ("mutation { make { id } }", 1),
        ("{ a: many(first: 2) { id } b: many(first: 3) { id } }", 5),
    ],
)
def test_an_operation_costs_what_its_directives_say(document: str, expected: float) -> None:
    assert cost(document) == expected


def test_fragments_cost_what_they_stand_for_wherever_they_stand() -> None:
    fragments = " fragment F on Page { rows { ...G } total } fragment G on Thing { part { id } }"
    inline = cost("{ page { rows { part { id } } total } }")
    assert cost("{ page { ...F } }" + fragments) == inline
    assert cost("{ page { ... on Page { ...F } } }" + fragments) == inline
    assert cost("{ x: page { ...F } y: page { ...F } }" + fragments) == 2 * inline


def test_variables_size_a_page() -> None:
    document = "query($n: Int) { many(first: $n) { id } }"
    assert cost(document, n=7) == 7
    assert cost(document) == 20
    assert cost("query($by: [ID!]!) { keyed(by: $by) { id } }", by=["a"] * 8) == 8


def test_a_page_that_is_null_counts_as_the_largest() -> None:
    assert cost("{ many(first: null) { id } }") == 100
    assert cost("query($n: Int) { many(first: $n) { id } }", n=None) == 100


def test_what_is_left_out_costs_nothing() -> None:
    document = "query($no: Boolean!) { one @include(if: $no) { id } many @skip(if: true) { id } }"
    assert cost(document, no=False) == 0
    assert cost(document, no=True) == 1


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("{ many(first: 101) { id } }", {}),
        ("query($n: Int) { many(first: $n) { id } }", {"n": 101}),
        ("{ one { parts(first: 101) { id } } }", {}),
        ("{ one { ...F } } fragment F on Thing { parts(first: 101) { id } }", {}),
        ("query($n: Int) { bare(first: $n) { nodes { id } } }", {"n": 2**31 - 1}),
        ("query($by: [ID!]!) { keyed(by: $by) { id } }", {"by": ["a"] * 101}),
        ("{ page(first: 1, last: 101) { total } }", {}),
    ],
)
def test_a_page_above_the_largest_is_refused(document: str, variables: dict[str, Any]) -> None:
    with pytest.raises(PageTooLarge, match=r"asks for (101|2147483647)"):
        cost(document, **variables)


def test_a_page_of_the_largest_size_is_allowed() -> None:
    assert cost("{ many(first: 100) { id } }") == 100


def test_a_negative_page_is_refused_and_never_makes_anything_cheaper() -> None:
    with pytest.raises(BadRequest, match="negative"):
        cost("{ many(first: -5) { id } }")


def test_the_budget_is_the_last_cost_that_is_allowed() -> None:
    document = "{ many(first: 50) { id } }"
    assert cost(document, Limits(cost=50)) == 50
    with pytest.raises(CostExceeded, match="costs 50; at most 49"):
        cost(document, Limits(cost=49))


def test_a_cost_beyond_all_numbers_is_refused() -> None:
    nested = "parts(first: 100) { " * 160 + "id" + " }" * 160
    with pytest.raises(CostExceeded):
        cost("{ one { " + nested + " } }")


async def test_the_budget_holds_before_anything_is_resolved(make_server: Any, code: Any) -> None:
    server = make_server(limits={"cost": 100})
    async with server.client() as client:
        document = "{ customer { friends(first: 50) { friends(first: 50) { id } } } }"
        answer = await client.post("/graphql", json={"query": document})
    assert code(answer.json()) == "COST_EXCEEDED"
    assert server.contexts == []


async def test_a_verdict_holds_for_the_same_sizes_only(ask: Any, code: Any) -> None:
    document = "query($n: Int, $by: [ID!]!) { customers(by: $by) { friends(first: $n) { id } } }"
    for n, keys, refused in ((3, 2, False), (101, 2, True), (3, 2, False), (3, 9, False)):
        variables = {"n": n, "by": [str(key) for key in range(keys)]}
        _, body = await ask(document, variables=variables)
        assert ("errors" in body and code(body) == "PAGE_TOO_LARGE") is refused


def test_sizes_are_all_that_a_cost_depends_on() -> None:
    variables = {"z": ["a", "b"], "a": 5, "on": True, "no": None, "text": "x", "key": {"id": "1"}}
    assert sizes_of(variables) == (("a", 5), ("no", None), ("on", True), ("z", 2))


def test_verdicts_are_bounded() -> None:
    verdicts = Verdicts()
    for n in range(MAX_REMEMBERED + 1):
        verdicts.add((("n", n),))
    assert (("n", MAX_REMEMBERED),) in verdicts
    assert (("n", 0),) not in verdicts


async def test_a_page_given_by_a_variable_is_judged(ask: Any, code: Any) -> None:
    document = "query($n: Int = 101) { customer { friends(first: $n) { id } } }"
    assert (await ask(document, variables={"n": 100}))[0] == 200
    _, body = await ask(document)
    assert code(body) == "PAGE_TOO_LARGE"
