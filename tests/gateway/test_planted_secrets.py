"""Secrets of sources, planted and looked for: in logs, errors, answers, figures and the store."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from connectors.httpx_sender import HttpxSender
from gateway.bootstrap import Program, application, opened
from gateway.config_file import checked
from gateway.reach import reach

PLANTED = "planted-7f3a"
SECRETS = {"SF": f"{PLANTED}-client", "HUB": f"{PLANTED}-token", "HOOK": f"{PLANTED}-webhook"}


class Vendors:
    """Says yes to whoever has a token of it, and repeats what it was shown when it says no."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.tokens = 0
        self.refuses: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        shown = request.headers.get("authorization", "")
        if request.url.path == "/services/oauth2/token":
            if "token" in self.refuses:
                return httpx.Response(401, json={"error": shown + request.content.decode()})
            self.tokens += 1
            said = {"access_token": f"{PLANTED}-access-{self.tokens}", "token_type": "Bearer"}
            return httpx.Response(200, json=said)
        if shown in self.refuses or "all" in self.refuses:
            return httpx.Response(401, text=shown, headers={"x-why": quote(shown)})
        if request.url.path.startswith("/services"):
            return httpx.Response(200, json={"totalSize": 0, "done": True, "records": []})
        return httpx.Response(200, json={"total": 0, "results": []})


@pytest.fixture
def vendors() -> Vendors:
    return Vendors()


@pytest.fixture
async def program(tmp_path: Path, vendors: Vendors, clock: Any) -> AsyncIterator[Program]:
    async with _opened(tmp_path, vendors, clock) as one:
        yield one


@asynccontextmanager
async def _opened(folder: Path, vendors: Vendors, clock: Any) -> AsyncIterator[Program]:
    sources = {
        "crm": {
            "connector": "salesforce",
            "domain": "x",
            "client_id": "app",
            "client_secret": {"env": "SF"},
        },
        "hub": {
            "connector": "hubspot",
            "token": {"env": "HUB"},
            "webhook_secret": {"env": "HOOK"},
        },
    }
    tables = {"state": {"url": f"sqlite:///{folder}/state.db"}, "sources": sources}
    transport = httpx.MockTransport(vendors)
    config = checked(tables, SECRETS)
    async with opened(config, new_sender=lambda: HttpxSender(transport), clock=clock) as one:
        yield one


async def test_a_token_is_got_shown_renewed_when_refused_and_shared_by_the_store(
    program: Program, vendors: Vendors, clock: Any, tmp_path: Path
) -> None:
    crm = program.sources["crm"]
    assert await reach(crm) is None
    assert vendors.tokens == 1
    clock.advance(timedelta(minutes=5))
    vendors.refuses = {f"Bearer {PLANTED}-access-1"}
    assert await reach(crm) is None, "asked again with a new token, once"
    assert vendors.tokens == 2
    async with _opened(tmp_path, vendors, clock) as another:
        assert await reach(another.sources["crm"]) is None
    assert vendors.tokens == 2, "the other process found it in the store"


async def test_no_secret_is_in_any_text(
    program: Program,
    vendors: Vendors,
    clock: Any,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = [repr(program.config), str(program.config), repr(program.sources), repr(program)]
    for refuses in ({"nothing"}, {"all"}, {"all", "token"}):
        vendors.refuses = refuses
        clock.advance(timedelta(minutes=60))
        for source in program.sources.values():
            error = await reach(source)
            texts += [str(error), repr(error), repr(source), repr(source.status())]
            while error is not None:
                texts += [repr(vars(error)), repr(error.__cause__), str(error.__traceback__)]
                error = error.__context__  # type: ignore[assignment]
    transport = httpx.ASGITransport(app=application(program))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        query = '{ customer(by: {email: "a@x.example"}) { id } sources { message state } }'
        answers = [
            await http.post("/graphql", json={"query": query}),
            await http.get("/readyz"),
            await http.get("/metrics"),
            await http.post("/webhooks/hub", content=b"{}"),
        ]
    texts += [answer.text + repr(answer.headers) for answer in answers]
    assert "planted" not in "".join(texts) + caplog.text
    await program.state.close()
    assert [name for name, kept in _files(tmp_path) if PLANTED.encode() in kept] == []


def _files(folder: Path) -> list[tuple[str, bytes]]:
    return [(path.name, path.read_bytes()) for path in folder.iterdir()]
