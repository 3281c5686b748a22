"""Trusted documents: adding them, asking by their hash, and nothing else."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.errors import InputError
from gateway.bootstrap import application, opened
from gateway.commands import documents
from gateway.config import Config
from gateway.config_file import checked, load
from gateway.manifests import read
from state.engine import open_state

QUERY = "query Stages { capabilities { name } }\n"
HASH = hashlib.sha256(QUERY.encode()).hexdigest()
OTHER = "{ capabilities { enabled } }"
NAMES = {"identity", "live_record", "knowledge", "orchestration", "measures"}

Add = Callable[[str, str], list[list[str]]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "knownas.toml"
    file.write_text(f'[state]\nurl = "sqlite:///{tmp_path / "state.db"}"\n')
    return file


@pytest.fixture
def add(tmp_path: Path, config: Path, capsys: pytest.CaptureFixture[str]) -> Add:
    """Add a file of that name and text; the cells it prints."""

    def run(name: str, text: str) -> list[list[str]]:
        file = tmp_path / name
        file.write_text(text)
        capsys.readouterr()
        documents.add(file, config)
        return [line.split("\t") for line in capsys.readouterr().out.splitlines()]

    return run


@pytest.fixture
def add_in_thread(add: Add) -> Callable[..., Any]:
    """The same beside a running loop: a command runs one of its own."""

    async def run(name: str, text: str) -> Any:
        return await asyncio.to_thread(add, name, text)

    return run


@pytest.fixture
def ask(config: Path) -> Callable[..., Any]:
    """Ask a server of its own, several times in a row; statuses and bodies."""

    async def run(*bodies: dict[str, Any], trusted_only: bool = True) -> list[tuple[int, Any]]:
        told = load(config)
        tables = {"documents": {"trusted_only": trusted_only}}
        settings: Config = checked({"state": {"url": told.state.url.reveal()}, **tables}, {})
        async with opened(settings) as program:
            app = httpx.ASGITransport(app=application(program))
            async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1") as client:
                headers = {"accept": "application/graphql-response+json"}
                answers = [
                    await client.post("/graphql", json=body, headers=headers) for body in bodies
                ]
        return [(one.status_code, one.json()) for one in answers]

    return run


def apq(digest: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": digest}}


def names(body: Any) -> set[str]:
    return {one["name"] for one in body["data"]["capabilities"]}


# ---------------------------------------------------------------- adding


def test_the_hash_of_one_operation_is_that_of_its_file(add: Add) -> None:
    assert add("stages.graphql", QUERY) == [[HASH, "Stages"]]


def test_several_operations_are_added_with_the_fragments_each_uses(
    add: Add, tmp_path: Path
) -> None:
    text = (
        "query One { capabilities { ...Short } }\nquery Two { sources { state } }\n"
        "fragment Short on Capability { name }\n"
    )
    rows = add("both.graphql", text)
    assert [name for _, name in rows] == ["One", "Two"]
    one, two = read(tmp_path / "both.graphql")
    assert "fragment Short" in one.text
    assert "fragment" not in two.text


@pytest.mark.parametrize(
    "manifest",
    [
        {HASH: QUERY},
        {f"sha256:{HASH}": QUERY},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [{"id": HASH, "name": "Stages", "type": "query", "body": QUERY}],
        },
    ],
)
def test_manifests_of_build_tools_are_read(add: Add, manifest: dict[str, Any]) -> None:
    assert add("documents.json", json.dumps(manifest)) == [[HASH, "Stages"]]


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("a.graphql", "query A {\n  capabilities { nothing }\n}", "a.graphql:2:18: Cannot query"),
        ("a.graphql", "query A {\n  capabilities {", "a.graphql:2:17: Syntax Error"),
        ("a.graphql", "query A { node }\nquery { node }", "a.graphql: of several operations each"),
        ("a.graphql", "query A { node } query A { node }", "a.graphql: two operations"),
        ("a.graphql", "fragment F on Order { id }", "a.graphql: holds no operation"),
        ("a.json", "{", "a.json:1:2: is not JSON"),
        ("a.json", "[]", "a.json: holds no operation"),
        ("a.json", '{"a": 1}', "a.json: must be documents by their hash"),
        ("a.json", json.dumps({"0" * 64: QUERY}), f"document {'0' * 64}: its text has the hash"),
        (
            "a.json",
            json.dumps({hashlib.sha256(b"{ nothing }").hexdigest(): "{ nothing }"}),
            "a.json:1:3: document",
        ),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(
    add: Add, name: str, text: str, place: str
) -> None:
    with pytest.raises(InputError) as caught:
        add(name, text)
    assert place in str(caught.value)


def test_a_file_that_cannot_be_read_is_said_to_be(tmp_path: Path, config: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        documents.add(tmp_path / "none.graphql", config)
    (tmp_path / "latin.graphql").write_bytes(b"# \xff")
    with pytest.raises(InputError, match="is not UTF-8"):
        documents.add(tmp_path / "latin.graphql", config)


def test_one_that_is_wrong_keeps_all_of_a_file_out(
    add: Add, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=r"operation Bad: .*nothing was added"):
        add("two.graphql", "query Good { sources { state } }\nquery Bad { nothing }")
    assert add("two.graphql", "query Good { sources { state } }")[0][1] == "Good"
    assert "1 added" not in capsys.readouterr().out


async def test_documents_are_kept_once_by_their_hash(sqlite_state: str) -> None:
    state = open_state(sqlite_state)
    assert await state.documents.add({HASH: QUERY, "b" * 64: OTHER}) == 2
    assert await state.documents.add({HASH: QUERY, "c" * 64: "ü"}) == 1
    assert [await state.documents.get(one) for one in (HASH, "c" * 64, "d" * 64)] == [
        QUERY,
        "ü",
        None,
    ]
    await state.close()


# ---------------------------------------------------------------- asking


async def test_a_trusted_document_is_run_in_every_form_it_is_named(
    add_in_thread: Callable[..., Any], ask: Callable[..., Any]
) -> None:
    await add_in_thread("stages.graphql", QUERY)
    answers = await ask(
        {"documentId": f"sha256:{HASH}"},
        {"documentId": HASH},
        {"id": HASH},
        {"extensions": apq(HASH)},
        {"documentId": HASH, "query": QUERY},
        {"query": QUERY},
    )
    assert [status for status, _ in answers] == [200] * 6
    assert all(names(body) == NAMES for _, body in answers)


async def test_nothing_else_is_run(
    add_in_thread: Callable[..., Any], ask: Callable[..., Any], code: Callable[[Any], str]
) -> None:
    await add_in_thread("stages.graphql", QUERY)
    digest = hashlib.sha256(OTHER.encode()).hexdigest()
    answers = await ask(
        {"query": OTHER},
        {"query": OTHER, "extensions": apq(digest)},
        {"documentId": digest},
        {"query": "mutation { nothing }"},
        {"query": OTHER, "documentId": HASH},
        {"query": OTHER, "extensions": apq(HASH)},
    )
    assert [(status, code(body)) for status, body in answers] == [
        (403, "FORBIDDEN"),
        (403, "FORBIDDEN"),
        (400, "PERSISTED_QUERY_NOT_FOUND"),
        (403, "FORBIDDEN"),
        (400, "BAD_REQUEST"),
        (400, "BAD_REQUEST"),
    ]


async def test_without_the_rule_trusted_and_sent_documents_go_together(
    add_in_thread: Callable[..., Any], ask: Callable[..., Any]
) -> None:
    await add_in_thread("stages.graphql", QUERY)
    digest = hashlib.sha256(OTHER.encode()).hexdigest()
    answers = await ask(
        {"documentId": HASH},
        {"query": OTHER},
        {"query": OTHER, "documentId": digest},
        {"extensions": apq(digest)},
        trusted_only=False,
    )
    assert [status for status, _ in answers] == [200] * 4


@pytest.mark.parametrize(
    "body",
    [
        {"documentId": "abc"},
        {"documentId": 7},
        {"id": "x-own:abc"},
        {"documentId": HASH, "id": "0" * 64},
        {"documentId": "0" * 64, "extensions": apq(HASH)},
        {"documentId": HASH.upper()},
    ],
)
async def test_what_is_no_hash_or_two_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], code: Callable[[Any], str]
) -> None:
    answer = await client.post("/graphql", json=body)
    assert (answer.status_code, code(answer.json())) == (400, "BAD_REQUEST")


async def test_a_get_names_its_document_by_the_address(client: httpx.AsyncClient) -> None:
    text = "{ __typename }"
    digest = hashlib.sha256(text.encode()).hexdigest()
    await client.post("/graphql", json={"query": text, "documentId": digest})
    headers = {"x-requested-with": "test"}
    answer = await client.get("/graphql", params={"documentId": digest}, headers=headers)
    assert answer.json() == {"data": {"__typename": "Query"}}
