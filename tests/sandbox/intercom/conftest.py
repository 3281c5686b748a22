"""A workspace with what a test puts into it, and a client that speaks to it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox.allowance import Allowance
from sandbox.intercom import APP_ALLOWANCE, TOKEN, build
from sandbox.rows import ChatAdmin, ChatContact, Conversation, Part
from sandbox.world import World

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADA = ChatAdmin(id="814861", name="Ada", email="ada@support.example")


@dataclass
class Chat:
    """A client of the emulator over one world. Rows it makes are of noon on 1 March 2026."""

    world: World
    client: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {TOKEN}"})

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        return await self.client.request(method, path, json=body, headers=self.headers)

    async def search(self, kind: str, query: object, **more: object) -> dict[str, Any]:
        response = await self.ask("POST", f"/{kind}/search", {"query": query, **more})
        assert response.status_code == 200, response.text
        return response.json()

    async def names(self, query: object, **more: object) -> list[str]:
        return [row["name"] for row in (await self.search("contacts", query, **more))["data"]]

    async def threads(self, query: object, **more: object) -> list[str]:
        found = (await self.search("conversations", query, **more))["conversations"]
        return [row["title"] for row in found]

    async def refusal(self, kind: str, body: object) -> tuple[int, str]:
        response = await self.ask("POST", f"/{kind}/search", body)
        return response.status_code, self.error_code(response)

    def error_code(self, response: httpx.Response) -> str:
        """The code of an error list, which must be whole."""
        body = response.json()
        assert body["type"] == "error.list"
        assert body["request_id"]
        (error,) = body["errors"]
        assert error["message"]
        return error["code"]

    def contact(self, name: str, **values: Any) -> ChatContact:
        times = {"created_at": NOON, "updated_at": NOON}
        row_id = self.world.chat_contacts.next_id()
        return self.world.chat_contacts.add(
            ChatContact(id=row_id, **{**times, "name": name, **values})
        )

    def thread(self, title: str, contact: ChatContact, **values: Any) -> Conversation:
        defaults = {
            "created_at": NOON,
            "updated_at": NOON,
            "title": title,
            "contact_ids": (contact.id,),
            "state": "open",
            "source_id": self.world.part_id(),
            "source_body": "<p>Where is my <b>order</b>?</p>",
            "source_author_type": contact.role,
            "source_author_id": contact.id,
        }
        row = Conversation(id=self.world.conversations.next_id(), **{**defaults, **values})
        return self.world.conversations.add(row)

    def part(self, **values: Any) -> Part:
        """A comment of Ada's, unless said otherwise."""
        defaults = {
            "part_type": "comment",
            "author_type": "admin",
            "author_id": ADA.id,
            "body": "<p>On its way.</p>",
            "created_at": NOON,
            "updated_at": NOON,
        }
        return Part(id=self.world.part_id(), **{**defaults, **values})


OpenChat = Callable[..., AbstractAsyncContextManager[Chat]]


@pytest.fixture
def open_chat() -> OpenChat:
    """Opens a workspace: `async with open_chat(world, allowance=..., app=...) as chat`."""

    @asynccontextmanager
    async def opened(
        world: World, allowance: Allowance = APP_ALLOWANCE, app: Any = None
    ) -> AsyncIterator[Chat]:
        transport = httpx.ASGITransport(app=app or build(world, allowance=allowance))
        async with httpx.AsyncClient(transport=transport, base_url="http://chat") as client:
            yield Chat(world, client)

    return opened


@pytest.fixture
def world(clock: Any) -> World:
    clock.set(NOON + timedelta(days=30))
    world = World(clock=clock.now)
    world.chat_admins[ADA.id] = ADA
    return world


@pytest.fixture
async def chat(world: World, open_chat: OpenChat) -> AsyncIterator[Chat]:
    async with open_chat(world) as chat:
        yield chat
