"""Whether the process lives, whether requests should come, and who may see more."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from domain.errors import StoreError
from domain.vocabulary import SourceState
from gateway import probes

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOKENS = {"tokens": [{"name": "a", "sha256": "1" * 64, "scopes": []}]}


async def _readyz(server: Any) -> tuple[int, Any]:
    async with server.client() as client:
        answer = await client.get("/readyz")
    return answer.status_code, answer.json()


async def test_a_process_that_answers_is_healthy(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_it_is_ready_when_state_and_every_source_have_answered(
    make_server: Any, source_named: Any
) -> None:
    crm = source_named("crm", last_success_at=NOW, latency_ms=12)
    status, body = await _readyz(make_server(sources={"crm": crm}))
    assert status == 200
    assert body == {
        "status": "ready",
        "state": "OK",
        "sources": {
            "crm": {"state": "OK", "lastSuccessAt": "2026-03-02T09:00:00+00:00", "latencyMs": 12}
        },
    }


async def test_it_is_not_ready_while_the_state_store_does_not_answer(make_server: Any) -> None:
    server = make_server()

    def fail() -> None:
        raise StoreError("no answer")

    server.state_answers = fail
    assert await _readyz(server) == (
        503,
        {"status": "not ready", "state": "UNAVAILABLE", "sources": {}},
    )
    server.state_answers = lambda: None
    assert (await _readyz(server))[0] == 200


async def test_it_is_not_ready_before_every_source_has_answered_once(
    make_server: Any, source_named: Any
) -> None:
    sources = {
        "crm": source_named("crm", last_success_at=NOW),
        "shop": source_named("shop", SourceState.UNAUTHORIZED, message="refused"),
    }
    status, body = await _readyz(make_server(sources=sources))
    assert status == 503
    assert body["sources"]["shop"] == {"state": "UNAUTHORIZED", "message": "refused"}


async def test_a_source_that_never_comes_does_not_keep_the_others_out_for_ever(
    make_server: Any, source_named: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "READY_WAIT_S", 0.0)
    dead = source_named("shop", SourceState.UNAVAILABLE)
    status, body = await _readyz(make_server(sources={"shop": dead}))
    assert (status, body["sources"]["shop"]["state"]) == (200, "UNAVAILABLE")


async def test_a_source_that_is_lost_later_is_told_and_keeps_nobody_out(
    make_server: Any, source_named: Any
) -> None:
    lost = source_named("crm", SourceState.TIMEOUT, last_success_at=NOW)
    status, body = await _readyz(make_server(sources={"crm": lost}))
    assert (status, body["sources"]["crm"]["state"]) == (200, "TIMEOUT")


async def test_strangers_are_told_whether_it_is_ready_and_nothing_else(
    make_server: Any, source_named: Any
) -> None:
    crm = source_named("crm", last_success_at=NOW)
    for tables in ({"auth": TOKENS}, {"server": {"introspection": "off"}}):
        server = make_server(sources={"crm": crm}, **tables)
        assert await _readyz(server) == (200, {"status": "ready"})


async def test_figures_and_schema_are_for_those_who_may_look_inside(
    make_server: Any, code: Any
) -> None:
    async with make_server().client() as client:
        await client.post("/graphql", json={"query": "{__typename}"})
        figures = await client.get("/metrics")
        assert 'knownas_graphql_requests_total{operation="query",status="200"} 1.0' in figures.text
        assert figures.headers["content-type"].startswith("text/plain")
        assert "type Customer" in (await client.get("/schema.graphql")).text
    async with make_server(server={"introspection": "off"}).client() as client:
        for path in ("/metrics", "/schema.graphql"):
            answer = await client.get(path)
            assert (answer.status_code, code(answer.json())) == (403, "FORBIDDEN")


async def test_introspection_is_off_by_itself_where_strangers_can_call(make_server: Any) -> None:
    tables: dict[str, Any] = {"server": {"host": "0.0.0.0"}, "auth": TOKENS}  # noqa: S104
    async with make_server(**tables).client() as client:
        assert (await client.get("/metrics")).status_code == 403
    tables["server"]["introspection"] = "on"
    async with make_server(**tables).client() as client:
        assert (await client.get("/metrics")).status_code == 401
