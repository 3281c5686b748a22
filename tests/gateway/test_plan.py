"""What becomes a plan, what does not, and what a plan asks of a resolver."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import pytest
import strawberry
from graphql import ExecutionResult, OperationDefinitionNode, parse
from graphql.execution.values import VariableValues
from strawberry.extensions import FieldExtension

from gateway.documents import Prepared
from gateway.execution import fields
from gateway.execution.executor import ReferenceExecutor
from gateway.execution.planned import MAX_PLANS, PlannedExecutor
from schema.bulk import with_all
from schema.following import follows_from


@strawberry.type
class Leaf:
    size: int | None
    name: str


class Loud(FieldExtension):
    def resolve(self, next_: Any, source: Any, info: Any, **kwargs: Any) -> Any:
        return f"{next_(source, info, **kwargs)}!"


@strawberry.type
class Query:
    @strawberry.field
    def at_hand(self, info: strawberry.Info) -> str:
        return ".".join(map(str, info.path.as_list()))

    @strawberry.field
    async def step(self, info: strawberry.Info, times: int = 1) -> list[str]:
        return [".".join(map(str, info.path.as_list()))] * times

    @strawberry.field
    async def words(self, times: int, word: str | None = "a", mark: str = "!") -> list[str]:
        return [f"{word}{mark}"] * times

    @strawberry.field
    async def leaves(self) -> list[Leaf | None]:
        return [Leaf(size=1, name="a"), Leaf(size=2**40, name="b"), Leaf(size=2, name=None)]  # type: ignore[arg-type]

    @strawberry.field
    async def crashes(self) -> str | None:
        raise RuntimeError("a bug")

    @strawberry.field(extensions=[Loud()])
    def extended(self) -> str:
        return "hey"


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def change(self) -> int:
        return 1


class Counting:
    """The reference executor, and how often it was asked."""

    def __init__(self, executor: ReferenceExecutor) -> None:
        self._executor = executor
        self.asked = 0

    async def run(
        self, prepared: Prepared, variables: dict[str, Any], context: object, *more: Any
    ) -> ExecutionResult:
        self.asked += 1
        return await self._executor.run(prepared, variables, context, *more)


@pytest.fixture
def schema() -> strawberry.Schema:
    return strawberry.Schema(query=Query, mutation=Mutation)


@pytest.fixture
def reference(schema: strawberry.Schema) -> Counting:
    return Counting(ReferenceExecutor(schema, hide_suggestions=False))


@pytest.fixture
def executor(schema: strawberry.Schema, reference: Counting) -> PlannedExecutor:
    return PlannedExecutor(schema, reference, hide_suggestions=False)


def prepared(text: str) -> Prepared:
    document = parse(text)
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    return Prepared(document, operation, {})


async def test_the_second_sight_of_an_operation_is_a_plan(executor, reference):
    operation = prepared("{ step }")
    answers = [await executor.run(operation, {}, None) for _ in range(3)]
    assert reference.asked == 1
    assert [one.data for one in answers] == [{"step": ["step"]}] * 3


async def test_what_is_in_an_operation_is_compiled_for_each_way_it_can_be(executor, reference):
    operation = prepared("query($yes: Boolean!) { atHand step @include(if: $yes) }")
    for yes in (True, False, True, False):
        answer = await executor.run(operation, {"yes": yes}, None)
        assert list(answer.data) == (["atHand", "step"] if yes else ["atHand"])
    assert reference.asked == 2


async def test_other_variables_share_a_plan(executor, reference):
    operation = prepared("query($times: Int!) { step(times: $times) }")
    for times in (3, 2, 0):
        answer = await executor.run(operation, {"times": times}, None)
        assert answer.data == {"step": ["step"] * times}
    assert reference.asked == 1


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("times: $times", "a!"),
        ('times: $times, word: "b"', "b!"),
        ("times: $times, word: null", "None!"),
        ('mark: "?", times: $times', "a?"),
    ],
)
async def test_what_is_said_beside_a_variable_is_converted_once(executor, monkeypatch, said, word):
    converted = []
    convert = fields.get_argument_values
    monkeypatch.setattr(
        fields, "get_argument_values", lambda *known: converted.append(1) or convert(*known)
    )
    operation = prepared(f"query($times: Int!) {{ words({said}) }}")
    for times in (9, 3, 2, 0):
        answer = await executor.run(operation, {"times": times}, None)
        assert answer.data == {"words": [word] * times}
    assert len(converted) == 1


@pytest.mark.parametrize(
    "text",
    [
        "mutation { change }",
        "{ __schema { queryType { name } } }",
        '{ __type(name: "Query") { name } }',
        "{ extended }",
        "query @experimental_disableErrorPropagation { step }",
    ],
)
async def test_what_a_plan_does_not_know_goes_to_the_reference_executor(executor, reference, text):
    operation = prepared(text)
    for _ in range(3):
        answer = await executor.run(operation, {}, None)
        assert answer.data
    assert reference.asked == 3


async def test_variables_that_do_not_fit_are_refused_by_the_reference_executor(executor, reference):
    operation = prepared("query($times: Int!) { step(times: $times) }")
    for _ in range(3):
        answer = await executor.run(operation, {"times": "x"}, None)
        assert answer.data is None
        assert answer.errors[0].path is None
    assert reference.asked == 3


async def test_a_resolver_that_asks_for_its_place_is_told(executor):
    operation = prepared("{ a: atHand b: step }")
    await executor.run(operation, {}, None)
    assert (await executor.run(operation, {}, None)).data == {"a": "a", "b": ["b"]}


async def test_an_error_is_told_at_its_place_and_nulls_what_must_not_be_null(executor):
    operation = prepared("{ leaves { size name } crashes }")
    expected = await executor.run(operation, {}, None)
    found = await executor.run(operation, {}, None)
    leaves = [{"size": 1, "name": "a"}, {"size": None, "name": "b"}, None]
    assert found.data == expected.data == {"leaves": leaves, "crashes": None}
    places = {tuple(error.path): error for error in found.errors}
    assert set(places) == {("leaves", 1, "size"), ("leaves", 2, "name"), ("crashes",)}
    assert isinstance(places["crashes",].original_error, RuntimeError)
    assert {tuple(e.path): (e.message, e.locations) for e in expected.errors} == {
        path: (error.message, error.locations) for path, error in places.items()
    }


async def test_no_more_plans_are_kept_than_there_is_room_for(executor):
    for _ in range(MAX_PLANS + 10):
        operation = prepared("{ atHand }")
        await executor.run(operation, {}, None)
        await executor.run(operation, {}, None)
    assert len(executor._plans) == MAX_PLANS


# ---------------------------------------------------------------- what waits, and what comes late


class Shelf:
    """What a customer is read from, and in which order that was."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts
        self.read: list[str] = []


