"""Requests of one turn that share a run: which do, what they cost, and what becomes of each."""

import asyncio
import gc
import importlib.util
import sys
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import pytest
from graphql import ExecutionResult, OperationDefinitionNode, parse

from connectors.settings import SourceSettings
from domain.customer import KeyKind, LookupKey
from domain.errors import SourceProtocolError, SourceUnavailable
from domain.ids import Kind
from domain.sources import ChildPage
from domain.vocabulary import Verification
from domain.waiting import Later
from gateway.cache import MemoryCache
from gateway.config_kept import Cache as Settings
from gateway.documents import Prepared
from gateway.entities.keeping import Keeping
from gateway.execution.executor import ReferenceExecutor
from gateway.execution.planned import PlannedExecutor
from gateway.execution.sharing import Sharing
from gateway.execution.together import FOUL_S, MOST
from resolvers.caller import ANY_CUSTOMER, Caller
from resolvers.operation import Operation
from schema.graph import build_schema

FIRST = """query($by: CustomerKey!, $first: Int) {
  customer(by: $by) { id displayName orders(first: $first) { completeness nodes { number } } } }"""
ALICE, BOB = {"id": "cus_alice"}, {"id": "cus_bob"}
PROVEN = {LookupKey(KeyKind.ID, "cus_bob"): Verification.VERIFIED}
NOBODY = {"email": "nobody@example.com"}


@pytest.fixture(scope="module")
def executor() -> PlannedExecutor:
    schema = build_schema()
    reference = ReferenceExecutor(schema, hide_suggestions=False)
    return PlannedExecutor(schema, reference, hide_suggestions=False)


@pytest.fixture(scope="module")
def fakes() -> Any:
    path = Path(__file__).parents[1] / "fixtures" / "world.py"
    spec = importlib.util.spec_from_file_location("tests_fixtures_world", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(spec.name, module)
    if sys.modules[spec.name] is module:
        spec.loader.exec_module(module)
    return sys.modules[spec.name]


@pytest.fixture
def world(fakes: Any) -> Any:
    made = fakes.World()
    made.alice()
    bob = made.contact("shop", "s2", full_name="Bob")
    made.order("s2", "2001", fakes.ago(days=1), number="#2001")
    made.customer("cus_bob", bob)
    return made


@pytest.fixture(autouse=True)
def fair(executor: PlannedExecutor) -> None:
    executor._together._foul.clear()


def prepared(text: str) -> Prepared:
    document = parse(text)
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    return Prepared(document, operation, {})


_FIRST = prepared(FIRST)


def begin(
    executor: PlannedExecutor,
    contexts: Sequence[Operation],
    asked: Sequence[dict[str, Any]],
    document: Prepared = _FIRST,
    until: float = inf,
) -> list[asyncio.Task[ExecutionResult]]:
    for one in asked[:1]:
        values = executor._values(document, one)
        assert values is not None
        executor._plan(document, values)
        executor._plan(document, values)
    return [
        asyncio.ensure_future(executor.run(document, one, context, None, until))
        for one, context in zip(asked, contexts, strict=True)
    ]


async def both(
    executor: PlannedExecutor, world: Any, *asked: dict[str, Any]
) -> list[dict[str, Any] | None]:
    contexts = [world.operation() for _ in asked]
    results = await asyncio.gather(*begin(executor, contexts, asked))
    return [result.data and result.data["customer"] for result in results]


def shared(world: Any) -> int:
    return int(world.telemetry.counted["graphql_shared_requests"])


async def test_requests_of_a_turn_ask_each_source_once(executor, world):
    alice, bob = await both(executor, world, {"by": ALICE}, {"by": BOB})
    assert (alice["displayName"], bob["displayName"]) == ("Alice Example", "Bob")
    assert bob["orders"] == {"completeness": "COMPLETE", "nodes": [{"number": "#2001"}]}
    assert world.called()["shop", "children", "order"] == 1
    assert shared(world) == 2


async def test_two_who_ask_for_the_same_are_both_answered(executor, world):
    answers = await both(executor, world, {"by": BOB}, {"by": BOB}, {"by": BOB})
    assert answers[0] == answers[1] == answers[2]
    assert answers[0]["displayName"] == "Bob"
    assert world.called()["shop", "children", "order"] == 1


async def test_one_alone_shares_nothing(executor, world):
    assert (await both(executor, world, {"by": BOB}))[0]["displayName"] == "Bob"
    assert shared(world) == 0


async def test_requests_have_to_agree_in_all_they_ask_but_whom_they_ask_for(executor, world):
    await both(executor, world, {"by": ALICE, "first": 1}, {"by": BOB, "first": 2})
    assert shared(world) == 0
    await both(executor, world, {"by": ALICE, "first": 2}, {"by": BOB, "first": 2})
    assert shared(world) == 2


async def test_what_is_not_said_is_another_question_than_null(executor, world):
    await both(executor, world, {"by": ALICE}, {"by": BOB, "first": None})
    assert shared(world) == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda world: {"caller": replace(world.operation().caller, name="other")},
        lambda world: {"caller": Caller(name="desk", scopes=frozenset({ANY_CUSTOMER}))},
        lambda world: {"deadline_s": 4.0},
        lambda world: {"caller": replace(world.operation().caller, proven=PROVEN)},
        lambda world: {"read_only": True},
    ],
    ids=["another token", "other rights", "less time", "something proven", "a GET"],
)
async def test_requests_that_differ_in_who_asks_or_how_go_apart(
    executor, world, change: Callable[[Any], dict[str, Any]]
):
    contexts = [world.operation(), world.operation(**change(world))]
    await asyncio.gather(*begin(executor, contexts, [{"by": ALICE}, {"by": BOB}]))
    assert shared(world) == 0


