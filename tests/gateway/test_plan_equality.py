"""A plan answers what the reference executor answers: random operations, over random worlds in
which things are broken, late, stale, hidden and malformed.

    PLAN_OPERATIONS=20000 PLAN_SEED=7 pytest tests/gateway/test_plan_equality.py -s
"""

import asyncio
import importlib.util
import os
import secrets
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import orjson
import pytest
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    SelectionSetNode,
    parse,
    validate,
)

from domain.customer import KeyKind, Link, LookupKey
from domain.errors import SourceError, SourceRateLimited, SourceTimeout, SourceUnavailable
from domain.ids import Kind
from domain.money import Money
from domain.records import Actor, Handle, OrderLine, Shipment
from domain.sources import ChildPage, Parent, ParentBy
from domain.vocabulary import (
    ActorKind,
    Channel,
    LinkMethod,
    LinkStatus,
    OrderStatus,
    TicketStatus,
    Verification,
)
from gateway import answers
from gateway.documents import Prepared
from gateway.execution.executor import Executor, ReferenceExecutor
from gateway.execution.inputs import known_variables
from gateway.execution.planned import PlannedExecutor
from gateway.execution.sharing import Sharing
from resolvers.caller import ANY_CUSTOMER, STAFF, Caller
from schema.execution import LATE_FIELDS
from schema.graph import build_schema

OPERATIONS = int(os.environ.get("PLAN_OPERATIONS", "2000"))
FIXTURES = Path(__file__).parents[1] / "fixtures"


def _seed() -> int:
    """Of the commit where none is given: a commit is judged alike wherever it is tested, and the
    next one brings other operations.
    """
    given = os.environ.get("PLAN_SEED")
    if given:
        return int(given)
    asked = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(asked, cwd=FIXTURES, capture_output=True, check=False)
    return secrets.randbits(32) if commit.returncode else int(commit.stdout[:8], 16)


SEED = _seed()
ALICE, BOB, CARL = "cus_alice", "cus_bob", "cus_carl"


def _load(name: str) -> ModuleType:
    known = f"tests_fixtures_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, FIXTURES / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[known] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


class VirtualTime(asyncio.SelectorEventLoop):
    """Waits take no time: when nothing is left to do, the clock jumps to the next timer. So answers
    that hold latencies are the same each time, and sources may hang.
    """

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        selector: Any = self._selector  # type: ignore[attr-defined]
        select = selector.select

        def jump(timeout: float | None = None) -> Any:
            self._now += timeout or 0.0
            return select(0)

        selector.select = jump

    def time(self) -> float:
        return self._now


# ---------------------------------------------------------------- worlds


def some_world(seed: int, fakes: ModuleType) -> Any:
    """Three people, two of whom share an e-mail; and what is wrong today. Equal for equal seeds."""
    random = Random(seed)
    world = fakes.World(timeout_s=random.choice([0.2, 3.0]))
    ago = fakes.ago
    chance = lambda of: random.random() < of  # noqa: E731
    world.alice()
    shared = ("shared@example.com",)
    bob = world.contact(
        "crm", "h2", full_name="Bob O. Example", emails=("bob@example.com", *shared),
        phones=("+44 7911 999999",), handles=(Handle("twitter", "bob"),), account_number="A-7",
        raw={"id": "h2", "nested": [1, None, {"a": 2.5}]},
        verification=Verification.VERIFIED,
    )  # fmt: skip
    desk = world.contact("desk", "z2", full_name="Bobby", emails=("bob@example.com",))
    shop = world.contact("shop", "s2", full_name=None, emails=("bob@example.com",))
    chat = world.contact("chat", "i2", full_name="bob", emails=shared)
    carl = world.contact("crm", "h3", full_name="Carl", emails=shared)
    world.customer(BOB, bob, desk, shop, chat, version=4, aliases=("cus_old",))
    world.customer(CARL, carl)
    world.customer("cus_gone", erased_at=ago(days=5))
    world.identity.redirects["cus_old"] = BOB
    world.identity.words = {"bob": [BOB], "example": [ALICE, BOB, "cus_gone"]}
    world.identity.shared_values = set(shared)
    for key, ids in {
        LookupKey(KeyKind.PHONE, "+44 7911 123456"): (ALICE,),
        LookupKey(KeyKind.ORDER_NUMBER, "#1001"): (ALICE,),
        LookupKey(KeyKind.HANDLE, "bob", "twitter"): (BOB,),
    }.items():
        world.identity.keys[key] = ids
    world["chat"].searches[LookupKey(KeyKind.EMAIL, "new@example.com")] = ["i2"]
    _things(world, random, ago)
    world.identity.known_links = [
        Link(
            left=bob.key, right=desk.key, method=LinkMethod.PROBABILISTIC, status=status,
            match_weight=11.25, match_probability=random.choice([0.97, float("nan"), None]),
            prior_weight=-3.5, decided_by=Actor(kind=ActorKind.HUMAN, id="u1", name="Eve Adams"),
            decided_at=ago(days=1), reason="same person, says alice@example.com",
        )
        for status in random.sample(list(LinkStatus), 2)
    ]  # fmt: skip
    _trouble(world, random, chance)
    return world


