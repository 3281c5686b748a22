"""The short way to the graph answers what the long one does."""

import asyncio
from typing import Any

import httpx
import pytest

from gateway import negotiation
from gateway.library import Library

QUERY = {"query": "{ __typename }"}
LONG = {"origin": "http://localhost:3000"}
"""A page of another origin: CORS is known on the long way only."""

REQUESTS: dict[str, dict[str, Any]] = {
    "a query": {"json": QUERY},
    "no body": {"content": b"", "headers": {"content-type": "application/json"}},
    "not JSON": {"content": b"{", "headers": {"content-type": "application/json"}},
    "a list": {"json": [QUERY]},
    "no such field": {"json": {"query": "{ nothing }"}},
    "JSON asked for": {"json": {"query": "{ nothing }"}, "headers": {"accept": "application/json"}},
    "nothing acceptable": {"json": QUERY, "headers": {"accept": "text/html"}},
    "too large": {
        "content": b" " * 1_000_001,
        "headers": {"content-type": "application/json"},
    },
    "a charset": {
        "content": b'{"query": "{__typename}"}',
        "headers": {"content-type": "application/json; charset=latin-1"},
    },
    "JSON with its charset": {
        "content": b'{"query": "{__typename}"}',
        "headers": {"content-type": "application/json; charset=utf-8"},
    },
    "an empty document": {"json": {"query": ""}},
    "a name of another operation": {"json": {**QUERY, "operationName": "A"}},
    "a hash that nobody knows": {"json": {"query": "", "documentId": "sha256:" + "0" * 64}},
    "compressed": {
        "content": b"x",
        "headers": {"content-type": "application/json", "content-encoding": "gzip"},
    },
    "another host": {"json": QUERY, "headers": {"host": "evil.example"}},
    "a wrong token": {"json": QUERY, "headers": {"authorization": "Bearer kn_no"}},
}


@pytest.mark.parametrize("asked", REQUESTS.values(), ids=REQUESTS)
async def test_both_ways_answer_alike(client: httpx.AsyncClient, asked: dict[str, Any]) -> None:
    short = await client.post("/graphql", **asked)
    headers = {**asked.get("headers", {}), **LONG}
    long = await client.post("/graphql", **{**asked, "headers": headers})
    assert (short.status_code, short.content) == (long.status_code, long.content)
    ours = {name for name in short.headers if name not in {"x-request-id", "vary"}}
    for name in ours:
        assert short.headers[name] == long.headers[name], name
    assert "x-request-id" in short.headers


async def test_a_given_request_id_is_kept(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json=QUERY, headers={"x-request-id": "abc-1"})
    assert answer.headers["x-request-id"] == "abc-1"


async def test_a_body_that_comes_in_pieces_is_put_together(client: httpx.AsyncClient) -> None:
    async def pieces() -> Any:
        for part in (b'{"query":', b' "{ __typename }"}'):
            yield part

    headers = {"content-type": "application/json"}
    answer = await client.post("/graphql", content=pieces(), headers=headers)
    assert answer.json() == {"data": {"__typename": "Query"}}


async def test_a_long_body_without_its_length_is_cut_off(client: httpx.AsyncClient) -> None:
    async def pieces() -> Any:
        for _ in range(20):
            yield b" " * 100_000

    headers = {"content-type": "application/json"}
    answer = await client.post("/graphql", content=pieces(), headers=headers)
    assert answer.status_code == 413
    assert answer.json()["errors"][0]["extensions"]["code"] == "TOO_LARGE"


async def test_a_document_that_is_looked_up_for_too_long_is_told_as_the_deadline_it_is(
    make_server: Any, monkeypatch: pytest.MonkeyPatch, code: Any
) -> None:
    async def never(*_: object) -> str:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(Library, "text", never)
    async with make_server(limits={"deadline_s": 0.05}).client() as client:
        answer = await client.post("/graphql", json={"documentId": "0" * 64})
    assert answer.status_code == 200
    assert code(answer.json()) == "DEADLINE_EXCEEDED"


def test_media_types_are_remembered_within_bounds() -> None:
    for n in range(2 * negotiation.MAX_REMEMBERED):
        assert negotiation.negotiated(f"application/json;v={n}") is negotiation.Media.JSON
    assert negotiation.negotiated(f"application/json;v={'x' * 1_000}") is negotiation.Media.JSON
    assert len(negotiation._remembered) <= negotiation.MAX_REMEMBERED
    assert max(len(known or "") for known in negotiation._remembered) < 1_000
