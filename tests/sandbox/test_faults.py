"""Every fault switch, in process and over a real socket."""

import asyncio
import json
import logging
import time

import httpx
import pytest

from sandbox import hubspot, zendesk
from sandbox.faults import Fault, FaultKind
from sandbox.gate import Gate
from sandbox.server import Sandbox

CONTACTS = "/crm/v3/objects/contacts"
BEARER = {"authorization": f"Bearer {hubspot.TOKEN}"}


@pytest.fixture
def gate(world):
    return Gate(hubspot.build(world), hubspot.VENDOR.dialect)


@pytest.fixture
async def client(gate, connect):
    async with connect(gate, headers=BEARER) as opened:
        yield opened


@pytest.fixture
async def served(world):
    """HubSpot over real HTTP: its gate, and a client."""
    async with (
        Sandbox(world, vendors=(hubspot.VENDOR,)) as sandbox,
        httpx.AsyncClient(base_url=sandbox.urls["hubspot"], headers=BEARER) as opened,
    ):
        yield sandbox.gates["hubspot"], opened


def scope_of(path):
    """What a server hands to an ASGI app for a GET with the token."""
    headers = [(b"host", b"sandbox.test")]
    headers += [(name.encode(), value.encode()) for name, value in BEARER.items()]
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": headers,
        "scheme": "http",
        "server": ("sandbox.test", None),
    }


async def test_a_delay_answers_late_and_right(gate, client):
    gate.faults.add(Fault(kind=FaultKind.DELAY, ms=30))
    began = time.perf_counter()
    answer = await client.get(CONTACTS)
    assert time.perf_counter() - began >= 0.03
    assert answer.json()["results"]


async def test_a_hang_answers_nothing_until_it_is_cleared(gate, client):
    gate.faults.add(Fault(kind=FaultKind.HANG))
    asked = asyncio.create_task(client.get(CONTACTS))
    await gate.calls.until(1)
    assert not asked.done()
    gate.faults.clear()
    assert (await asked).status_code == 200


async def test_a_client_may_leave_a_hang_over_a_socket(served, caplog):
    gate, client = served
    gate.faults.add(Fault(kind=FaultKind.HANG, count=1))
    with caplog.at_level(logging.ERROR), pytest.raises(httpx.ReadTimeout):
        await client.get(CONTACTS, timeout=0.05)
    assert (await client.get(CONTACTS)).status_code == 200
    assert caplog.records == []


async def test_a_slow_drip_sends_the_right_answer_in_pieces(gate, client):
    right = (await client.get(CONTACTS)).content
    gate.faults.add(Fault(kind=FaultKind.SLOW_DRIP, ms=1, chunk_bytes=len(right) // 4 + 1))
    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b""}

    await gate(scope_of(CONTACTS), receive, send)
    assert dict(sent[0]["headers"])[b"content-length"] == str(len(right)).encode()
    assert [len(message["body"]) for message in sent[1:-1]][:3] == [len(right) // 4 + 1] * 3
    assert b"".join(message["body"] for message in sent[1:]) == right
    assert len(sent) == 1 + 4 + 1


async def test_a_slow_drip_ends_when_it_is_cleared(served):
    gate, client = served
    gate.faults.add(Fault(kind=FaultKind.SLOW_DRIP, ms=3_600_000, chunk_bytes=1))
    async with client.stream("GET", CONTACTS) as answer:
        pieces = answer.aiter_raw()
        first = await anext(pieces)
        gate.faults.clear()
        rest = [piece async for piece in pieces]
    assert json.loads(first + b"".join(rest))["results"]


@pytest.mark.parametrize(
    "refusal",
    [
        (hubspot.VENDOR, "429", 429, "TEN_SECONDLY_ROLLING"),
        (hubspot.VENDOR, "500", 500, "INTERNAL_ERROR"),
        (hubspot.VENDOR, "401", 401, "INVALID_AUTHENTICATION"),
        (zendesk.VENDOR, "429", 429, "APIRateLimitExceeded"),
        (zendesk.VENDOR, "500", 500, "InternalError"),
        (zendesk.VENDOR, "401", 401, "Couldn't authenticate you"),
    ],
)
async def test_a_refusal_is_in_the_vendors_words(world, connect, refusal):
    vendor, kind, status, word = refusal
    gate = Gate(vendor.build(world), vendor.dialect)
    gate.faults.add(Fault(kind=FaultKind(kind), retry_after_s=7))
    async with connect(gate) as client:
        answer = await client.get("/anything")
    assert answer.status_code == status
    assert word in answer.text
    assert answer.headers.get("retry-after") == ("7" if kind == "429" else None)


async def test_a_reset_breaks_the_connection_in_the_middle_of_the_answer(served, caplog):
    gate, client = served
    gate.faults.add(Fault(kind=FaultKind.RESET, count=1))
    with (
        caplog.at_level(logging.ERROR),
        pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)),
    ):
        await client.get(CONTACTS)
    assert (await client.get(CONTACTS)).status_code == 200
    assert caplog.records == []