def _things(world: Any, random: Random, ago: Callable[..., Any]) -> None:
    """Some of them of types that no connector should hand over."""
    bad = lambda good, *worse: random.choice([good] * 8 + list(worse))  # noqa: E731
    for i in range(random.randint(0, 4)):
        world.order(
            "s2", f"20{i}", ago(days=1 + i, microseconds=random.choice([0, 7])),
            number=bad(f"#20{i}", 7, None), status=bad(OrderStatus.SHIPPED, None, "SHIPPED", "no"),
            channel=Channel.STORE, raw_status="shipped",
            total=random.choice([None, Money(1999, "GBP"), Money(500, "JPY"), Money(1, "BHD")]),
            lines=random.choice([None, (), (
                OrderLine(sku="x", quantity=bad(2, 2**40, 1.5, True), price=Money(5, "EUR")),
                bad(OrderLine(title="socks", warranty_until=ago(days=9)), None),
            )]),
            shipments=bad((Shipment(carrier="DHL", tracking_number="1Z999", eta=ago(days=1),
                                    tracking_url="https://track.example/1Z999"),), "none", 5),
        )  # fmt: skip
    for i in range(random.randint(0, 3)):
        ticket = world.ticket(
            "z2", f"t2{i}", ago(days=2, hours=i), subject="Lost", status=TicketStatus.OPEN,
            channel=bad(Channel.EMAIL, None), priority=bad("high", 3, float("inf")),
            owner=random.choice([None, Actor(kind=ActorKind.HUMAN, id="u1", name="Eve Adams")]),
        )  # fmt: skip
        for j in range(random.randint(0, 3)):
            internal = random.random() < 0.3
            world.message(ticket, f"m{i}{j}", ago(hours=j), internal=internal, body=bad("hi", None))
    for i in range(random.randint(0, 3)):
        thread = world.conversation("i2", f"c2{i}", ago(hours=5 + i))
        last, _ = (world.message(thread, f"n{i}{j}", ago(hours=j)) for j in range(2))
        lists = world["chat"].children[Kind.CONVERSATION][ParentBy.OWN, "i2"]
        lists[-1] = replace(thread, last_message=random.choice([None, last]))