@strawberry.type
class Page:
    number: int

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, cls)

    @strawberry.field
    async def text(self, info: strawberry.Info) -> str:
        await asyncio.sleep(0)
        info.context.read.append("text")
        if self.number == 13:
            raise ValueError("torn out")
        return f"page {self.number}"


@strawberry.type
class Blank:
    number: int

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, cls)


@strawberry.type
class Part:
    content: Annotated[Page | Blank, strawberry.union("Content")] | None


@strawberry.type
class Customer:
    id: strawberry.ID

    @strawberry.field
    def parts(self, info: strawberry.Info) -> list[Part]:
        return [Part(content=content) for content in info.context.parts]

    @strawberry.field
    async def orders(self, info: strawberry.Info) -> int:
        await asyncio.sleep(0)
        info.context.read.append("orders")
        return 1

    @strawberry.field
    def completeness(self, info: strawberry.Info) -> int:
        info.context.read.append("completeness")
        return len(info.context.read)


@strawberry.type
class Shop:
    @strawberry.field
    async def customers(self) -> list[Customer | None]:
        return [Customer(id=strawberry.ID("a")), None, Customer(id=strawberry.ID("b"))]


PARTS = """{ customers { completeness orders
  parts { content { ... on Page { number text } ... on Blank { number } } } } }"""


@pytest.fixture
def shop() -> strawberry.Schema:
    return strawberry.Schema(query=Shop, types=[Page, Blank])


async def answered(executor: Any, *parts: Any) -> tuple[ExecutionResult, list[str]]:
    """At its third sight an operation is a plan that has seen its types."""
    operation = prepared(PARTS)
    for _ in range(3):
        shelf = Shelf(*parts)
        result = await executor.run(operation, {}, shelf)
    return result, shelf.read


@pytest.mark.parametrize(
    "parts",
    [
        [Page(number=1), Blank(number=2), Page(number=3)],
        [Blank(number=1)],  # nothing waits below what waits
        [],
        [Page(number=1), Page(number=13)],
        [Page(number=1), Blank(number=2**40), Page(number=2)],
        [Page(number=1), "neither", Page(number=13)],
    ],
)
async def test_what_waits_below_lists_of_several_types_is_told_as_by_the_reference(shop, parts):
    reference = ReferenceExecutor(shop, hide_suggestions=False)
    counting = Counting(reference)
    planned = PlannedExecutor(shop, counting, hide_suggestions=False)
    found, read = await answered(planned, *parts)
    assert counting.asked == 1
    expected, _ = await answered(reference, *parts)
    for one in (*standing(found), *standing(expected)):
        del one["completeness"]
    assert found.data == expected.data
    told = [{tuple(e.path) for e in one.errors or ()} for one in (found, expected)]
    assert told[0] == told[1]
    late = len(standing(found))
    assert read.index("completeness") == len(read) - late, "it comes last, and once"
    assert set(read[-late:]) == {"completeness"}


def standing(result: ExecutionResult) -> list[dict[str, Any]]:
    return [one for one in result.data["customers"] if one is not None]


