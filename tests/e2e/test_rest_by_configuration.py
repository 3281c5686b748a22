"""A system nobody wrote a connector for, with the habits such systems have: filters it does not
know are ignored, pages are cut at 25 whatever is asked for, ids are numbers here and texts there,
and one unknown id fails a whole batch. It is described by a TOML file, and nothing else.
"""

import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from gateway.bootstrap import application, opened
from gateway.config_file import load

CAP = 25
CUSTOMERS = [
    {"id": n, "name": f"Ann Person{n}", "mail": f"ann{n}@example.com"} for n in range(1, 61)
]
ORDERS = [
    {
        "id": 1000 + n,
        "customer": str(1 + n % 60),
        "at": f"2026-01-{1 + n % 28:02}T10:00:00Z",
        "state": "sent" if n else "lost in space",
        "sum": 12.5 + n if n != 5 else "a lot",
    }
    for n in range(180)
]

MAPPING = """
system = "ERP"
auth = { kind = "bearer" }

[contact]
ids = "integer"
[contact.fields]
id = "id"
full_name = "name"
emails = "mail"
[contact.get]
path = "/customers"
query = { ids = "{ids}" }
size = 50
unknown_ids = "refused"
[contact.search.email]
path = "/customers"
query = { mail = "{value}" }
[contact.changes]
path = "/customers"
query = { limit = "{limit}", offset = "{offset}" }
page = { style = "offset", size = 100 }

[order]
ids = "integer"
[order.fields]
id = "id"
occurred_at = "at"
number = "id"
status = { path = "state", words = { sent = "SHIPPED" } }
total = { path = "sum", currency = "EUR" }
owner_ids = "customer"
[order.get]
path = "/orders/{id}"
[order.children.own]
path = "/orders"
query = { customer = ["{parents}"], limit = "{limit}", offset = "{offset}" }
size = 10
page = { style = "offset", size = 100 }
"""


