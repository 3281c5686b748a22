"""Subscriptions of a whole program: what is told by a mutation, over the real store and Redis."""

import asyncio
import importlib.util
import json
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from domain.events import Activity
from domain.ids import Kind, SourceKey
from domain.vocabulary import ActivityKind, Channel
from gateway.bootstrap import application, opened
from gateway.config_file import checked

FIXTURES = Path(__file__).parents[1] / "fixtures"
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
BEGUN = "subscription { interactionAdded { cursor kind item { id } customer { id } } }"
CHANGED = "subscription { identityChanged { kind after } }"
INGEST = """mutation i($events: [EventInput!]!) {
  interactionsIngest(events: $events) { accepted customers { id } userErrors { code message } }
}"""


def load(name):
    known = f"tests_fixtures_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, FIXTURES / f"{name}.py")
        sys.modules[known] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


streaming = load("streaming")


@pytest.fixture
async def workers(tmp_path):
    """Programs over one store, as several processes would be."""
    async with AsyncExitStack() as closing:

        async def open_(redis_url=""):
            tables = {
                "state": {"url": f"sqlite:///{tmp_path}/knownas.db"},
                "redis": {"url": redis_url, "timeout_s": 5.0},
                "capabilities": {"live_record": True},
                "live_record": {"systems": {"pbx": "VOICE"}},
            }
            program = await closing.enter_async_context(opened(checked(tables, {})))
            return program, application(program)

        yield open_


def started(event_id, subject):
    key = {"email": "ada@example.com"}
    return {
        "system": "pbx",
        "eventId": event_id,
        "type": "interaction.started",
        "occurredAt": AT.isoformat(),
        "subject": {"system": "pbx", "externalId": subject},
        "identifiers": [{"key": key, "verification": "AUTHENTICATED"}],
        "data": {"channel": "VOICE"},
    }


async def ingest(app, *events):
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        asked = {"query": INGEST, "variables": {"events": list(events)}}
        answer = (await client.post("/graphql", json=asked)).json()
    assert "errors" not in answer, answer
    assert answer["data"]["interactionsIngest"]["userErrors"] == []
    return answer["data"]["interactionsIngest"]


async def begun(app, id, query):
    client = await streaming.InProcess(app).begun()
    client.subscribe(id, query)
    return client


def told(message):
    assert message["type"] == "next", message
    assert "errors" not in message["payload"], message
    return next(iter(message["payload"]["data"].values()))


async def until(holds):
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0)


def streams(app):
    return app.drain.__self__


async def listening(app, query):
    client = await begun(app, "1", query)
    await until(lambda: len(streams(app)) == 1)
    return client


async def test_what_a_mutation_tells_is_heard_at_once_in_the_process_and_later_in_others(workers):
    """Without Redis a worker looks by itself; both hear of everything once, in order."""
    (_, first), (_, second) = await workers(), await workers()
    here, there = await listening(first, BEGUN), await listening(second, BEGUN)
    found = await ingest(first, started("e-1", "call-1"))
    (customer,) = found["customers"]
    heard = [told(await client.got()) for client in (here, there)]
    assert heard[0] == heard[1]
    assert (heard[0]["kind"], heard[0]["customer"]) == ("STARTED", customer)
    await ingest(second, started("e-1", "call-1"), started("e-2", "call-2"))
    again = [told(await client.got()) for client in (here, there)]
    assert again[0] == again[1]
    assert again[0]["cursor"] != heard[0]["cursor"]
    assert here.sent.empty()
    assert there.sent.empty()
    for client in (here, there):
        await client.leave()


async def test_who_is_who_can_be_followed(workers):
    _, app = await workers()
    client = await listening(app, CHANGED)
    (customer,) = (await ingest(app, started("e-1", "call-1")))["customers"]
    change = told(await client.got())
    assert (change["kind"], change["after"]) == ("CREATED", [customer["id"]])
    await client.leave()


async def test_redis_wakes_other_workers_and_nothing_is_lost_without_it(workers, own_redis):
    (one, _), (other, second) = await workers(own_redis.url), await workers(own_redis.url)
    hear = asyncio.create_task(other.wire.signal.hear(other.wire.hubs.activities.wake))
    await until(lambda: other.wire.signal.is_heard)
    other.wire.hubs.activities._interval_s = lambda: 3_600.0  # nobody looks unless woken
    client = await begun(second, "1", ACTIVITY % "cus_none")
    assert (await client.got())["payload"][0]["extensions"]["code"] == "BAD_REQUEST"

    (customer,) = (await ingest(second, started("e-1", "call-1")))["customers"]
    client.subscribe("2", ACTIVITY % customer["id"])
    await until(lambda: len(streams(second)) == 1)
    row = (await other.people.clusters([customer["id"]]))[0].members[0]
    await one.wire.events.note([noted(row)])
    assert told(await client.got())["kind"] == "ORDER_CHANGED"

    own_redis.kill()
    await until(lambda: not other.wire.signal.is_heard)
    other.wire.hubs.activities._interval_s = lambda: 0.05
    other.wire.hubs.activities.wake()
    await one.wire.events.note([noted(row)])
    assert told(await client.got())["kind"] == "ORDER_CHANGED"
    await client.leave()
    hear.cancel()
    await asyncio.wait([hear])


ACTIVITY = 'subscription { customerActivity(customer: "%s") { cursor kind } }'


def noted(row):
    return Activity(
        sequence=0,
        kind=ActivityKind.ORDER_CHANGED,
        at=AT,
        item=SourceKey("shop", Kind.ORDER, "1"),
        contacts=(row,),
        channel=Channel.UNKNOWN,
    )


async def test_sigterm_ends_the_streams_so_that_clients_come_back(workers, unused_tcp_port):
    import os  # noqa: PLC0415  # for this one
    import signal  # noqa: PLC0415

    import websockets  # noqa: PLC0415

    from gateway.server import listen, serve  # noqa: PLC0415

    program, app = await workers()
    ready = asyncio.Event()
    with listen("127.0.0.1", unused_tcp_port) as opened_:
        serving = asyncio.create_task(
            serve(
                app,
                opened_,
                program.config.server,
                lambda _: ready.set(),
                app.drain,
                direct=app.direct,
            )
        )
        await ready.wait()
        at = f"127.0.0.1:{unused_tcp_port}/graphql"
        socket = await websockets.connect(f"ws://{at}", subprotocols=[streaming.PROTOCOL])
        await socket.send(json.dumps({"type": "connection_init"}))
        await socket.recv()
        asked = {"type": "subscribe", "id": "1", "payload": {"query": BEGUN}}
        await socket.send(json.dumps(asked))
        async with httpx.AsyncClient(timeout=10) as client:
            headers = {"accept": "text/event-stream"}
            async with client.stream(
                "POST", f"http://{at}", json={"query": BEGUN}, headers=headers
            ) as events:
                await until(lambda: len(streams(app)) == 2)
                os.kill(os.getpid(), signal.SIGTERM)
                rest = [line async for line in events.aiter_lines()]
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await socket.recv()
        await serving
    assert closed.value.rcvd.code == 1012
    assert '"GOING_AWAY"' in "".join(rest)
    assert "event: complete" not in rest
