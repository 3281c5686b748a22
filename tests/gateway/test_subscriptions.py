"""graphql-transport-ws and server-sent events, over a world of fakes."""

import asyncio
import hashlib
import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import websockets
from websockets.exceptions import ConnectionClosed, InvalidStatus

from domain.errors import StoreError
from domain.events import Activity
from domain.ids import Kind, SourceKey
from domain.provenance import Provenance
from domain.records import Call
from domain.vocabulary import ActivityKind, Channel, InteractionState, ServedFrom
from gateway.streams.bounds import Bounds

FIXTURES = Path(__file__).parents[1] / "fixtures"
ACTIVITY = """subscription a($customer: ID!, $after: String) {
  customerActivity(customer: $customer, after: $after) {
    cursor kind item { id ... on Interaction { state channel } } customer { id displayName }
  }
}"""
ADDED = """subscription b($channels: [Channel!], $after: String) {
  interactionAdded(channels: $channels, after: $after) { cursor kind item { id } customer { id } }
}"""
SMALL = (
    "subscription s($c: ID!, $a: String) { customerActivity(customer: $c, after: $a) { cursor } }"
)
TOKEN, OTHER = "kn_desk", "kn_bot"


def load(name):
    known = f"tests_fixtures_{name}"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, FIXTURES / f"{name}.py")
        sys.modules[known] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[known]


streaming = load("streaming")


def token(text, name, *scopes):
    return {"name": name, "sha256": hashlib.sha256(text.encode()).hexdigest(), "scopes": [*scopes]}


@pytest.fixture
def fakes():
    return load("world")


@pytest.fixture
def world(fakes):
    made = fakes.World()
    made.events = load("told").FakeEvents()
    made.alice()
    bob = made.contact("crm", "h2", full_name="Bob Example")
    made.customer("cus_bob", bob)
    return made


@pytest.fixture
def make(world):
    def make(**settings):
        tables = settings.pop("tables", {})
        return streaming.Worker(world.services(), tables, **settings)

    return make


@pytest.fixture
def worker(make):
    return make()


@pytest.fixture
def happens(world, fakes):
    """Something happens on the call of that name; told to no hub."""

    async def happen(name="k1", *rows, kind=ActivityKind.STARTED, channel=Channel.VOICE):
        key = SourceKey("crm", Kind.CALL, name)
        rows = rows or (SourceKey("crm", Kind.CONTACT, "h1"),)
        where = Provenance(
            system=world["crm"].system,
            external_id=name,
            fetched_at=fakes.NOW,
            served_from=ServedFrom.EVENT_STORE,
        )
        state = InteractionState.IN_PROGRESS
        world.events.put(Call(key=key, provenance=where, occurred_at=fakes.NOW, state=state), *rows)
        one = Activity(
            sequence=0, kind=kind, at=fakes.NOW, item=key, contacts=tuple(rows), channel=channel
        )
        return (await world.events.note([one]))[0].sequence

    return happen


def event(message):
    """Of a `next`: the event that is in it."""
    assert message["type"] == "next", message
    assert "errors" not in message["payload"], message
    (found,) = message["payload"]["data"].values()
    return found


# ---------------------------------------------------------------- what is told


async def test_what_happens_around_a_person_is_told_in_order(worker, happens):
    client = await streaming.InProcess(worker.app).begun()
    client.subscribe("1", ACTIVITY, customer="cus_alice")
    await until(lambda: len(worker.streams) == 1)
    await happens("k1")
    await happens("k2", SourceKey("crm", Kind.CONTACT, "h2"))
    await happens("k1", kind=ActivityKind.ENDED)
    worker.wire.hubs.activities.wake()
    first, second = event(await client.got()), event(await client.got())
    assert [first["kind"], second["kind"]] == ["STARTED", "ENDED"]
    assert first["item"] == {
        "id": SourceKey("crm", Kind.CALL, "k1").node_id, "state": "IN_PROGRESS", "channel": "VOICE"
    }  # fmt: skip
    assert first["customer"] == {"id": "cus_alice", "displayName": "Alice Example"}
    client.put(type="complete", id="1")
    await until(lambda: not len(worker.streams))
    await client.leave()


