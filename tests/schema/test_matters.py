"""Issues and journeys in the graph: grouped over sources, masked, and unknown where they are."""

import pytest

from domain.errors import InputError, SourceUnavailable
from domain.ids import Kind, SourceKey
from domain.money import Money
from domain.provenance import Freshness
from domain.records import Call, Visit
from domain.vocabulary import InteractionState, TicketStatus
from resolvers.caller import ANY_CUSTOMER, Caller
from resolvers.quiet import NoEvents

ISSUES = """query issues($open: Boolean) {
  customers(by: [{id: "cus_alice"}, {id: "cus_bob"}]) {
    issues(open: $open) {
      id groupedBy state reason openedAt satisfaction
      customer { id }
      subject { __typename id ... on Order { number total { amount } } }
      interactions { __typename id ... on Ticket { subject } issue { id } }
      transitions { from { id } to { id } trigger friction { score coverage } }
    }
  }
}"""
JOURNEYS = """query journeys($kind: JourneyKind, $first: Int, $after: String) {
  customer(by: {id: "cus_alice"}) {
    journeys(kind: $kind, first: $first, after: $after) {
      nodes { id kind outcome outcomeValue { amount } touchpoints { __typename id }
              credits(model: LINEAR) { share value { amount } touchpoint { id } } }
      edges { cursor }
      pageInfo { hasNextPage hasPreviousPage endCursor }
      completeness
    }
  }
}"""


@pytest.fixture
def matter(world, fakes, told_events):
    """A mail about order 1042 and a call about it, which only the live record knows."""
    world.events = told_events
    one = world.alice()
    world.customer("cus_bob", world.contact("shop", "s2"))
    world.order("s1", "o9", fakes.ago(days=9), number="1042", total=Money(5_000, "GBP"))
    world.ticket("z1", "t9", fakes.ago(days=2), subject="Where is #1042?", status=TicketStatus.OPEN)
    call = Call(
        key=SourceKey("crm", Kind.CALL, "k1"),
        provenance=world.provenance("crm", "k1"),
        occurred_at=fakes.ago(days=4),
        state=InteractionState.ENDED,
        ended_at=fakes.ago(days=4),
    )
    world.events.put(call, SourceKey("crm", Kind.CONTACT, "h1"), order_number="1042")
    visit = Visit(
        key=SourceKey("crm", Kind.VISIT, "v1"),
        provenance=world.provenance("crm", "v1"),
        occurred_at=fakes.ago(days=9, minutes=20),
        state=InteractionState.ENDED,
    )
    world.events.put(visit, SourceKey("crm", Kind.CONTACT, "h1"))
    return one


async def about(run, **variables):
    result = await run(ISSUES, **variables)
    assert result.told == []
    return result.data["customers"][0]["issues"]


async def test_a_mail_and_a_call_about_one_order_are_one_issue_of_two_systems(matter, run):
    (issue,) = [one for one in await about(run) if one["groupedBy"] == "order"]
    assert [one["__typename"] for one in issue["interactions"]] == ["Call", "Ticket"]
    assert (issue["state"], issue["customer"]["id"]) == ("OPEN", matter)
    assert issue["subject"]["number"] == "1042"
    (step,) = issue["transitions"]
    assert [step["from"], step["to"]] == [{"id": one["id"]} for one in issue["interactions"]]
    assert step["friction"]["score"] == pytest.approx(0.86, abs=0.01)


async def test_an_interaction_knows_its_issue(matter, run):
    for issue in await about(run):
        assert {one["issue"]["id"] for one in issue["interactions"]} == {issue["id"]}


async def test_only_open_issues_where_only_these_are_wanted(matter, run):
    every, still_open = await about(run), await about(run, open=True)
    assert [one for one in every if one["state"] != "RESOLVED"] == still_open
    assert [one for one in every if one["state"] == "RESOLVED"], "the visit of nine days ago"


async def test_who_never_contacted_anybody_has_none(matter, run):
    result = await run(ISSUES)
    assert result.data["customers"][1]["issues"] == []


