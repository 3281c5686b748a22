import pytest

from domain.errors import SourceUnavailable
from domain.ids import Kind, encode_node_id
from resolvers.caller import Caller

QUERY = """query($some: [_Any!]!) { _entities(representations: $some) { __typename
  ... on Customer { id displayName orders { nodes { id } } } ... on Order { id number }
  ... on Ticket { subject } ... on Conversation { state } } }"""


def key(kind, source, external_id):
    return {
        "__typename": kind.title(),
        "id": encode_node_id(kind, source, external_id),
    }


async def test_entities_are_answered_in_order(run, world):
    world.alice()
    some = [
        key("ticket", "desk", "t1"),
        {"__typename": "Customer", "id": "cus_alice"},
        key("order", "shop", "1001"),
        key("conversation", "chat", "c1"),
        key("order", "shop", "none"),
    ]
    answer = await run(QUERY, some=some)
    assert answer.errors is None
    told = [one and one["__typename"] for one in answer.data["_entities"]]
    assert told == ["Ticket", "Customer", "Order", "Conversation", None]
    assert answer.data["_entities"][1]["displayName"] == "Alice Example"


async def test_a_hundred_entities_are_one_call_for_each_source_and_kind(run, world, fakes):
    """One by one, as Strawberry resolves references, they would be a hundred."""
    some = []
    for i in range(50):
        world.contact("crm", f"h{i}")
        world.customer(f"cus_{i}", world.contact("shop", f"s{i}"))
        world.order(f"s{i}", f"o{i}", fakes.ago(days=i))
        some += [{"__typename": "Customer", "id": f"cus_{i}"}, key("order", "shop", f"o{i}")]
    answer = await run(QUERY, some=some)
    assert answer.errors is None
    assert len(answer.data["_entities"]) == 100
    assert world.called() == {
        ("shop", "get", "contact"): 1,
        ("shop", "get", "order"): 1,
        ("shop", "children", "order"): 1,
    }
    assert world.identity.calls["clusters"] == 1


async def test_an_entity_that_fails_leaves_the_others(run, world):
    world.alice()
    world["shop"].broken[Kind.ORDER] = SourceUnavailable("shop", "503")
    some = [key("order", "shop", "1001"), key("ticket", "desk", "t1")]
    answer = await run(QUERY, some=some)
    assert answer.data["_entities"][0] is None
    assert answer.data["_entities"][1]["subject"] == "Where is it?"
    assert answer.told == [(["_entities", 0], "SOURCE_UNAVAILABLE", "shop")]


@pytest.mark.parametrize(
    "one",
    [
        {"__typename": "Customer"},
        {"__typename": "Money", "id": "x"},
        {"id": "cus_alice"},
        {"__typename": "Order", "id": "cus_alice"},
        {"__typename": "Customer", "id": encode_node_id("record", "crm", "h1")},
        {"__typename": "Customer", "id": 5},
        "cus_alice",
        None,
    ],
)
async def test_a_malformed_representation_is_the_routers_mistake_and_costs_the_others_nothing(
    run, world, one
):
    world.alice()
    answer = await run(QUERY, some=[one, {"__typename": "Customer", "id": "cus_alice"}])
    if one is None:
        assert answer.told[0][1] == "BAD_REQUEST"
        return
    assert answer.told == [(["_entities", 0], "BAD_REQUEST", None)]
    assert answer.data["_entities"][1]["id"] == "cus_alice"


async def test_entities_are_under_the_same_authorisation(run, world):
    world.alice()
    visitor = world.operation(Caller(name="page"))
    some = [{"__typename": "Customer", "id": "cus_alice"}, key("order", "shop", "1001")]
    answer = await run(QUERY, operation=visitor, some=some)
    assert answer.data["_entities"] == [None, None]
    assert not world.called()


async def test_the_subgraph_describes_itself(run):
    told = (await run("{ _service { sdl } }")).data["_service"]["sdl"]
    assert '@link(url: "https://specs.apollo.dev/federation/' in told
    for name in ("Customer", "Order", "Ticket", "Conversation"):
        assert f"type {name} implements" in told
