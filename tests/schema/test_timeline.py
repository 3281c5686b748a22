"""The timeline in the graph: an interface, by both executors alike."""

import pytest

from domain.ids import Kind, SourceKey
from domain.provenance import Provenance
from domain.records import Actor, Call, Message, Visit
from domain.vocabulary import ActorKind, InteractionState, ServedFrom

QUERY = """query timeline($after: String, $first: Int) {
  customers(by: [{id: "cus_alice"}, {id: "cus_bob"}]) {
    timeline(first: $first, after: $after) {
      nodes {
        __typename id occurredAt provenance { servedFrom system { name } }
        ... on Interaction { channel state }
        ... on Order { number }
        ... on Call { waitSeconds transcript { nodes { body } } }
      }
      edges { cursor node { id } }
      pageInfo { hasNextPage endCursor }
      completeness
      sources { system { name } state }
    }
  }
}"""


def where(world, name, external_id, at):
    return Provenance(
        system=world[name].system,
        external_id=external_id,
        fetched_at=at,
        served_from=ServedFrom.EVENT_STORE,
    )


@pytest.fixture
def alice(world, fakes, told_events):
    """With a call and a visit that only the live record knows, and another customer beside."""
    world.events = told_events
    one = world.alice()
    world.customer("cus_bob", world.contact("shop", "s2"))
    row, at = SourceKey("crm", Kind.CONTACT, "h1"), fakes.ago(minutes=5)
    key = SourceKey("crm", Kind.CALL, "k1")
    said = Message(
        key=SourceKey("crm", Kind.MESSAGE, "k1/1"),
        provenance=where(world, "crm", "k1/1", at),
        at=at,
        author=Actor(kind=ActorKind.CUSTOMER, id="h1"),
        body="It never came",
    )
    call = Call(
        key=key,
        provenance=where(world, "crm", "k1", at),
        occurred_at=at,
        state=InteractionState.IN_PROGRESS,
        wait_seconds=7,
    )
    world.events.put(call, row, messages=(said,))
    visit = Visit(
        key=SourceKey("web", Kind.VISIT, "v1"),
        provenance=where(world, "shop", "v1", at),
        occurred_at=fakes.ago(minutes=1),
        referrer="https://search.example/?q=lost+parcel",
    )
    world.events.put(visit, row)
    return one


async def test_everything_is_told_by_its_own_type(run, alice):
    result = await run(QUERY, first=3)
    assert result.errors is None
    first, other = (one["timeline"] for one in result.data["customers"])
    assert [one["__typename"] for one in first["nodes"]] == ["Visit", "Call", "Conversation"]
    call = first["nodes"][1]
    assert (call["state"], call["waitSeconds"]) == ("IN_PROGRESS", 7)
    assert call["transcript"]["nodes"] == [{"body": "It never came"}]
    assert call["provenance"] == {"servedFrom": "EVENT_STORE", "system": {"name": "crm"}}
    assert first["pageInfo"]["hasNextPage"]
    assert first["pageInfo"]["endCursor"] == first["edges"][-1]["cursor"]
    assert (other["nodes"], other["completeness"]) == ([], "COMPLETE")


async def test_a_plan_answers_as_the_reference_executor_does(graph, world, alice):
    from graphql import parse  # noqa: PLC0415  # beside what it is handed to

    from gateway import answers  # noqa: PLC0415
    from gateway.documents import Prepared  # noqa: PLC0415
    from gateway.execution.executor import ReferenceExecutor  # noqa: PLC0415
    from gateway.execution.planned import PlannedExecutor  # noqa: PLC0415

    document = parse(QUERY)
    prepared = Prepared(document, document.definitions[0], {})
    reference = ReferenceExecutor(graph, hide_suggestions=False)
    planned = PlannedExecutor(graph, reference, hide_suggestions=False)

    async def answered(executor, context):
        result = await executor.run(prepared, {"first": 4}, context)
        return answers.executed(result, context.problems)

    await answered(planned, world.operation())
    await answered(planned, world.operation())
    (plan,) = planned._plans.values()
    assert plan is not None, "interfaces are planned"
    before = world.called()
    one = await answered(planned, world.operation())
    between = world.called()
    two = await answered(reference, world.operation())
    for answer in (one, two):
        for customer in answer["data"]["customers"]:
            for source in customer["timeline"]["sources"]:
                source.pop("latencyMs", None)
    assert one == two
    assert between - before == world.called() - between


async def test_what_only_the_live_record_knows_has_a_node(run, alice, world):
    for key, name in ((("crm", Kind.CALL, "k1"), "Call"), (("web", Kind.VISIT, "v1"), "Visit")):
        node_id = SourceKey(*key).node_id
        result = await run("query node($id: ID!) { node(id: $id) { __typename id } }", id=node_id)
        assert result.errors is None
        assert result.data["node"] == {"__typename": name, "id": node_id}


async def test_a_visit_is_masked_by_the_callers_scopes(run, alice, world):
    from resolvers.caller import ANY_CUSTOMER, Caller  # noqa: PLC0415

    operation = world.operation(Caller(name="bot", scopes=frozenset({ANY_CUSTOMER})))
    query = """{ customer(by: {id: "cus_alice"}) {
        timeline(first: 1) { nodes { ... on Visit { referrer } } } } }"""
    result = await run(query, operation=operation)
    (node,) = result.data["customer"]["timeline"]["nodes"]
    assert node == {"referrer": None}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ('after: "x"', "BAD_REQUEST"),
        ("first: 0", "BAD_REQUEST"),
        ("first: 101", "PAGE_TOO_LARGE"),
        ('after: "bm9uc2Vuc2U"', "BAD_REQUEST"),
    ],
)
async def test_what_is_no_page_is_refused(run, alice, arguments, code):
    result = await run(
        f'{{ customer(by: {{id: "cus_alice"}}) {{ timeline({arguments}) {{ completeness }} }} }}'
    )
    assert [one for _, one, _ in result.told] == [code]
