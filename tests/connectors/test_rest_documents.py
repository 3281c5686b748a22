"""The fifteen minutes of docs/connectors.md, done as they are written; the keys of a mapping."""

import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.mapped.converters import CONVERTERS
from connectors.mapped.paging import STYLES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "connectors.md").read_text(encoding="utf-8")
KEYS = (ROOT / "docs" / "mappings.md").read_text(encoding="utf-8")
MINUTES = TEXT[TEXT.index("## Fifteen minutes") : TEXT.index("## Writing one")]


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", MINUTES, re.S)


def session(command: str) -> list[str]:
    """What the document says a command prints."""
    (shown,) = [block for block in blocks("text") if block.startswith(f"$ {command}\n")]
    return shown.splitlines()[1:]


CUSTOMERS, ORDERS = (json.loads(block) for block in blocks("json"))
FIRST, CONFIGURATION, CONTINUED = blocks("toml")


class Erp(BaseHTTPRequestHandler):
    """The system of the document, which filters by what it is asked."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/api/orders":
            wanted = query["customers"].split(",")
            rows = [row for row in ORDERS["orders"] if str(row["customer"]) in wanted]
            self._answer({"orders": rows})
        else:
            rows = [row for row in CUSTOMERS["customers"] if self._asked(row, query)]
            start = int(query.get("offset", "0"))
            self._answer({"customers": rows[start:], "total": len(rows)})

    def _asked(self, row: Any, query: dict[str, str]) -> bool:
        if "ids" in query:
            return str(row["id"]) in query["ids"].split(",")
        if "email" in query:
            return bool(row["email"] == query["email"])
        return bool(row["changed"] >= query.get("changed_since", ""))

    def _answer(self, body: object) -> None:
        known = self.headers["authorization"] == "Bearer t"
        raw = json.dumps(body).encode()
        self.send_response(200 if known else 401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Erp) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/api"
        server.shutdown()


@pytest.fixture
def knownas(knownas_ran: Any) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "ERP_TOKEN": "t"}
        ended: subprocess.CompletedProcess[str] = knownas_ran(
            arguments, cwd=folder, env=env, timeout_s=120
        )
        return ended

    return run


def test_the_fifteen_minutes_end_with_a_source_that_works(
    tmp_path: Path, address: str, knownas: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    (tmp_path / "erp.samples").mkdir()
    sample = tmp_path / "erp.samples" / "contact.get.json"
    sample.write_text(json.dumps(CUSTOMERS), encoding="utf-8")
    (tmp_path / "erp.toml").write_text(FIRST, encoding="utf-8")
    own = CONFIGURATION.replace("https://erp.example/api", address)
    (tmp_path / "knownas.toml").write_text(own, encoding="utf-8")
    read = knownas(tmp_path, "connectors", "test", "erp")
    assert (read.stdout.splitlines(), read.stderr) == (session("knownas connectors test erp"), "")
    (tmp_path / "erp.toml").write_text(FIRST + CONTINUED, encoding="utf-8")
    asked = knownas(tmp_path, "connectors", "test", "erp", "--live")
    assert asked.stdout.splitlines() == session("knownas connectors test erp --live")
    assert (asked.returncode, asked.stderr) == (0, "")
    wrong = FIRST.replace("full_name", "full_nam")
    (tmp_path / "erp.toml").write_text(wrong, encoding="utf-8")
    refused = knownas(tmp_path, "connectors", "test", "erp")
    (quoted,) = re.findall(r"`(contact\.fields\.full_nam: [^`]+)`", MINUTES)
    assert refused.returncode == 1
    assert quoted in refused.stderr


def test_every_key_of_a_mapping_is_described() -> None:
    readers = "text|needed_text|flag|whole|seconds|one_of|texts|table|raw|pairs"
    asked = re.compile(rf'\.(?:{readers})\(\s*(?:form, )?"(\w+)"')
    files = [
        *(f for f in (ROOT / "connectors" / "mapped").glob("*.py") if f.stem != "hooks"),
        *(ROOT / "connectors" / name / "transport.py" for name in ("rest", "graphql", "sql")),
    ]
    keys = {key for file in files for key in asked.findall(file.read_text(encoding="utf-8"))}
    assert len(keys) > 40
    words = [*keys, *CONVERTERS, *STYLES]
    assert [word for word in sorted(words) if f"`{word}`" not in KEYS] == []


def test_every_placeholder_is_described() -> None:
    files = [ROOT / "connectors" / "mapped" / name for name in ("forms.py", "childforms.py")]
    code = "".join(file.read_text(encoding="utf-8") for file in files)
    names = {
        name
        for found in re.findall(r"Blank\(\((.*?)\)", code)
        for name in re.findall(r'"(\w+)"', found)
    }
    assert {"ids", "parents", "since", "until", "limit"} <= names
    assert [name for name in names if f"{{{name}}}" not in KEYS] == []
