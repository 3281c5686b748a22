"""GraphQL over HTTP: what is a request, in which form it is answered, and what cannot be forged."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

GRAPHQL = "application/graphql-response+json"
JSON = {"content-type": "application/json"}
XHR = {"x-requested-with": "test"}


async def test_a_post_is_answered(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": "{ customer { id name } }"})
    assert answer.status_code == 200
    assert answer.json() == {"data": {"customer": {"id": "1", "name": "customer 1"}}}
    assert answer.headers["cache-control"] == "no-store"


async def test_variables_and_operation_name_are_used(ask: Any) -> None:
    document = "query A($t: String!) { echo(text: $t) } query B { customer { id } }"
    status, body = await ask(document, operationName="A", variables={"t": "hi"}, extensions={})
    assert (status, body) == (200, {"data": {"echo": "hi"}})


async def test_nulls_stand_for_absent_parameters(ask: Any) -> None:
    nulls = {"operationName": None, "variables": None, "extensions": None}
    assert await ask("{ customer { id } }", **nulls) == (200, {"data": {"customer": {"id": "1"}}})


MALFORMED: list[tuple[str, bytes, str]] = [
    ("empty", b"", "empty"),
    ("blank", b" \n ", "empty"),
    ("no JSON", b"NONSENSE", "not JSON"),
    ("cut JSON", b'{"query": "{ customer', "not JSON"),
    ("JSON and more", b'{"query":"{__typename}"} x', "not JSON"),
    ("not UTF-8", b'{"query":"\xff"}', "not JSON"),
    ("NaN", b'{"query":"{__typename}","variables":{"a":NaN}}', "not JSON"),
    ("too deep JSON", b'{"query":' + b"[" * 5000, "not JSON"),
    ("a list", b'[{"query":"{__typename}"}]', "batches"),
    ("an empty list", b"[]", "batches"),
    ("a string", b'"{__typename}"', "JSON object"),
    ("a number", b"1", "JSON object"),
    ("null", b"null", "JSON object"),
    ("no query", b'{"qeury":"{__typename}"}', "query must be"),
    ("a null query", b'{"query":null}', "query must be"),
    ("a number as query", b'{"query":1}', "query must be"),
    ("a list as query", b'{"query":["{__typename}"]}', "query must be"),
    ("an object as query", b'{"query":{"a":1}}', "query must be"),
    ("a blank query", b'{"query":"  "}', "query must be"),
    ("a number as name", b'{"query":"{__typename}","operationName":1}', "operationName"),
    ("an object as name", b'{"query":"{__typename}","operationName":{}}', "operationName"),
    ("a list as variables", b'{"query":"{__typename}","variables":[1]}', "variables"),
    ("a string as variables", b'{"query":"{__typename}","variables":"{}"}', "variables"),
    ("a number as extensions", b'{"query":"{__typename}","extensions":1}', "extensions"),
]


@pytest.mark.parametrize(
    ("body", "said"), [row[1:] for row in MALFORMED], ids=[r[0] for r in MALFORMED]
)
@pytest.mark.parametrize("accept", [GRAPHQL, "application/json"])
async def test_a_malformed_body_is_refused_with_its_reason(
    client: httpx.AsyncClient, body: bytes, said: str, accept: str, code: Any
) -> None:
    answer = await client.post("/graphql", content=body, headers={**JSON, "accept": accept})
    assert answer.status_code == 400
    assert code(answer.json()) == "BAD_REQUEST"
    assert said in answer.json()["errors"][0]["message"]
    assert "data" not in answer.json()


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "text/plain; application/json",
        "application/json; charset=iso-8859-1",
        "application/jsonx",
    ],
)
async def test_a_body_of_another_type_is_refused_so_that_no_page_can_forge_one(
    client: httpx.AsyncClient, content_type: str | None, code: Any
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    answer = await client.post("/graphql", content=b'{"query":"{__typename}"}', headers=headers)
    assert answer.status_code == 415
    assert code(answer.json()) == "BAD_REQUEST"


async def test_a_charset_of_utf8_is_taken(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "Application/JSON; charset=UTF-8"}
    answer = await client.post("/graphql", content=b'{"query":"{__typename}"}', headers=headers)
    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_a_compressed_body_is_refused(client: httpx.AsyncClient) -> None:
    headers = {**JSON, "content-encoding": "gzip"}
    answer = await client.post("/graphql", content=b"\x1f\x8b", headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused(client: httpx.AsyncClient, method: str, code: Any) -> None:
    answer = await client.request(method, "/graphql", json={"query": "{__typename}"})
    assert answer.status_code == 405
    assert code(answer.json()) == "BAD_REQUEST"


# ---------------------------------------------------------------- GET


async def test_a_get_runs_a_query_read_only(server: Any, client: httpx.AsyncClient) -> None:
    params = {"query": "query Q($t: String!) { echo(text: $t) }", "variables": '{"t":"hi"}'}
    answer = await client.get("/graphql", params={**params, "operationName": ""}, headers=XHR)
    assert answer.json() == {"data": {"echo": "hi"}}
    assert server.contexts[0].read_only


async def test_a_get_never_mutates(server: Any, client: httpx.AsyncClient, code: Any) -> None:
    document = 'query A { __typename } mutation B { rename(name: "x") }'
    params = {"query": document, "operationName": "B"}
    answer = await client.get(
        "/graphql", params=params, headers={**XHR, "accept": "application/json"}
    )
    assert answer.status_code == 405
    assert code(answer.json()) == "BAD_REQUEST"
    assert server.contexts == []


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/json"},
        {"x-requested-with": "XMLHttpRequest"},
        {"apollo-require-preflight": "true"},
        {"x-apollo-operation-name": "Q"},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
    ],
)
async def test_a_get_with_proof_that_no_other_site_sent_it_is_answered(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.get("/graphql", params={"query": "{__typename}"}, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"content-type": "text/plain"},
        {"x-requested-with": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"accept": GRAPHQL},
    ],
)
async def test_a_get_that_a_page_of_another_site_could_send_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str], code: Any
) -> None:
    answer = await client.get("/graphql", params={"query": "{__typename}"}, headers=headers)
    assert answer.status_code == 400
    assert code(answer.json()) == "BAD_REQUEST"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "query=",
        "query=%7B__typename%7D&query=%7B__typename%7D",
        "query=%7B__typename%7D&variables=NONSENSE",
        "query=%7B__typename%7D&variables=%5B1%5D",
        "query=%7B__typename%7D&extensions=1",
    ],
)
async def test_a_malformed_get_is_refused(client: httpx.AsyncClient, query: str, code: Any) -> None:
    answer = await client.get(f"/graphql?{query}", headers=XHR)
    assert answer.status_code == 400
    assert code(answer.json()) == "BAD_REQUEST"


# ---------------------------------------------------------------- media types and statuses


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, GRAPHQL),
        ("*/*", GRAPHQL),
        ("application/*", GRAPHQL),
        (GRAPHQL, GRAPHQL),
        ("application/json", "application/json"),
        (f"application/json, {GRAPHQL}", GRAPHQL),
        (f"{GRAPHQL};q=0.5, application/json", "application/json"),
        (f"{GRAPHQL};q=0, */*", "application/json"),
        ("text/html, application/json;q=0.9, */*;q=0.8", "application/json"),
        ("Application/JSON; charset=utf-8", "application/json"),
    ],
)
async def test_the_answer_has_the_type_the_caller_wants_most(
    client: httpx.AsyncClient, accept: str | None, expected: str
) -> None:
    request = client.build_request("POST", "/graphql", json={"query": "{__typename}"})
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    answer = await client.send(request)
    assert answer.headers["content-type"] == f"{expected}; charset=utf-8"
    assert "Accept" in answer.headers["vary"]


@pytest.mark.parametrize("accept", ["text/html", "image/*", "application/json;q=0", "nonsense"])
async def test_a_caller_that_takes_none_of_our_types_gets_406(
    client: httpx.AsyncClient, accept: str, code: Any
) -> None:
    answer = await client.post(
        "/graphql", json={"query": "{__typename}"}, headers={"accept": accept}
    )
    assert answer.status_code == 406
    assert code(answer.json()) == "BAD_REQUEST"


WRONG = [
    ("{", {}, "Syntax Error"),
    ("{ nothing }", {}, "Cannot query field"),
    ("query A { __typename } query B { __typename }", {}, "several operations"),
    ("query A { __typename }", {"operationName": "C"}, "no operation of that name"),
    ("fragment F on Query { __typename }", {}, "no operation"),
    ("query($t: String!) { echo(text: $t) }", {}, "$t"),
    ("query($t: String!) { echo(text: $t) }", {"variables": {"t": 1}}, "$t"),
]


@pytest.mark.parametrize(("document", "rest", "said"), WRONG)
async def test_what_is_no_valid_operation_is_told_by_the_media_type(
    client: httpx.AsyncClient, document: str, rest: dict[str, Any], said: str, code: Any
) -> None:
    for accept, status in ((GRAPHQL, 400), ("application/json", 200)):
        answer = await client.post(
            "/graphql", json={"query": document, **rest}, headers={"accept": accept}
        )
        assert answer.status_code == status
        assert code(answer.json()) == "BAD_REQUEST"
        assert said in answer.json()["errors"][0]["message"]
        assert "data" not in answer.json()


async def test_errors_of_a_document_say_where(ask: Any) -> None:
    _, body = await ask("{\n  customer { nmae }\n}")
    assert body["errors"][0]["locations"] == [{"line": 2, "column": 14}]


async def test_a_mutation_by_post_is_run(ask: Any) -> None:
    assert await ask('mutation { rename(name: "x") }') == (200, {"data": {"rename": "x"}})


# ---------------------------------------------------------------- bodies that come in pieces


async def _pieces(body: bytes, count: int) -> AsyncIterator[bytes]:
    step = max(1, len(body) // count)
    for start in range(0, len(body), step):
        yield body[start : start + step]


async def test_a_body_without_a_length_is_read_in_pieces(client: httpx.AsyncClient) -> None:
    body = json.dumps({"query": "{__typename}"}).encode()
    answer = await client.post("/graphql", content=_pieces(body, 7), headers=JSON)
    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_a_body_of_the_largest_size_is_taken(make_server: Any) -> None:
    body = b'{"query":"{__typename}"}'.ljust(1_000)
    async with make_server(limits={"body_bytes": 1_000}).client() as client:
        answer = await client.post("/graphql", content=body, headers=JSON)
        assert answer.status_code == 200
        answer = await client.post("/graphql", content=body + b" ", headers=JSON)
        assert answer.status_code == 413
        assert answer.json()["errors"][0]["extensions"]["code"] == "TOO_LARGE"


async def test_a_body_without_a_length_is_cut_where_it_grows_too_large(
    client: httpx.AsyncClient,
) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 10_000
            yield b" " * 10_000

    # The transport in process reads the whole request first, so the application is called by hand.
    stream = endless()
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": await anext(stream), "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    app = client._transport.app  # type: ignore[attr-defined]
    await app(_scope([(b"content-type", b"application/json")]), receive, send)
    assert sent[0]["status"] == 413
    assert taken <= 1_020_000


async def test_a_body_that_does_not_come_is_not_waited_for(make_server: Any) -> None:
    server = make_server(limits={"deadline_s": 0.05})
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    await server.app(_scope([(b"content-type", b"application/json")]), receive, send)
    assert sent[0]["status"] == 408


async def test_a_caller_that_hangs_up_while_sending_is_no_error_of_ours(server: Any) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await server.app(_scope([(b"content-type", b"application/json")]), receive, send)
    assert sent[0]["status"] == 400


@pytest.mark.parametrize("length", ["9" * 5_000, "1000001"])
async def test_a_length_that_is_said_to_be_too_large_is_believed(server: Any, length: str) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing of the body is read")

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", length.encode())]
    await server.app(_scope(headers), receive, send)
    assert sent[0]["status"] == 413


def _scope(headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1"), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "scheme": "http",
        "http_version": "1.1",
        "asgi": {"version": "3.0"},
    }
