"""`/mcp`: what agents may call, as whom, and what they are told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from graphql import parse, validate
from jsonschema import Draft202012Validator

from domain.errors import SourceUnavailable
from domain.ids import Kind
from gateway.app import Parts, build_app
from gateway.auth import doorkeeper, new_token
from gateway.config_file import checked
from gateway.documents import Documents
from gateway.endpoint import Graph, GraphQLEndpoint
from gateway.execution.executor import ReferenceExecutor
from gateway.hosts import Origin
from gateway.mcp.answers import UNTRUSTED, told
from gateway.mcp.mount import Agents
from gateway.mcp.tools import TOOLS
from gateway.prices import PriceList
from gateway.probes import Probes
from gateway.telemetry import PrometheusTelemetry
from resolvers.caller import ANY_CUSTOMER, STAFF
from schema.graph import build_schema

CLASSES = ("identity", "contact", "content", "financial", "location", "special")
AGENT = new_token("agent", [ANY_CUSTOMER, STAFF, *(f"pii:{one}" for one in CLASSES)])
MASKED = new_token("masked", [ANY_CUSTOMER])
ORIGIN = "https://desk.example"


@pytest.fixture(scope="module")
def schema() -> Any:
    return build_schema()


@pytest.fixture
def world(fixture_module: Any) -> Any:
    world = fixture_module("world").World()
    world.alice()
    return world


class Desk:
    """An agent's side of the protocol."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self._http = http
        self._token = token

    async def post(self, method: str, headers: dict[str, str] | None = None, **params: Any) -> Any:
        said = {
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2025-06-18",
            **({"authorization": f"Bearer {self._token}"} if self._token else {}),
            **(headers or {}),
        }
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return await self._http.post("/mcp", json=body, headers=said)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        answer = await self.post("tools/call", name=tool, arguments=arguments)
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()["result"]
        return result


@pytest.fixture
def serving(schema: Any, world: Any) -> Any:
    @asynccontextmanager
    async def run(token: str = AGENT.token) -> AsyncIterator[Desk]:
        config = checked(
            {
                "auth": {"tokens": [AGENT.table, MASKED.table]},
                "server": {"allowed_origins": [ORIGIN]},
            },
            {},
        )
        door = doorkeeper(config)
        graph = Graph(
            schema=schema._schema,
            documents=Documents(schema._schema, config.limits, introspection=True),
            prices=PriceList(schema.as_str()),
            executor=ReferenceExecutor(schema, hide_suggestions=False),
            limits=config.limits,
            hide_suggestions=False,
        )
        telemetry = PrometheusTelemetry("test")

        def operation(caller: Any, deadline_s: float, read_only: bool) -> Any:
            return world.operation(caller, deadline_s=deadline_s, read_only=read_only)

        endpoint = GraphQLEndpoint(graph, door, operation, telemetry)

        async def ping() -> None:
            return None

        agents = Agents(
            door,
            [Origin.parse(ORIGIN)],
            lambda protocol: protocol.manager(endpoint, schema._schema, "1"),
        )
        app = build_app(
            Parts(
                config=config,
                doorkeeper=door,
                endpoint=endpoint,
                probes=Probes(ping, {}),
                telemetry=telemetry,
                sdl="",
                query="",
                more=[agents.route],
            )
        )
        transport = httpx.ASGITransport(app=app)
        async with (
            agents.running(),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http,
        ):
            yield Desk(http, token)

    return run


# ---------------------------------------------------------------- what there is


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_document_is_one_of_the_graph(schema: Any, tool: Any) -> None:
    assert validate(schema._schema, parse(tool.document)) == []


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_every_schema_is_a_json_schema_without_free_arguments(tool: Any) -> None:
    Draft202012Validator.check_schema(dict(tool.arguments))
    Draft202012Validator.check_schema(dict(tool.answer))
    assert tool.arguments["additionalProperties"] is False


async def test_three_tools_are_listed_and_only_read(serving: Any) -> None:
    async with serving() as desk:
        tools = (await desk.post("tools/list")).json()["result"]["tools"]
    assert [one["name"] for one in tools] == [
        "find_customer",
        "customer_context",
        "customer_journey",
    ]
    assert all(one["annotations"]["readOnlyHint"] for one in tools)
    assert all("outputSchema" in one for one in tools)


# ---------------------------------------------------------------- who calls


async def test_nobody_is_answered_without_a_token(serving: Any) -> None:
    async with serving(token="") as desk:
        assert (await desk.post("tools/list")).status_code == 401


async def test_a_page_of_another_site_is_refused(serving: Any) -> None:
    async with serving() as desk:
        refused = await desk.post("tools/list", headers={"origin": "https://evil.example"})
        allowed = await desk.post("tools/list", headers={"origin": ORIGIN})
    assert (refused.status_code, allowed.status_code) == (403, 200)


