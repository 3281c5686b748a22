"""What a caller is told when something fails, and what nobody is told."""

import asyncio
import logging
from typing import Any

import httpx
import pytest

SECRET = "planted-7f3a-do-not-show"


async def test_a_source_at_fault_is_named_and_the_rest_is_whole(ask: Any) -> None:
    status, body = await ask("{ customer { id late } }")
    assert status == 200
    assert body["data"] == {"customer": {"id": "1", "late": None}}
    (error,) = body["errors"]
    assert error["extensions"] == {"code": "SOURCE_TIMEOUT", "system": "crm"}
    assert error["path"] == ["customer", "late"]
    assert error["locations"] == [{"line": 1, "column": 17}]


async def test_a_source_that_says_wait_says_how_long(ask: Any) -> None:
    _, body = await ask("{ customer { hurried } }")
    assert body["errors"][0]["extensions"]["retryAfterMs"] == 1500


async def test_what_a_source_left_out_without_an_exception_is_told_with_its_path(ask: Any) -> None:
    _, body = await ask("{ customer { id leftOut } }")
    assert body["data"] == {"customer": {"id": "1", "leftOut": None}}
    (error,) = body["errors"]
    assert error["path"] == ["customer", "leftOut"]
    assert error["extensions"] == {"code": "SOURCE_TIMEOUT", "system": "chat"}


async def test_an_unexpected_exception_is_masked_and_logged_once_by_its_id(
    ask: Any, caplog: pytest.LogCaptureFixture
) -> None:
    status, body = await ask("{ customer { id broken } }")
    assert status == 200
    assert body["data"]["customer"] == {"id": "1", "broken": None}
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    (record,) = [r for r in caplog.records if r.levelno >= logging.ERROR]
    fields: Any = record.__dict__["fields"]
    assert fields["id"] == error["extensions"]["id"]
    assert fields["error"] == "builtins.ValueError"
    assert "conftest.py" in fields["where"]


