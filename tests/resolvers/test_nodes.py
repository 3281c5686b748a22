import pytest

from domain.customer import Link
from domain.errors import InputError, NotSupported, SourceUnavailable
from domain.ids import Kind, encode_node_id
from domain.records import Actor
from domain.vocabulary import ActorKind, LinkMethod, LinkStatus, ServedFrom, Verification
from resolvers.caller import ANY_CUSTOMER, Caller
from resolvers.nodes import node


@pytest.fixture
def link(world, fakes):
    world.alice()
    left, right = world.identity.standing["cus_alice"].members[:2]
    one = Link(
        left=left,
        right=right,
        method=LinkMethod.PROBABILISTIC,
        status=LinkStatus.AUTO,
        match_weight=12.5,
        prior_weight=-8.0,
        decided_by=Actor(kind=ActorKind.SYSTEM, id="resolver"),
        decided_at=fakes.NOW,
    )
    world.identity.known_links.append(one)
    return one


async def test_a_system_is_a_node(world):
    found = await node(world.operation(), world["crm"].system.id)
    assert found is world["crm"].system
    assert await node(world.operation(), encode_node_id("system", "nowhere")) is None


async def test_a_customer_is_found_by_any_id_that_ever_stood(world):
    world.alice()
    world.identity.redirects["cus_old"] = "cus_alice"
    assert (await node(world.operation(), "cus_old")).id == "cus_alice"
    assert await node(world.operation(), "cus_never") is None


async def test_who_was_erased_is_no_node(world, fakes):
    world.customer("cus_gone", world.contact("crm", "h1"), erased_at=fakes.NOW)
    assert await node(world.operation(), "cus_gone") is None


async def test_a_record_of_an_unknown_source_or_id_is_nothing(world):
    for one in (("order", "nowhere", "1"), ("order", "shop", "none"), ("record", "crm", "none")):
        assert await node(world.operation(), encode_node_id(*one)) is None
    assert await node(world.operation(), encode_node_id("message", "nowhere", "t/m")) is None


async def test_a_source_that_cannot_say_is_an_error_and_not_nothing(world):
    world["shop"].broken[Kind.ORDER] = SourceUnavailable("shop", "503")
    with pytest.raises(SourceUnavailable):
        await node(world.operation(), encode_node_id("order", "shop", "1"))
    with pytest.raises(NotSupported):
        await node(world.operation(), encode_node_id("order", "crm", "1"))
    with pytest.raises(NotSupported):
        await node(world.operation(), encode_node_id("message", "crm", "t/m"))


async def test_a_record_is_served_from_what_was_kept_when_its_source_fails(world):
    world.contact("crm", "h1")
    world["crm"].broken[Kind.CONTACT] = SourceUnavailable("crm", "503")
    found = await node(world.operation(), encode_node_id("record", "crm", "h1"))
    assert found.provenance.served_from is ServedFrom.STALE_CACHE


async def test_a_message_is_found_on_a_later_page_of_its_thread(world, fakes):
    ticket = world.ticket("z1", "t/1", fakes.ago(days=2))
    for i in range(150):
        world.message(ticket, f"m{i}", fakes.ago(minutes=i))
    found = await node(world.operation(), encode_node_id("message", "desk", "t/1/m149"))
    assert found.body == "text of m149"
    assert world.called() == {("desk", "children", "message"): 2}
    assert await node(world.operation(), encode_node_id("message", "desk", "t/1/none")) is None


async def test_an_internal_note_is_nothing_to_who_is_not_staff(world, fakes):
    ticket = world.ticket("z1", "t1", fakes.ago(days=2))
    world.message(ticket, "m", fakes.NOW, internal=True)
    note = encode_node_id("message", "desk", "t1/m")
    caller = Caller(name="bot", scopes=frozenset({ANY_CUSTOMER}))
    assert await node(world.operation(caller), note) is None
    assert await node(world.operation(), note) is not None


@pytest.mark.parametrize(
    "text",
    ["", "x", "_", "cus_", "journey_AAAA", "order_!!", encode_node_id("order", "only-one-part"),
     encode_node_id("link", "a", "b"), encode_node_id("order", "a", "b", "c"),
     encode_node_id("call", "a")],
)  # fmt: skip
async def test_what_is_no_id_of_ours_is_the_callers_mistake(world, text):
    with pytest.raises(InputError, match="not an id"):
        await node(world.operation(), text)


# ---------------------------------------------------------------- links


async def test_a_link_is_a_node(world, link):
    assert await node(world.operation(), link.id) == link
    gone = encode_node_id("link", "chat", "i1", "crm", "other")
    assert await node(world.operation(), gone) is None


async def test_links_are_one_question_for_many_customers_and_filtered_by_status(world, link):
    operation = world.operation()
    assert await operation.loaders.links("cus_alice", None) == (link,)
    assert await operation.loaders.links("cus_alice", frozenset({LinkStatus.PENDING})) == ()
    assert world.identity.calls["links"] == 2


async def test_a_link_to_a_record_that_is_not_kept_is_left_out(world, link):
    del world.store.rows[link.right]
    assert await world.operation().loaders.links("cus_alice", None) == ()


async def test_a_link_to_somebody_elses_record_is_for_who_may_read_anybody(world, link, fakes):
    other = world.contact("crm", "h7", emails=("bob@example.com",))
    world.customer("cus_bob", other)
    rejected = fakes.replace(link, right=other.key, status=LinkStatus.REJECTED)
    world.identity.known_links.append(rejected)
    assert len(await world.operation().loaders.links("cus_alice", None)) == 2
    key = fakes.LookupKey(fakes.KeyKind.EMAIL, "alice@example.com")
    visitor = Caller(name="page", proven={key: Verification.VERIFIED})
    operation = world.operation(visitor)
    assert [one.id for one in await operation.loaders.links("cus_alice", None)] == [link.id]
    assert await node(world.operation(visitor), link.id) is not None
    assert await node(world.operation(visitor), rejected.id) is None


async def test_the_evidence_of_a_link_is_masked_and_its_summary_names_no_value(world, link):
    from resolvers.links import summary  # noqa: PLC0415

    world.store.rows[link.left] = world.contact("chat", "i1", emails=("ali@other.example",))
    caller = Caller(name="bot", scopes=frozenset({ANY_CUSTOMER}))
    (evidence,) = await world.operation(caller).loaders.evidence(link)
    assert evidence.left == "a."
    told = summary(link, [evidence])
    assert told == "One person: e-mail: exact."
