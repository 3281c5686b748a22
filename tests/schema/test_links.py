import pytest

from domain.customer import Link
from domain.records import Actor
from domain.vocabulary import ActorKind, LinkMethod, LinkStatus


@pytest.fixture
def links(world, fakes):
    world.alice()
    first, *others = world.identity.standing["cus_alice"].members
    made = [
        Link(
            left=first,
            right=other,
            method=LinkMethod.PROBABILISTIC,
            status=status,
            match_weight=12.5,
            match_probability=0.99,
            prior_weight=-8.0,
            model_version="bundled-1",
            decided_by=Actor(kind=ActorKind.SYSTEM, id="resolver"),
            decided_at=fakes.NOW,
        )
        for other, status in zip(others, (LinkStatus.AUTO, LinkStatus.PENDING), strict=False)
    ]
    world.identity.known_links.extend(made)
    return made


async def test_links_say_which_records_why_and_who_decided(run, world, links):
    answer = await run(
        '{ customer(by: {id: "cus_alice"}) { links { id method status matchProbability'
        " matchWeight priorWeight summary modelVersion decidedAt reason decidedBy { kind id name }"
        " left { provenance { externalId } } right { id }"
        " evidence { comparison level left right matchWeight m } } } }"
    )
    assert answer.errors is None
    first, second = answer.data["customer"]["links"]
    assert first["id"] == links[0].id
    assert first["left"] == {"provenance": {"externalId": "i1"}}
    assert first["right"] == {"id": links[0].right.node_id}
    assert first["evidence"] == [
        {
            "comparison": "email",
            "level": "exact",
            "left": "ali@other.example",
            "right": "alice@example.com",
            "matchWeight": 11.25,
            "m": None,
        }
    ]
    assert first["summary"] == "One person: e-mail: exact."
    assert first["decidedBy"] == {"kind": "SYSTEM", "id": "resolver", "name": None}
    assert second["status"] == "PENDING"
    assert world.identity.calls["explain"] == 1
    assert world.identity.calls["links"] == 1


async def test_links_are_chosen_by_status(run, links):
    answer = await run(
        '{ customer(by: {id: "cus_alice"}) { links(status: [PENDING]) { status } } }'
    )
    assert answer.data["customer"]["links"] == [{"status": "PENDING"}]


async def test_a_link_is_a_node(run, links):
    answer = await run(
        "query($id: ID!) { node(id: $id) { ... on IdentityLink { matchWeight } } }", id=links[0].id
    )
    assert answer.data["node"] == {"matchWeight": 12.5}
