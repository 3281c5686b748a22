"""Fields that speak of their siblings come last: in graphql-core here, in a compiled plan too."""

import asyncio

import pytest
from graphql import GraphQLObjectType

from domain.errors import SourceUnavailable
from domain.ids import Kind
from schema.execution import LATE_FIELDS
from schema.selection import selected

DOWN = SourceUnavailable("desk", "503")


async def test_completeness_waits_for_what_is_nested_in_its_siblings(run, world):
    """The messages fail, two levels down, after the orders have long been there."""
    world.alice()
    world["desk"].broken[Kind.MESSAGE] = DOWN
    answer = await run(
        '{ customer(by: {id: "cus_alice"}) { sources { system { name } state } completeness'
        " orders { nodes { id } } tickets { nodes { messages { nodes { id } } } } } }"
    )
    customer = answer.data["customer"]
    assert customer["completeness"] == "PARTIAL"
    states = {one["system"]["name"]: one["state"] for one in customer["sources"]}
    assert states["desk"] == "UNAVAILABLE"
    path = ["customer", "tickets", "nodes", 0, "messages"]
    assert answer.told == [(path, "SOURCE_UNAVAILABLE", "desk")]


async def test_completeness_waits_for_a_slow_sibling_and_not_for_ever(run, world):
    world.alice()
    release, asked = asyncio.Event(), asyncio.Event()

    async def gate(kind):
        if kind is Kind.TICKET:
            asked.set()
            await release.wait()
            raise DOWN

    world["desk"].gate = gate
    running = asyncio.ensure_future(
        run('{ customer(by: {id: "cus_alice"}) { completeness tickets { nodes { id } } } }')
    )
    await asked.wait()
    assert not running.done()
    release.set()
    assert (await running).data["customer"]["completeness"] == "UNKNOWN"


@pytest.mark.parametrize(
    "selection",
    ["completeness", "completeness sources { state }", "id completeness", "a: completeness id"],
)
async def test_alone_or_among_leaves_there_is_nothing_to_wait_for(run, world, selection):
    world.alice()
    answer = await run(f'{{ customer(by: {{id: "cus_alice"}}) {{ {selection} }} }}')
    assert answer.errors is None
    assert "COMPLETE" in answer.data["customer"].values()


async def test_fields_are_answered_in_the_order_asked_for(run, world):
    world.alice()
    answer = await run(
        '{ customer(by: {id: "cus_alice"}) { c: completeness id sources { state }'
        " orders { nodes { id } } version ...F } } fragment F on Customer { completeness }"
    )
    assert list(answer.data["customer"]) == [
        "c",
        "id",
        "sources",
        "orders",
        "version",
        "completeness",
    ]


async def test_every_customer_of_a_list_is_judged_by_itself(run, world):
    world.alice()
    world.customer("cus_bob", world.contact("crm", "h2"))
    world["desk"].broken[Kind.TICKET] = DOWN
    answer = await run(
        "query($by: [CustomerKey!]!) { customers(by: $by) { completeness tickets"
        " { nodes { id } } } }",
        by=[{"id": "cus_alice"}, {"id": "cus_bob"}],
    )
    judged = [one["completeness"] for one in answer.data["customers"]]
    assert judged == ["UNKNOWN", "COMPLETE"]


async def test_a_failing_sibling_that_nulls_the_customer_leaves_nobody_waiting(run, world):
    """`orders` is non-null: its error takes the customer, and with it what would have come last."""
    world.alice()
    answer = await run(
        '{ a: customer(by: {id: "cus_alice"}) { completeness orders(first: 101) { nodes { id } }'
        ' tickets { nodes { id } } } b: customer(by: {id: "cus_alice"}) { completeness'
        " tickets { nodes { id } } } }"
    )
    assert answer.data["a"] is None
    assert answer.data["b"]["completeness"] == "COMPLETE"
    assert answer.told == [(["a", "orders"], "PAGE_TOO_LARGE", None)]


def test_late_fields_are_fields_of_the_graph(graph):
    for name, fields in LATE_FIELDS.items():
        kind = graph._schema.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        assert fields <= set(kind.fields)


# ---------------------------------------------------------------- what an operation reads


@pytest.fixture
def reads(graph, world, run):
    async def of(query, **variables):
        operation = world.operation()
        await run(query, operation=operation, **variables)
        return operation

    return of


async def test_what_is_selected_anywhere_is_read(reads):
    operation = await reads(
        """query($yes: Boolean!) {
          customer(by: {id: "cus_1"}) { displayName @skip(if: $yes) ...C
            orders { edges { node { number } } nodes { total { amount } } } }
          node(id: "x") { id ... on Ticket { subject } ... on Interaction { rawState } }
        }
        fragment C on Customer { primaryEmail ... @include(if: $yes) { aliases } }""",
        yes=True,
    )
    assert operation.fields("Customer") == {"id", "primary_email", "aliases", "orders"}
    assert operation.fields("Order") == {"id", "number", "total"}
    assert operation.fields("Ticket") == {"id", "subject", "raw_state"}
    assert operation.fields("Conversation") == {"id", "raw_state"}
    assert operation.fields("Money") == {"text"}
    assert operation.fields("Identifier") == frozenset()


def test_what_is_not_in_the_graph_is_nothing(graph):
    from graphql import OperationDefinitionNode, parse  # noqa: PLC0415

    document = parse("{ customer(by: {id: 1}) { no_such { deep } __typename } }")
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    assert selected(graph._schema, operation, {}, {})["Customer"] == frozenset()