async def test_callers_who_may_not_read_anybody_go_apart(executor, world):
    visitor = Caller(name="page", proven=PROVEN)
    contexts = [world.operation(visitor) for _ in range(2)]
    results = await asyncio.gather(*begin(executor, contexts, [{"by": ALICE}, {"by": BOB}]))
    assert [result.data["customer"] is None for result in results] == [True, False]
    assert shared(world) == 0


async def test_a_key_that_nobody_is_known_by_is_searched_for_apart(executor, world):
    """The search may take as long as its source likes: the others do not wait for it."""
    world["chat"].hangs.add("search")
    contexts = [world.operation() for _ in range(3)]
    known, unknown, other = begin(executor, contexts, [{"by": ALICE}, {"by": NOBODY}, {"by": BOB}])
    await asyncio.wait_for(asyncio.gather(known, other), 2)
    assert not unknown.done()
    assert shared(world) == 2
    unknown.cancel()
    await asyncio.wait([unknown])


async def test_what_a_source_left_out_is_told_to_each_at_its_own_place(executor, world):
    world["shop"].broken[Kind.ORDER] = SourceUnavailable("shop", "503")
    contexts = [world.operation() for _ in range(2)]
    await asyncio.gather(*begin(executor, contexts, [{"by": ALICE}, {"by": BOB}]))
    assert [[p.path for p in context.problems] for context in contexts] == [
        [("customer", "orders")],
        [("customer", "orders")],
    ]
    assert world.called()["shop", "children", "order"] == 1
    assert shared(world) == 2


async def test_where_an_answer_was_refused_each_asks_again_and_alone_for_a_while(executor, world):
    """One of those asked about may be the reason, and the others are not to pay for it."""
    world["shop"].broken_for["s2"] = SourceProtocolError("shop", "not an id of ours")
    contexts = [world.operation() for _ in range(2)]
    await asyncio.gather(*begin(executor, contexts, [{"by": ALICE}, {"by": BOB}]))
    assert [len(context.problems) for context in contexts] == [0, 1]
    assert world.called()["shop", "children", "order"] == 3
    assert shared(world) == 0
    await both(executor, world, {"by": ALICE}, {"by": BOB})
    assert world.called()["shop", "children", "order"] == 5
    (until,) = executor._together._foul.values()
    assert 0 < until - asyncio.get_running_loop().time() <= FOUL_S


async def test_where_lists_read_together_end_before_they_are_full_each_asks_again(
    executor, world, fakes, monkeypatch: pytest.MonkeyPatch
):
    whole = fakes.FakeChildren.children_of

    async def cut(self: Any, parents: Sequence[Any], *rest: Any) -> list[Any]:
        pages = await whole(self, parents, *rest)
        return pages if len(parents) == 1 else [ChildPage(items=(), has_more=True) for _ in pages]

    monkeypatch.setattr(fakes.FakeChildren, "children_of", cut)
    _, bob = await both(executor, world, {"by": ALICE}, {"by": BOB})
    assert bob["orders"]["nodes"] == [{"number": "#2001"}]
    assert world.called()["shop", "children", "order"] == 3
    assert shared(world) == 0