async def test_an_agent_sees_what_its_token_may_see(serving: Any) -> None:
    async with serving(MASKED.token) as desk:
        result = await desk.call("find_customer", email="alice@example.com")
    found = result["structuredContent"]["customerLookup"]
    assert found["primaryEmail"] == "a***@e***.com"
    assert found["displayName"] == {UNTRUSTED: "A. E."}


# ---------------------------------------------------------------- what is told


async def test_how_whole_an_answer_is_comes_first(serving: Any) -> None:
    async with serving() as desk:
        result = await desk.call("customer_journey", customer="cus_alice")
    customer = result["structuredContent"]["customer"]
    assert list(customer)[:2] == ["completeness", "sources"]
    assert next(iter(customer["timeline"])) == "completeness"
    assert [one["__typename"] for one in customer["timeline"]["nodes"]] == [
        "Conversation",
        "Order",
        "Ticket",
        "Order",
    ]


async def test_words_of_customers_are_marked_as_theirs(serving: Any) -> None:
    async with serving() as desk:
        result = await desk.call("customer_journey", customer="cus_alice")
    nodes = result["structuredContent"]["customer"]["timeline"]["nodes"]
    assert nodes[2]["subject"] == {UNTRUSTED: "Where is it?"}


async def test_a_dead_source_is_told_before_anything_else(serving: Any, world: Any) -> None:
    world["desk"].broken[Kind.TICKET] = SourceUnavailable("desk", "503")
    async with serving() as desk:
        result = await desk.call("customer_journey", customer="cus_alice")
    found = result["structuredContent"]
    assert next(iter(found)) == "errors"
    assert {(one["code"], one["system"]) for one in found["errors"]} == {
        ("SOURCE_UNAVAILABLE", "desk")
    }
    assert found["customer"]["completeness"] == "PARTIAL"
    assert not result.get("isError")


async def test_a_key_that_leads_to_nobody_is_an_answer(serving: Any) -> None:
    async with serving() as desk:
        result = await desk.call("find_customer", email="nobody@example.com")
    assert result["structuredContent"]["customerLookup"]["__typename"] == "CustomerNotFound"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("find_customer", {}),
        ("find_customer", {"email": "a@b.c", "phone": "1"}),
        ("find_customer", {"query": "{ sources { state } }"}),
        ("customer_context", {"customer": "cus_1", "purpose": "CURIOSITY"}),
        ("customer_journey", {"customer": "1"}),
        ("drop_table", {}),
    ],
)
async def test_what_does_not_fit_is_refused_without_repeating_it(
    serving: Any, tool: str, arguments: dict[str, Any]
) -> None:
    async with serving() as desk:
        result = await desk.call(tool, **arguments)
    assert result["isError"]
    assert "CURIOSITY" not in result["content"][0]["text"]


# ---------------------------------------------------------------- the budget


def test_the_end_of_the_longest_list_is_left_out_and_counted() -> None:
    data = {
        "customer": {
            "sources": [{"system": {"name": "x" * 200}}],
            "timeline": {"nodes": [{"id": str(n) * 50} for n in range(9)]},
        }
    }
    found = told(data, frozenset(), 150)
    kept = found["customer"]["timeline"]["nodes"]
    assert found["left_out"] == {"customer.timeline.nodes": 9 - len(kept)}
    assert [one["id"][0] for one in kept] == [str(n) for n in range(len(kept))]
    assert found["customer"]["sources"] == data["customer"]["sources"]


def test_where_no_list_is_left_texts_are_cut() -> None:
    found = told({"customer": {"goal": {"text": "word " * 500}}}, frozenset({"text"}), 50)
    text = found["customer"]["goal"]["text"][UNTRUSTED]
    assert text.endswith("…")
    assert len(text) <= 200
    assert found["texts_cut"] > 0


def test_what_fits_is_told_whole() -> None:
    data = {"customer": {"id": "cus_1", "completeness": "COMPLETE"}}
    found = told(data, frozenset(), 200)
    assert found == data
    assert list(found["customer"]) == ["completeness", "id"]


async def test_a_protocol_that_does_not_begin_fails_its_request_and_is_begun_anew() -> None:
    class Broken:
        @asynccontextmanager
        async def run(self) -> AsyncIterator[None]:
            raise RuntimeError("on purpose")
            yield

    tries = []

    def made(_protocol: Any) -> Broken:
        tries.append(1)
        return Broken()

    agents = Agents(doorkeeper(checked({}, {})), [], made)
    async with agents.running():
        for _ in range(2):
            async with asyncio.timeout(30):
                with pytest.raises(RuntimeError, match="on purpose"):
                    await agents._started()
    assert len(tries) == 2
