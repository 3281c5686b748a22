"""The product over the emulated platforms: its command line and HTTP, each in a process of its own
(servers are started anew, commands by tests/fixtures/forked.py).

One sandbox and one synced and resolved state serve the whole session; a test that changes the state
gets a copy of it, and one that changes the platforms gets platforms of its own. Where a test needs
faults, short timeouts or a clock, the same program runs inside the test, over real HTTP to the
platforms.
"""

import asyncio
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.bootstrap import application, opened
from gateway.config_file import load
from sandbox.seed import build_world
from sandbox.world import World

ROOT = Path(__file__).parents[2]
SYSTEMS = {"crm": "hubspot", "shop": "shopify", "desk": "zendesk", "chat": "intercom"}
"""The sources of the configuration, and the platforms they are."""
PEOPLE, SEED = 200, 7
RATES = {
    "crm": {"account": 10_000, "search": 1_000},
    "shop": {"account": 1_000_000},
    "desk": {"account": 10_000, "incremental": 1_000},
}
"""A plan no test uses up: the sandbox has none, and waiting for one is tested in connectors."""
START_TIMEOUT_S = 60
COMMAND_TIMEOUT_S = 120

TOKENS = {
    "full": ("customer:any", "staff", *(f"pii:{cls}" for cls in (
        "contact", "identity", "content", "financial", "location", "special"
    ))),
    "masked": ("customer:any",),
    "visitor": ("pii:contact", "pii:identity"),
}  # fmt: skip
"""Callers by name, with their scopes; the token of one is `token-of-<name>`."""


@pytest.fixture(scope="session", autouse=True)
def _one_graph(one_graph: None) -> None: ...


# ---------------------------------------------------------------- the platforms


@dataclass(frozen=True)
class Platforms:
    """The emulators, by the names of the sources."""

    urls: Mapping[str, str]
    credentials: Mapping[str, Mapping[str, str]]
    http: httpx.Client

    def fault(self, source: str, kind: str, **how: Any) -> None:
        """Turn a switch on, see sandbox/faults.py."""
        self.http.post(
            f"{self.urls[source]}/__faults", json={"kind": kind, **how}
        ).raise_for_status()

    def heal(self, *sources: str) -> None:
        """Clear every switch; what hangs is answered."""
        for source in sources or self.urls:
            self.http.delete(f"{self.urls[source]}/__faults").raise_for_status()

    def calls(self, source: str) -> list[dict[str, str]]:
        """What was asked since the last `forget`: method, path, query, body."""
        answer = self.http.get(f"{self.urls[source]}/__calls").json()
        assert answer["total"] == len(answer["recent"]), "more calls than the sandbox keeps"
        recent: list[dict[str, str]] = answer["recent"]
        return recent

    def forget(self) -> None:
        for url in self.urls.values():
            self.http.delete(f"{url}/__calls").raise_for_status()

    def direct(self, source: str, method: str, path: str, body: object) -> dict[str, Any]:
        """A change made at the platform itself, by its own API."""
        headers = {"authorization": f"Bearer {self.credentials[source]['token']}"}
        url = self.urls[source] + path
        answer = self.http.request(method, url, json=body, headers=headers).raise_for_status()
        made: dict[str, Any] = answer.json()
        return made


@contextmanager
def running_platforms(people: int, seed: int) -> Iterator[Platforms]:
    command = [sys.executable, "-m", "sandbox", "--people", str(people), "--seed", str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            places = json.loads(process.stdout.readline())
            with httpx.Client(timeout=10) as http:
                yield Platforms(
                    urls={name: places[vendor]["url"] for name, vendor in SYSTEMS.items()},
                    credentials={n: places[v]["credentials"] for n, v in SYSTEMS.items()},
                    http=http,
                )
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Platforms]:
    """For `platforms`, which tests ask for."""
    with running_platforms(PEOPLE, SEED) as started:
        yield started


@pytest.fixture
def platforms(sandbox: Platforms) -> Iterator[Platforms]:
    """The session's platforms without faults and calls. Tests do not write to them."""
    sandbox.forget()
    yield sandbox
    sandbox.heal()


