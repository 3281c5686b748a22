"""Requests over real sockets: those taken at once, those left to uvicorn, and both in a row."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from domain.waiting import Later, in_task
from gateway.bounds import HEAD_S, MOST_HEAD_BYTES
from gateway.connection import Connection, Front
from gateway.heads import MAX_HEAD_BYTES, MAX_HEADS

QUERY = b'{"query": "{ __typename }"}'
ANSWER = b'{"data":{"__typename":"Query"}}'
HANGING = b'{"query": "{ customer { id hanging } }"}'
DATE = (b"date", b"Sun, 22 Nov 2026 15:00:00 GMT")


def request(body: bytes = QUERY, *more: str, length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    lines = ["POST /graphql HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    head = "\r\n".join([*lines, *more, f"Content-Length: {size}"])
    return head.encode() + b"\r\n\r\n" + body


@dataclass
class Answer:
    status: int
    fields: list[tuple[str, str]]
    body: bytes

    @property
    def names(self) -> dict[str, str]:
        return dict(self.fields)


class Caller:
    """One connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> Answer:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = head[:-4].split("\r\n")
        fields = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        length = int(dict(fields).get("content-length", 0))
        return Answer(int(status.split()[1]), fields, await self.reader.readexactly(length))

    async def ask(self, *what: Any, **more: Any) -> Answer:
        self.send(request(*what, **more))
        return await self.answer()

    async def is_ended(self) -> bool:
        try:
            async with asyncio.timeout(3):  # an idle one would be in 5 s
                return await self.reader.read() == b""
        except ConnectionResetError:  # with something unread on the other side
            return True


