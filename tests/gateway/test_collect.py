"""Calls of sites, in the format of Segment's tracking API, in one process."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from domain.ids import Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import Contact, Visit
from domain.vocabulary import SystemKind
from gateway import bootstrap
from gateway.auth import new_token
from gateway.bootstrap import Program
from gateway.config_file import checked

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SERVER = new_token("server", [])
PAGE_KEY = "pk_shop_public"
SITE = "https://shop.example"


@pytest.fixture
async def program(clock: Any, tmp_path: Any) -> AsyncIterator[Program]:
    clock.set(NOON)
    site = {"system": "shop", "write_key": PAGE_KEY, "server_key": SERVER.table["sha256"]}
    tables = {
        "server": {"allowed_origins": [SITE]},
        "state": {"url": f"sqlite:///{tmp_path}/own.db"},
        "live_record": {"systems": {"shop": "WEB"}, "sites": [site], "collect_bytes": 4_000},
    }
    async with bootstrap.opened(checked(tables, {}), clock=clock) as opened:
        yield opened


@pytest.fixture
async def client(program: Program) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=bootstrap.application(program))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture
def collect(client: httpx.AsyncClient) -> Callable[..., Any]:
    async def send(key: str = PAGE_KEY, **body: Any) -> Any:
        return (await client.post("/collect", json={"writeKey": key, **body})).json()

    return send


def page(number: int, **more: Any) -> dict[str, Any]:
    at = NOON - timedelta(minutes=30 - number)
    return {
        "type": "page",
        "messageId": f"m{number}",
        "anonymousId": "v1",
        "timestamp": at.isoformat(),
        "context": {
            "sessionId": "s1",
            "page": {
                "url": f"{SITE}/p{number}?email=a@b.example",
                "referrer": "https://x.example/?q",
            },
        },
        **more,
    }


async def visit(program: Program, one: str = "v1/s1") -> Any:
    (found,) = await program.services.events.interactions([SourceKey("shop", Kind.VISIT, one)])
    return found


async def anna(program: Program) -> str:
    contact = Contact(
        key=SourceKey("crm", Kind.CONTACT, "1"),
        provenance=Provenance(
            system=System(name="crm", kind=SystemKind.CRM, connector="test"),
            external_id="1",
            fetched_at=NOON,
        ),
        full_name="Anna Lindqvist",
        emails=("anna@mail.example",),
        account_number="77120",
    )
    return (await program.people.adopt([contact]))[0]


async def held(program: Program, customer: str) -> set[str]:
    (cluster,) = await program.people.clusters([customer])  # type: ignore[list-item]
    assert cluster is not None
    return {
        one.key.external_id
        for one in await program.services.events.of_contacts(cluster.members, first=9)
    }


async def test_pages_of_a_session_are_one_visit_told_once(program: Program, collect: Any) -> None:
    batch = [page(1), page(2), {**page(3), "type": "track", "event": "Added", "name": None}]
    assert await collect(batch=batch) == {
        "success": True, "accepted": 3, "duplicates": 0, "refused": [],
    }  # fmt: skip
    assert (await collect(batch=batch))["duplicates"] == 3
    found = await visit(program)
    assert isinstance(found.record, Visit)
    assert (found.record.pages, found.record.referrer) == (2, "https://x.example/")
    events = await program.services.events.activities(0, 9)
    assert [one.kind.value for one in events] == ["STARTED", "UPDATED", "UPDATED"]
    assert "a@b.example" not in repr(found)


async def test_a_single_call_by_basic_authentication_without_a_session_is_a_day(
    program: Program, client: httpx.AsyncClient
) -> None:
    encoded = base64.b64encode(f"{PAGE_KEY}:".encode()).decode()
    body = {**page(1), "context": {}, "messageId": None}
    for _ in range(2):
        answer = await client.post(
            "/collect", json=body, headers={"authorization": f"Basic {encoded}"}
        )
    assert answer.json()["duplicates"] == 1
    assert await visit(program, "v1/2026-03-02") is not None


async def test_what_a_page_says_of_its_user_opens_nothing(program: Program, collect: Any) -> None:
    customer = await anna(program)
    traits = {"email": "anna@mail.example"}
    told = await collect(**page(1), userId="77120", traits=traits)
    assert told["accepted"] == 1
    assert await held(program, customer) == set()


async def test_what_its_server_says_does_and_with_consent_what_was_before(
    program: Program, collect: Any, clock: Any
) -> None:
    customer = await anna(program)
    asked = {**page(1), "type": "track", "event": "Question Asked"}
    await collect(**asked, properties={"text": "Does it fit?"})
    context = {"sessionId": "s2", "consent": {"categoryPreferences": {"Personalization": False}}}
    login = {"type": "identify", "messageId": "l1", "anonymousId": "v1", "userId": "77120"}
    await collect(SERVER.token, **login, context=context)
    assert await held(program, customer) == {"v1/s2"}
    context["consent"] = True
    before = (NOON - timedelta(minutes=1)).isoformat()
    late = {**login, "messageId": "l2", "timestamp": before}
    await collect(SERVER.token, **late, context=context)
    assert await held(program, customer) == {"v1/s2"}, "the latest word on consent is no"
    clock.advance(timedelta(minutes=1))
    await collect(SERVER.token, **{**login, "messageId": "l3"}, context=context)
    assert await held(program, customer) == {"v1/s2", "v1/s1/messages"}
    (chat,) = await program.services.events.interactions(
        [SourceKey("shop", Kind.CONVERSATION, "v1/s1/messages")]
    )
    assert chat is not None
    assert [one.body for one in chat.messages or ()] == ["Does it fit?"]


async def test_who_does_not_want_to_be_told_of_is_not(program: Program, collect: Any) -> None:
    told = await collect(**page(1), integrations={"All": False})
    assert told["accepted"] == 0
    assert (await collect(**page(2), integrations={"All": False, "knownas": True}))["accepted"] == 1


async def test_a_clock_that_is_wrong_is_set_right_by_when_it_was_sent(
    program: Program, collect: Any
) -> None:
    at = NOON + timedelta(days=400)
    sent = (at + timedelta(seconds=90)).isoformat()
    await collect(**{**page(1), "timestamp": at.isoformat()}, sentAt=sent)
    assert (await visit(program)).record.occurred_at == NOON - timedelta(seconds=90)


REFUSED: list[tuple[Any, int]] = [
    ({"writeKey": "pk_somebody_else", "type": "page"}, 401),
    ({"type": "page"}, 401),
    ({"writeKey": PAGE_KEY, "batch": "x"}, 400),
    ({"writeKey": PAGE_KEY, "type": "page"}, 400),
    ({"writeKey": PAGE_KEY, "type": "page", "anonymousId": "v" * 9_000}, 413),
    ([], 400),
]


async def test_what_is_no_call_of_a_site_is_refused(client: httpx.AsyncClient) -> None:
    answers = [(await client.post("/collect", json=body)).status_code for body, _ in REFUSED]
    assert answers == [status for _, status in REFUSED]
    form = await client.post("/collect", data={"writeKey": PAGE_KEY})
    assert form.status_code == 415


async def test_a_page_may_send_as_it_is_left_and_from_its_origin_only(
    client: httpx.AsyncClient,
) -> None:
    body = json.dumps({"writeKey": PAGE_KEY, **page(1)})
    for origin, allowed in ((SITE, SITE), ("https://evil.example", None)):
        headers = {"origin": origin, "content-type": "text/plain;charset=UTF-8"}
        answer = await client.post("/collect", content=body, headers=headers)
        assert answer.status_code == 200
        assert answer.headers.get("access-control-allow-origin") == allowed
    snippet = await client.get("/collect.js")
    assert "javascript" in snippet.headers["content-type"]
    assert "http" not in snippet.text.replace("https://graph.example.com", "")
