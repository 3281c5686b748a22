"""Four REST systems wired by configuration alone (tests/fixtures/peers): the ones that gateways are
measured over, whose API is served here. Answers are folded back and compared with what the systems
hold, and the calls are counted.
"""

import json
import shutil
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from gateway.bootstrap import application, opened
from gateway.config_file import load

FIXTURES = Path(__file__).parents[1] / "fixtures" / "peers"
PEOPLE = 60
PLACES = {
    "/oms/orders": "orders",
    "/tickets/tickets": "tickets",
    "/chat/conversations": "conversations",
}
FULL = """orders(first: 100) { completeness nodes { rawStatus total { amount currency }
    lines { sku quantity } provenance { externalId } } }
  tickets(first: 100) { completeness nodes { subject rawStatus provenance { externalId } } }
  conversations(first: 100) { completeness
    nodes { channel lastMessage { body } provenance { externalId } } }"""
WHOLE = f"""query Q($keys: [CustomerKey!]!) {{ customers(by: $keys) {{
  displayName primaryEmail completeness {FULL} }} }}"""
NAME = "query Q($keys: [CustomerKey!]!) { customers(by: $keys) { displayName } }"
CHANNEL = {"WEB_CHAT": "web", "EMAIL": "email", "WHATSAPP": "whatsapp", "SMS": "sms"}


def world() -> dict[str, dict[str, Any]]:
    """What each system holds of each person, by the person's id."""
    dice, minutes = Random(20261121), iter(range(100_000))

    def row(letter: str, owner: str, **more: Any) -> dict[str, Any]:
        number = next(minutes)
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
        created = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"id": f"{letter}{number}", "customer_id": owner, "created_at": created, **more}

    def many(least: int, most: int) -> range:
        return range(dice.randint(least, most))

    def order(owner: str) -> dict[str, Any]:
        items = [{"sku": f"SKU-{dice.randint(1000, 9999)}", "qty": 1 + i} for i in many(1, 4)]
        status = dice.choice(["placed", "shipped", "delivered", "returned"])
        total = dice.randint(500, 99_999) / 100
        return row("o", owner, total=total, status=status, items=items)

    ids = [f"c{number}" for number in range(1, PEOPLE + 1)]
    says = ["Thanks!", "Any news on my order?"]
    return {
        "contacts": {
            i: {"id": i, "name": f"Ada {i}", "email": f"ada.{i}@example.test"} for i in ids
        },
        "orders": {i: [order(i) for _ in many(1, 5)] for i in ids},
        "tickets": {
            i: [
                row("t", i, subject="Refund", status=dice.choice(["open", "solved"]))
                for _ in many(0, 3)
            ]
            for i in ids
        },
        "conversations": {
            i: [
                row(
                    "v",
                    i,
                    channel=dice.choice(list(CHANNEL.values())),
                    lastMessage=dice.choice(says),
                )
                for _ in many(0, 2)
            ]
            for i in ids
        },
    }


HELD = world()


class Systems(BaseHTTPRequestHandler):
    """All four of them, as far as their batch forms go."""

    calls: ClassVar[Counter[str]] = Counter()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.calls[parts.path] += 1
        if parts.path != "/crm/contacts":
            held = HELD[PLACES[parts.path]]
            ids = query["customer_ids"].split(",")
            self._answer([row for one in ids for row in held.get(one, ())])
        elif "ids" in query:
            contacts = HELD["contacts"]
            self._answer([contacts[one] for one in query["ids"].split(",") if one in contacts])
        else:
            start = int(query["offset"])
            self._answer(list(HELD["contacts"].values())[start : start + int(query["limit"])])

    def _answer(self, body: object) -> None:
        raw = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Systems) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
async def graph(address: str, tmp_path: Path, clock: Any) -> AsyncIterator[httpx.AsyncClient]:
    """The product over them, everybody synced and resolved some minutes ago."""
    shutil.copytree(FIXTURES, tmp_path, dirs_exist_ok=True)
    config = tmp_path / "knownas.toml"
    text = config.read_text().replace("http://127.0.0.1:4100", address)
    config.write_text(f'[state]\nurl = "sqlite:///{tmp_path}/state.db"\n{text}')
    async with opened(load(config), clock=clock) as program:
        reports = await program.sync(program.sources.values())
        assert [(one.source, one.read, one.error) for one in reports] == [("crm", PEOPLE, None)]
        await program.referee.resolve(program.state.records, program.state.identities)
        clock.advance(timedelta(minutes=5))
        transport = httpx.ASGITransport(app=application(program))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            Systems.calls.clear()
            yield http


async def asked(graph: httpx.AsyncClient, query: str, *ids: str) -> list[Any]:
    keys = [{"external": {"system": "crm", "externalId": one}} for one in ids]
    answer = (
        await graph.post("/graphql", json={"query": query, "variables": {"keys": keys}})
    ).json()
    assert "errors" not in answer, answer["errors"]
    customers: list[Any] = answer["data"]["customers"]
    return customers


def folded(customer: Any, one: str) -> dict[str, Any]:
    """The answer in the shape the systems have it, ids and times apart."""
    for part in (customer, *(customer[name] for name in PLACES.values())):
        assert part["completeness"] == "COMPLETE"
    nodes = {name: customer[name]["nodes"] for name in PLACES.values()}
    return {
        "contacts": {"id": one, "name": customer["displayName"], "email": customer["primaryEmail"]},
        "orders": {
            node["provenance"]["externalId"]: (
                float(node["total"]["amount"]),
                node["rawStatus"],
                [(line["sku"], line["quantity"]) for line in node["lines"]],
            )
            for node in nodes["orders"]
        },
        "tickets": {
            node["provenance"]["externalId"]: (node["subject"], node["rawStatus"])
            for node in nodes["tickets"]
        },
        "conversations": {
            node["provenance"]["externalId"]: (
                CHANNEL[node["channel"]],
                node["lastMessage"]["body"],
            )
            for node in nodes["conversations"]
        },
    }


def expected(one: str) -> dict[str, Any]:
    return {
        "contacts": HELD["contacts"][one],
        "orders": {
            row["id"]: (
                row["total"],
                row["status"],
                [(item["sku"], item["qty"]) for item in row["items"]],
            )
            for row in HELD["orders"][one]
        },
        "tickets": {row["id"]: (row["subject"], row["status"]) for row in HELD["tickets"][one]},
        "conversations": {
            row["id"]: (row["channel"], row["lastMessage"]) for row in HELD["conversations"][one]
        },
    }


async def test_fifty_customers_have_everything_in_one_call_for_each_system(
    graph: httpx.AsyncClient,
) -> None:
    ids = [f"c{number}" for number in range(3, 53)]
    customers = await asked(graph, WHOLE, *ids)
    pairs = zip(customers, ids, strict=True)
    assert [folded(one, i) for one, i in pairs] == [expected(i) for i in ids]
    assert dict.fromkeys(["/crm/contacts", *PLACES], 1) == Systems.calls


async def test_one_customer_is_four_calls_and_a_name_alone_is_one(graph: httpx.AsyncClient) -> None:
    (customer,) = await asked(graph, WHOLE, "c7")
    assert folded(customer, "c7") == expected("c7")
    assert Systems.calls.total() == 4
    Systems.calls.clear()
    assert await asked(graph, NAME, "c8") == [{"displayName": "Ada c8"}]
    assert Systems.calls == {"/crm/contacts": 1}