class Hostile(BaseHTTPRequestHandler):
    """The system. It never says that it did not understand."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        if self.headers["authorization"] != "Bearer secret-of-the-erp":
            self._answer(401, {"error": "who are you?"})
        elif parts.path == "/customers" and "ids" in query:
            self._batch([int(one) for one in query["ids"][0].split(",")])
        elif parts.path == "/customers":
            mail = query.get("mail", [""])[0]
            self._page([c for c in CUSTOMERS if mail in ("", c["mail"])], query)
        elif parts.path == "/orders":
            wanted = query.get("customer")
            self._page([o for o in ORDERS if wanted is None or o["customer"] in wanted], query)
        else:
            held = {str(order["id"]): order for order in ORDERS}
            order = held.get(parts.path.removeprefix("/orders/"))
            self._answer(200 if order else 404, order or {"error": "no such order"})

    def _batch(self, ids: list[int]) -> None:
        held = {customer["id"]: customer for customer in CUSTOMERS}
        if set(ids) <= held.keys():
            self._answer(200, [held[one] for one in ids])
        else:
            self._answer(422, {"error": "unknown id"})

    def _page(self, rows: list[Any], query: dict[str, list[str]]) -> None:
        start, limit = (int(query.get(name, ["0"])[0]) for name in ("offset", "limit"))
        self._answer(200, rows[start : start + min(CAP, limit or CAP)])

    def _answer(self, status: int, body: object) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def system() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture
def configured(system: str, tmp_path: Path) -> Any:
    def write(mapping: str = MAPPING) -> Path:
        (tmp_path / "erp.toml").write_text(mapping)
        config = tmp_path / "knownas.toml"
        config.write_text(
            f'[state]\nurl = "sqlite:///{tmp_path}/state.db"\n[log]\nlevel = "error"\n'
            f'[sources.erp]\nconnector = "rest"\nbase_url = "{system}"\nmapping = "erp.toml"\n'
            'token = { env = "ERP_TOKEN" }\ntimeout_s = 10\n'
        )
        return config

    return write


@pytest.fixture
def ran(knownas_ran: Any) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(config: Path, *more: str) -> subprocess.CompletedProcess[str]:
        ended: subprocess.CompletedProcess[str] = knownas_ran(
            ["connectors", "test", "erp", "-c", str(config), *more],
            env={**os.environ, "ERP_TOKEN": "secret-of-the-erp"},
            cwd=config.parent,
            timeout_s=120,
        )
        return ended

    return run


def test_a_system_described_by_a_file_alone_is_tested_live_and_from_what_was_recorded(
    configured: Any, ran: Any
) -> None:
    config = configured()
    ended = ran(config, "--live", "--record")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = [line.split("\t") for line in ended.stdout.splitlines()]
    answers = {row[0]: row[1] for row in rows if len(row) == 2}
    assert answers["contact.changes"] == "25 + 25 + 10 read, page by page, and there is more"
    assert answers["contact.get"] == "5 of 5 found"
    assert answers["contact.search.email"] == "1 found"
    assert answers["order.children.own"] == "15 of 5 parents"
    assert "look at\torder.status: words that no table names: lost in space" in ended.stdout
    assert any(
        "order\tid=1000" in line and "status=UNKNOWN" in line for line in ended.stdout.splitlines()
    )
    assert "secret-of-the-erp" not in ended.stdout + ended.stderr
    again = ran(config)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "contact.get\t3 rows" in again.stdout


def test_an_ignored_filter_and_a_wrong_path_are_told(configured: Any, ran: Any) -> None:
    wrong = MAPPING.replace('customer = ["{parents}"]', 'client = ["{parents}"]')
    wrong = wrong.replace('query = { mail = "{value}" }', 'query = { email = "{value}" }')
    wrong = wrong.replace('full_name = "name"', 'full_name = "fullname"')
    ended = ran(configured(wrong), "--live")
    assert ended.returncode == 1
    assert "order.children.own\tPROBLEM: the filter is ignored" in ended.stdout
    assert "contact.search.email\tPROBLEM: the filter is ignored" in ended.stdout
    assert "look at\tcontact.full_name: in none of the rows" in ended.stdout
    assert "dropped\torder\ttotal: not an amount of money" in ended.stdout
    assert ended.stderr.startswith("knownas: ")


def test_every_mistake_of_a_mapping_is_told_at_once_with_its_place(
    configured: Any, ran: Any
) -> None:
    wrong = MAPPING.replace('occurred_at = "at"\n', "").replace(
        'path = "/orders"', 'pth = "/orders"'
    )
    wrong = wrong.replace('full_name = "name"', 'full_nam = "name"').replace(
        '"{value}"', '"{valeu}"'
    )
    wrong = wrong.replace('"SHIPPED"', '"SENT"').replace('emails = "mail"', 'emails = "mail["')
    ended = ran(configured(wrong), "--live")
    assert ended.returncode == 1
    [complaint] = ended.stderr.splitlines()
    for told in (
        "sources.erp.mapping: erp.toml: ",
        "contact.fields.full_nam: unknown key; did you mean full_name?",
        "contact.fields.emails: not a path: ",
        "contact.search.email.query.mail: no {valeu} here; did you mean value?",
        "order.fields.occurred_at: must be set",
        "order.fields.status.words: sent: must be one of PENDING",
        "order.children.own.path: must be set",
        "order.children.own.pth: unknown key; did you mean path?",
    ):
        assert told in complaint


QUERY = """query Q($keys: [CustomerKey!]!) { customers(by: $keys) { displayName completeness
  orders(first: 50) { completeness nodes { number status rawStatus total { amount } } } } }"""


async def asked(config: Path, *ids: str) -> Any:
    """The customers with these ids, as the program answers once everybody is synced."""
    async with opened(load(config, {"ERP_TOKEN": "secret-of-the-erp"})) as program:
        (report,) = await program.sync(program.sources.values())
        assert (report.read, report.error) == (60, None)
        await program.referee.resolve(program.state.records, program.state.identities)
        transport = httpx.ASGITransport(app=application(program))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            keys = [{"external": {"system": "erp", "externalId": one}} for one in ids]
            body = {"query": QUERY, "variables": {"keys": keys}}
            return (await http.post("/graphql", json=body)).json()


async def test_people_and_their_orders_are_whole_behind_capped_pages(configured: Any) -> None:
    answer = await asked(configured(), "1", "60", "777")
    assert "errors" not in answer
    first, last, nobody = answer["data"]["customers"]
    assert nobody is None
    assert (first["displayName"], last["displayName"]) == ("Ann Person1", "Ann Person60")
    assert [node["number"] for node in first["orders"]["nodes"]] == ["1120", "1060", "1000"]
    assert first["orders"]["nodes"][2]["rawStatus"] == "lost in space"
    assert first["orders"]["completeness"] == last["orders"]["completeness"] == "COMPLETE"


async def test_no_strangers_order_is_handed_over_where_the_filter_is_ignored(
    configured: Any,
) -> None:
    """All 180 orders come back, page by page. Those of the one who was asked for are right; that
    others came too is told.
    """
    wrong = MAPPING.replace('customer = ["{parents}"]', 'client = ["{parents}"]')
    answer = await asked(configured(wrong), "7")
    (person,) = answer["data"]["customers"]
    numbers = [node["number"] for node in person["orders"]["nodes"] or ()]
    assert set(numbers) <= {"1006", "1066", "1126"}
    assert person["orders"]["completeness"] != "COMPLETE"