async def test_a_reset_without_a_socket_is_an_error_of_the_connection(gate, client):
    gate.faults.add(Fault(kind=FaultKind.RESET))
    with pytest.raises(ConnectionResetError):
        await client.get(CONTACTS)


async def test_truncated_json_comes_in_a_whole_http_answer(served):
    gate, client = served
    gate.faults.add(Fault(kind=FaultKind.TRUNCATED, count=1))
    answer = await client.get(CONTACTS)
    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["content-length"])
    with pytest.raises(json.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize("body", ["plain", [], {"results": "none"}, None])
async def test_wrong_json_is_valid_and_of_the_asked_shape(gate, client, body):
    gate.faults.add(Fault(kind=FaultKind.WRONG_JSON, body=body))
    answer = await client.get(CONTACTS)
    assert (answer.status_code, answer.json()) == (200, body)


async def test_a_counted_fault_is_over_after_so_many_requests(gate, client):
    gate.faults.add(Fault(kind=FaultKind.BROKEN, count=2))
    statuses = [(await client.get(CONTACTS)).status_code for _ in range(3)]
    assert statuses == [500, 500, 200]


async def test_a_fault_meets_only_paths_with_its_prefix(gate, client):
    gate.faults.add(Fault(kind=FaultKind.BROKEN, prefix=f"{CONTACTS}/search", count=1))
    assert (await client.get(CONTACTS)).status_code == 200
    assert (await client.post(f"{CONTACTS}/search", json={})).status_code == 500
    assert gate.faults.armed() == []


async def test_a_delay_and_another_fault_go_together(gate, client):
    gate.faults.add(Fault(kind=FaultKind.BROKEN, count=1))
    gate.faults.add(Fault(kind=FaultKind.UNAUTHORIZED, count=1))
    gate.faults.add(Fault(kind=FaultKind.DELAY, ms=1))
    statuses = [(await client.get(CONTACTS)).status_code for _ in range(3)]
    assert statuses == [500, 401, 200]


async def test_switches_are_turned_over_http_without_credentials(gate, connect):
    async with connect(gate) as client:
        one = {"kind": "429", "retry_after_s": 2, "count": 3}
        await client.post("/__faults", json=one)
        shown = await client.post("/__faults", json=[{"kind": "hang"}])
        assert [fault["kind"] for fault in shown.json()] == ["429", "hang"]
        assert (await client.get(CONTACTS)).status_code == 429
        assert [fault["count"] for fault in (await client.get("/__faults")).json()] == [2, None]
        assert (await client.delete("/__faults")).status_code == 204
        assert (await client.get(CONTACTS)).status_code == 401
        assert (await client.get("/__faults")).json() == []


@pytest.mark.parametrize(
    "body", ['{"kind": "explode"}', '{"kind": "hang", "cuont": 1}', '{"kind":', '{"ms": 1}']
)
async def test_a_switch_nobody_knows_is_refused(gate, connect, body):
    async with connect(gate) as client:
        answer = await client.post("/__faults", content=body)
    assert answer.status_code == 400
    assert gate.faults.armed() == []


async def test_calls_are_counted_by_method_and_path_and_cleared(gate, client):
    await client.get(CONTACTS, params={"limit": 1})
    await client.get(CONTACTS)
    await client.post(f"{CONTACTS}/search", json={"limit": 5})
    await client.get("/__calls")
    told = (await client.get("/__calls")).json()
    assert told["total"] == gate.calls.count() == 3
    assert {"method": "GET", "path": CONTACTS, "count": 2} in told["counts"]
    assert told["recent"][0]["query"] == "limit=1"
    assert json.loads(told["recent"][2]["body"]) == {"limit": 5}
    assert gate.calls.count("POST") == gate.calls.count(prefix=f"{CONTACTS}/s") == 1
    assert (await client.delete("/__calls")).status_code == 204
    assert gate.calls.count() == 0
    assert not gate.calls.recent


async def test_a_refused_request_is_counted_too(gate, client):
    gate.faults.add(Fault(kind=FaultKind.BROKEN))
    await client.get(CONTACTS)
    assert gate.calls.count("GET", CONTACTS) == 1
