"""Fixtures for tests of the shared layer and of connectors."""

import asyncio
import importlib.util
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any

import httpx
import pytest

from connectors.auth import Bearer, Secret
from connectors.http import Http
from connectors.httpx_sender import HttpxSender
from connectors.monitor import Monitor
from connectors.registry import build_source, load_connector
from connectors.settings import SourceSettings
from connectors.spec import Figure, Limits, Rate
from domain.provenance import System
from domain.vocabulary import SystemKind
from sandbox.gate import Gate
from sandbox.seed import build_world
from sandbox.vendors import VENDORS
from sandbox.world import World

HERE = Path(__file__).parent


def _loaded(name: str, file: str) -> ModuleType:
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / file)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def _harness() -> ModuleType:
    return _loaded("connector_harness", "harness.py")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Time is virtual for tests that ask for it, or for something that needs it."""
    if {"virtual_time", "layer", "line"} & set(getattr(item, "fixturenames", ())):
        return {"virtual": _harness().VirtualLoop}
    return {"real": asyncio.new_event_loop}


@pytest.fixture(scope="session")
def harness() -> ModuleType:
    return _harness()


@pytest.fixture
def virtual_time() -> None:
    """Waiting takes no time."""


@pytest.fixture
def line(request: pytest.FixtureRequest, harness: ModuleType) -> Any:
    """A connector and its fake vendor; parametrized indirectly with the connector's name."""
    return harness.Line.open(request.param)


@pytest.fixture
def taps(harness: ModuleType) -> Iterator[Any]:
    """Every line logged during the test."""
    taps, root = harness.Taps(), logging.getLogger()
    level = root.level
    root.addHandler(taps)
    root.setLevel(logging.DEBUG)
    yield taps
    root.removeHandler(taps)
    root.setLevel(level)


@pytest.fixture
def layer(harness: ModuleType) -> Callable[..., Any]:
    """Makes the shared layer in front of a vendor that is a function.

    The result has `http`, `calls` (requests that arrived), `tally` and `clock`.
    """

    def make(
        answer: Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]],
        *,
        credential: str = "planted-token",
        concurrency: int = 4,
        rates: dict[str, tuple[int, float]] | None = None,
        max_bytes: int = 1_000_000,
        calls: list[httpx.Request] | None = None,
        **more: Any,
    ) -> Any:
        arrived: list[httpx.Request] = [] if calls is None else calls

        async def respond(request: httpx.Request) -> httpx.Response:
            arrived.append(request)
            response = answer(request)
            return response if isinstance(response, httpx.Response) else await response

        clock, tally = harness.Clock(), harness.Tally()
        limits = Limits(
            concurrency=Figure(concurrency, "the test says so"),
            rates={
                lane: Rate(Figure(amount, "the test says so"), period)
                for lane, (amount, period) in (rates or {}).items()
            },
            max_bytes=Figure(max_bytes, "the test says so"),
        )
        system = System(name="here", kind=SystemKind.CRM, connector="made up")
        http = Http(
            source="here",
            base_url="https://vendor.example/base/",
            sender=more.pop("sender", None) or HttpxSender(httpx.MockTransport(respond)),
            authenticator=more.pop("authenticator", None)
            or Bearer().open("here", {"token": Secret(credential)}, {}),
            limits=limits,
            clock=clock,
            monitor=Monitor(system, clock, tally),
            dice=Random(7),
            rates=more.pop("plan", None),
            **more,
        )
        return SimpleNamespace(http=http, calls=arrived, tally=tally, clock=clock)

    return make


@pytest.fixture
async def wire() -> AsyncIterator[Callable[..., Awaitable[str]]]:
    """Starts servers on loopback that speak raw bytes: `await wire(talk)` gives the address.

    `talk(reader, writer)` is run for each connection, and cancelled when the test ends.
    """
    servers: list[asyncio.Server] = []
    talks: set[asyncio.Task[None]] = set()

    async def start(talk: Callable[..., Awaitable[None]]) -> str:
        async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talks.add(task)
            try:
                await talk(reader, writer)
            except (ConnectionError, asyncio.CancelledError):
                pass
            finally:
                talks.discard(task)
                writer.close()

        server = await asyncio.start_server(guarded, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()
    for task in list(talks):
        task.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


@pytest.fixture(scope="session")
def made_up() -> ModuleType:
    """The made-up vendor's module."""
    return _loaded("connector_made_up", "made_up.py")


@pytest.fixture
def made(harness: ModuleType, made_up: ModuleType) -> Callable[..., Any]:
    """A source over a made-up vendor that answers by `answer(path, body)`, and its calls. Its clock
    starts 30 days after the vendor's time.
    """

    def make(answer: Callable[[str, Any], Any], **more: Any) -> Any:
        clock = more.pop("clock", None) or harness.Clock(made_up.T0 + timedelta(days=30))
        return made_up.make(answer, clock, more.pop("telemetry", None) or harness.Tally(), **more)

    return make


@pytest.fixture
def sandboxed(clock: Any, harness: ModuleType) -> Callable[..., Any]:
    """Puts a source before an emulated platform, without a socket.

    The result has the `world` behind it, the emulator's `calls` and `faults`, and the `source`.
    """

    def opened(name: str, *, people: int = 90, world: World | None = None, **settings: Any) -> Any:
        held = world or build_world(people=people, seed=7, now=clock.now(), clock=clock.now)
        vendor = next(each for each in VENDORS if each.name == name)
        gate = Gate(vendor.build(held), vendor.dialect)
        spec = load_connector(name).spec
        given = {
            o.name: vendor.credentials.get(o.name, "") for o in spec.options if o.default == ""
        }
        options = {
            **given,
            **{o.name: vendor.credentials[o.name] for o in spec.options if o.default is None},
            **settings.pop("options", {}),
        }
        source = build_source(
            "here",
            SourceSettings(
                connector=name,
                base_url="http://sandbox.test",
                secrets={n: Secret(vendor.credentials[n]) for n in spec.auth.secrets},
                options=options,
                rates=dict.fromkeys(spec.limits.rates, 100_000.0),
                **settings,
            ),
            HttpxSender(httpx.ASGITransport(app=gate)),
            clock=clock,
            telemetry=harness.Tally(),
            dice=Random(7),
        )
        return SimpleNamespace(world=held, calls=gate.calls, faults=gate.faults, source=source)

    return opened