@dataclass
class Place:
    """A listening server, with what went through uvicorn and ASGI."""

    port: int
    front: Front
    state: ServerState
    opened: list[Connection] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    callers: list[Caller] = field(default_factory=list)

    async def caller(self) -> Caller:
        self.callers.append(Caller(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.callers[-1]


def _counted(app: ASGIApp, asked: list[str]) -> ASGIApp:
    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await app(scope, receive, send)

    return counting


@asynccontextmanager
async def serving(app: Any) -> AsyncIterator[Place]:
    loop = asyncio.get_running_loop()
    place = Place(0, Front(app.direct), ServerState())
    place.state.default_headers = [DATE]
    config = uvicorn.Config(
        _counted(app, place.asked), interface="asgi3", log_config=None, access_log=False
    )
    config.load()

    def connect() -> Connection:
        place.opened.append(place.front.connection(config, place.state, {}, loop))
        return place.opened[-1]

    listening = await loop.create_server(connect, "127.0.0.1", 0)
    place.port = listening.sockets[0].getsockname()[1]
    try:
        yield place
    finally:
        for caller in place.callers:
            caller.writer.close()
            await asyncio.gather(caller.writer.wait_closed(), return_exceptions=True)
        for task in place.state.tasks:
            task.cancel()
        await asyncio.gather(*place.state.tasks, return_exceptions=True)
        listening.close()


@pytest.fixture
async def place(server: Any) -> AsyncIterator[Place]:
    async with serving(server.app) as opened:
        yield opened


@pytest.fixture
async def caller(place: Place) -> Caller:
    return await place.caller()


async def _until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # sockets tell nobody of the other side
            await asyncio.sleep(0)


async def test_both_ways_answer_alike(place: Place, caller: Caller) -> None:
    """A request whose body comes later is left to uvicorn."""
    for body in (QUERY, b"{", b'{"query": "{ nothing }"}', b'{"query": ""}'):
        direct = await caller.ask(body)
        assert place.asked == []
        head = request(body).removesuffix(body)
        caller.send(head)
        await _until(lambda: place.asked)
        caller.send(body)
        usual = await caller.answer()
        assert (direct.status, direct.body) == (usual.status, usual.body)
        assert [name for name, _ in direct.fields] == [name for name, _ in usual.fields]
        del direct.fields[-1], usual.fields[-1]  # the id of the request
        assert direct.fields == usual.fields
        place.asked.clear()


async def test_a_refusal_keeps_its_headers(caller: Caller) -> None:
    answer = await caller.ask(QUERY, "Authorization: Bearer kn_no")
    assert answer.status == 401
    assert answer.names["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "line",
    [
        "Origin: http://localhost:3000",
        "Accept: text/event-stream",
        "Expect: 100-continue",
        "Connection: close",
        "Connection: upgrade\r\nUpgrade: h2c",
        "X-Long: " + "x" * MAX_HEAD_BYTES,
        "Host: twice",
    ],
)
async def test_what_is_not_plain_is_left_to_uvicorn(
    place: Place, caller: Caller, line: str
) -> None:
    for _ in range(2):
        place.asked.clear()
        caller = await place.caller()
        caller.send(request(QUERY, line))
        answer = await caller.answer()
        while answer.status == 100:
            answer = await caller.answer()
        assert answer.status >= 200
        assert place.asked == ["/graphql"]


async def test_a_body_that_is_too_large_is_left_to_uvicorn(make_server: Any) -> None:
    async with serving(make_server(limits={"body_bytes": 1000}).app) as place:
        caller = await place.caller()
        assert (await caller.ask(QUERY.ljust(1000))).status == 200
        assert place.asked == []
        assert (await caller.ask(QUERY.ljust(1001))).status == 413
        assert place.asked == ["/graphql"]


async def test_methods_paths_and_versions_are_uvicorns_to_judge(place: Place) -> None:
    for change in (
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"/graphql", b"/healthz"),
        (b"POST", b"HEAD"),
        (b"application/json", b"text/plain"),
    ):
        caller = await place.caller()
        caller.send(request().replace(*change))
        await caller.reader.readuntil(b"\r\n\r\n")
    assert len(place.asked) == 4


async def test_an_older_version_closes_its_connection(caller: Caller) -> None:
    caller.send(request().replace(b"HTTP/1.1", b"HTTP/1.0"))
    answer = await caller.answer()
    assert answer.names["connection"] == "close"
    assert answer.body == ANSWER
    assert await caller.is_ended()


async def test_requests_sent_at_once_are_answered_in_order(place: Place, caller: Caller) -> None:
    names = [f'{{"query": "{{ a{n}: __typename }}"}}'.encode() for n in range(5)]
    caller.send(b"".join(map(request, names)))
    for n in range(5):
        assert list(orjson.loads((await caller.answer()).body)["data"]) == [f"a{n}"]
    assert (await caller.ask()).body == ANSWER
    assert len(place.asked) == 5  # and the last was taken at once


async def test_what_comes_while_a_request_is_under_way_waits_for_its_answer(
    make_server: Any,
) -> None:
    server = make_server(limits={"deadline_s": 0.3})
    async with serving(server.app) as place:
        caller = await place.caller()
        caller.send(request(HANGING))
        await _until(lambda: server.contexts)
        caller.send(request())
        await _until(lambda: place.opened[0].pipeline)
        assert b"DEADLINE_EXCEEDED" in (await caller.answer()).body
        assert (await caller.answer()).body == ANSWER
        assert (await caller.ask()).body == ANSWER
    assert place.state.total_requests == 3


async def test_who_leaves_while_another_request_waits_is_not_written_to(
    place: Place, caller: Caller, server: Any
) -> None:
    """uvloop refuses to write to a socket that is gone."""
    caller.send(request(HANGING))
    await _until(lambda: server.contexts)
    (connection,) = place.opened
    first = connection.cycle
    caller.send(request())
    await _until(lambda: connection.pipeline)
    connection.transport.abort()  # who does not read does not see the other leave
    await _until(lambda: not place.state.connections)
    assert first.disconnected


@pytest.mark.parametrize("size", [1, 7, 60])
async def test_a_request_in_pieces_is_put_together(caller: Caller, size: int) -> None:
    data = request()
    for at in range(0, len(data), size):
        caller.send(data[at : at + size])
        await asyncio.sleep(0)
    assert (await caller.answer()).body == ANSWER
    assert (await caller.ask()).body == ANSWER


async def test_a_request_within_the_body_of_another_is_no_request(
    place: Place, caller: Caller
) -> None:
    """The outer one is answered before its body is there."""
    inner = request()
    assert (await caller.ask()).status == 200  # its head is known
    caller.send(request(b"", length=2_000_000))
    assert (await caller.answer()).status == 413
    place.opened[0].data_received(inner)  # as a piece of its own, which what follows may not be
    await _until(lambda: not place.opened[0].transport.get_write_buffer_size())
    caller.send(b"x" * (2_000_000 - len(inner)))
    await _until(lambda: place.opened[0].is_between)
    assert place.opened[0].timeout_keep_alive_task is not None
    caller.send(request(b'{"query": "{ last: __typename }"}'))
    assert (await caller.answer()).body == b'{"data":{"last":"Query"}}'


@pytest.mark.parametrize(
    "wrong",
    [
        b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: -4\r\n\r\nabcd",
        b"No colon\r\nContent-Length: 4\r\n\r\nabcd",
        b"Content-Length: 4\n\r\n\r\nabcd",
    ],
)
async def test_what_is_not_http_is_refused(place: Place, caller: Caller, wrong: bytes) -> None:
    head, _, _ = request().partition(b"Content-Length")
    caller.send(head + wrong)
    assert (await caller.answer()).status == 400
    assert await caller.is_ended()
    assert not any(place.front.heads.known.values())


async def test_a_head_without_an_end_is_refused(place: Place, caller: Caller) -> None:
    line = b"X-Long: " + b"x" * 1000 + b"\r\n"
    caller.send(b"POST /graphql HTTP/1.1\r\n" + line * (2 + MOST_HEAD_BYTES // len(line)))
    await _until(lambda: place.opened[0]._unheard or place.opened[0].headers)
    caller.send(line * (2 + MOST_HEAD_BYTES // len(line)))
    assert (await caller.answer()).status == 431
    assert await caller.is_ended()


async def test_trailers_are_no_headers_and_have_an_end(place: Place, caller: Caller) -> None:
    """A proxy in front that judges headers has not judged them."""
    head = request(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    body = b"%x\r\n%b\r\n0\r\n" % (len(QUERY), QUERY)
    caller.send(head + body + b"X-Request-Id: forged\r\nAuthorization: Bearer kn_no\r\n\r\n")
    answer = await caller.answer()
    assert (answer.status, answer.body) == (200, ANSWER)
    assert answer.names["x-request-id"] != "forged"
    caller.send(request(HANGING))
    hanging = place.opened[0]
    await _until(lambda: not hanging.under_way.response_complete)
    caller.send(head + body)
    await _until(lambda: hanging.pipeline)
    for n in range(2):
        hanging.data_received(b"X-%d: " % n + b"x" * MOST_HEAD_BYTES + b"\r\n")
    assert hanging.transport.is_closing()


async def test_a_head_that_comes_slowly_ends_its_connection(place: Place, caller: Caller) -> None:
    data = request()
    for at in range(0, 50, 10):
        caller.send(data[at : at + 10])
        await asyncio.sleep(0)
    await _until(lambda: place.opened[0].scope)
    (connection,) = place.opened
    begun = connection.ends_at
    caller.send(data[50:60])
    connection.timeout_keep_alive_handler()  # it goes off, and time is left
    assert connection.ends_at == begun
    assert connection.timeout_keep_alive_task is not None
    connection.ends_at -= HEAD_S
    connection.timeout_keep_alive_handler()
    assert await caller.is_ended()


async def test_a_connection_on_which_nothing_comes_ends(place: Place) -> None:
    silent = await place.caller()
    await _until(lambda: place.opened and place.opened[0].transport)
    (connection,) = place.opened
    assert connection.timeout_keep_alive_task is not None
    connection.ends_at -= HEAD_S
    connection.timeout_keep_alive_handler()
    assert await silent.is_ended()


async def test_a_websocket_is_no_head_that_is_waited_for(place: Place, caller: Caller) -> None:
    lines = [
        "GET /graphql HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: graphql-transport-ws",
    ]
    caller.send("\r\n".join(lines).encode() + b"\r\n\r\n")
    await _until(lambda: place.opened and place.opened[0].scope)
    await caller.reader.readuntil(b"\r\n\r\n")
    (connection,) = place.opened
    assert connection.transport.get_protocol() is not connection
    assert connection.timeout_keep_alive_task is None


async def test_who_has_gone_leaves_the_place_to_others(make_server: Any) -> None:
    server = make_server(limits={"deadline_s": 0.05}, server={"at_once": 1})
    async with serving(server.app) as place:
        gone, other = await place.caller(), await place.caller()
        gone.send(request(HANGING))
        await _until(lambda: server.contexts)
        other.send(request())
        gone.writer.transport.abort()
        assert (await other.answer()).status in {200, 503}
        assert (await other.ask()).body == ANSWER
        await _until(lambda: not place.state.tasks)
        assert len(place.state.connections) == 1


async def test_who_waited_too_long_in_line_is_told_to_try_again(make_server: Any) -> None:
    server = make_server(limits={"deadline_s": 0.05}, server={"at_once": 1})
    async with serving(server.app) as place:
        first, second, third = [await place.caller() for _ in range(3)]
        for one in (first, second, third):
            one.send(request(HANGING))
            await _until(lambda: place.opened[-1].transport)
        answers = [await one.answer() for one in (first, second, third)]
        refused = [one for one in answers if one.status == 503]
        assert refused
        for one in refused:
            assert one.names["retry-after"] == "1"
            assert orjson.loads(one.body)["errors"][0]["extensions"]["code"] == "OVERLOADED"


async def test_who_does_not_read_is_not_written_to(place: Place, caller: Caller) -> None:
    assert (await caller.ask()).status == 200
    (connection,) = place.opened
    connection.pause_writing()
    caller.send(request())
    await _until(lambda: place.front.direct._line.free and not connection.cycle.response_complete)
    assert connection.transport.get_write_buffer_size() == 0
    connection.resume_writing()
    assert (await caller.answer()).body == ANSWER


async def test_a_connection_nobody_uses_is_closed(place: Place, caller: Caller) -> None:
    assert (await caller.ask()).status == 200
    (connection,) = place.opened
    timer = connection.timeout_keep_alive_task
    assert timer is not None
    assert timer.when() <= connection.ends_at
    assert (await caller.ask()).status == 200
    assert connection.timeout_keep_alive_task is timer
    connection.timeout_keep_alive_handler()  # it goes off, and time is left
    assert connection.timeout_keep_alive_task is not timer
    connection.ends_at -= connection.timeout_keep_alive
    connection.timeout_keep_alive_handler()
    assert await caller.is_ended()


async def test_a_timer_that_goes_off_during_a_request_closes_nothing(make_server: Any) -> None:
    server = make_server(limits={"deadline_s": 0.05})
    async with serving(server.app) as place:
        caller = await place.caller()
        assert (await caller.ask()).status == 200
        (connection,) = place.opened
        caller.send(request(HANGING))
        await _until(lambda: len(server.contexts) == 2)
        connection.ends_at -= connection.timeout_keep_alive
        connection.timeout_keep_alive_handler()
        assert b"DEADLINE_EXCEEDED" in (await caller.answer()).body
        assert connection.timeout_keep_alive_task is not None
        assert (await caller.ask()).status == 200


async def test_a_shutdown_lets_a_request_end_and_then_its_connection(
    make_server: Any,
) -> None:
    server = make_server(limits={"deadline_s": 0.05})
    async with serving(server.app) as place:
        busy, idle = await place.caller(), await place.caller()
        assert (await idle.ask()).status == 200
        busy.send(request(HANGING))
        await _until(lambda: len(server.contexts) == 2)
        for connection in place.opened:
            connection.shutdown()
        assert await idle.is_ended()
        answer = await busy.answer()
        assert answer.names["connection"] == "close"
        assert b"DEADLINE_EXCEEDED" in answer.body
        assert await busy.is_ended()


async def test_a_stopping_server_closes_with_the_next_answer(place: Place, caller: Caller) -> None:
    assert "connection" not in (await caller.ask()).names
    place.state.default_headers = [DATE, (b"connection", b"close")]
    assert (await caller.ask()).names["connection"] == "close"
    assert await caller.is_ended()


async def test_a_request_that_is_stopped_is_told_so(place: Place, server: Any) -> None:
    caller = await place.caller()
    caller.send(request(HANGING))
    await _until(lambda: server.contexts)
    for task in place.state.tasks:
        task.cancel()
    answer = await caller.answer()
    assert (answer.status, answer.names["connection"]) == (500, "close")
    assert await caller.is_ended()


def _waiting_for(awaited: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Requests wait for this before they are answered; the tasks in which they went on."""
    direct, tasks = place.front.direct, []
    respond = direct.respond

    async def waiting(*asked: Any) -> None:
        await awaited
        tasks.append(asyncio.current_task())
        await respond(*asked)

    monkeypatch.setattr(direct, "respond", waiting)
    return tasks


async def test_company_is_waited_for_without_a_task(
    place: Place, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = Later()
    tasks = _waiting_for(company, place, monkeypatch)
    caller.send(request())
    await _until(lambda: company.then)
    assert len(place.state.tasks) == 1
    asyncio.get_running_loop().call_soon(company.come)
    assert (await caller.answer()).body == ANSWER
    assert tasks == [None]
    assert place.state.tasks == set()


async def test_what_needs_a_task_becomes_one_with_the_id_of_its_request(
    place: Place, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = _waiting_for(in_task(), place, monkeypatch)
    answer = await caller.ask(QUERY, "X-Request-Id: abc")
    assert (answer.body, answer.names["x-request-id"]) == (ANSWER, "abc")
    assert isinstance(tasks[0], asyncio.Task)


async def test_who_waits_for_company_when_a_server_stops_is_told_so(
    place: Place, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = Later()
    tasks = _waiting_for(company, place, monkeypatch)
    caller.send(request())
    await _until(lambda: company.then)
    for one in place.state.tasks:
        one.cancel(msg="too long")
    answer = await caller.answer()
    assert (answer.status, answer.names["connection"]) == (500, "close")
    company.come()
    assert tasks == []
    assert place.state.tasks == set()


async def test_what_waits_without_a_task_is_logged_and_its_caller_told(
    place: Place, caller: Caller, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    coming = asyncio.get_running_loop().create_future()
    _waiting_for(coming, place, monkeypatch)
    assert (await caller.ask()).status == 500
    assert await caller.is_ended()
    assert [one.getMessage() for one in caplog.records] == ["internal_error"]


async def test_an_answer_that_cannot_be_sent_is_logged_by_its_id(
    place: Place, caller: Caller, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def fail(*_: object) -> bytes:
        raise RuntimeError("kn_secret")

    monkeypatch.setattr(place.front.openings, "of", fail)
    answer = await caller.ask()
    assert (answer.status, answer.body, answer.names["connection"]) == (500, b"", "close")
    assert await caller.is_ended()
    assert [one.getMessage() for one in caplog.records] == ["internal_error"]
    assert "kn_secret" not in caplog.text


async def test_a_remembered_head_does_not_show_its_token(place: Place, caller: Caller) -> None:
    await caller.ask(QUERY, "Authorization: Bearer kn_secret")
    (head,) = place.front.heads.known.values()
    assert head is not None
    assert head.fields["authorization"] == "Bearer kn_secret"
    assert "kn_secret" not in repr(head)


async def test_heads_are_remembered_within_bounds(place: Place, caller: Caller) -> None:
    for n in range(MAX_HEADS + 10):
        assert place.front.heads.read(request(b"", f"X-Request-Id: {n}", length=5))
    assert len(place.front.heads.known) <= MAX_HEADS
    answer = await caller.ask(QUERY, "X-Request-Id: abc")
    assert answer.names["x-request-id"] == "abc"
    assert place.asked == []