async def test_a_list_cut_for_company_is_not_what_is_kept_of_it(
    executor, world, fakes, monkeypatch: pytest.MonkeyPatch
):
    """In front of the source is a cache, which each would ask first when run by itself; and the
    first page that comes is what is kept for bad days.
    """
    whole = fakes.FakeChildren.children_of

    async def cut(self: Any, parents: Sequence[Any], *rest: Any) -> list[Any]:
        pages = await whole(self, parents, *rest)
        return pages if len(parents) == 1 else [ChildPage(items=(), has_more=True) for _ in pages]

    monkeypatch.setattr(fakes.FakeChildren, "children_of", cut)
    contexts = [world.operation() for _ in range(2)]
    keeping = Keeping(Settings(), MemoryCache(0), fakes.FakeClock(), world.telemetry)
    shop = keeping.wrapped(world.services().sources["shop"], SourceSettings(connector="test"))
    for one in contexts:
        sources = {**one.services.sources, "shop": shop}
        one.services = replace(one.services, sources=sources)
    results = await asyncio.gather(*begin(executor, contexts, [{"by": ALICE}, {"by": BOB}]))
    assert results[1].data["customer"]["orders"]["nodes"] == [{"number": "#2001"}]
    assert shared(world) == 0
    for context in contexts:
        await context.finish()
    assert [len(page.items) for page in world.store.pages.values()] == [2, 1]


async def test_who_leaves_takes_nobody_along(executor, world):
    contexts = [world.operation() for _ in range(3)]
    leaving, *staying = begin(executor, contexts, [{"by": ALICE}, {"by": BOB}, {"by": BOB}])
    await asyncio.sleep(0)
    leaving.cancel()
    results = await asyncio.gather(*staying)
    assert [result.data["customer"]["displayName"] for result in results] == ["Bob", "Bob"]


async def test_who_leaves_a_run_that_has_begun_takes_nobody_along(executor, world):
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def gate(kind: Kind) -> None:
        asked.set()
        await go_on.wait()

    world["shop"].gate = gate
    contexts = [world.operation() for _ in range(2)]
    leaving, staying = begin(executor, contexts, [{"by": ALICE}, {"by": BOB}])
    await asyncio.wait_for(asked.wait(), 2)
    leaving.cancel()
    await asyncio.wait([leaving])
    go_on.set()
    assert (await staying).data["customer"]["displayName"] == "Bob"
    assert world.called()["shop", "children", "order"] == 1
    assert shared(world) == 1


async def test_what_goes_wrong_in_telling_one_is_not_kept_from_the_others(
    executor, world, monkeypatch: pytest.MonkeyPatch, caplog: Any
):
    """One that waits without a task goes on where it is told."""
    come, told = Later.come, []

    def broken(self: Later) -> None:
        come(self)
        told.append(self)
        if len(told) == 1:
            raise RuntimeError("a bug")

    monkeypatch.setattr(Later, "come", broken)
    contexts = [world.operation() for _ in range(2)]
    runs = begin(executor, contexts, [{"by": ALICE}, {"by": BOB}])
    results = await asyncio.wait_for(asyncio.gather(*runs), 2)
    assert results[1].data["customer"]["displayName"] == "Bob"
    assert [one.getMessage() for one in caplog.records] == ["internal_error"]


async def test_a_run_nobody_waits_for_any_more_ends(executor, world):
    asked, ended = asyncio.Event(), asyncio.Event()

    async def gate(kind: Kind) -> None:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    world["shop"].gate = gate
    contexts = [world.operation() for _ in range(2)]
    tasks = begin(executor, contexts, [{"by": ALICE}, {"by": BOB}])
    await asyncio.wait_for(asked.wait(), 2)
    for task in tasks:
        task.cancel()
    await asyncio.wait_for(ended.wait(), 2)
    await asyncio.wait(tasks)


async def test_company_ends_at_the_first_deadline_of_those_in_it(executor, world):
    asked = asyncio.Event()

    async def gate(kind: Kind) -> None:
        asked.set()
        await asyncio.Event().wait()

    world["shop"].gate = gate
    contexts = [world.operation() for _ in range(2)]
    until = asyncio.get_running_loop().time() + 0.05
    runs = begin(executor, contexts, [{"by": ALICE}, {"by": BOB}], until=until)
    results = await asyncio.gather(*runs, return_exceptions=True)
    assert asked.is_set()
    assert [type(one) for one in results] == [TimeoutError, TimeoutError]


async def test_who_is_alone_ends_at_its_deadline(executor, world):
    world["chat"].hangs.add("search")
    until = asyncio.get_running_loop().time() + 0.05
    (run,) = begin(executor, [world.operation()], [{"by": NOBODY}], until=until)
    with pytest.raises(TimeoutError):
        await run