async def test_who_is_merged_and_split_goes_on_being_followed(worker, world, happens):
    client = await streaming.InProcess(worker.app).begun()
    client.subscribe("1", ACTIVITY, customer="cus_alice")
    await until(lambda: len(worker.streams) == 1)
    alice, bob = (world.identity.standing[one] for one in ("cus_alice", "cus_bob"))
    bobs = SourceKey("crm", Kind.CONTACT, "h2")

    world.identity.standing.pop("cus_alice")
    world.identity.redirects["cus_alice"] = "cus_bob"
    joined = tuple(sorted((*alice.members, *bob.members)))
    world.identity.standing["cus_bob"] = replace(bob, members=joined, aliases=("cus_alice",))
    await happens("k1", bobs)
    worker.wire.hubs.activities.wake()
    assert event(await client.got())["customer"]["id"] == "cus_bob"

    world.identity.redirects.clear()
    world.identity.standing |= {"cus_alice": alice, "cus_bob": bob}
    await happens("k2", bobs)
    await happens("k3")
    worker.wire.hubs.activities.wake()
    told = event(await client.got())
    assert told["item"]["id"] == SourceKey("crm", Kind.CALL, "k3").node_id
    assert told["customer"]["id"] == "cus_alice"
    await client.leave()


async def test_interactions_that_begin_are_told_by_channel_and_of_people_only(worker, happens):
    client = await streaming.InProcess(worker.app).begun()
    client.subscribe("1", ADDED, channels=["VOICE"])
    await until(lambda: len(worker.streams) == 1)
    await happens("k1", channel=Channel.EMAIL)
    await happens("k2", kind=ActivityKind.ENDED)
    await happens("k3", SourceKey("crm", Kind.CONTACT, "nobody"))
    last = await happens("k4")
    worker.wire.hubs.activities.wake()
    found = event(await client.got())
    assert found["item"]["id"] == SourceKey("crm", Kind.CALL, "k4").node_id
    assert found["customer"]["id"] == "cus_alice"
    assert last == 4
    await client.leave()


async def test_a_stream_goes_on_after_a_cursor_with_nothing_lost_or_repeated(make, happens):
    """The socket is dropped, and the worker with it; another worker goes on, while more comes."""
    first = make()
    client = await streaming.InProcess(first.app).begun()
    client.subscribe("1", SMALL, c="cus_alice")
    await until(lambda: len(first.streams) == 1)
    for _ in range(3):
        await happens()
    first.wire.hubs.activities.wake()
    cursors = [event(await client.got())["cursor"] for _ in range(2)]
    client.task.cancel()
    await asyncio.wait([client.task])
    await first.wire.close()
    for _ in range(600):
        await happens()

    second = make()
    client = await streaming.InProcess(second.app).begun()
    client.subscribe("1", SMALL, c="cus_alice", a=cursors[-1])
    for _ in range(400):
        cursors.append(event(await client.got())["cursor"])
    for _ in range(50):
        await happens()
    second.wire.hubs.activities.wake()
    for _ in range(251):
        cursors.append(event(await client.got())["cursor"])
    assert len(set(cursors)) == len(cursors) == 653
    assert client.sent.empty()
    await client.leave()


