"""Who asks the graph while others are worked on waits for their turn, in order."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from gateway.turnstile import Line, Turnstile


class App:
    """Answers each path's request when it is told to."""

    def __init__(self) -> None:
        self.entered: list[str] = []
        self.go_on: dict[str, asyncio.Event] = {}

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        name = scope["query_string"].decode()
        self.entered.append(name)
        begins, ends = name.startswith("stream"), self.event(name)
        if begins:
            await _begin(send)
        await ends.wait()
        if name == "broken":
            raise RuntimeError(name)
        if not begins:
            await _begin(send)
        await send({"type": "http.response.body", "body": name.encode()})

    def event(self, name: str) -> asyncio.Event:
        return self.go_on.setdefault(name, asyncio.Event())


async def _begin(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})


async def _asked(door: Turnstile, name: str, path: str = "/graphql") -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        raise AssertionError("nothing is read at the door")

    scope: dict[str, Any] = {"type": "http", "path": path, "query_string": name.encode()}
    await door(scope, receive, send)
    return sent


async def _turn() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def door(app: App) -> Turnstile:
    return Turnstile(app, "/graphql", Line(at_once=2, patience_s=60.0))


async def test_those_beyond_the_number_wait_in_order(app: App, door: Turnstile) -> None:
    asking = {name: asyncio.create_task(_asked(door, name)) for name in ("a", "b", "c", "d")}
    await _turn()
    assert app.entered == ["a", "b"]
    app.event("b").set()
    await asking["b"]
    await _turn()
    assert app.entered == ["a", "b", "c"]
    for name in ("a", "c", "d"):
        app.event(name).set()
    sent = [(await task)[-1]["body"] for task in asking.values()]
    assert sent == [b"a", b"b", b"c", b"d"]


async def test_a_stream_keeps_nobody_out_once_it_has_begun(app: App, door: Turnstile) -> None:
    asking = [asyncio.create_task(_asked(door, name)) for name in ("stream1", "stream2", "c")]
    await _turn()
    assert app.entered == ["stream1", "stream2", "c"]
    for event in app.go_on.values():
        event.set()
    await asyncio.gather(*asking)


async def test_other_paths_are_not_counted(app: App, door: Turnstile) -> None:
    asking = [asyncio.create_task(_asked(door, name)) for name in ("a", "b", "c")]
    elsewhere = asyncio.create_task(_asked(door, "d", "/healthz"))
    await _turn()
    assert app.entered == ["a", "b", "d"]
    for name in ("a", "b", "c", "d"):
        app.event(name).set()
    await asyncio.gather(*asking, elsewhere)


async def test_who_fails_or_gives_up_leaves_a_place_to_the_next(app: App, door: Turnstile) -> None:
    names = ("broken", "a", "gone", "b", "late")
    asking = {name: asyncio.create_task(_asked(door, name)) for name in names}
    await _turn()
    asking["gone"].cancel()
    app.event("broken").set()
    # After the turn of `b` has come, and before it knows.
    asyncio.get_running_loop().call_soon(asking["b"].cancel)
    with pytest.raises(RuntimeError):
        await asking["broken"]
    await _turn()
    assert app.entered == ["broken", "a", "late"]
    for name in ("a", "late"):
        app.event(name).set()
    await asyncio.gather(asking["a"], asking["late"])


async def test_whose_turn_does_not_come_is_told_to_try_again(app: App) -> None:
    door = Turnstile(app, "/graphql", Line(at_once=1, patience_s=0.0))
    first = asyncio.create_task(_asked(door, "a"))
    await _turn()
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=door), base_url="http://graph")
    async with client:
        refused = await client.post("/graphql", json={"query": "{__typename}"})
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["errors"][0]["extensions"]["code"] == "OVERLOADED"
    app.event("a").set()
    await first
    assert app.entered == ["a"]
    app.event("b").set()
    assert (await _asked(door, "b"))[-1]["body"] == b"b"