def _trouble(world: Any, random: Random, chance: Callable[[float], bool]) -> None:
    errors: list[Callable[[str], SourceError]] = [
        lambda name: SourceUnavailable(name, "503"),
        lambda name: SourceTimeout(name, "slow"),
        lambda name: SourceRateLimited(name, "429", 1.5),
    ]
    for name, system in world.systems.items():
        for what in (Kind.CONTACT, *world.holds[name], "search"):
            if chance(0.12):
                system.broken[what] = random.choice(errors)(name)
            elif chance(0.04):
                system.hangs.add(what)
        if chance(0.08):
            system.broken_for[random.choice(["s1", "s2", "z2", "t20"])] = errors[0](name)
        system.dropped = random.choice([0, 0, 0, 0, 2])
        system.gate = _delays(random.randint(0, 3))
    for kind, name, parent in ((Kind.ORDER, "shop", "s2"), (Kind.TICKET, "desk", "z1")):
        if chance(0.4):
            rows = world[name].children.get(kind, {}).get((ParentBy.OWN, parent), [])
            page = ChildPage(items=tuple(rows), has_more=False)
            world.store.pages[kind, name, Parent(ParentBy.OWN, parent)] = page
    for method in ("find", "clusters", "links", "explain"):
        if chance(0.02):
            setattr(world.identity, method, _crash)


def _delays(steps: int) -> Callable[[Kind], Any]:
    async def wait(kind: Kind) -> None:
        await asyncio.sleep(0.01 * steps * (1 + len(kind.value) % 3))

    return wait


async def _crash(*_arguments: object) -> None:
    raise RuntimeError("postgresql://user:secret@host")


# ---------------------------------------------------------------- operations and callers

IDS = [ALICE, BOB, "cus_old", "cus_gone", "cus_none"]
KEYS = [
    *({"id": one} for one in IDS),
    {"email": "alice@example.com"}, {"email": "bob@example.com"}, {"email": "shared@example.com"},
    {"email": "new@example.com"}, {"email": "nobody@example.com"}, {"phone": "+44 7911 123456"},
    {"handle": {"platform": "Twitter", "handle": "bob"}}, {"orderNumber": "#1001"},
    {"external": {"system": "crm", "externalId": "h2"}}, {"accountNumber": "A-7"},
    {"email": " "},
]  # fmt: skip

STANDING_KEYS = [
    one for one in KEYS if one.get("email") != "new@example.com" if "external" not in one
]
"""Those that bring nobody new into the world, which the next one would find there."""


def _values(fakes: ModuleType) -> dict[str, list[Any]]:
    world = fakes.World()
    world.alice()
    things = [row for system in world.systems.values()
              for lists in system.children.values() for rows in lists.values()
              for row in rows]  # fmt: skip
    nodes = [one.id for one in [*things, *world["crm"].contacts.values(), world["crm"].system]]
    good = [{"id": ALICE}, {"id": BOB}, {"email": "bob@example.com"}]
    return {
        "CustomerKey": KEYS + good * 5,
        "Query.customers.by": [
            [*good], [{"id": BOB}, {"id": "cus_none"}, {"id": ALICE}], [], KEYS[:-1],
            [{"id": CARL}, {"id": CARL}, {"external": {"system": "crm", "externalId": "h3"}}],
            [{"id": "cus_x"}] * 101,
        ],
        "ID": [*IDS, *nodes],
        "String": ["", "bob", "#1001", "2026-03-01"],
        "Int": [1, 20, 0, -1, 1000],
        "Boolean": [True, False],
        "DateTime": ["2026-03-01T00:00:00Z", "2026-03-02T09:00:00+01:00"],
        "Query.node.id": [*IDS, *nodes, "link_x", "nonsense", "order_!"],
        "first": [1, 2, 3, 20, 20, 20, 100, None, 0, 101],
        "after": ["nonsense", "", None],
        "text": ["bob", "example", "#20", " ", "nobody"],
        "number": ["#1001", "1001", "#999"],
        "names": [["email"], ["name", "phone"], [], ["nothing"]],
        "around": ["2026-03-01T00:00:00Z", "2026-03-01"],
        "representations": [
            [{"__typename": "Customer", "id": ALICE}, {"__typename": "Order", "id": nodes[0]}],
            [{"__typename": "Customer", "id": "cus_none"}, {"__typename": "Ticket", "id": "x"}],
        ],
        "Freshness": [
            {"allowStale": False}, {"maxAgeMs": 86_400_000}, {"deadlineMs": 15}, {"maxAgeMs": -1}
        ],
    }  # fmt: skip