async def test_a_cursor_of_another_log_is_refused(worker, happens):
    client = await streaming.InProcess(worker.app).begun()
    for id, cursor in (("1", "nonsense"), ("2", "activity_OTk")):
        client.subscribe(id, SMALL, c="cus_alice", a=cursor)
        refused = await client.got()
        assert (refused["type"], refused["id"]) == ("error", id)
        assert refused["payload"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert not len(worker.streams)
    await client.leave()


async def test_a_store_that_is_lost_for_a_while_loses_nothing(worker, world, happens):
    client = await streaming.InProcess(worker.app).begun()
    client.subscribe("1", SMALL, c="cus_alice")
    await until(lambda: len(worker.streams) == 1)
    read, asked = world.events.activities, asyncio.Event()

    async def lost(*_arguments):
        asked.set()
        raise StoreError("gone")

    world.events.activities = lost
    await happens()
    worker.wire.hubs.activities.wake()
    await asked.wait()
    world.events.activities = read
    worker.wire.hubs.activities.wake()
    assert event(await client.got())["cursor"]
    await client.leave()


# ---------------------------------------------------------------- who may


def with_tokens():
    desk = token(TOKEN, "desk", "customer:any", "pii:identity")
    return {"auth": {"tokens": [desk, token(OTHER, "bot", "pii:identity")]}}


async def test_what_is_told_is_masked_for_who_listens(make, happens):
    tables = {"auth": {"tokens": [token(TOKEN, "desk", "customer:any")]}}
    worker = make(tables=tables)
    client = await streaming.InProcess(worker.app).begun(authorization=f"Bearer {TOKEN}")
    client.subscribe("1", ACTIVITY, customer="cus_alice")
    await until(lambda: len(worker.streams) == 1)
    await happens()
    worker.wire.hubs.activities.wake()
    assert event(await client.got())["customer"]["displayName"] == "A. E."
    await client.leave()


async def test_who_may_not_read_of_a_person_may_not_follow_them(make):
    worker = make(tables=with_tokens())
    client = await streaming.InProcess(worker.app).begun(Authorization=f"Bearer {OTHER}")
    changed = "subscription { identityChanged { cursor } }"
    asked = [
        ("1", ACTIVITY, {"customer": "cus_alice"}),
        ("2", ADDED, {}),
        ("3", ACTIVITY, {"customer": "cus_none"}),
        ("4", changed, {}),
    ]
    for id, query, names in asked:
        client.subscribe(id, query, **names)
        assert (await client.got())["payload"][0]["extensions"]["code"] == "FORBIDDEN"
    await client.leave()


async def test_a_token_that_is_gone_ends_the_stream_with_its_cursor(make, happens):
    worker = make(tables=with_tokens())
    client = await streaming.InProcess(worker.app).begun(authorization=f"Bearer {TOKEN}")
    client.subscribe("1", SMALL, c="cus_alice")
    await until(lambda: len(worker.streams) == 1)
    await happens()
    worker.wire.hubs.activities.wake()
    last = event(await client.got())["cursor"]
    worker.door._known.clear()
    await worker.streams.rejudge()
    assert len(worker.streams) == 1, "not due yet"
    worker.clock.move(31)
    await worker.streams.rejudge()
    ended = await client.got()
    assert ended["type"] == "error"
    assert ended["payload"][0]["extensions"] == {"code": "UNAUTHENTICATED", "cursor": last}
    await until(lambda: not len(worker.streams))
    await client.leave()


async def test_a_token_that_is_gone_is_told_nothing_more(make, happens):
    worker = make(tables=with_tokens())
    client = await streaming.InProcess(worker.app).begun(authorization=f"Bearer {TOKEN}")
    client.subscribe("1", SMALL, c="cus_alice")
    await until(lambda: len(worker.streams) == 1)
    worker.door._known.clear()
    await happens()
    worker.wire.hubs.activities.wake()
    ended = await client.got()
    assert ended["payload"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    await client.leave()


# ---------------------------------------------------------------- bounds


async def test_a_slow_consumer_is_ended_with_the_cursor_it_goes_on_from(worker, happens, world):
    client = await streaming.InProcess(worker.app).begun()
    client.subscribe("1", SMALL, c="cus_alice")
    await until(lambda: len(worker.streams) == 1)
    client.gate.clear()
    (listener,) = next(iter(worker.wire.hubs.activities._listeners.values()))
    listener._room = 256
    for _ in range(600):
        await happens()
    worker.wire.hubs.activities.wake()
    await until(lambda: listener.fell_behind)
    assert not listener.entries, "nothing is kept for who does not take it"
    client.gate.set()
    message, cursors = await client.got(), []
    while message["type"] == "next":
        cursors.append(event(message)["cursor"])
        message = await client.got()
    assert message["type"] == "error"
    said = message["payload"][0]["extensions"]
    assert said == {"code": "SLOW_CONSUMER", "cursor": cursors[-1]}
    assert len(cursors) < 256
    client.subscribe("1", SMALL, c="cus_alice", a=said["cursor"])
    cursors += [event(await client.got())["cursor"] for _ in range(600 - len(cursors))]
    assert len(set(cursors)) == 600
    await client.leave()


async def test_a_client_that_takes_nothing_at_all_is_closed(make, happens):
    worker = make(bounds=Bounds(send_s=0.05))
    client = await streaming.InProcess(worker.app).begun()
    client.subscribe("1", SMALL, c="cus_alice")
    await until(lambda: len(worker.streams) == 1)
    client.gate.clear()
    await happens()
    worker.wire.hubs.activities.wake()
    async with asyncio.timeout(5):
        await client.task
    assert not len(worker.streams)
    assert not worker.streams.sockets


async def test_as_many_streams_are_open_as_may_be(make):
    worker = make(bounds=Bounds(most=2, per_socket=3))
    client = await streaming.InProcess(worker.app).begun()
    for id in ("1", "2"):
        client.subscribe(id, SMALL, c="cus_alice")
    await until(lambda: len(worker.streams) == 2)
    client.subscribe("3", SMALL, c="cus_alice")
    assert (await client.got())["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
    client.put(type="complete", id="1")
    await until(lambda: len(worker.streams) == 1)
    client.subscribe("3", SMALL, c="cus_alice")
    await until(lambda: len(worker.streams) == 2)
    await client.leave()


async def test_limits_are_judged_before_anything_is_opened(worker):
    client = await streaming.InProcess(worker.app).begun()
    deep = "{ item { id } " * 1 + "customer { orders(first: 1000) { nodes { id } } } }"
    for query, code in (
        (f'subscription {{ customerActivity(customer: "cus_alice") {deep} }}', "PAGE_TOO_LARGE"),
        ("subscription { nothing }", "BAD_REQUEST"),
        ("subscription {", "BAD_REQUEST"),
        ("subscription { interactionAdded { cursor } identityChanged { cursor } }", "BAD_REQUEST"),
        ("{ " + "a: __typename " * 3_000 + "}", "TOO_MANY_TOKENS"),
    ):
        client.subscribe("1", query)
        refused = await client.got()
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", code)
    assert not len(worker.streams)
    await client.leave()


async def test_a_thousand_streams_are_read_for_by_one_task(worker, world, happens):
    world.events.calls.clear()
    clients = [await streaming.InProcess(worker.app).begun() for _ in range(10)]
    for client in clients:
        for i in range(100):
            client.subscribe(str(i), SMALL, c="cus_alice" if i % 2 else "cus_bob")
    await until(lambda: len(worker.streams) == 1_000)
    hub = worker.wire.hubs.activities
    assert len(hub._listeners) == 2, "who follows one person is routed once"
    before = world.events.calls["activities"]
    identity = world.identity.calls["clusters"]
    await happens()
    hub.wake()
    told = [event(await client.got())["cursor"] for client in clients for _ in range(50)]
    assert set(told) == {told[0]}
    assert world.events.calls["activities"] - before <= 3, "one task reads, whoever listens"
    assert world.identity.calls["clusters"] - identity <= 3
    for client in clients:
        await client.leave()
    assert not len(worker.streams)


# ---------------------------------------------------------------- the protocol


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"type": "nonsense"}], 4400),
        ([{"no": "type"}], 4400),
        ([{"type": "connection_init", "payload": "text"}], 4400),
        ([{"type": "subscribe", "id": "1", "payload": {"query": "{ a }"}}], 4401),
        ([{"type": "connection_init"}, {"type": "connection_init"}], 4429),
        ([{"type": "connection_init"}, {"type": "subscribe", "id": 1, "payload": {}}], 4400),
        ([{"type": "connection_init"}, {"type": "subscribe", "id": "1"}], 4400),
        ([{"type": "connection_init", "payload": {"authorization": "Bearer x"}}], 4403),
    ],
)  # fmt: skip
async def test_who_breaks_the_protocol_is_closed_with_its_code(worker, messages, code):
    client = streaming.InProcess(worker.app)
    await client.got()
    for message in messages:
        client.put(**message)
    found = await client.got()
    while "close" not in found:
        found = await client.got()
    assert found == {"close": code}
    await client.task


