"""`POST /webhooks/{source}`: proved over the raw body, durable before it is thanked, once each."""

import importlib.util
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.httpx_sender import HttpxSender
from domain.inbox import EntryState
from gateway.bootstrap import Program, application, opened
from gateway.config_file import checked

VENDORS = ("hubspot", "shopify", "zendesk", "intercom", "twilio", "chatwoot")
CONNECTORS = Path(__file__).parents[1] / "connectors"
PUBLIC = "https://hooks.example.com"
PLANTED = "planted-body-7f3a"
TIMED = {"hubspot", "zendesk", "chatwoot"}


def vendor(name: str) -> Any:
    """The fake vendor beside the connector's tests; it signs for a source named `here`."""
    place = CONNECTORS / name / "vendor.py"
    spec = importlib.util.spec_from_file_location(f"delivering_{name}", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Door:
    """A program that takes one vendor's deliveries, and a way in."""

    def __init__(self, program: Program, http: httpx.AsyncClient, fake: Any, secret: str) -> None:
        self.program, self.http, self.fake, self.secret = program, http, fake, secret
        self.clock: Any = program.clock

    def signed(self, **how: Any) -> Any:
        return self.fake.delivery(self.clock.now(), how.pop("secret", self.secret), **how)

    async def post(self, delivery: Any, **headers: str) -> httpx.Response:
        return await self.http.post(
            delivery.url.removeprefix(PUBLIC),
            content=delivery.body,
            headers={**delivery.headers, **headers},
        )

    async def entries(self, state: EntryState | None = EntryState.WAITING) -> list[Any]:
        return await self.program.state.inbox.entries(state, None, 1_000)

    def figure(self, outcome: str) -> float:
        text = self.program.telemetry.exposition().decode()
        name = f'knownas_webhook_events_total{{outcome="{outcome}",source="here"}} '
        return sum(
            float(line.removeprefix(name)) for line in text.splitlines() if line.startswith(name)
        )


Enter = Callable[..., Any]


@pytest.fixture
def enter(tmp_path: Path, clock: Any) -> Enter:
    @asynccontextmanager
    async def run(name: str, **more: Any) -> AsyncIterator[Door]:
        fake = vendor(name)
        secret = fake.SECRETS["webhook_secret" if "webhook_secret" in fake.SECRETS else "token"]
        environ = {f"S_{key.upper()}": text for key, text in fake.SECRETS.items()}
        environ["S_OLD"] = "the old secret"
        source = {
            "connector": name,
            "base_url": "https://vendor.example",
            **{key: {"env": f"S_{key.upper()}"} for key in fake.SECRETS},
            **fake.OPTIONS,
            **more.pop("source", {}),
        }
        tables = {
            "server": {"public_url": PUBLIC},
            "state": {"url": f"sqlite:///{tmp_path}/state.db"},
            "sources": {"here": source},
            **more,
        }
        silent = httpx.MockTransport(lambda _: httpx.Response(503))
        config = checked(tables, environ)
        async with opened(config, new_sender=lambda: HttpxSender(silent), clock=clock) as program:
            transport = httpx.ASGITransport(app=application(program))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
                yield Door(program, http, fake, secret)

    return run


@pytest.mark.parametrize("name", VENDORS)
async def test_a_genuine_delivery_is_durable_once_it_is_thanked(enter: Enter, name: str) -> None:
    async with enter(name) as door:
        answer = await door.post(door.signed())
        assert (answer.status_code, answer.content) == (200, b"")
        kept = [one.event for one in await door.entries()]
        assert kept
        assert {event.key.source for event in kept} == {"here"}
        assert door.figure("accepted") == len(kept)


@pytest.mark.parametrize("name", VENDORS)
async def test_a_repeated_delivery_is_thanked_and_kept_once(enter: Enter, name: str) -> None:
    async with enter(name) as door:
        await door.post(door.signed())
        before = await door.entries()
        door.clock.advance(timedelta(minutes=1))
        assert (await door.post(door.signed())).status_code == 200
        assert await door.entries() == before
        assert door.figure("duplicate") == len(before)


@pytest.mark.parametrize("name", VENDORS)
async def test_what_is_not_signed_is_refused_and_not_kept(
    enter: Enter, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with enter(name) as door:
        forged = [
            door.signed(secret="somebody else's"),
            door.signed(body=PLANTED.encode(), secret="somebody else's"),
        ]
        answers = [await door.post(one) for one in forged]
        answers.append(await door.http.post("/webhooks/here", content=forged[0].body))
        assert {answer.status_code for answer in answers} == {401}
        assert {answer.json()["errors"][0]["extensions"]["code"] for answer in answers} == {
            "UNAUTHENTICATED"
        }
        assert await door.entries(None) == []
        assert door.figure("bad_signature") == 3
        told = caplog.text + "".join(answer.text for answer in answers)
        assert "planted" not in told + door.program.telemetry.exposition().decode()


@pytest.mark.parametrize("name", sorted(TIMED))
async def test_what_was_signed_too_long_ago_is_refused(enter: Enter, name: str) -> None:
    async with enter(name) as door:
        delivery = door.signed()
        door.clock.advance(timedelta(minutes=5, seconds=1))
        assert (await door.post(delivery)).status_code == 401
        assert door.figure("too_old") == 1
        assert await door.entries(None) == []


async def test_both_secrets_are_taken_while_one_replaces_the_other(enter: Enter) -> None:
    async with enter("zendesk", source={"webhook_secret_previous": {"env": "S_OLD"}}) as door:
        assert (await door.post(door.signed(secret="the old secret"))).status_code == 200
        assert (await door.post(door.signed())).status_code == 200
        assert (await door.post(door.signed(secret="another"))).status_code == 401


async def test_the_address_is_the_public_one_and_not_what_arrives_behind_a_proxy(
    enter: Enter,
) -> None:
    """HubSpot signs it; behind a proxy it is not what arrives."""
    async with enter("hubspot") as door:
        assert (await door.post(door.signed(), host="10.0.0.7:8000")).status_code == 200
    async with enter("hubspot", server={"public_url": "https://other.example"}) as door:
        assert (await door.post(door.signed())).status_code == 401


async def test_a_source_without_secret_or_without_name_takes_nothing(enter: Enter) -> None:
    async with enter("shopify") as door:
        for path, status in (("/webhooks/here", 200), ("/webhooks/there", 404)):
            assert (await door.http.head(path)).status_code == status
        assert (await door.http.post("/webhooks/there", content=b"{}")).status_code == 404
        assert (await door.http.get("/webhooks/here")).status_code == 405


async def test_a_body_has_a_bound(enter: Enter) -> None:
    async with enter("shopify", inbox={"body_bytes": 1_000}) as door:
        large = door.signed(body=b'{"x":"' + b"y" * 2_000 + b'"}')
        assert (await door.post(large)).status_code == 413
        assert door.figure("too_large") == 1
        assert (await door.post(door.signed(body=b'{"id": 1}'))).status_code == 200


async def test_a_full_inbox_says_come_again_and_keeps_what_it_took(enter: Enter) -> None:
    async with enter("zendesk", inbox={"most_waiting": 2}) as door:
        body = json.loads(door.signed().body)
        deliveries = [
            door.signed(body=json.dumps({**body, "id": f"event-{n}"}).encode()) for n in range(4)
        ]
        answers = [await door.post(one) for one in deliveries]
        assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
        assert int(answers[2].headers["retry-after"]) > 0
        assert answers[2].json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert sorted(one.event_id for one in await door.entries()) == ["event-0", "event-1"]
        claim = await door.program.state.inbox.claim(10, 60)
        await door.program.state.inbox.settle(claim, done=claim.entries, again=[], limit=5)
        assert (await door.post(deliveries[2])).status_code == 200
        assert [one.event_id for one in await door.entries()] == ["event-2"]


async def test_what_is_genuine_and_cannot_be_read_is_kept_as_it_came(
    enter: Enter, caplog: pytest.LogCaptureFixture
) -> None:
    async with enter("shopify") as door:
        delivery = door.signed(body=f'["{PLANTED}"]'.encode())
        for _ in range(2):
            assert (await door.post(delivery)).status_code == 200
        (dead,) = await door.entries(EntryState.DEAD)
        assert dead.unread.body == delivery.body
        assert dict(dead.unread.headers)["x-shopify-topic"] == "customers/update"
        assert "planted" not in caplog.text + repr(dead) + (dead.reason or "")


async def test_a_store_that_fails_is_no_thank_you(enter: Enter) -> None:
    async with enter("shopify") as door:
        await door.program.state.close()
        answer = await door.post(door.signed())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert door.figure("not_kept") == 1
