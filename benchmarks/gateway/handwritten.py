"""What a competent team writes in Python today: Strawberry, one shared httpx client, aiodataloader.

The graph of the peers (`schema.graphql` beside their servers), one loader per system and request,
orjson where Strawberry lets it in, parsed and validated documents kept; served by uvicorn.
"""

import argparse
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx
import orjson
import strawberry
import uvicorn
from aiodataloader import DataLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

UPSTREAM: Final = os.environ.get("UPSTREAM", "http://127.0.0.1:4100")
LIMITS: Final = httpx.Limits(max_connections=64, max_keepalive_connections=64)

Row = dict[str, Any]


class Systems:
    """The four REST systems over one client."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def page(self, limit: int, offset: int) -> list[Row]:
        return await self._get("/crm/contacts", {"limit": limit, "offset": offset})

    async def contacts(self, ids: Sequence[str]) -> list[Row | None]:
        rows = await self._get("/crm/contacts", {"ids": ",".join(ids)})
        found = {row["id"]: row for row in rows}
        return [found.get(one) for one in ids]

    async def orders(self, customers: Sequence[str]) -> list[list[Row]]:
        return await self._related("/oms/orders", customers)

    async def tickets(self, customers: Sequence[str]) -> list[list[Row]]:
        return await self._related("/tickets/tickets", customers)

    async def conversations(self, customers: Sequence[str]) -> list[list[Row]]:
        return await self._related("/chat/conversations", customers)

    async def _related(self, path: str, customers: Sequence[str]) -> list[list[Row]]:
        """Of each customer, in the order asked for."""
        groups: dict[str, list[Row]] = {customer: [] for customer in customers}
        for row in await self._get(path, {"customer_ids": ",".join(customers)}):
            groups[row["customer_id"]].append(row)
        return [groups[customer] for customer in customers]

    async def _get(self, path: str, query: Mapping[str, str | int]) -> list[Row]:
        response = await self._client.get(path, params=dict(query))
        response.raise_for_status()
        rows: list[Row] = orjson.loads(response.content)
        return rows


class Loaders:
    """Of one request: what is asked for in the same turn is one call."""

    def __init__(self, systems: Systems) -> None:
        self.systems = systems
        self.contacts: DataLoader[str, Row | None] = DataLoader(systems.contacts)
        self.orders: DataLoader[str, list[Row]] = DataLoader(systems.orders)
        self.tickets: DataLoader[str, list[Row]] = DataLoader(systems.tickets)
        self.conversations: DataLoader[str, list[Row]] = DataLoader(systems.conversations)


Info = strawberry.Info[Loaders, None]


@strawberry.type
class OrderItem:
    sku: str | None
    qty: int | None


@strawberry.type
class Order:
    id: strawberry.ID
    total: float | None
    status: str | None
    items: list[OrderItem]


@strawberry.type
class Ticket:
    id: strawberry.ID
    subject: str | None
    status: str | None


@strawberry.type
class Conversation:
    id: strawberry.ID
    channel: str | None
    last_message: str | None


@strawberry.type
class Customer:
    id: strawberry.ID
    name: str | None
    email: str | None

    @strawberry.field
    async def orders(self, info: Info) -> list[Order]:
        return [_order(row) for row in await info.context.orders.load(self.id)]

    @strawberry.field
    async def tickets(self, info: Info) -> list[Ticket]:
        rows = await info.context.tickets.load(self.id)
        return [Ticket(id=row["id"], subject=row["subject"], status=row["status"]) for row in rows]

    @strawberry.field
    async def conversations(self, info: Info) -> list[Conversation]:
        return [
            Conversation(id=row["id"], channel=row["channel"], last_message=row["lastMessage"])
            for row in await info.context.conversations.load(self.id)
        ]


@strawberry.type
class Query:
    @strawberry.field
    async def customer(self, info: Info, id: strawberry.ID) -> Customer | None:
        row = await info.context.contacts.load(id)
        return None if row is None else _customer(row)

    @strawberry.field
    async def customers(self, info: Info, limit: int = 50, offset: int = 0) -> list[Customer]:
        return [_customer(row) for row in await info.context.systems.page(limit, offset)]


def _customer(row: Row) -> Customer:
    return Customer(id=row["id"], name=row["name"], email=row["email"])


def _order(row: Row) -> Order:
    items = [OrderItem(sku=item["sku"], qty=item["qty"]) for item in row["items"]]
    return Order(id=row["id"], total=row["total"], status=row["status"], items=items)


class Endpoint(GraphQL[Loaders, None]):
    async def get_context(self, request: Any, response: Any) -> Loaders:
        return Loaders(request.app.state.systems)

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with httpx.AsyncClient(base_url=UPSTREAM, limits=LIMITS, timeout=10.0) as client:
        app.state.systems = Systems(client)
        yield


async def _health(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


def build_app() -> Starlette:
    schema = strawberry.Schema(Query, extensions=[ParserCache, ValidationCache])
    routes = [Route("/healthz", _health), Route("/graphql", Endpoint(schema, graphql_ide=None))]
    return Starlette(routes=routes, lifespan=_lifespan)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    uvicorn.run(
        build_app(),
        port=parser.parse_args().port,
        http="httptools",
        loop="uvloop",
        access_log=False,
        log_config=None,
    )


if __name__ == "__main__":
    main()