LONG = json.dumps({"type": "ping", "x": "y" * 1_000_001})


@pytest.mark.parametrize(
    "raw", [{"text": "{"}, {"text": "[1]"}, {"bytes": b"{}"}, {"text": LONG}], ids=range(4)
)
async def test_what_is_no_message_is_closed_with_4400(worker, raw):
    client = streaming.InProcess(worker.app)
    await client.got()
    client.put_raw(**raw)
    assert await client.got() == {"close": 4400}


async def test_an_id_in_use_is_closed_with_4409(worker):
    client = await streaming.InProcess(worker.app).begun()
    for _ in range(2):
        client.subscribe("1", SMALL, c="cus_alice")
    assert await client.got() == {"close": 4409}
    await client.task
    assert not len(worker.streams)


async def test_who_never_says_who_they_are_is_closed_with_4408(make):
    client = streaming.InProcess(make(bounds=Bounds(init_s=0.01)).app)
    await client.got()
    assert await client.got() == {"close": 4408}


async def test_another_subprotocol_is_closed_with_4406(worker):
    client = streaming.InProcess(worker.app, protocol="graphql-ws")
    assert await client.got() == {"accept": None}
    assert await client.got() == {"close": 4406}


async def test_pings_are_answered_at_any_time_and_queries_run_too(worker):
    client = streaming.InProcess(worker.app)
    await client.got()
    client.put(type="ping", payload={"at": 1})
    assert await client.got() == {"type": "pong", "payload": {"at": 1}}
    client.put(type="pong")
    client.put(type="connection_init")
    assert await client.got() == {"type": "connection_ack"}
    client.subscribe("q", '{ customer(by: {id: "cus_bob"}) { id } }')
    assert event(await client.got()) == {"id": "cus_bob"}
    assert await client.got() == {"id": "q", "type": "complete"}
    await client.leave()


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [
        (None, True),
        ("http://127.0.0.1:8000", True),
        ("https://desk.example.com", True),
        ("https://evil.example", False),
        ("https://desk.example.com.evil.example", False),
        ("null", False),
    ],
)
async def test_pages_of_other_origins_open_nothing(make, origin, is_let_in):
    tables = {"server": {"allowed_origins": ["https://desk.example.com"]}}
    headers = {} if origin is None else {"origin": origin}
    client = streaming.InProcess(make(tables=tables).app, headers)
    first = await client.got()
    assert ("accept" in first) is is_let_in
    await client.leave()


