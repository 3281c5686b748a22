"""The executors alone: one query of 5,000 leaves over data that is in memory, answered as JSON.

    stock      Strawberry as its documentation shows it: `schema.execute`, fields as attributes
    reference  graphql-core, as the gateway runs what it sees for the first time
    plan       as the gateway runs what it has seen before
    jit        the same data and query by graphql-jit in Node, where `NODE_MODULES` holds it

All answer the same text, and are made to prove it. Each turn is one answer of each, so that a busy
machine is busy for all of them.
"""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import orjson
import strawberry

from gateway.config import Limits
from gateway.documents import Documents
from gateway.execution.executor import Executor, ReferenceExecutor
from gateway.execution.planned import PlannedExecutor
from schema.scalars import SCALARS

PEOPLE, ORDERS, LINES = 10, 24, 5
TURNS = 15
EPOCH = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
QUERY = """{ customers { id name email orders {
  id number status placedAt total { amount currency } lines { sku title quantity } } } }"""
GRAPHQL_JIT = Path(__file__).with_name("execution_jit.mjs")


@strawberry.enum
class Status(Enum):
    OPEN = "OPEN"
    SHIPPED = "SHIPPED"


@strawberry.type
class Money:
    amount: Decimal
    currency: str


@strawberry.type
class Line:
    sku: str
    title: str | None
    quantity: int


@strawberry.type
class Order:
    id: strawberry.ID
    number: str | None
    status: Status
    placed_at: datetime
    total: Money | None
    lines: list[Line]


@strawberry.type
class Customer:
    id: strawberry.ID
    name: str | None
    email: str | None
    held: strawberry.Private[list[Order]]

    @strawberry.field
    async def orders(self) -> list[Order]:
        return self.held


def _order(who: int, n: int) -> Order:
    return Order(
        id=strawberry.ID(f"order-{who}-{n}"),
        number=f"#{who}{n:03}",
        status=Status.SHIPPED if n % 2 else Status.OPEN,
        placed_at=EPOCH - timedelta(hours=n),
        total=Money(amount=Decimal(n * 1999).scaleb(-2), currency="EUR"),
        lines=[Line(sku=f"sku-{i}", title=f"Thing {i}", quantity=i) for i in range(LINES)],
    )


def _customer(who: int) -> Customer:
    return Customer(
        id=strawberry.ID(f"cus-{who}"),
        name=f"Person {who}",
        email=f"person{who}@example.com",
        held=[_order(who, n) for n in range(ORDERS)],
    )


DATA = [_customer(who) for who in range(PEOPLE)]


@strawberry.type
class Query:
    @strawberry.field
    async def customers(self) -> list[Customer]:
        return DATA


Answer = Callable[[], Awaitable[bytes]]


@dataclass(frozen=True)
class Measured:
    """Milliseconds of CPU for one answer: the middle one, the least and the most."""

    middle: float
    least: float
    most: float

    @property
    def shown(self) -> list[float]:
        return [round(one, 2) for one in (self.least, self.middle, self.most)]


def answers() -> dict[str, Answer]:
    overrides: dict[object, Any] = dict(SCALARS)
    schema = strawberry.Schema(query=Query, scalar_overrides=overrides)
    documents = Documents(schema._schema, Limits(), introspection=True)
    reference = ReferenceExecutor(schema, hide_suggestions=False)

    async def stock() -> bytes:
        result = await schema.execute(QUERY)
        _whole(result.errors)
        return json.dumps({"data": result.data}, separators=(",", ":")).encode()

    def by(executor: Executor) -> Answer:
        async def answer() -> bytes:
            result = await executor.run(documents.prepare(QUERY, None), {}, None)
            _whole(result.errors)
            return orjson.dumps({"data": result.data})

        return answer

    plan = PlannedExecutor(schema, reference, hide_suggestions=False)
    return {"stock": stock, "reference": by(reference), "plan": by(plan)}


def _whole(errors: object) -> None:
    if errors:
        raise SystemExit(f"an answer has errors: {errors}")


async def measure(some: dict[str, Answer], turns: int) -> dict[str, Measured]:
    same = {await answer() for answer in some.values()} | {await some["plan"]()}
    if len(same) != 1:
        raise SystemExit("the executors do not give the same answer")
    times: dict[str, list[float]] = {name: [] for name in some}
    for _ in range(turns):
        for name, answer in some.items():
            repeat = 10 if name == "plan" else 1
            started = process_time()
            for _ in range(repeat):
                await answer()
            times[name].append((process_time() - started) * 1000 / repeat)
    return {name: Measured(median(ms), min(ms), max(ms)) for name, ms in times.items()}


def leaves(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    return sum(map(leaves, value)) if isinstance(value, list) else 1


def measure_jit(expected: bytes) -> float | None:
    """Milliseconds of CPU for one answer by graphql-jit; None where it is not at hand."""
    modules, node = os.environ.get("NODE_MODULES"), shutil.which("node")
    if not modules or not node:
        return None
    work = {"query": QUERY, "answer": json.loads(expected), "modules": modules}
    done = subprocess.run(
        [node, str(GRAPHQL_JIT)], input=json.dumps(work).encode(), capture_output=True, check=True
    )
    told: dict[str, float] = json.loads(done.stdout)
    return told["cpu_ms"]


async def main() -> None:
    some = answers()
    measured = await measure(some, TURNS)
    answer = await some["plan"]()
    jit = measure_jit(answer)
    plan = measured["plan"].middle
    for name, one in measured.items():
        print(f"{name:10} {one.middle:8.2f} ms  ({one.least:.2f} to {one.most:.2f})")
    print(f"{'jit':10} " + ("not run: NODE_MODULES or node is missing" if jit is None
                            else f"{jit:8.2f} ms"))  # fmt: skip
    figures = {
        "benchmark": "execution",
        "leaves": leaves(orjson.loads(answer)),
        "cpu_ms": {name: one.shown for name, one in measured.items()},
        "speedup_vs_strawberry": round(measured["stock"].middle / plan, 1),
        "speedup_vs_reference": round(measured["reference"].middle / plan, 1),
        "vs_graphql_jit": None if jit is None else round(plan / jit, 2),
        "jit_ms": jit,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    asyncio.run(main())
