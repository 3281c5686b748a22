"""Every way in but keys, for a caller that may not read anybody; keys are in test_lookup."""

import pytest

from domain.customer import KeyKind, LookupKey
from domain.errors import Forbidden
from domain.ids import encode_node_id
from domain.vocabulary import Verification
from resolvers.caller import Caller
from resolvers.nodes import node
from resolvers.search import search

ALICE = LookupKey(KeyKind.EMAIL, "alice@example.com")
BOB = LookupKey(KeyKind.EMAIL, "bob@example.com")


def proven(*keys):
    return Caller(name="page", proven=dict.fromkeys(keys, Verification.AUTHENTICATED))


@pytest.fixture
def ids(world):
    world.alice()
    world.customer("cus_bob", world.contact("crm", "h2", emails=(BOB.value,)))
    return {
        "customer": "cus_alice",
        "record": encode_node_id("record", "crm", "h1"),
        "order": encode_node_id("order", "shop", "1001"),
        "ticket": encode_node_id("ticket", "desk", "t1"),
        "conversation": encode_node_id("conversation", "chat", "c1"),
        "ticket message": encode_node_id("message", "desk", "t1/m1"),
        "chat message": encode_node_id("message", "chat", "c1/m2"),
    }


WAYS = ["customer", "record", "order", "ticket", "conversation", "ticket message", "chat message"]


@pytest.mark.parametrize("way", WAYS)
async def test_who_proved_a_key_sees_what_is_its_own(world, ids, way):
    assert await node(world.operation(proven(ALICE)), ids[way]) is not None


@pytest.mark.parametrize("way", WAYS)
async def test_who_proved_somebody_elses_key_sees_nothing(world, ids, way):
    assert await node(world.operation(proven(BOB)), ids[way]) is None


@pytest.mark.parametrize("way", WAYS)
async def test_who_proved_nothing_sees_nothing_and_no_source_is_asked(world, ids, way):
    assert await node(world.operation(Caller(name="page")), ids[way]) is None
    assert not world.called()


@pytest.mark.parametrize("way", WAYS)
async def test_the_scope_opens_every_way(world, ids, way):
    assert await node(world.operation(), ids[way]) is not None


async def test_a_record_of_nobody_known_is_for_nobody_without_the_scope(world, ids, fakes):
    world.order("stranger", "9", fakes.ago(days=1))
    order = encode_node_id("order", "shop", "9")
    assert await node(world.operation(proven(ALICE)), order) is None
    assert await node(world.operation(), order) is not None


async def test_an_id_of_before_a_merge_opens_what_it_led_to(world, ids):
    world.identity.redirects["cus_old"] = "cus_alice"
    assert (await node(world.operation(proven(ALICE)), "cus_old")).id == "cus_alice"


async def test_search_is_for_who_may_read_anybody(world, ids):
    world.identity.words["ali"] = ["cus_alice"]
    assert [one.id for one in await search(world.operation(), "ali", 10)] == ["cus_alice"]
    with pytest.raises(Forbidden):
        await search(world.operation(proven(ALICE)), "ali", 10)


@pytest.mark.parametrize("way", ["order", "ticket", "conversation", "ticket message"])
async def test_whose_a_record_is_is_asked_for_although_nobody_reads_it(world, ids, way):
    """A source that honours the fields it is asked for would leave every record nobody's."""
    operation = world.operation(proven(ALICE))
    operation.wanted = dict.fromkeys(("Order", "Ticket", "Conversation", "Message"), frozenset())
    await node(operation, ids[way])
    calls = [call for one in world.systems.values() for call in one.calls if call.what == "get"]
    assert calls
    assert all("owner_ids" in call.fields for call in calls)