# ---------------------------------------------------------------- events


async def test_over_http_a_subscription_is_a_stream_of_events(worker, happens):
    async with worker.serving() as at, streaming.httpx.AsyncClient() as client:
        headers = {"accept": "text/event-stream"}
        body = {"query": SMALL, "variables": {"c": "cus_alice"}}
        async with client.stream("POST", f"http://{at}/graphql", json=body, headers=headers) as got:
            assert (got.status_code, got.headers["content-type"]) == (
                200,
                "text/event-stream; charset=utf-8",
            )
            lines = got.aiter_lines()
            await happens()
            worker.wire.hubs.activities.wake()
            first = [await anext(lines) for _ in range(4)]
        assert first[0] == "event: next"
        cursor = json.loads(first[2].removeprefix("data: "))["data"]["customerActivity"]["cursor"]
        assert first[1] == f"id: {cursor}"
        await until(lambda: not len(worker.streams))

        await happens()
        resumed = headers | {"last-event-id": cursor, "sec-fetch-site": "same-origin"}
        asked = {"query": SMALL, "variables": json.dumps({"c": "cus_alice"})}
        async with client.stream(
            "GET", f"http://{at}/graphql", params=asked, headers=resumed
        ) as got:
            lines = got.aiter_lines()
            again = [await anext(lines) for _ in range(3)]
        assert again[0] == "event: next"
        assert again[1] != first[1]


