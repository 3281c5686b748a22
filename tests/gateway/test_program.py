"""The whole program over the emulated platforms, in one process."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.httpx_sender import HttpxSender
from gateway import bootstrap, reach
from gateway.auth import new_token
from gateway.bootstrap import Program
from gateway.config import Config
from gateway.config_file import checked
from gateway.pages import ready_query
from resolvers.caller import ANY_CUSTOMER, STAFF
from sandbox.demo import CRM_EMAIL, PHONE
from sandbox.faults import Fault, FaultKind
from sandbox.seed import build_world
from sandbox.server import Sandbox
from sandbox.world import World

SYSTEMS = {"crm": "hubspot", "shop": "shopify", "desk": "zendesk", "chat": "intercom"}
DESK = new_token("desk", [ANY_CUSTOMER, STAFF, "pii:identity", "pii:contact", "pii:content"])
BARE = new_token("bare", [ANY_CUSTOMER])


class ByHost(httpx.AsyncBaseTransport):
    """The sandbox without sockets: the host of a request says which platform is meant."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._platforms = {
            name: httpx.ASGITransport(app=gate) for name, gate in sandbox.gates.items()
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._platforms[request.url.host].handle_async_request(request)


def _config(credentials: Mapping[str, Mapping[str, str]], **tables: Any) -> Config:
    environ = {f"{vendor}_token".upper(): held["token"] for vendor, held in credentials.items()}
    sources = {
        name: {
            "connector": vendor,
            "base_url": f"http://{vendor}",
            "token": {"env": f"{vendor}_token".upper()},
            "phone_region": "GB",
            **{key: value for key, value in credentials[vendor].items() if key != "token"},
        }
        for name, vendor in SYSTEMS.items()
    }
    return checked({"sources": sources, **tables}, environ)


def _opened(sandbox: Sandbox, **tables: Any) -> AbstractAsyncContextManager[Program]:
    auth = {"tokens": [DESK.table, BARE.table]}
    config = _config(sandbox.credentials, auth=auth, **tables)
    return bootstrap.opened(config, new_sender=lambda: HttpxSender(ByHost(sandbox)))


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(people=12)