async def test_a_run_that_is_cancelled_leaves_no_step_behind():
    entered: list[str] = []
    left: list[str] = []

    @strawberry.type
    class Slow:
        @strawberry.field
        async def one(self) -> int:
            return await never("one")

        @strawberry.field
        async def other(self) -> int:
            return await never("other")

    async def never(name: str) -> int:
        entered.append(name)
        try:
            await asyncio.Event().wait()
        finally:
            left.append(name)
        return 1

    schema = strawberry.Schema(query=Slow)
    executor = PlannedExecutor(schema, ReferenceExecutor(schema, False), hide_suggestions=False)
    operation = prepared("{ one other }")
    assert executor._plan(operation, VariableValues({}, {})) is None
    run = asyncio.ensure_future(executor.run(operation, {}, None))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert sorted(entered) == sorted(left) == ["one", "other"]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_what_follows_from_one_attribute_is_asked_for_once_for_each_value():
    asked: list[int] = []

    @strawberry.type
    class Thing:
        at: int

    @follows_from("at")
    def age_of(root: strawberry.Parent[Thing]) -> float | None:
        asked.append(root.at)
        return 1 / root.at if root.at else float("nan")

    @strawberry.type
    class Aged(Thing):
        age: float | None = strawberry.field(resolver=age_of)

    @strawberry.type
    class Query:
        @strawberry.field
        async def things(self) -> list[Aged]:
            return [Aged(at=at) for at in (1, 2, 1, 2, 1)]

    schema = strawberry.Schema(query=Query)
    executor = PlannedExecutor(schema, ReferenceExecutor(schema, False), hide_suggestions=False)
    operation = prepared("{ things { age } }")
    first = await executor.run(operation, {}, None)
    assert asked == [1, 2, 1, 2, 1]
    asked.clear()
    assert (await executor.run(operation, {}, None)).data == first.data
    assert asked == [1, 2]


async def test_what_followed_before_is_not_what_follows_from_a_value_that_fails():
    @strawberry.type
    class Thing:
        at: int | None

    @follows_from("at")
    def age_of(root: strawberry.Parent[Thing]) -> float | None:
        if not root.at:
            raise RuntimeError("a bug")
        return 1 / root.at

    @strawberry.type
    class Aged(Thing):
        age: float | None = strawberry.field(resolver=age_of)

    @strawberry.type
    class Query:
        @strawberry.field
        async def things(self) -> list[Aged]:
            return [Aged(at=at) for at in (None, 1, 1, 0, 1, None, 2, 1)]

    schema = strawberry.Schema(query=Query)
    executor = PlannedExecutor(schema, ReferenceExecutor(schema, False), hide_suggestions=False)
    operation = prepared("{ things { age } }")
    expected, found = [await executor.run(operation, {}, None) for _ in range(2)]
    ages = [None, 1.0, 1.0, None, 1.0, None, 0.5, 1.0]
    assert found.data == expected.data == {"things": [{"age": age} for age in ages]}
    assert [one.path for one in found.errors] == [one.path for one in expected.errors]


async def test_every_number_of_an_int_is_answered_and_no_other():
    numbers = [sign * (2**bits) + more for bits in (30, 31) for sign in (1, -1) for more in (-1, 0)]

    @strawberry.type
    class Thing:
        size: int | None

    @strawberry.type
    class Query:
        @strawberry.field
        async def things(self) -> list[Thing]:
            return [Thing(size=number) for number in numbers]

    schema = strawberry.Schema(query=Query)
    executor = PlannedExecutor(schema, ReferenceExecutor(schema, False), hide_suggestions=False)
    operation = prepared("{ things { size } }")
    expected, found = [await executor.run(operation, {}, None) for _ in range(2)]
    sizes = [number if -(2**31) <= number < 2**31 else None for number in numbers]
    assert found.data == expected.data == {"things": [{"size": size} for size in sizes]}
    assert [str(one) for one in found.errors] == [str(one) for one in expected.errors]


@pytest.mark.parametrize("fails", [False, True])
async def test_a_late_field_is_answered_for_all_parents_at_once(fails):
    asked: list[list[str]] = []

    def of_all(parents: Sequence[Any], _context: Any) -> list[int]:
        asked.append([one.id for one in parents])
        if fails:
            raise RuntimeError("a bug")
        return [len(one.id) for one in parents]

    @strawberry.type(name="Customer")
    class Known:
        id: strawberry.ID

        @strawberry.field
        async def orders(self) -> int:
            return 1

        @strawberry.field
        @with_all(of_all)
        def completeness(self) -> int | None:
            if fails:
                raise RuntimeError("a bug")
            return len(self.id)

    @strawberry.type
    class Query:
        @strawberry.field
        async def customers(self) -> list[Known]:
            return [Known(id=strawberry.ID("a")), Known(id=strawberry.ID("bb"))]

    schema = strawberry.Schema(query=Query)
    executor = PlannedExecutor(schema, ReferenceExecutor(schema, False), hide_suggestions=False)
    operation = prepared("{ customers { completeness orders } }")
    first, second = [await executor.run(operation, {}, None) for _ in range(2)]
    assert asked == [["a", "bb"]]
    assert second.data == first.data
    places = [{tuple(error.path) for error in one.errors or ()} for one in (first, second)]
    assert places[0] == places[1]
    assert len(places[0]) == (2 if fails else 0)
