"""Decisions as they travel: arguments, payloads, errors."""

import pytest

from domain.customer import Cluster, IdentityEvent, Link
from domain.decisions import Scene
from domain.ids import CustomerId
from domain.records import Actor
from domain.vocabulary import ActorKind, IdentityEventKind, LinkMethod, LinkStatus
from resolvers.caller import Caller

MERGE = """
mutation($input: MergeInput!) {
  customerMerge(input: $input) {
    customers { id version displayName completeness }
    event
    userErrors { code message field }
  }
}"""
SPLIT = (
    "mutation($input: SplitInput!) { customerSplit(input: $input) { userErrors { code field } } }"
)
QUEUE = """
query($after: String) {
  reviewQueue(first: 1, after: $after) {
    totalCount
    pageInfo { hasNextPage hasPreviousPage endCursor }
    edges { cursor node { id } }
    nodes { id status reason left { provenance { externalId } } evidence { comparison left } }
  }
}"""
HISTORY = """
{
  identityHistory(customer: "cus_alice", first: 1) {
    pageInfo { hasNextPage }
    edges { cursor }
    nodes { cursor kind before after reason at by { kind id } }
  }
}"""
STEWARD = Caller(name="steward", scopes=frozenset({"customer:any", "staff"}))


@pytest.fixture
def pair(world):
    """Alice and Bob, and the scene in which a merge of them is decided."""
    alice = world.identity.standing[world.alice()]
    bob_row = world.contact("crm", "h2", full_name="Bob Example", emails=("bob@example.com",))
    bob = world.identity.standing[world.customer("cus_bob", bob_row)]
    world.decisions.scene = Scene(
        customers={alice.id: alice, bob.id: bob},
        owners={key: one.id for one in (alice, bob) for key in one.members},
        since={key: 1 for one in (alice, bob) for key in one.members},
    )
    return alice, bob


def merge_input(**more):
    keep = {"id": "cus_alice", "expectedVersion": 1}
    absorb = [{"id": "cus_bob", "expectedVersion": 1}]
    return {"keep": keep, "absorb": absorb, "reason": "one", "idempotencyKey": "k", **more}


@pytest.fixture
def links(pair, world, fakes):
    alice, bob = pair
    (right,) = bob.members
    made = [
        Link(
            left=min(key, right),
            right=max(key, right),
            method=LinkMethod.PROBABILISTIC,
            status=LinkStatus.PENDING,
            match_weight=weight,
            reason="Alice Example told us",
            decided_by=Actor(kind=ActorKind.SYSTEM, id="identity"),
            decided_at=fakes.NOW,
        )
        for key, weight in zip(alice.members, (6.5, 5.0), strict=False)
    ]
    world.decisions.queue.extend(made)
    return made


async def test_a_merge_is_answered_with_the_customer_and_its_event(run, world, pair):
    answer = await run(MERGE, input=merge_input())
    assert answer.errors is None
    payload = answer.data["customerMerge"]
    (customer,) = payload["customers"]
    assert (customer["id"], customer["displayName"]) == ("cus_alice", "Alice Example")
    assert payload["event"].startswith("event_")
    assert payload["userErrors"] == []
    (ruling,) = world.decisions.rulings
    assert ruling.redirects == {"cus_bob": "cus_alice"}
    assert ruling.event.by == Actor(kind=ActorKind.HUMAN, id="desk")


async def test_a_refusal_is_told_with_code_and_place_and_no_customer(run, world, pair):
    stale = merge_input(absorb=[{"id": "cus_bob", "expectedVersion": 7}])
    answer = await run(MERGE, input=stale)
    assert answer.errors is None
    payload = answer.data["customerMerge"]
    assert (payload["customers"], payload["event"]) == (None, None)
    assert payload["userErrors"] == [
        {
            "code": "STALE_VERSION",
            "message": "cus_bob is at version 1",
            "field": ["input", "absorb", "0", "expectedVersion"],
        }
    ]
    assert world.decisions.rulings == []


async def test_a_split_is_for_good_unless_told_otherwise(run, world, pair):
    alice, _ = pair
    given = {
        "customer": "cus_alice",
        "records": [alice.members[0].node_id],
        "expectedVersion": 1,
        "reason": "two",
        "idempotencyKey": "k",
    }
    for more, statuses in (({}, {LinkStatus.REJECTED}), ({"neverRelink": False}, set())):
        answer = await run(SPLIT, input=given | more)
        assert answer.data["customerSplit"]["userErrors"] == []
        assert {link.status for link in world.decisions.rulings[-1].links} == statuses