async def test_an_error_of_ours_in_several_answers_is_found_again_by_each(executor, world):
    async def crash(what: object) -> None:
        if what is Kind.ORDER:
            raise RuntimeError("a bug")

    world["shop"].trouble = crash
    contexts = [world.operation() for _ in range(2)]
    results = await asyncio.gather(*begin(executor, contexts, [{"by": ALICE}, {"by": BOB}]))
    assert [[one.path for one in result.errors] for result in results] == [
        [["customer", "orders"]],
        [["customer", "orders"]],
    ]
    assert results[0].errors[0].original_error is not results[1].errors[0].original_error
    assert shared(world) == 0


async def test_who_is_run_again_is_told_no_more_than_alone(executor, world):
    async def crash(what: object) -> None:
        if what is Kind.TICKET:
            raise RuntimeError("a bug")

    world["desk"].trouble = crash
    world["shop"].broken[Kind.ORDER] = SourceUnavailable("shop", "503")
    document = prepared("""query($by: CustomerKey!) { customer(by: $by) {
      id orders { completeness } tickets { completeness } } }""")
    contexts = [world.operation() for _ in range(2)]
    await asyncio.gather(*begin(executor, contexts, [{"by": ALICE}, {"by": ALICE}], document))
    alone = world.operation()
    await asyncio.gather(*begin(executor, [alone], [{"by": ALICE}], document))
    assert [context.reported for context in contexts] == [alone.reported] * 2


async def test_a_crowd_goes_in_parties(executor, world):
    contexts = [world.operation() for _ in range(MOST + 2)]
    asked = [{"by": BOB}] * len(contexts)
    await asyncio.gather(*begin(executor, contexts, asked))
    assert world.called()["shop", "children", "order"] == 2
    assert shared(world) == MOST + 2


async def test_pages_read_together_are_kept_for_bad_days(executor, world):
    contexts = [world.operation() for _ in range(2)]
    await asyncio.gather(
        *begin(executor, contexts, [{"by": ALICE, "first": 20}, {"by": BOB, "first": 20}])
    )
    for _ in range(20):
        await asyncio.sleep(0)
    assert {parent.value for _, _, parent in world.store.pages} == {"s1", "s2"}


@pytest.mark.parametrize(
    ("text", "common"),
    [
        ("query($k: CustomerKey!) { customer(by: $k) { id } }", ()),
        ("query($e: String) { customer(by: {email: $e}) { id } }", ()),
        ('{ customer(by: {email: "a@example.com"}) { id } }', ()),
        (
            "query($k: CustomerKey!, $n: Int) { customer(by: $k) { orders(first: $n)"
            " { completeness } } }",
            ("n",),
        ),
        ("query($k: CustomerKey!) { sources { message } a: customer(by: $k) { id } }", ()),
    ],
)
def test_plans_of_one_customer_may_be_shared(executor, text, common):
    how = _sharing(executor, text)
    assert how is not None
    assert how.common == common


@pytest.mark.parametrize(
    "text",
    [
        "query($k: [CustomerKey!]!) { customers(by: $k) { id } }",
        "query($k: CustomerKey!) { customerLookup(by: $k) { __typename } }",
        "query($k: CustomerKey!) { a: customer(by: $k) { id } b: customer(by: $k) { id } }",
        "query($k: CustomerKey!) { customer(by: $k) { a: orders { completeness }"
        " b: orders { completeness } } }",
    ],
)
def test_other_plans_are_not(executor, text):
    assert _sharing(executor, text) is None


def _sharing(executor: PlannedExecutor, text: str) -> Sharing | None:
    document = prepared(text)
    names = {"k": {"id": "cus_bob"}, "e": "a@example.com", "n": 1}
    given = [one.variable.name.value for one in document.operation.variable_definitions or ()]
    variables = {name: [names[name]] if "[Cus" in text else names[name] for name in given}
    values = executor._values(document, variables)
    assert values is not None
    executor._plan(document, values)
    plan = executor._plan(document, values)
    assert plan is not None
    return plan.sharing


async def test_requests_that_shared_a_run_leave_nothing_for_the_collector(executor, world):
    contexts = [world.operation() for _ in range(2)]
    await asyncio.gather(*begin(executor, contexts, [{"by": ALICE}, {"by": BOB}]))
    assert shared(world) == 2
    for context in contexts:
        await context.finish()
    left = [weakref.ref(context) for context in contexts]
    gc.disable()
    try:
        contexts.clear()
        del context
        assert [one() for one in left] == [None, None]
    finally:
        gc.enable()
