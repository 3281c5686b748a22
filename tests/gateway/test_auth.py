"""Who may call, and from where."""

import hashlib
import logging
import tomllib
from typing import Any

import httpx
import pytest

from gateway import auth
from gateway.auth import Doorkeeper, doorkeeper, new_token
from gateway.config_file import checked
from gateway.refusals import NotAllowed, Unauthenticated
from gateway.scopes import SCOPES

TOKEN = "kn_support-desk-token"
OTHER = "kn_visitor-token"


def _table(name: str, token: str, *scopes: str) -> dict[str, Any]:
    digest = hashlib.sha256(token.encode()).hexdigest()
    return {"name": name, "sha256": digest, "scopes": list(scopes)}


TOKENS = {
    "tokens": [_table("desk", TOKEN, "customer:any", "pii:contact"), _table("page", OTHER)],
}


@pytest.fixture
def door() -> Doorkeeper:
    return doorkeeper(checked({"auth": TOKENS}, {}))


def test_a_token_is_its_caller_with_its_scopes(door: Doorkeeper) -> None:
    caller = door.identify(f"Bearer {TOKEN}", "graph.example.com")
    assert (caller.name, caller.scopes) == ("desk", {"customer:any", "pii:contact"})
    assert door.identify(f"bearer  {OTHER} ", None).scopes == frozenset()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {hashlib.sha256(TOKEN.encode()).hexdigest()}",
        "Bearer " + "x" * 10_000,
        "Bearer \xff",
    ],
)
def test_anything_else_is_refused_without_saying_what_it_was(door: Doorkeeper, header: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        door.identify(header, "127.0.0.1")
    assert TOKEN not in str(caught.value)


def test_every_known_token_is_compared_whichever_matches(
    door: Doorkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bytes] = []

    def compare(known: bytes, presented: bytes) -> bool:
        compared.append(known)
        return known == presented

    monkeypatch.setattr(auth.hmac, "compare_digest", compare)
    door.identify(f"Bearer {TOKEN}", None)
    assert len(compared) == 2


def test_with_tokens_a_caller_without_one_is_refused_even_on_loopback(door: Doorkeeper) -> None:
    with pytest.raises(Unauthenticated):
        door.identify(None, "127.0.0.1")


def test_without_any_auth_a_caller_on_loopback_has_every_scope() -> None:
    caller = doorkeeper(checked({}, {})).identify(None, "localhost:8000")
    assert (caller.name, caller.scopes) == ("anonymous", SCOPES)


def test_what_a_caller_without_a_token_may_can_be_said() -> None:
    tables = {"auth": {**TOKENS, "anonymous_scopes": ["customer:any"]}}
    door = doorkeeper(checked(tables, {}))
    assert door.identify(None, "[::1]:8000").scopes == {"customer:any"}
    assert door.identify(f"Bearer {OTHER}", "x").scopes == frozenset()


@pytest.mark.parametrize(
    "host", [None, "", "evil.example", "evil.example:8000", "10.0.0.1", "[::1"]
)
def test_a_name_that_leads_here_from_outside_opens_nothing_without_a_token(
    host: str | None,
) -> None:
    with pytest.raises(NotAllowed):
        doorkeeper(checked({}, {})).identify(None, host)


async def test_a_refusal_says_that_a_bearer_token_is_wanted(make_server: Any, code: Any) -> None:
    async with make_server(auth=TOKENS).client() as client:
        for path in ("/graphql", "/metrics", "/schema.graphql"):
            method = "POST" if path == "/graphql" else "GET"
            answer = await client.request(method, path, json={"query": "{__typename}"})
            assert answer.status_code == 401
            assert code(answer.json()) == "UNAUTHENTICATED"
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_resolvers_are_told_who_calls(make_server: Any) -> None:
    async with make_server(auth=TOKENS).client() as client:
        answer = await client.post(
            "/graphql",
            json={"query": "{ caller }"},
            headers={"authorization": f"Bearer {TOKEN}"},
        )
    assert answer.json() == {"data": {"caller": ["desk", "customer:any", "pii:contact"]}}


async def test_a_token_is_in_no_log_and_no_answer(
    make_server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with make_server(auth=TOKENS).client() as client:
        for token in (TOKEN, f"{TOKEN}-wrong"):
            answer = await client.post(
                "/graphql",
                json={"query": "{ nothing }"},
                headers={"authorization": f"Bearer {token}"},
            )
            assert token not in answer.text
    assert TOKEN not in caplog.text
    assert TOKEN not in " ".join(str(r.__dict__) for r in caplog.records)


def test_a_new_token_comes_with_the_lines_that_let_it_in() -> None:
    made = new_token("desk", ["customer:any", "pii:contact"])
    assert made.token not in made.lines
    config = checked(tomllib.loads(made.lines), {})
    caller = doorkeeper(config).identify(f"Bearer {made.token}", None)
    assert (caller.name, caller.scopes) == ("desk", {"customer:any", "pii:contact"})
    assert new_token("desk", []).token != made.token


async def test_a_page_of_another_loopback_origin_may_call(make_server: Any) -> None:
    tables = {"server": {"allowed_origins": ["http://127.0.0.1:*"]}, "auth": TOKENS}
    async with make_server(**tables).client() as client:
        origin = {"origin": "http://127.0.0.1:5173"}
        preflight = await client.options("/graphql", headers={**origin, **_asking("POST")})
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == origin["origin"]
        allowed = preflight.headers["access-control-allow-headers"].lower()
        assert {"authorization", "content-type"} <= set(allowed.split(", "))
        answer = await client.post(
            "/graphql",
            json={"query": "{ caller }"},
            headers={**origin, "authorization": f"Bearer {OTHER}"},
        )
        assert answer.json() == {"data": {"caller": ["page"]}}
        assert answer.headers["access-control-allow-origin"] == origin["origin"]
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://127.0.0.1.evil.example:5173",
        "http://127.0.0.1:5173.evil.example",
        "https://127.0.0.1:5173",
        "http://localhost:5173",
        "null",
    ],
)
async def test_a_page_of_any_other_origin_may_not(make_server: Any, origin: str) -> None:
    async with make_server(server={"allowed_origins": ["http://127.0.0.1:*"]}).client() as client:
        preflight = await client.options("/graphql", headers={"origin": origin, **_asking("POST")})
        assert preflight.status_code == 400
        assert "access-control-allow-origin" not in preflight.headers
        answer = await client.post(
            "/graphql", json={"query": "{__typename}"}, headers={"origin": origin}
        )
        assert "access-control-allow-origin" not in answer.headers


async def test_refusals_can_be_read_by_pages_too(make_server: Any) -> None:
    tables = {"server": {"allowed_origins": ["https://desk.example"]}, "auth": TOKENS}
    async with make_server(**tables).client() as client:
        answer = await client.post("/graphql", headers={"origin": "https://desk.example"})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == "https://desk.example"


async def test_no_origin_is_allowed_unless_it_is_named(client: httpx.AsyncClient) -> None:
    headers = {"origin": "http://127.0.0.1:5173", **_asking("POST")}
    assert (await client.options("/graphql", headers=headers)).status_code == 400


def _asking(method: str) -> dict[str, str]:
    return {
        "access-control-request-method": method,
        "access-control-request-headers": "authorization, content-type",
    }