async def test_the_text_of_an_unexpected_exception_appears_nowhere(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await client.post("/graphql", json={"query": "{ customer { broken } }"})
    assert SECRET not in answer.text
    assert "conftest" not in answer.text
    told = [f"{r.getMessage()} {r.__dict__} {r.exc_text}" for r in caplog.records]
    assert SECRET not in " ".join(told)


@pytest.mark.parametrize("headers", [{}, {"origin": "http://localhost:3000"}])
async def test_an_exception_outside_any_field_is_a_500_with_an_id_and_nothing_else(
    server: Any, caplog: pytest.LogCaptureFixture, headers: dict[str, str]
) -> None:
    """On the short way, and on the long one of a page of another origin."""

    def fail(*_: object) -> None:
        raise RuntimeError(SECRET)

    server.app.direct._endpoint.replied = fail
    async with server.client() as client:
        answer = await client.post("/graphql", json={"query": "{__typename}"}, headers=headers)
    assert answer.status_code == 500
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert set(answer.json()) == {"errors"}
    assert SECRET not in answer.text
    assert SECRET not in caplog.text


async def test_an_operation_that_does_not_end_is_stopped_at_its_deadline(make_server: Any) -> None:
    server = make_server(limits={"deadline_s": 0.05})
    async with server.client() as client:
        answer = await client.post("/graphql", json={"query": "{ customer { id hanging } }"})
    assert answer.status_code == 200
    body = answer.json()
    assert body["data"] is None
    assert body["errors"][0]["extensions"] == {"code": "DEADLINE_EXCEEDED"}


async def test_sources_are_given_a_little_less_than_the_deadline(make_server: Any) -> None:
    server = make_server(limits={"deadline_s": 10.0})
    async with server.client() as client:
        await client.post("/graphql", json={"query": "{ customer { id } }"})
    assert server.contexts[0].deadline_s == pytest.approx(9.5)


async def test_one_that_hangs_does_not_keep_others_waiting(make_server: Any) -> None:
    server = make_server(limits={"deadline_s": 5.0})
    async with server.client() as client:
        hanging = asyncio.create_task(
            client.post("/graphql", json={"query": "{ customer { hanging } }"})
        )
        await asyncio.sleep(0)
        answer = await client.post("/graphql", json={"query": "{ customer { id } }"})
        assert answer.status_code == 200
        assert not hanging.done()
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging


async def test_what_was_read_is_kept_once_the_answer_is_out(server: Any, ask: Any) -> None:
    await ask("{ customer { id } }")
    assert server.contexts[0].finished.is_set()


async def test_a_failure_while_keeping_is_logged_and_is_nobodys_error(
    server: Any, ask: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: object) -> None:
        raise RuntimeError(SECRET)

    await ask("{ __typename }")
    monkeypatch.setattr(type(server.contexts[0]), "finish", fail)
    assert await ask("{ customer { id } }") == (200, {"data": {"customer": {"id": "1"}}})
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == [
        "internal_error"
    ]
    assert SECRET not in caplog.text


async def test_suggestions_and_descriptions_go_with_introspection(make_server: Any) -> None:
    tables = {"server": {"introspection": "off"}}
    async with make_server(**tables).client() as hidden, make_server().client() as shown:
        for document in (
            "{ customr { id } }",
            "{ customer(idd: 1) { id } }",
            "{ customer { nam } }",
        ):
            assert "Did you mean" in (await shown.post("/graphql", json={"query": document})).text
            assert (
                "Did you mean" not in (await hidden.post("/graphql", json={"query": document})).text
            )


@pytest.mark.parametrize(
    "document",
    [
        "{ __schema { types { name } } }",
        '{ __type(name: "Query") { name } }',
        "{ _service { sdl } }",
        "{ ...F } fragment F on Query { a: __schema { types { name } } }",
    ],
)
async def test_without_introspection_the_graph_is_not_described(
    make_server: Any, code: Any, document: str
) -> None:
    async with make_server(server={"introspection": "off"}).client() as client:
        answer = await client.post("/graphql", json={"query": document})
        assert answer.status_code == 403
        assert code(answer.json()) == "FORBIDDEN"
        answer = await client.post(
            "/graphql", json={"query": "{ __typename customer { __typename } }"}
        )
        assert answer.status_code == 200


async def test_every_answer_has_an_id_and_safe_headers(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthz")
    assert len(answer.headers["x-request-id"]) == 16
    assert answer.headers["x-content-type-options"] == "nosniff"
    named = await client.get("/healthz", headers={"x-request-id": "from-the-proxy.1"})
    assert named.headers["x-request-id"] == "from-the-proxy.1"
    forged = await client.get("/healthz", headers={"x-request-id": "a b\tevent=forged"})
    assert forged.headers["x-request-id"] != "a b\tevent=forged"


async def test_the_log_tells_the_path_and_never_what_was_asked(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    params = {
        "query": '{ echo(text: "jane@example.com") }',
        "variables": '{"a":"jane@example.com"}',
    }
    await client.get("/graphql", params=params, headers={"x-requested-with": "t"})
    await client.post("/graphql", json={"query": '{ echo(text: "jane@example.com") }'})
    await client.post("/graphql", json={"query": '{ eco(text: "jane@example.com") }'})
    ours = [r for r in caplog.records if not r.name.startswith("httpx")]
    assert "jane" not in " ".join(f"{r.getMessage()} {r.__dict__}" for r in ours)
    told: list[Any] = [r.__dict__["fields"] for r in ours if r.getMessage() == "request"]
    assert [(one["method"], one["path"], one["status"]) for one in told] == [
        ("GET", "/graphql", 200),
        ("POST", "/graphql", 200),
        ("POST", "/graphql", 400),
    ]


async def test_a_path_that_is_not_there_is_told_in_the_same_form(
    client: httpx.AsyncClient, code: Any
) -> None:
    answer = await client.get("/nothing")
    assert answer.status_code == 404
    assert code(answer.json()) == "BAD_REQUEST"


async def test_a_named_operation_is_run_although_another_one_shares_its_document(ask: Any) -> None:
    document = 'mutation A { rename(name: "x") } query B { __typename }'
    assert await ask(document, operationName="B") == (200, {"data": {"__typename": "Query"}})
    assert await ask(document, operationName="A") == (200, {"data": {"rename": "x"}})
