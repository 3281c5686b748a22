"""Documents by their hash."""

import hashlib
from typing import Any

import httpx
import pytest

QUERY = "{ __typename }"
HASH = hashlib.sha256(QUERY.encode()).hexdigest()


def by(known: Any, version: int = 1) -> dict[str, Any]:
    return {"persistedQuery": {"version": version, "sha256Hash": known}}


async def test_a_document_sent_once_is_known_by_its_hash(client: httpx.AsyncClient) -> None:
    unknown = await client.post("/graphql", json={"extensions": by(HASH)})
    (error,) = unknown.json()["errors"]
    assert error["message"] == "PersistedQueryNotFound"
    assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    both = await client.post("/graphql", json={"query": QUERY, "extensions": by(HASH)})
    known = await client.post("/graphql", json={"extensions": by(HASH)})
    assert both.json() == known.json() == {"data": {"__typename": "Query"}}


async def test_a_wrong_hash_is_refused_and_not_kept(client: httpx.AsyncClient) -> None:
    wrong = "0" * 64
    refused = await client.post("/graphql", json={"query": QUERY, "extensions": by(wrong)})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    later = await client.post("/graphql", json={"extensions": by(wrong)})
    assert later.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


async def test_what_is_not_of_this_graph_is_not_kept(client: httpx.AsyncClient) -> None:
    text = "{ nothing }"
    known = hashlib.sha256(text.encode()).hexdigest()
    await client.post("/graphql", json={"query": text, "extensions": by(known)})
    later = await client.post("/graphql", json={"extensions": by(known)})
    assert later.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize("extensions", [by("abc"), by(7), by(HASH, 2), {"persistedQuery": "x"}])
async def test_another_form_is_refused(client: httpx.AsyncClient, extensions: Any) -> None:
    answer = await client.post("/graphql", json={"query": QUERY, "extensions": extensions})
    assert answer.status_code == 400
    assert "persistedQuery" in answer.json()["errors"][0]["message"]
