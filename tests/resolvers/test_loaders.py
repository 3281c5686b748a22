import asyncio

import pytest

from domain.customer import KeyKind, LookupKey
from domain.errors import SourceUnavailable
from domain.ids import CustomerId, Kind, SourceKey
from domain.provenance import Freshness
from domain.sources import ChildFilter
from domain.vocabulary import Completeness, OrderStatus
from resolvers.caller import ANY_CUSTOMER, Caller
from resolvers.loaders import Batch
from resolvers.pages import Cut

FRESH = Freshness()


@pytest.fixture
def fifty(world, fakes):
    """Fifty people in four systems, with things in three."""
    keys = []
    for i in range(50):
        email = f"p{i}@example.com"
        rows = [world.contact(name, f"{name}{i}", emails=(email,)) for name in world.systems]
        world.order(f"shop{i}", f"o{i}", fakes.ago(days=i))
        world.ticket(f"desk{i}", f"t{i}", fakes.ago(days=i))
        world.conversation(f"chat{i}", f"c{i}", fakes.ago(days=i))
        world.customer(f"cus_{i}", *rows)
        keys.append(LookupKey(KeyKind.EMAIL, email))
    return keys


async def everything(operation, key):
    customer = await operation.loaders.lookup(key, FRESH)
    kinds = (Kind.ORDER, Kind.TICKET, Kind.CONVERSATION)
    lists = await asyncio.gather(
        *(operation.loaders.connection(customer, Cut(kind=kind)) for kind in kinds)
    )
    threads = [node for one in lists[1:] for node in one.nodes]
    await asyncio.gather(
        *(operation.loaders.messages(node.key, Cut(kind=Kind.MESSAGE)) for node in threads)
    )
    return customer, lists


async def test_fifty_customers_over_four_sources_are_one_call_for_each_source_and_kind(
    world, fifty
):
    operation = world.operation()
    found = await asyncio.gather(*(everything(operation, key) for key in fifty))
    assert [[node.key.external_id for node in lists[0].nodes] for _, lists in found] == [
        [f"o{i}"] for i in range(50)
    ]
    assert world.called() == {
        ("crm", "get", "contact"): 1,
        ("shop", "get", "contact"): 1,
        ("desk", "get", "contact"): 1,
        ("chat", "get", "contact"): 1,
        ("shop", "children", "order"): 1,
        ("desk", "children", "ticket"): 1,
        ("chat", "children", "conversation"): 1,
        ("desk", "children", "message"): 1,
        ("chat", "children", "message"): 1,
    }
    calls = world.identity.calls
    assert (calls["find"], calls["clusters"], calls["shared"]) == (1, 1, 1)


async def test_the_same_list_asked_for_twice_is_one_call_and_another_cut_is_another(world, fifty):
    operation = world.operation()
    one = await operation.loaders.lookup(fifty[0], FRESH)
    where = ChildFilter(order_status=frozenset({OrderStatus.SHIPPED}))
    cuts = [Cut(kind=Kind.ORDER), Cut(kind=Kind.ORDER), Cut(kind=Kind.ORDER, where=where)]
    await asyncio.gather(*(operation.loaders.connection(one, cut) for cut in cuts))
    assert world.called()["shop", "children", "order"] == 2


async def test_a_record_by_key_is_one_call_for_each_source_and_kind(world, fifty):
    operation = world.operation()
    keys = [SourceKey("shop", Kind.ORDER, f"o{i}") for i in range(50)]
    found = await asyncio.gather(*(operation.loaders.record(key) for key in keys))
    assert [one.key for one in found] == keys
    assert world.called() == {("shop", "get", "order"): 1}


async def test_records_are_masked_on_their_way_out_and_worked_with_whole(world, fakes):
    """The shop knows its customers by e-mail: a masked one would find nothing."""
    world.customer_keys["shop"] = "email"
    world.alice()
    world.order("alice@example.com", "e1", fakes.ago(days=1), by=fakes.ParentBy.EMAIL)
    operation = world.operation(Caller(name="bot", scopes=frozenset({ANY_CUSTOMER})))
    key = LookupKey(KeyKind.EMAIL, "alice@example.com")
    customer = await operation.loaders.lookup(key, FRESH)
    assert customer.primary_email == "a***@e***.com"
    assert all(one.value != "alice@example.com" for one in customer.identifiers)
    connection = await operation.loaders.connection(customer, Cut(kind=Kind.ORDER))
    assert [node.key.external_id for node in connection.nodes] == ["e1"]