@pytest.fixture(scope="module")
def own_platforms() -> Iterator[Platforms]:
    """The same platforms once more, to which a module's tests may add people of their own."""
    with running_platforms(PEOPLE, SEED) as started:
        yield started


@pytest.fixture(scope="session")
def world() -> World:
    """The world behind the session's platforms, with the truth about who is who."""
    return build_world(PEOPLE, SEED)


# ---------------------------------------------------------------- the program


@dataclass
class Deployment:
    """A folder with a configuration and a state store, and the environment its secrets are in."""

    folder: Path
    platforms: Platforms
    ran: "Ran"
    env: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        credentials = self.platforms.credentials.items()
        self.env = {f"{name.upper()}_TOKEN": held["token"] for name, held in credentials}
        self.configure()

    @property
    def config(self) -> Path:
        return self.folder / "knownas.toml"

    @property
    def state(self) -> Path:
        return self.folder / "knownas.db"

    def configure(
        self, head: str = "", sources: Mapping[str, Mapping[str, object]] | None = None
    ) -> None:
        """Write the configuration: `head` before the sources, whose keys `sources` overrides. What
        is kept for a minute would hide what happens at the platforms.
        """
        over = sources or {}
        tables = [self._source(name, over.get(name, {})) for name in SYSTEMS]
        text = f'[state]\nurl = "sqlite:///{self.state}"\n[log]\nlevel = "warning"\n'
        text += f"[cache]\nrecords = false\n{head}\n"
        self.config.write_text(text + "\n".join(tables), encoding="utf-8")

    def _source(self, name: str, over: Mapping[str, object]) -> str:
        keys: dict[str, object] = {
            "connector": SYSTEMS[name],
            "base_url": self.platforms.urls[name],
            "token": {"env": f"{name.upper()}_TOKEN"},
            "phone_region": "GB",
            **({"rates": RATES[name]} if name in RATES else {}),
            **{k: v for k, v in self.platforms.credentials[name].items() if k != "token"},
            **over,
        }
        return "\n".join([f"[sources.{name}]", *(f"{k} = {_toml(v)}" for k, v in keys.items())])

    def knownas(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command that has to end by itself."""
        _, *called = self._command(arguments)
        return self.ran(
            called,
            cwd=self.folder,
            env={**os.environ, **self.env},
            timeout_s=COMMAND_TIMEOUT_S,
        )

    def done(self, *arguments: str) -> str:
        """A command that has to succeed; what it printed."""
        ended = self.knownas(*arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """The program as it is installed, under way; killed at the end unless it has ended."""
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                self._command(arguments),
                cwd=self.folder,
                env={**os.environ, **self.env},
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
            with process:
                try:
                    yield process
                finally:
                    process.kill()

    @contextmanager
    def serving(self) -> Iterator[str]:
        """`knownas serve` on a free port; its address. It ends as an operator would end it."""
        with self.started("serve", "--port", "0") as process:
            yield until(lambda: self._address(process), "knownas serve to listen")
            process.terminate()
            assert process.wait(START_TIMEOUT_S) == 0, self.told
            assert "internal_error" not in self.told

    @property
    def told(self) -> str:
        return (self.folder / "log").read_text()

    def _address(self, process: subprocess.Popen[bytes]) -> str | None:
        assert process.poll() is None, self.told
        lines = [line for line in self.told.splitlines() if line.startswith("serving ")]
        return lines[0].split()[1].removesuffix("/graphql") if lines else None

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        program = str(Path(sys.executable).with_name("knownas"))
        return [program, *arguments, "-c", str(self.config)]


def _toml(value: object) -> str:
    """JSON's text and numbers are TOML's; its objects are not."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


def until(found: Callable[[], Any], what: str) -> Any:
    """What `found` gives once it gives anything; for what goes on in another process."""
    limit = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < limit:
        if result := found():
            return result
        time.sleep(0.03)
    pytest.fail(f"waited {START_TIMEOUT_S} s for {what}")


@pytest.fixture(name="until")
def _until() -> Callable[[Callable[[], Any], str], Any]:
    return until


@pytest.fixture(scope="session")
def resolved(
    sandbox: Platforms, tmp_path_factory: pytest.TempPathFactory, knownas_ran: "Ran"
) -> Path:
    """A state store with everybody synced and resolved. To be copied, not to be opened."""
    first = Deployment(tmp_path_factory.mktemp("resolved"), sandbox, knownas_ran)
    first.done("sync")
    first.done("identity", "resolve")
    assert not first.state.with_suffix(".db-wal").exists()
    return first.state


Ran = Callable[..., subprocess.CompletedProcess[str]]
"""`run` of tests/fixtures/forked.py."""

Deploy = Callable[..., Deployment]


@pytest.fixture
def deploy(tmp_path: Path, platforms: Platforms, knownas_ran: Ran) -> Deploy:
    """Makes a deployment; `state` is the store it starts from, `on` other platforms."""
    numbers = itertools.count(1)

    def made(state: Path | None = None, on: Platforms | None = None) -> Deployment:
        folder = tmp_path / f"deployment-{next(numbers)}"
        folder.mkdir()
        if state is not None:
            shutil.copy(state, folder / "knownas.db")
        return Deployment(folder, on or platforms, knownas_ran)

    return made


@pytest.fixture
def deployment(deploy: Deploy, resolved: Path) -> Deployment:
    """With everybody synced and resolved, for this test alone."""
    return deploy(resolved)


# ---------------------------------------------------------------- asking


@dataclass
class Graph:
    """A way to the graph, as a caller has it."""

    http: httpx.AsyncClient

    async def ask(self, query: str, caller: str = "full", **variables: object) -> dict[str, Any]:
        """The whole answer to an operation; it must be well formed."""
        body = {"query": query, "variables": variables}
        headers = {"authorization": f"Bearer token-of-{caller}"}
        answer = await self.http.post("/graphql", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def data(self, query: str, caller: str = "full", **variables: object) -> dict[str, Any]:
        """The data of an answer that must have no errors."""
        answer = await self.ask(query, caller, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data


def tokens() -> str:
    tables = [
        f'[[auth.tokens]]\nname = "{name}"\nscopes = {json.dumps(scopes)}\n'
        f'sha256 = "{hashlib.sha256(f"token-of-{name}".encode()).hexdigest()}"'
        for name, scopes in TOKENS.items()
    ]
    return "\n".join(tables)


@pytest.fixture(scope="session", name="secrets_of_callers")
def _secrets_of_callers() -> str:
    """The tables of every caller's token."""
    return tokens()


@pytest.fixture(scope="session")
def server(
    sandbox: Platforms,
    resolved: Path,
    tmp_path_factory: pytest.TempPathFactory,
    knownas_ran: Ran,
) -> Iterator[str]:
    """The address of `knownas serve` over the session's platforms, for tests that only read."""
    folder = tmp_path_factory.mktemp("server")
    shutil.copy(resolved, folder / "knownas.db")
    deployed = Deployment(folder, sandbox, knownas_ran)
    deployed.configure(f'[server]\nallowed_origins = ["http://127.0.0.1:*"]\n{tokens()}')
    with deployed.serving() as address:
        yield address


@pytest.fixture
async def graph(server: str, platforms: Platforms) -> AsyncIterator[Graph]:
    """The graph as `knownas serve` has it."""
    async with httpx.AsyncClient(base_url=server, timeout=30) as http:
        yield Graph(http)


Inside = Callable[..., AbstractAsyncContextManager[Graph]]


@pytest.fixture
def inside() -> Inside:
    """Runs the program inside the test:
    `async with inside(deployment, desk={"timeout_s": 0.3}) as graph`.
    """

    @asynccontextmanager
    async def run(
        deployment: Deployment, head: str = "", **sources: Mapping[str, object]
    ) -> AsyncIterator[Graph]:
        deployment.configure(f"{head}\n{tokens()}", sources)
        async with opened(load(deployment.config, deployment.env)) as program:
            transport = httpx.ASGITransport(app=application(program), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
                yield Graph(http)

    return run


@pytest.fixture
async def skip() -> Callable[[float], None]:
    """Moves the event loop's clock, by which deadlines, pauses and rests are measured."""
    loop = asyncio.get_running_loop()
    real, ahead = loop.time, [0.0]
    loop.time = lambda: real() + ahead[0]  # type: ignore[method-assign]

    def skipped(seconds: float) -> None:
        ahead[0] += seconds

    return skipped