async def test_two_decisions_of_one_request_each_read_what_they_left(run, world, pair):
    alice, _ = pair

    async def decide(question, rule):
        version = world.identity.standing[alice.id].version + 1
        world.identity.standing[alice.id] = Cluster(
            id=alice.id, version=version, members=alice.members
        )
        return await decided(question, rule)

    decided, world.decisions.decide = world.decisions.decide, decide
    answer = await run(
        "mutation($one: MergeInput!, $other: MergeInput!) {"
        " first: customerMerge(input: $one) { customers { version } }"
        " second: customerMerge(input: $other) { customers { version } } }",
        one=merge_input(),
        other=merge_input(idempotencyKey="other"),
    )
    assert answer.data == {
        "first": {"customers": [{"version": 2}]},
        "second": {"customers": [{"version": 3}]},
    }


async def test_a_link_is_decided_by_its_id(run, world, pair, links):
    world.decisions.scene = Scene(
        customers=world.decisions.scene.customers,
        owners={links[0].left: CustomerId("cus_bob"), links[0].right: CustomerId("cus_alice")},
        links=links,
    )
    for name, kind in (
        ("identityLinkConfirm", IdentityEventKind.CONFIRMED),
        ("identityLinkReject", IdentityEventKind.REJECTED),
    ):
        answer = await run(
            f'mutation($id: ID!) {{ {name}(id: $id, reason: "seen") {{ userErrors {{ code }} }} }}',
            id=links[0].id,
        )
        assert answer.data == {name: {"userErrors": []}}
        assert world.decisions.rulings[-1].event.kind is kind
        assert world.decisions.questions[-1].records == (links[0].left, links[0].right)


async def test_the_queue_is_read_page_by_page(run, world, links):
    first = (await run(QUEUE)).data["reviewQueue"]
    assert first["totalCount"] == 2
    assert first["pageInfo"]["hasNextPage"]
    assert first["nodes"][0]["id"] == first["edges"][0]["node"]["id"] == links[0].id
    assert first["edges"][0]["cursor"] == first["pageInfo"]["endCursor"]
    second = (await run(QUEUE, after=first["pageInfo"]["endCursor"])).data["reviewQueue"]
    assert [one["id"] for one in second["nodes"]] == [links[1].id]
    assert not second["pageInfo"]["hasNextPage"]
    assert second["pageInfo"]["hasPreviousPage"]


async def test_what_waits_is_masked_for_who_has_no_scope_for_it(run, world, links):
    answer = await run(QUEUE, operation=world.operation(STEWARD))
    (link,) = answer.data["reviewQueue"]["nodes"]
    assert link["reason"] == "***"
    assert "@example.com" not in str(answer.data)


async def test_history_names_who_was_who(run, world, pair, fakes):
    world.decisions.events = [
        IdentityEvent(
            sequence=sequence,
            kind=IdentityEventKind.MERGED,
            before=(CustomerId("cus_alice"), CustomerId("cus_bob")),
            after=(CustomerId("cus_alice"),),
            by=Actor(kind=ActorKind.HUMAN, id="desk"),
            reason="one",
            at=fakes.NOW,
        )
        for sequence in (9, 4)
    ]
    found = (await run(HISTORY)).data["identityHistory"]
    assert found["pageInfo"] == {"hasNextPage": True}
    (event,) = found["nodes"]
    assert event.pop("cursor") == found["edges"][0]["cursor"]
    assert event == {
        "kind": "MERGED",
        "before": ["cus_alice", "cus_bob"],
        "after": ["cus_alice"],
        "reason": "one",
        "at": "2026-03-02T09:00:00Z",
        "by": {"kind": "HUMAN", "id": "desk"},
    }


async def test_a_merge_that_is_tried_shows_what_the_customer_would_be(run, world, pair):
    answer = await run(
        '{ customerMergePreview(keep: "cus_alice", absorb: ["cus_bob"]) { allowed recordsAfter'
        " matchProbability problems { code } attributesAfter { name value alternatives { value }"
        " provenance { servedFrom } } } }"
    )
    tried = answer.data["customerMergePreview"]
    assert (tried["allowed"], tried["recordsAfter"], tried["problems"]) == (True, 5, [])
    values = {one["name"]: one for one in tried["attributesAfter"]}
    assert values["name"]["value"] == "Alice Example"
    assert {"value": "Bob Example"} in values["name"]["alternatives"]
    assert values["name"]["provenance"] == {"servedFrom": "CACHE"}
    assert not any(system.calls for system in world.systems.values())


async def test_who_is_no_steward_is_refused_with_a_code(run, world, pair):
    caller = Caller(name="bot", scopes=frozenset({"customer:any"}))
    for query in (MERGE, QUEUE, HISTORY):
        answer = await run(query, operation=world.operation(caller), input=merge_input())
        assert [code for _, code, _ in answer.told] == ["FORBIDDEN"]
    assert world.decisions.questions == []
