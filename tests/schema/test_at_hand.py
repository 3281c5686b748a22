"""Lists that a cache holds are had without a wait, and are the lists that are waited for."""

from dataclasses import replace
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from graphql.execution.values import VariableValues

from domain.customer import KeyKind, LookupKey
from domain.money import Money
from domain.provenance import Freshness
from domain.vocabulary import Completeness, ServedFrom
from gateway.documents import Prepared
from gateway.entities.cache import EntityCache
from gateway.entities.source import cached
from gateway.entities.store import MemoryEntries
from gateway.execution.compiler import Compiler
from gateway.execution.run import Run
from gateway.execution.tasks import Tasks
from resolvers.caller import Caller
from resolvers.masking import Masks
from schema.bulk import at_hand_of, many_of

ALICE = LookupKey(KeyKind.ID, "cus_alice")


@pytest.fixture
def start(world: Any, fakes: Any) -> Any:
    """An operation behind one cache, with the one customer there is."""
    ids = {"shop": "s1", "desk": "d1", "chat": "c1"}
    world.customer("cus_alice", *(world.contact(name, one) for name, one in ids.items()))
    world.order("s1", "o1", fakes.ago(days=1), total=Money(995, "EUR"))
    world.order("s1", "o2", fakes.ago(days=2), total=Money(500, "EUR"))
    services = world.services()
    cache = EntityCache(
        MemoryEntries(2**20), services.clock, world.telemetry, keep_s=600.0, stale_s=0.0
    )
    sources = {name: cached(one, cache, name) for name, one in services.sources.items()}
    behind = replace(services, sources=sources)

    async def started(at_once: bool = True) -> Any:
        operation = world.operation()
        operation.services = behind
        operation.loaders.at_once = at_once
        (owner,) = await operation.loaders.lookups([ALICE], Freshness())
        return operation, [owner]

    return started


def forms(name: str) -> Any:
    from schema import customer  # noqa: PLC0415  # types are registered by the graph first

    resolver = getattr(customer, name)
    return many_of(resolver), at_hand_of(resolver)


def nowhere(_: int) -> Any:
    raise AssertionError("nothing is lost")


@pytest.mark.usefixtures("graph")
async def test_a_list_is_at_hand_when_it_was_read_and_kept(start):
    many, at_hand = forms("_orders")
    operation, owners = await start()
    assert at_hand(owners, operation, nowhere, first=5) is None
    (waited,) = await many(owners, operation, nowhere, first=5)
    operation, owners = await start()
    (found,) = at_hand(owners, operation, nowhere, first=5)
    assert [one.key for one in found.nodes] == [one.key for one in waited.nodes]
    assert {one.provenance.served_from for one in found.nodes} == {ServedFrom.CACHE}
    assert found.completeness is Completeness.COMPLETE
    assert operation.ledger.completeness(owners[0].id) is Completeness.COMPLETE
    assert operation.trail(found.nodes[0].key).customers == {owners[0].id}
    assert at_hand(owners, operation, nowhere, first=6) is None, "another page"


@pytest.mark.usefixtures("graph")
async def test_a_list_that_others_may_ask_for_too_is_waited_for(start):
    many, at_hand = forms("_orders")
    operation, owners = await start()
    await many(owners, operation, nowhere)
    operation, owners = await start(at_once=False)
    assert at_hand(owners, operation, nowhere) is None


@pytest.mark.usefixtures("graph")
async def test_a_list_at_hand_is_masked_for_who_may_not_see_all(start):
    many, at_hand = forms("_orders")
    operation, owners = await start()
    (waited,) = await many(owners, operation, nowhere)
    operation, owners = await start()
    operation.masks = Masks(Caller(name="bot", scopes=frozenset({"customer:any"})))
    (found,) = at_hand(owners, operation, nowhere)
    assert [one.total for one in found.nodes] == [None, None]
    assert all(one.total for one in waited.nodes)


async def test_a_plan_begins_no_task_for_what_is_at_hand(start, graph, monkeypatch):
    text = '{ customers(by: [{ id: "cus_alice" }]) { %s } }'
    lists = "orders { nodes { number } } tickets { nodes { id } } conversations { completeness }"
    document = parse(text % lists)
    (said,) = document.definitions
    assert isinstance(said, OperationDefinitionNode)
    prepared, values = Prepared(document, said, {}), VariableValues({}, {})
    plan = Compiler(graph, hide_suggestions=False).plan(prepared, values)
    begun: list[Any] = []
    begin = Tasks.begin

    def noted(self: Tasks, work: Any) -> None:
        begun.append(work)
        begin(self, work)

    monkeypatch.setattr(Tasks, "begin", noted)
    tasks, found = [], []
    for _ in range(2):
        operation, _owners = await start()
        found.append(await Run(operation, values).execute(plan.root))
        tasks.append(len(begun))
    assert found[0].errors is found[1].errors is None
    assert found[1].data == found[0].data
    assert tasks == [2, 2], "the second time, all of it was at hand"