async def test_no_issue_is_unknown_while_somebody_who_could_know_is_silent(matter, world, run):
    world.events = NoEvents()
    for name, kind in (("desk", Kind.TICKET), ("chat", Kind.CONVERSATION)):
        world[name].broken[kind] = SourceUnavailable(name, "down")
    result = await run(ISSUES)
    assert result.data["customers"][0]["issues"] is None
    assert {system for _, _, system in result.told} == {"desk", "chat"}


async def test_two_customers_cost_no_more_calls_than_one(matter, world, run):
    await run(ISSUES)
    called = world.called()
    assert set(called.values()) == {1}, called


async def test_an_issue_is_found_by_its_id_and_a_journey_by_its_own(matter, run):
    (issue,) = [one for one in await about(run) if one["groupedBy"] == "order"]
    query = "query one($id: ID!) { node(id: $id) { __typename id } }"
    found = await run(query, id=issue["id"])
    assert found.data["node"] == {"__typename": "Issue", "id": issue["id"]}
    ways = (await run(JOURNEYS)).data["customer"]["journeys"]["nodes"]
    found = await run(query, id=ways[0]["id"])
    assert found.data["node"] == {"__typename": "Journey", "id": ways[0]["id"]}


async def test_somebody_without_proof_does_not_learn_of_an_issue(matter, world, run):
    (issue, *_) = await about(run)
    nobody = world.operation(Caller(name="page", scopes=frozenset()))
    found = await run("query one($id: ID!) { node(id: $id) { id } }", operation=nobody, **issue)
    assert found.data["node"] is None


async def test_a_visit_led_to_an_order_and_has_all_of_its_credit(matter, run):
    result = await run(JOURNEYS, kind="VISITOR")
    (way,) = result.data["customer"]["journeys"]["nodes"]
    assert (way["outcome"], way["outcomeValue"]["amount"]) == ("order", "50.00")
    assert [(one["share"], one["value"]["amount"]) for one in way["credits"]] == [(1.0, "50.00")]


async def test_who_may_not_see_money_sees_no_credits_and_masked_subjects(matter, world, run):
    masked = Caller(name="masked", scopes=frozenset({ANY_CUSTOMER}))
    result = await run(JOURNEYS, kind="VISITOR", operation=world.operation(masked))
    (way,) = result.data["customer"]["journeys"]["nodes"]
    assert (way["outcomeValue"], way["credits"]) == (None, [])
    result = await run(ISSUES, operation=world.operation(masked))
    subjects = [
        one.get("subject")
        for some in result.data["customers"][0]["issues"]
        for one in some["interactions"]
    ]
    assert "***" in subjects
    assert "Where is #1042?" not in subjects


async def test_journeys_page_with_each_once(matter, run):
    seen, after = [], None
    while True:
        result = await run(JOURNEYS, first=1, after=after)
        page = result.data["customer"]["journeys"]
        seen += [one["id"] for one in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    whole = (await run(JOURNEYS)).data["customer"]["journeys"]["nodes"]
    assert seen == [one["id"] for one in whole]
    assert len(set(seen)) == len(seen) > 2


async def test_a_cursor_that_is_none_is_refused(matter, run):
    assert [code for _, code, _ in (await run(JOURNEYS, after="x")).told] == ["BAD_REQUEST"]


async def test_a_cursor_of_one_customer_is_no_error_of_another(matter, world, run):
    """Asked as a plan asks, for many at once: random operations found that all were lost."""
    from schema.bulk import many_of  # noqa: PLC0415  # types are registered by the graph first
    from schema.matters import journeys_of  # noqa: PLC0415

    cursor = (await run(JOURNEYS)).data["customer"]["journeys"]["nodes"][0]["id"]
    operation = world.operation()
    owners = [await operation.loaders.customer(one, Freshness()) for one in (matter, "cus_bob")]
    many = many_of(journeys_of)
    alice, bob = await many(owners, operation, lambda _: None, after=cursor)
    assert alice.nodes is not None
    assert isinstance(bob, InputError)