async def test_what_is_no_subscription_is_one_event_and_the_end(worker):
    async with worker.client() as client:
        answer = await client.post(
            "/graphql",
            json={"query": '{ customer(by: {id: "cus_bob"}) { id } }'},
            headers={"accept": "text/event-stream"},
        )
    assert answer.text == (
        'event: next\ndata: {"data":{"customer":{"id":"cus_bob"}}}\n\nevent: complete\ndata: \n\n'
    )


async def test_what_is_refused_is_json_with_its_status(make):
    worker = make(tables=with_tokens())
    headers = {"accept": "text/event-stream", "authorization": f"Bearer {OTHER}"}
    body = {"query": SMALL, "variables": {"c": "cus_alice"}}
    async with worker.client() as client:
        answer = await client.post("/graphql", json=body, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (
            400, "FORBIDDEN"
        )  # fmt: skip
        headers["authorization"] = "Bearer nobody"
        assert (await client.post("/graphql", json=body, headers=headers)).status_code == 401
        answer = await client.post(
            "/graphql", json=body, headers={"authorization": f"Bearer {TOKEN}"}
        )
        assert "WebSocket" in answer.json()["errors"][0]["message"]


async def test_an_idle_stream_says_that_it_is_there_and_one_that_ends_says_complete(make):
    worker = make(bounds=Bounds(heartbeat_s=0.01))
    async with worker.serving() as at, streaming.httpx.AsyncClient() as client:
        headers = {"accept": "text/event-stream"}
        body = {"query": SMALL, "variables": {"c": "cus_alice"}}
        async with client.stream("POST", f"http://{at}/graphql", json=body, headers=headers) as got:
            lines = got.aiter_lines()
            assert [await anext(lines) for _ in range(2)] == [":", ""]
            worker.streams.drain()
            rest = [line async for line in lines if line not in {":", ""}]
        assert rest[0] == "event: next"
        assert '"GOING_AWAY"' in rest[2]
        assert "event: complete" not in rest, "who is told so comes back"


# ---------------------------------------------------------------- real sockets


async def test_over_a_real_socket_a_killed_worker_loses_nothing(make, happens):
    def connect(at):
        return websockets.connect(f"ws://{at}/graphql", subprotocols=[streaming.PROTOCOL])

    async def begin(socket, **variables):
        await socket.send(json.dumps({"type": "connection_init"}))
        assert json.loads(await socket.recv())["type"] == "connection_ack"
        asked = {"query": SMALL, "variables": {"c": "cus_alice", **variables}}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": asked}))

    cursors = []
    first, second = make(), make()
    async with first.serving() as at:
        socket = await connect(at)
        await begin(socket)
        await until(lambda: len(first.streams) == 1)
        for _ in range(5):
            await happens()
        first.wire.hubs.activities.wake()
        cursors += [event(json.loads(await socket.recv()))["cursor"] for _ in range(3)]
    with pytest.raises(ConnectionClosed):
        await _to_the_end(socket)
    await happens()
    async with second.serving() as at, connect(at) as socket:
        await begin(socket, a=cursors[-1])
        cursors += [event(json.loads(await socket.recv()))["cursor"] for _ in range(3)]
        await happens()
        cursors.append(event(json.loads(await socket.recv()))["cursor"])
    assert len(set(cursors)) == 7


async def test_a_forged_origin_is_refused_before_there_is_a_socket(worker):
    async with worker.serving() as at:
        with pytest.raises(InvalidStatus) as refused:
            await websockets.connect(f"ws://{at}/graphql", origin="https://evil.example")
        assert refused.value.response.status_code == 403


async def test_a_worker_that_stops_closes_its_sockets_so_that_clients_come_back(worker):
    async with worker.serving() as at:
        socket = await websockets.connect(f"ws://{at}/graphql", subprotocols=[streaming.PROTOCOL])
        await socket.send(json.dumps({"type": "connection_init"}))
        await socket.recv()
        asked = {"query": SMALL, "variables": {"c": "cus_alice"}}
        await socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": asked}))
        await until(lambda: len(worker.streams) == 1)
        worker.streams.drain()
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd.code == 1012
        await until(lambda: not len(worker.streams))


async def _to_the_end(socket):
    while True:
        await socket.recv()


async def until(holds):
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0)