@pytest.fixture(scope="module")
def resolved(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state store in which the world's people are known."""
    file = tmp_path_factory.mktemp("state") / "resolved.db"

    async def prepare() -> None:
        async with _opened(Sandbox(world), state={"url": f"sqlite:///{file}"}) as program:
            for one in await program.sync(list(program.sources.values())):
                assert one.error is None
            await program.referee.resolve(program.state.records, program.state.identities)

    asyncio.run(prepare())
    return file


@pytest.fixture
def sandbox(world: World) -> Sandbox:
    return Sandbox(world)


@pytest.fixture
async def program(sandbox: Sandbox) -> AsyncIterator[Program]:
    async with _opened(sandbox, state={"url": "sqlite://"}) as opened:
        yield opened


@pytest.fixture
async def synced(sandbox: Sandbox, resolved: Path, tmp_path: Path) -> AsyncIterator[Program]:
    file = Path(shutil.copy(resolved, tmp_path / "own.db"))
    async with _opened(sandbox, state={"url": f"sqlite:///{file}"}) as opened:
        yield opened


async def _ask(program: Program, query: str, token: str = DESK.token) -> Any:
    app = bootstrap.application(program)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.post(
            "/graphql",
            json={"query": query},
            headers={"authorization": f"Bearer {token}"},
        )
    assert answer.status_code == 200
    return answer.json()


async def test_one_query_answers_with_one_person_from_four_systems(synced: Program) -> None:
    body = await _ask(synced, ready_query(CRM_EMAIL))
    assert "errors" not in body
    customer = body["data"]["customer"]
    assert customer["displayName"] == "Margaret Ellison"
    assert customer["completeness"] == "COMPLETE"
    assert [one["system"]["name"] for one in customer["sources"]] == list(SYSTEMS)
    assert all(customer[kind]["nodes"] for kind in ("orders", "tickets", "conversations"))


async def test_a_token_without_the_scope_sees_masks_and_no_more(synced: Program) -> None:
    query = (
        f'{{ customer(by: {{ email: "{CRM_EMAIL}" }}) {{ id displayName primaryEmail primaryPhone'
        " identifiers { value } tickets { nodes { subject } } records { raw } } }"
    )
    seen = (await _ask(synced, query))["data"]["customer"]
    assert (seen["displayName"], seen["primaryEmail"]) == ("Margaret Ellison", CRM_EMAIL)
    masked = await _ask(synced, query, BARE.token)
    customer = masked["data"]["customer"]
    assert customer["id"] == seen["id"]
    told = str(masked)
    for value in ("Margaret", "Ellison", "margaret.ellison", PHONE[-6:], "espresso", "Espresso"):
        assert value not in told
    assert len(customer["tickets"]["nodes"]) == len(seen["tickets"]["nodes"])


async def test_a_dead_source_is_one_coded_error_and_the_rest_is_whole(
    synced: Program, sandbox: Sandbox
) -> None:
    sandbox.gates["zendesk"].faults.add(Fault(kind=FaultKind.BROKEN))
    body = await _ask(
        synced,
        f'{{ customer(by: {{ email: "{CRM_EMAIL}" }}) {{ displayName completeness'
        " orders { nodes { number } } tickets(freshness: { allowStale: false })"
        " { nodes { number } completeness } } }",
    )
    customer = body["data"]["customer"]
    assert customer["orders"]["nodes"]
    assert customer["tickets"]["nodes"] is None
    assert {e["extensions"]["system"] for e in body["errors"]} == {"desk"}
    assert {e["extensions"]["code"] for e in body["errors"]} == {"SOURCE_UNAVAILABLE"}


async def test_no_credential_is_in_any_answer_or_log(
    synced: Program, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for kind in (FaultKind.UNAUTHORIZED, FaultKind.BROKEN, FaultKind.WRONG_JSON):
        for gate in sandbox.gates.values():
            gate.faults.clear()
            gate.faults.add(Fault(kind=kind))
        body = await _ask(synced, ready_query(CRM_EMAIL))
        said = str(body) + caplog.text + " ".join(str(r.__dict__) for r in caplog.records)
        for held in sandbox.credentials.values():
            assert held["token"] not in said
        assert DESK.token not in said


async def test_every_source_can_be_reached_without_reading_anybody(program: Program) -> None:
    for source in program.sources.values():
        assert await reach.reach(source) is None
        assert source.status().last_success_at is not None


async def test_a_source_that_cannot_be_reached_says_why(program: Program, sandbox: Sandbox) -> None:
    sandbox.gates["intercom"].faults.add(Fault(kind=FaultKind.UNAUTHORIZED))
    error = await reach.reach(program.sources["chat"])
    assert error is not None
    assert error.code == "SOURCE_UNAUTHORIZED"


async def test_while_it_serves_it_becomes_ready_by_itself(
    program: Program, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "RETRY_S", 0.01)
    sandbox.gates["hubspot"].faults.add(Fault(kind=FaultKind.UNAUTHORIZED))
    app = bootstrap.application(program)
    transport = httpx.ASGITransport(app=app)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
        app.router.lifespan_context(app),
        asyncio.timeout(20),
    ):
        assert (await client.get("/readyz")).status_code == 503
        sandbox.gates["hubspot"].faults.clear()
        while (await client.get("/readyz")).status_code != 200:
            pass


async def test_what_was_opened_is_closed_when_something_cannot_be(sandbox: Sandbox) -> None:
    closed: list[str] = []

    class Watched(HttpxSender):
        async def close(self) -> None:
            closed.append("sender")
            await super().close()

    tables = {"state": {"url": "sqlite://"}, "identity": {"model": "/nothing/here.json"}}
    config = _config(sandbox.credentials, **tables)
    with pytest.raises(Exception, match=r"here\.json"):
        async with bootstrap.opened(config, new_sender=lambda: Watched(ByHost(sandbox))):
            raise AssertionError
    assert closed == ["sender"] * 4


async def test_the_graph_speaks_of_its_capabilities(program: Program) -> None:
    body = await _ask(program, "{ capabilities { name enabled reason } }")
    assert body["data"]["capabilities"][0] == {"name": "identity", "enabled": True, "reason": None}
    assert {one["name"] for one in body["data"]["capabilities"] if not one["enabled"]} == {
        "knowledge",
        "orchestration",
        "measures",
    }
