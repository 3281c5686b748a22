"""What the three queries cost in Python at the least: answered by hand, without GraphQL.

A bare ASGI endpoint, pyreqwest's own API and orjson; the same two steps and calls as every other
server here. It knows the operations by their names and shows what is left to win, not a product.
"""

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Final

import orjson
import uvicorn
import uvloop
from pyreqwest.client import Client, ClientBuilder

UPSTREAM: Final = os.environ.get("UPSTREAM", "http://127.0.0.1:4100")
LISTS: Final = {
    "orders": "/oms/orders",
    "tickets": "/tickets/tickets",
    "conversations": "/chat/conversations",
}
JSON: Final = [(b"content-type", b"application/json")]

Row = dict[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Floor:
    """The ASGI application."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        body = b"{}" if scope["method"] == "GET" else await _body(receive)
        answer = await self._answer(orjson.loads(body))
        await send({"type": "http.response.start", "status": 200, "headers": _headers(answer)})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, asked: Row) -> bytes:
        variables = asked.get("variables") or {}
        match asked.get("query", "")[:8]:
            case "query Q1":
                path = f"/crm/contacts/{variables['id']}"
                (customer,) = await self._filled([await self._get(path)])
                data = {"customer": customer}
            case "query Q2":
                path = f"/crm/contacts?limit={variables['limit']}&offset={variables['offset']}"
                data = {"customers": await self._filled(await self._get(path))}
            case "query Q3":
                contact = await self._get(f"/crm/contacts/{variables['id']}")
                data = {"customer": {"name": contact["name"]}}
            case _:
                data = {"__typename": "Query"}
        return orjson.dumps({"data": data})

    async def _filled(self, contacts: Sequence[Row]) -> list[Row]:
        """The customers with what the other three systems hold, one call to each."""
        ids = ",".join(contact["id"] for contact in contacts)
        calls = [self._get(f"{path}?customer_ids={ids}") for path in LISTS.values()]
        customers = {
            contact["id"]: {
                "id": contact["id"],
                "name": contact["name"],
                "email": contact["email"],
                **{name: [] for name in LISTS},
            }
            for contact in contacts
        }
        for name, rows in zip(LISTS, await asyncio.gather(*calls), strict=True):
            for row in rows:
                customers[row.pop("customer_id")][name].append(row)
                del row["created_at"]
        return list(customers.values())

    async def _get(self, path: str) -> Any:
        response = await self._client.get(UPSTREAM + path).build().send()
        return orjson.loads(memoryview(await response.bytes()))


async def _body(receive: Receive) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body"):
        message = await receive()
        body += message.get("body", b"")
    return body


def _headers(answer: bytes) -> list[tuple[bytes, bytes]]:
    return [*JSON, (b"content-length", str(len(answer)).encode())]


async def _with_uvicorn(app: Floor, port: int) -> None:
    config = uvicorn.Config(
        app, port=port, http="httptools", lifespan="off", access_log=False, log_config=None
    )
    await uvicorn.Server(config).serve()


async def _with_granian(app: Floor, port: int) -> None:
    """It is no dependency of the product, and not needed to measure with uvicorn."""
    from granian.constants import Interfaces  # noqa: PLC0415
    from granian.server.embed import Server  # noqa: PLC0415

    await Server(app, port=port, interface=Interfaces.ASGINL, log_enabled=False).serve()


async def _serve(server: str, port: int) -> None:
    builder = ClientBuilder().no_proxy().pool_max_idle_per_host(100)
    async with builder.build() as client:
        app = Floor(client)
        await (_with_granian if server == "granian" else _with_uvicorn)(app, port)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--server", choices=("uvicorn", "granian"), default="uvicorn")
    asked = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(asked.server, asked.port))


if __name__ == "__main__":
    main()