def _caller(random: Random) -> Caller:
    proven = {LookupKey(KeyKind.EMAIL, "bob@example.com"): Verification.VERIFIED}
    return random.choice(
        [
            Caller(name="everything", scopes=_load("world").EVERYTHING),
            Caller(name="everything", scopes=_load("world").EVERYTHING),
            Caller(name="masked", scopes=frozenset({ANY_CUSTOMER})),
            Caller(name="contact", scopes=frozenset({ANY_CUSTOMER, STAFF, "pii:contact"})),
            Caller(name="visitor", scopes=frozenset({"pii:identity"}), proven=proven),
            Caller(name="nobody"),
        ]
    )


# ---------------------------------------------------------------- running and comparing


class Bench:
    """Both executors over one schema."""

    def __init__(self) -> None:
        self.fakes = _load("world")
        schema = build_schema()
        self.schema = schema
        self.reference: Executor = ReferenceExecutor(schema, hide_suggestions=False)
        self.planned = PlannedExecutor(schema, self.reference, hide_suggestions=False)

    def prepared(self, text: str) -> Prepared | None:
        return self.ready(parse(text))

    def apart(self, prepared: Prepared) -> Iterator[Prepared]:
        """The operation with one selection of its root at a time."""
        fragments = prepared.document.definitions[1:]
        for selection in prepared.operation.selection_set.selections:
            operation = replace(
                prepared.operation, selection_set=SelectionSetNode(selections=(selection,))
            )
            alone = self.ready(DocumentNode(definitions=(operation, *fragments)))
            assert alone is not None
            yield alone

    def ready(self, document: DocumentNode) -> Prepared | None:
        """None where one name stands for two things: the one rule the author may break."""
        if validate(self.schema._schema, document, [OverlappingFieldsCanBeMergedRule]):
            return None
        operation, *fragments = document.definitions
        assert isinstance(operation, OperationDefinitionNode)
        named = {
            one.name.value: one for one in fragments if isinstance(one, FragmentDefinitionNode)
        }
        definitions = operation.variable_definitions or ()
        variables = known_variables(self.schema._schema, definitions)
        return Prepared(document, operation, named, variables=variables)

    async def answer(
        self, executor: Executor, prepared: Prepared, variables: Any, seed: int
    ) -> tuple[dict[str, Any], Any]:
        world = some_world(seed, self.fakes)
        random = Random(seed)
        context = world.operation(_caller(random), read_only=random.random() < 0.1)
        result = await executor.run(prepared, variables, context)
        answer = answers.executed(result, context.problems)
        await context.finish()
        return answer, world

    async def both(self, prepared: Prepared, variables: Any, seed: int) -> tuple[Any, Any]:
        await self.warm(prepared, variables)
        return (
            await self.answer(self.reference, prepared, variables, seed),
            await self.answer(self.planned, prepared, variables, seed),
        )

    async def shared(
        self, prepared: Prepared, asked: list[dict[str, Any]], seed: int
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Any]:
        """What each of several requests is answered by itself, and what all of one turn are."""
        await self.warm(prepared, asked[0])
        own = [(await self.answer(self.reference, prepared, one, seed))[0] for one in asked]
        world, random = some_world(seed, self.fakes), Random(seed)
        caller, read_only = _caller(random), random.random() < 0.1
        contexts = [world.operation(caller, read_only=read_only) for _ in asked]
        runs = zip(asked, contexts, strict=True)
        results = await asyncio.gather(
            *[self.planned.run(prepared, one, context) for one, context in runs]
        )
        found = [
            answers.executed(result, context.problems)
            for result, context in zip(results, contexts, strict=True)
        ]
        for context in contexts:
            await context.finish()
        return own, found, world

    async def warm(self, prepared: Prepared, variables: Any) -> None:
        """An operation is compiled at its second sight."""
        values = self.planned._values(prepared, variables)
        if values is not None:
            self.planned._plan(prepared, values)
            self.planned._plan(prepared, values)


