"""A shop with what a test puts into it, and a client that speaks to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from sandbox.rows import Order, ShopCustomer
from sandbox.shopify import STANDARD, TOKEN, Plan, build
from sandbox.world import World

PATH = "/admin/api/2026-07/graphql.json"
START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Shop:
    """A client of the emulator over one world. Rows it makes are of 1 March 2026."""

    world: World
    client: httpx.AsyncClient
    path: str = PATH
    headers: dict[str, str] = field(default_factory=lambda: {"X-Shopify-Access-Token": TOKEN})

    async def post(self, body: object) -> httpx.Response:
        return await self.client.post(self.path, json=body, headers=self.headers)

    async def answer(self, query: str, **variables: object) -> dict[str, Any]:
        response = await self.post({"query": query, "variables": variables})
        assert response.status_code == 200
        return response.json()

    async def data(self, query: str, **variables: object) -> Any:
        answer = await self.answer(query, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    async def code(self, query: str, **variables: object) -> str:
        return (await self.answer(query, **variables))["errors"][0]["extensions"]["code"]

    async def names(self, query: str, kind: str = "orders") -> list[str]:
        shown = "name" if kind == "orders" else "displayName"
        text = f"""query($q: String) {{
          rows: {kind}(first: 250, query: $q) {{ nodes {{ {shown} }} }} }}"""
        rows = (await self.data(text, q=query))["rows"]["nodes"]
        return [row[shown] for row in rows]

    def customer(self, name: str, **values: Any) -> ShopCustomer:
        first, _, last = name.partition(" ")
        named = {"first_name": first, "last_name": last or None}
        times = {"created_at": START, "updated_at": START}
        row_id = self.world.shop_customers.next_id()
        row = ShopCustomer(id=row_id, **{**times, **named, **values})
        return self.world.shop_customers.add(row)

    def order(self, number: int, **values: Any) -> Order:
        """An order of that number, made, changed and processed as many hours after 1000."""
        at = START + timedelta(hours=number - 1000)
        defaults = {
            "created_at": at,
            "updated_at": at,
            "processed_at": at,
            "name": f"#{number}",
            "customer_id": None,
            "currency": "GBP",
            "total": Decimal("20.00"),
            "financial_status": "PAID",
            "fulfillment_status": "UNFULFILLED",
        }
        row = Order(id=self.world.orders.next_id(), **{**defaults, **values})
        return self.world.orders.add(row)


OpenShop = Callable[..., AbstractAsyncContextManager[Shop]]


@pytest.fixture
def open_shop() -> OpenShop:
    """Opens a shop over a world: `async with open_shop(world, plan=..., app=...) as shop`."""

    @asynccontextmanager
    async def opened(world: World, plan: Plan = STANDARD, app: Any = None) -> AsyncIterator[Shop]:
        transport = httpx.ASGITransport(app=app or build(world, plan=plan))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
            yield Shop(world, client)

    return opened


@pytest.fixture
def world(clock: Any) -> World:
    clock.set(START + timedelta(days=30))
    return World(clock=clock.now)


@pytest.fixture
async def shop(world: World, open_shop: OpenShop) -> AsyncIterator[Shop]:
    async with open_shop(world) as shop:
        yield shop


@pytest.fixture
async def small_shop(world: World, open_shop: OpenShop) -> AsyncIterator[Shop]:
    """A shop whose bucket holds 100 points and restores 10 a second."""
    async with open_shop(world, plan=Plan(10.0, 100.0)) as shop:
        yield shop
