"""Two tenants with the same ids in the same systems, each with two callers of different scopes, all
at once through the whole application: everybody gets what they get without a cache.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from connectors.httpx_sender import HttpxSender
from gateway import bootstrap
from gateway.auth import new_token
from gateway.config_file import checked
from resolvers.caller import ANY_CUSTOMER, STAFF
from sandbox.seed import build_world
from sandbox.server import Sandbox
from sandbox.world import World

SYSTEMS = {"crm": "hubspot", "shop": "shopify", "chat": "intercom"}
PII = ("identity", "contact", "content", "financial", "location", "special")
FULL = new_token("full", [ANY_CUSTOMER, STAFF, *(f"pii:{one}" for one in PII)])
BARE = new_token("bare", [ANY_CUSTOMER])
REQUESTS = 400
PEOPLE = 2

ORDERS = "orders(first: 5) { nodes { number status total { amount } lines { title quantity } } }"
TALKS = "conversations(first: 3) { nodes { state lastMessage { body author { name } } } }"
PERSON = "displayName primaryEmail primaryPhone identifiers { value }"
PATIENT = "freshness: { deadlineMs: 60000 }"
ONE = f"query ($one: String!) {{ customer(by: {{ email: $one }}, {PATIENT}) {{ %s }} }}"
QUERIES = (
    ONE % f"{PERSON} {ORDERS} {TALKS}",
    ONE % "displayName orders(first: 5) { nodes { number } }",
    ONE % f"records {{ raw }} {TALKS}",
    "query ($one: String!, $two: String!) { customers(by: [{ email: $one }, { email: $two }],"
    f" {PATIENT}) {{ {PERSON} {ORDERS} }} }}",
)
"""Each reads something else of the same people."""
SLOW_MACHINE = {"deadline_s": 200.0}


class Tenant(httpx.AsyncBaseTransport):
    """The systems of one tenant: credentials of its own open its own world, and no other."""

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.calls = Counter[str]()
        # The first are the same people in every world; the last come of its seed.
        self.emails = [one.email for one in list(world.people.values())[-PEOPLE:]]
        self._sandbox = Sandbox(world)
        self._gates = {n: httpx.ASGITransport(app=g) for n, g in self._sandbox.gates.items()}

    def token(self, vendor: str) -> str:
        return f"{self.name}-{self._sandbox.credentials[vendor]['token']}"

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        vendor = request.url.host
        self.calls[vendor] += 1
        for name, value in request.headers.items():
            if self.token(vendor) in value:
                request.headers[name] = value.replace(f"{self.name}-", "")
        return await self._gates[vendor].handle_async_request(request)


@dataclass(frozen=True)
class Asked:
    """One request; equal ones have equal answers."""

    tenant: str
    token: str
    query: str
    variables: tuple[tuple[str, str], ...]


@asynccontextmanager
async def _serving(
    tenant: Tenant, folder: Path, clock: Any, **tables: Any
) -> AsyncIterator[httpx.AsyncClient]:
    sources = {
        name: {
            "connector": vendor,
            "base_url": f"http://{vendor}",
            "token": {"env": vendor.upper()},
            "phone_region": "GB",
            "timeout_s": 60.0,
        }
        for name, vendor in SYSTEMS.items()
    }
    state = {"url": f"sqlite:///{folder / tenant.name}.db"}
    auth = {"tokens": [FULL.table, BARE.table]}
    environ = {vendor.upper(): tenant.token(vendor) for vendor in SYSTEMS.values()}
    config = checked(
        {"sources": sources, "state": state, "auth": auth, "limits": SLOW_MACHINE, **tables},
        environ,
    )
    async with bootstrap.opened(
        config, new_sender=lambda: HttpxSender(tenant), clock=clock
    ) as program:
        app = httpx.ASGITransport(app=bootstrap.application(program))
        async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1") as client:
            yield client


async def _answer(client: httpx.AsyncClient, asked: Asked) -> Any:
    headers = {"authorization": f"Bearer {asked.token}"}
    body = {"query": asked.query, "variables": dict(asked.variables)}
    got = await client.post("/graphql", json=body, headers=headers)
    told = got.json()
    assert "errors" not in told, told["errors"]
    return told["data"]


def _questions(tenants: Mapping[str, Tenant]) -> list[Asked]:
    """Everybody asks for all people of both tenants: to each, the other's are strangers."""
    emails = [email for tenant in tenants.values() for email in tenant.emails]
    pairs = zip(emails, emails[1:] + emails[:1], strict=True)
    words = [(("one", one), ("two", two)) for one, two in pairs]
    return [
        Asked(name, token, query, both if "$two" in query else both[:1])
        for name in tenants
        for token in (FULL.token, BARE.token)
        for query in QUERIES
        for both in words
    ]


@pytest.mark.parametrize("form", ["in the process", "in Redis"])
async def test_nobody_sees_what_is_not_theirs(
    form: str, tmp_path: Path, redis_url: str, clock: Any
) -> None:
    tenants = {
        name: Tenant(name, build_world(people=24, seed=seed))
        for name, seed in (("red", 7), ("blue", 8))
    }
    questions = _questions(tenants)
    expected: dict[Asked, Any] = {}
    for name, tenant in tenants.items():
        async with _serving(tenant, tmp_path, clock, cache={"records": False}) as client:
            for asked in questions:
                if asked.tenant == name:
                    expected[asked] = await _answer(client, asked)
    _are_worth_comparing(expected, tenants)

    clock.advance(timedelta(minutes=10))  # what the store has of people is too old to be taken
    before = sum(sum(tenant.calls.values()) for tenant in tenants.values())
    tables = {"redis": {"url": redis_url}} if form == "in Redis" else {}
    many = (questions * (REQUESTS // len(questions) + 1))[:REQUESTS]
    Random(5).shuffle(many)
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(_serving(tenant, tmp_path, clock, **tables))
            for name, tenant in tenants.items()
        }
        answers = await asyncio.gather(*(_answer(clients[one.tenant], one) for one in many))
    for asked, answer in zip(many, answers, strict=True):
        assert answer == expected[asked]
    calls = sum(sum(tenant.calls.values()) for tenant in tenants.values()) - before
    assert 0 < calls < REQUESTS, "without a cache it would be three times as many, and more"


def _are_worth_comparing(expected: Mapping[Asked, Any], tenants: Mapping[str, Tenant]) -> None:
    """Masked and unmasked answers, and those of the two tenants, have nothing in common to see."""
    told = {
        (name, token): json.dumps(
            [a for q, a in expected.items() if (q.tenant, q.token) == (name, token)]
        )
        for name in tenants
        for token in (FULL.token, BARE.token)
    }
    red, blue = tenants["red"], tenants["blue"]
    for own, other in ((red, blue), (blue, red)):
        assert all(email in told[own.name, FULL.token] for email in own.emails)
        assert not any(email in told[own.name, FULL.token] for email in other.emails)
        assert not any(email in told[own.name, BARE.token] for email in own.emails)
    assert '"number"' in told["red", FULL.token]
    assert '"body"' in told["red", FULL.token]