Errors = Counter[bytes]


def _crashed(answer: dict[str, Any]) -> bool:
    codes = (one.get("extensions", {}).get("code") for one in answer.get("errors", ()))
    return "INTERNAL" in codes


def compared(answer: dict[str, Any]) -> tuple[bytes, Errors, set[tuple[Any, ...]]]:
    """Data with its order; errors without one; and the places that an error below them made null.

    What else went wrong below such a place may be told or not (GraphQL, 6.4.4: nothing below it is
    part of the answer), so errors there are left out, and the place itself compared instead.
    """
    data = answer.get("data", "none")
    errors = answer.get("errors", [])
    gone = {_nulled(data, tuple(one["path"])) for one in errors if "path" in one}
    gone.discard(None)
    lists = {tuple(part for part in place if isinstance(part, str)) for place in gone if place}
    return (
        orjson.dumps(data),
        Counter(_told(one) for one in errors if not _below(one, gone, lists)),
        gone,
    )


def _nulled(data: Any, path: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The place above the path at which the answer is null, if there is one."""
    for i, part in enumerate(path):
        if data is None:
            return path[:i]
        data = data[part]
    return None


def _below(error: dict[str, Any], gone: set[Any], lists: set[tuple[str, ...]]) -> bool:
    """A source's problem is told at its first place in a list, which may have been made null."""
    path = tuple(error.get("path", ()))
    if any(path[: len(place)] == place and len(path) > len(place) for place in gone):
        return True
    names = tuple(part for part in path if isinstance(part, str))
    is_problem = "locations" not in error
    return is_problem and any(names[: len(one)] == one for one in [*lists] if gone)


def _told(error: dict[str, Any]) -> bytes:
    """The id under which an unexpected exception is logged differs each time."""
    said = {**error, "extensions": {**error["extensions"], "id": None}}
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench()


@pytest.fixture
def loop() -> Iterator[VirtualTime]:
    made = VirtualTime()
    yield made
    made.close()


_LEFT_BEHIND = r"GraphQLCoreConverter\.|Executor\.|Execution\.|gather_with_cancel|async_reduce\."
IGNORING_LEFT_BEHIND = pytest.mark.filterwarnings(
    rf"ignore:coroutine '({_LEFT_BEHIND}):RuntimeWarning",
    # The interpreter cannot import what it warns with where the collector runs within the
    # constructor of a named tuple, whose code knows no builtins.
    rf"ignore:Exception ignored in. <coroutine object ({_LEFT_BEHIND})"
    ":pytest.PytestUnraisableExceptionWarning",
)
"""graphql-core leaves coroutines behind where a field takes its siblings with it: what it cancels
before it began never awaits what hangs on it, and so do those of the reference executor around
it. Those of a plan have other names, and would fail the run.
"""


@IGNORING_LEFT_BEHIND
def test_plans_answer_what_the_reference_executor_answers(bench: Bench, loop: VirtualTime) -> None:
    print(f"PLAN_SEED={SEED} PLAN_OPERATIONS={OPERATIONS}")  # noqa: T201  # to run it again
    random = Random(SEED)
    author = _load("random_operations").Author(
        bench.schema._schema, random, _values(bench.fakes), LATE_FIELDS, frozenset({"_service"})
    )
    tally: Counter[str] = Counter()
    while tally["compared"] < OPERATIONS:
        written = author.write()
        prepared = bench.prepared(written.text)
        tally["written"] += 1
        if prepared is None:
            continue
        seed = random.getrandbits(32)
        (expected, one), (found, other) = loop.run_until_complete(
            bench.both(prepared, written.variables, seed)
        )
        shown = f"{written.text}\n{written.variables}\nworld {seed}, PLAN_SEED={SEED}"
        if len(expected.get("data") or ()) > 1 and (_crashed(expected) or _crashed(found)):
            # What crashes takes with it who happens to be in the same batch, and of several root
            # fields each executor brings others together: they are compared one at a time.
            tally["crashed together"] += 1
            for alone in bench.apart(prepared):
                (expected, _), (found, _) = loop.run_until_complete(
                    bench.both(alone, written.variables, seed)
                )
                assert compared(found) == compared(expected), f"{shown}\n{expected}\n{found}"
            continue
        assert compared(found) == compared(expected), f"{shown}\n{expected}\n{found}"
        if not compared(expected)[2]:
            # A plan asks the same. What several root fields, or a list and what hangs on it, ask of
            # one source meets in one batch by the turns that each executor takes, so it may ask
            # less; and more only where there are several root fields.
            if other.called() == one.called():
                assert one.telemetry.counted == other.telemetry.counted, shown
            elif other.called() <= one.called():
                tally["asked less"] += 1
            else:
                assert len(expected["data"]) > 1, shown
                tally["asked more"] += 1
        tally["compared"] += 1
        tally["with errors"] += "errors" in expected
        tally["with data"] += bool(expected.get("data"))
        tally["nulled from below"] += bool(compared(expected)[2])
    print(dict(tally))  # noqa: T201
    assert tally["compared"] > tally["written"] / 3
    assert tally["asked less"] < OPERATIONS / 50
    assert tally["asked more"] < OPERATIONS / 200
    assert tally["crashed together"] < OPERATIONS / 20
    for kind in ("with errors", "with data", "nulled from below"):
        assert tally[kind] > OPERATIONS / 100, kind


def _sharing(bench: Bench, prepared: Prepared, variables: dict[str, Any]) -> Sharing | None:
    values = bench.planned._values(prepared, variables)
    if values is None:
        return None
    bench.planned._plan(prepared, values)
    plan = bench.planned._plan(prepared, values)
    return None if plan is None else plan.sharing


@IGNORING_LEFT_BEHIND
def test_requests_that_share_a_run_are_answered_as_each_would_have_been_by_itself(
    bench: Bench, loop: VirtualTime
) -> None:
    print(f"PLAN_SEED={SEED} PLAN_OPERATIONS={OPERATIONS}")  # noqa: T201  # to run it again
    random, tally = Random(SEED), Counter[str]()
    roots = bench.schema._schema.query_type
    assert roots is not None
    others = frozenset(roots.fields) - {"customer"}
    author = _load("random_operations").Author(
        bench.schema._schema, random, _values(bench.fakes), LATE_FIELDS, others
    )
    while tally["compared"] < OPERATIONS / 10:
        written = author.write()
        prepared = bench.prepared(written.text)
        how = None if prepared is None else _sharing(bench, prepared, written.variables)
        if (
            prepared is None
            or how is None
            or '"new@' in written.text
            or "external:" in written.text
        ):
            continue
        own = [name for name in written.variables if name not in how.common]
        asked = [
            {**written.variables, **{name: random.choice(STANDING_KEYS) for name in own}}
            for _ in range(random.randint(2, 5))
        ]
        seed = random.getrandbits(32)
        expected, found, world = loop.run_until_complete(bench.shared(prepared, asked, seed))
        loop._now += 60  # type: ignore[attr-defined]  # company is given another chance
        shown = f"{written.text}\n{asked}\nworld {seed}, PLAN_SEED={SEED}"
        if sum(map(_crashed, expected)) > 1:
            # What they have in common crashed; each is run again, when it may be too late for more.
            tally["crashed together"] += 1
            continue
        for one, other in zip(expected, found, strict=True):
            assert compared(other)[:2] == compared(one)[:2], f"{shown}\n{one}\n{other}"
        tally["compared"] += 1
        tally["shared"] += bool(world.telemetry.counted["graphql_shared_requests"])
        tally["with errors"] += any("errors" in one for one in found)
    print(dict(tally))  # noqa: T201
    assert tally["shared"] > tally["compared"] / 5, tally
    assert tally["crashed together"] < tally["compared"] / 5, tally
    assert tally["with errors"] > tally["compared"] / 20, tally