async def test_what_is_kept_is_not_masked(world, fakes):
    world.alice()
    operation = world.operation(Caller(name="bot", scopes=frozenset({ANY_CUSTOMER})))
    customer = await operation.loaders.customer(CustomerId("cus_alice"), FRESH)
    connection = await operation.loaders.connection(customer, Cut(kind=Kind.TICKET))
    assert connection.nodes[0].subject == "***"
    await operation.finish()
    (page,) = world.store.pages.values()
    assert page.items[0].subject == "Where is it?"


async def test_messages_inherit_the_freshness_of_their_thread_and_count_for_its_customer(
    world, fakes
):
    world.alice()
    operation = world.operation()
    customer = await operation.loaders.customer(CustomerId("cus_alice"), FRESH)
    cut = Cut(kind=Kind.TICKET, freshness=Freshness(allow_stale=False))
    connection = await operation.loaders.connection(customer, cut)
    world["desk"].broken[Kind.MESSAGE] = SourceUnavailable("desk", "503")
    thread = connection.nodes[0].key
    assert operation.trail(thread).freshness == Freshness(allow_stale=False)
    await operation.loaders.messages(thread, Cut(kind=Kind.MESSAGE))
    assert operation.ledger.completeness(customer.id) is Completeness.PARTIAL


async def test_nothing_is_read_that_nobody_asked_for(world):
    world.alice()
    operation = world.operation()
    operation.wanted = {"Customer": frozenset({"id", "version", "orders"})}
    customer = await operation.loaders.customer(CustomerId("cus_alice"), FRESH)
    assert (customer.version, customer.display_name) == (1, None)
    assert not world.called()
    await operation.loaders.connection(customer, Cut(kind=Kind.ORDER))
    assert world.called() == {("shop", "children", "order"): 1}


async def test_only_what_is_asked_for_is_stitched(world):
    world.alice()
    operation = world.operation()
    operation.wanted = {"Customer": frozenset({"display_name"})}
    customer = await operation.loaders.customer(CustomerId("cus_alice"), FRESH)
    assert (customer.display_name, customer.primary_email) == ("Alice Example", None)
    assert (customer.attributes, customer.identifiers, customer.records) == ((), (), ())
    assert world.identity.calls["canonical"] == 0
    assert world["crm"].calls[0].fields == {
        "full_name",
        "given_name",
        "family_name",
        "key",
        "provenance",
    }


async def test_a_cancelled_waiter_does_not_take_the_answer_from_the_others():
    """GraphQL cancels the siblings of a field that failed; they may share a loader with others."""
    release = asyncio.Event()

    async def fetch(keys):
        await release.wait()
        return [key.upper() for key in keys]

    batch = Batch(fetch)
    first, second = (asyncio.ensure_future(batch.load("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    release.set()
    assert await second == "A"
    assert await batch.load("a") == "A"


async def test_lists_that_overlap_fetch_each_key_once():
    calls: asyncio.Queue[list[str]] = asyncio.Queue()
    release = asyncio.Event()

    async def fetch(keys):
        calls.put_nowait(keys)
        await release.wait()
        return [key.upper() for key in keys]

    batch = Batch(fetch)
    together = [asyncio.ensure_future(batch.settle(keys)) for keys in (["a", "b"], ["b", "c"])]
    assert await calls.get() == ["a", "b", "c"]
    later = asyncio.ensure_future(batch.settle(["c", "d"]))
    assert await calls.get() == ["d"]
    release.set()
    assert await asyncio.gather(*together, later) == [["A", "B"], ["B", "C"], ["C", "D"]]
    assert calls.empty()


async def test_a_call_that_fails_is_told_to_each_list_that_needs_it():
    async def fetch(keys):
        raise LookupError(*keys)

    batch = Batch(fetch)
    batch.prime("known", 1)
    found = await asyncio.gather(
        batch.settle(["known"]),
        batch.settle(["known", "a"]),
        batch.settle(["a"]),
        return_exceptions=True,
    )
    assert found[0] == [1]
    assert [type(one) for one in found[1:]] == [LookupError, LookupError]


async def test_an_id_of_before_a_merge_costs_no_second_reading(world):
    world.alice()
    world.identity.redirects["cus_old"] = "cus_alice"
    operation = world.operation()
    customer = await operation.loaders.customer(CustomerId("cus_old"), FRESH)
    await operation.loaders.connection(customer, Cut(kind=Kind.ORDER))
    assert world.called()["crm", "get", "contact"] == 1
    assert world.identity.calls["clusters"] == 1
