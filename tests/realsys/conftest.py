"""Four programs that nobody here wrote, and the product over them.

Tryton, Vendure, Request Tracker and Matrix Synapse are installed, started and seeded by the scripts
that lie beside the repository (`KNOWNAS_SHARED`, default `../shared`), on free ports. `REALSYS_DIR`
names a folder in which they are kept, running, from one session to the next.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
SYSTEMS = {"crm": "tryton", "shop": "vendure", "desk": "rt", "chat": "synapse"}
"""The sources of the configuration, and the programs they are."""
PORTS = ("TRYTON_PORT", "OMS_PORT", "RT_PORT", "SYNAPSE_PORT", "PG_PORT")
SCRIPT_TIMEOUT_S = 3_600
TIMES = pytest.StashKey[dict[str, float]]()
AGENT = "@support-desk:realsys.test"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TIMES] = {}


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """How long each step took: docs/realsys.md says how long that is."""
    for step, seconds in config.stash[TIMES].items():
        terminalreporter.write_line(f"realsys: {step}: {seconds:.0f} s")


# ---------------------------------------------------------------- the programs


@dataclass
class Systems:
    """The four, in a folder of their own. `told` is what each start said: addresses, log-ins."""

    scripts: Path
    folder: Path
    times: dict[str, float]
    env: dict[str, str]
    told: dict[str, dict[str, str]] = field(default_factory=dict)
    packages: threading.Lock = field(default_factory=threading.Lock)

    def bring_up(self) -> None:
        """All of them at once, each seeded as soon as it answers."""
        with ThreadPoolExecutor(len(SYSTEMS)) as pool:
            for _ in pool.map(self._bring_up, SYSTEMS.values()):
                pass

    def _bring_up(self, name: str) -> None:
        # Two of them may install packages of the operating system, which is done one at a time.
        with self.packages if name in {"vendure", "rt"} else threading.Lock():
            self.start(name)
        self._timed(f"seed {name}", sys.executable, f"{name}/seed.py")

    def start(self, name: str) -> None:
        said = self._timed(f"start {name}", "bash", f"{name}/start.sh")
        self.told[name] = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)

    def stop(self, name: str) -> None:
        self._run("bash", f"{name}/stop.sh")

    def stop_all(self) -> None:
        for name in SYSTEMS.values():
            self.stop(name)
        self._run("bash", "common/stop-pg.sh")

    def truth(self) -> dict[str, dict[str, str]]:
        """Whose each record is: by source and kind, the system's own id and the person."""
        held = json.loads((self.folder / "truth.json").read_text(encoding="utf-8"))
        return {
            f"{source}.{kind}": {key: people[0] for key, people in ids.items()}
            for source, system in SYSTEMS.items()
            for kind, ids in held[system].items()
        }

    def people(self) -> dict[str, dict[str, Any]]:
        held = json.loads((self.scripts / "people.json").read_text(encoding="utf-8"))
        return {one["id"]: one for one in held["people"]}

    def _timed(self, step: str, *command: str) -> str:
        began = time.monotonic()
        said = self._run(*command)
        self.times[step] = max(time.monotonic() - began, self.times.get(step, 0.0))
        return said

    def _run(self, program: str, script: str) -> str:
        done = subprocess.run(
            [program, str(self.scripts / script)],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=SCRIPT_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"NOT RUN: {script} ended with {done.returncode}:\n{done.stderr[-2_000:]}")
        return done.stdout


def _scripts() -> Path:
    shared = Path(os.environ.get("KNOWNAS_SHARED") or ROOT.parent / "shared")
    folder = (shared if shared.is_absolute() else ROOT / shared).resolve() / "realsys"
    if not (folder / "people.json").exists():
        pytest.fail(f"NOT RUN: no scripts of real systems in {folder}; set KNOWNAS_SHARED")
    return folder


def _free_ports() -> dict[str, str]:
    sockets = [socket.socket() for _ in PORTS]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        numbers = [str(each.getsockname()[1]) for each in sockets]
        return dict(zip(PORTS, numbers, strict=True))
    finally:
        for each in sockets:
            each.close()


@pytest.fixture(scope="session")
def systems(pytestconfig: pytest.Config) -> Iterator[Systems]:
    kept = os.environ.get("REALSYS_DIR")
    # Not below pytest's own folder: PostgreSQL runs as another user and must get in.
    folder = Path(kept or tempfile.mkdtemp(prefix="knownas-realsys-"))
    ports = {} if kept else _free_ports()
    held = Systems(
        scripts=_scripts(),
        folder=folder,
        times=pytestconfig.stash[TIMES],
        env={**os.environ, **ports, "REALSYS_DIR": str(folder)},
    )
    try:
        held.bring_up()
        yield held
    finally:
        if not kept:
            held.stop_all()
            shutil.rmtree(folder)


# ---------------------------------------------------------------- their own interfaces


@dataclass
class Own:
    """Changes made at the systems themselves, past the product."""

    http: httpx.Client
    told: dict[str, dict[str, str]]
    session: str = ""
    """Of Tryton, as `login:number:key`."""
    token: str = ""
    """Of Vendure."""

    def log_in(self) -> None:
        erp = self.told["tryton"]
        said = {"password": erp["TRYTON_PASSWORD"]}
        number, key = self.rpc("common.db.login", erp["TRYTON_USER"], said, "en")[:2]
        self.session = f"{erp['TRYTON_USER']}:{number}:{key}"
        shop = self.told["vendure"]
        query = "mutation($u:String!,$p:String!){login(username:$u,password:$p){__typename}}"
        body = {"query": query, "variables": {"u": shop["OMS_USER"], "p": shop["OMS_PASSWORD"]}}
        self.token = self.http.post(shop["OMS_ADMIN_API"], json=body).headers["vendure-auth-token"]

    def rpc(self, method: str, *params: object) -> Any:
        """A call of Tryton."""
        erp = self.told["tryton"]
        body = {"id": 1, "method": method, "params": params}
        login = (erp["TRYTON_USER"], erp["TRYTON_PASSWORD"]) if self.session else None
        url = f"{erp['TRYTON_URL']}/{erp['TRYTON_DB']}/rpc/"
        answer = self.http.post(url, json=body, auth=login).raise_for_status().json()
        assert "error" not in answer, answer
        return answer["result"]

    def gql(self, query: str, **variables: object) -> dict[str, Any]:
        """An operation of Vendure."""
        answer = self.http.post(
            self.told["vendure"]["OMS_ADMIN_API"],
            json={"query": query, "variables": variables},
            headers={"authorization": f"Bearer {self.token}"},
        ).json()
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def rest(self, method: str, path: str, body: object = None) -> Any:
        """A call of Request Tracker."""
        desk = self.told["rt"]
        auth = (desk["RT_USER"], desk["RT_PASSWORD"])
        answer = self.http.request(method, desk["RT_API"] + path, json=body, auth=auth)
        return answer.raise_for_status().json()

    def matrix(self, method: str, path: str, body: object = None) -> Any:
        """A call of Synapse, by the desk."""
        chat = self.told["synapse"]
        headers = {"authorization": f"Bearer {chat['SYNAPSE_TOKEN']}"}
        url = chat["SYNAPSE_URL"] + path
        return self.http.request(method, url, json=body, headers=headers).raise_for_status().json()


@pytest.fixture(scope="session")
def own(systems: Systems) -> Iterator[Own]:
    with httpx.Client(timeout=60) as http:
        made = Own(http, systems.told)
        made.log_in()
        yield made


# ---------------------------------------------------------------- the product


@dataclass
class Product:
    """A configuration over the four, its state store, and its graph served over HTTP."""

    folder: Path
    env: dict[str, str]
    times: dict[str, float]
    address: str = ""

    @property
    def config(self) -> Path:
        return self.folder / "knownas.toml"

    def done(self, *arguments: str) -> str:
        """A command that has to succeed; what it printed."""
        began = time.monotonic()
        program = str(Path(sys.executable).with_name("knownas"))
        ended = subprocess.run(
            [program, *arguments, "-c", str(self.config)],
            env={**os.environ, **self.env},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        step = f"knownas {' '.join(arguments)}"
        self.times[step] = max(time.monotonic() - began, self.times.get(step, 0.0))
        return ended.stdout

    @contextmanager
    def serving(self) -> Iterator[None]:
        program = str(Path(sys.executable).with_name("knownas"))
        log = self.folder / "log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                [program, "serve", "--port", "0", "-c", str(self.config)],
                env={**os.environ, **self.env},
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
        with process:
            try:
                self.address = _listening(process, log)
                yield
            finally:
                process.terminate()

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """The whole answer to an operation."""
        body = {"query": query, "variables": variables}
        with httpx.Client(timeout=60) as http:
            answer = http.post(f"{self.address}/graphql", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def data(self, query: str, **variables: object) -> dict[str, Any]:
        """The data of an answer that must have no errors."""
        answer = self.ask(query, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data


def _listening(process: "subprocess.Popen[bytes]", log: Path) -> str:
    limit = time.monotonic() + 120
    while time.monotonic() < limit:
        assert process.poll() is None, log.read_text()
        lines = [line for line in log.read_text().splitlines() if line.startswith("serving ")]
        if lines:
            return lines[0].split()[1].removesuffix("/graphql")
        time.sleep(0.1)
    pytest.fail("waited 120 s for knownas serve to listen")


@pytest.fixture(scope="session")
def product(
    systems: Systems, own: Own, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Product]:
    """Everybody synced and resolved, and served."""
    made = Product(
        folder=tmp_path_factory.mktemp("product"),
        env={
            "CRM_TOKEN": own.session,
            "SHOP_TOKEN": own.token,
            "DESK_TOKEN": systems.told["rt"]["RT_PASSWORD"],
            "CHAT_TOKEN": systems.told["synapse"]["SYNAPSE_TOKEN"],
        },
        times=systems.times,
    )
    made.config.write_text(_configuration(made.folder, systems.told), encoding="utf-8")
    made.done("check")
    made.done("sync")
    made.done("identity", "resolve")
    with made.serving():
        yield made


def _configuration(folder: Path, told: dict[str, dict[str, str]]) -> str:
    places = {
        "crm": (told["tryton"]["TRYTON_URL"], f'database = "{told["tryton"]["TRYTON_DB"]}"'),
        "shop": (told["vendure"]["OMS_URL"], ""),
        "desk": (told["rt"]["RT_URL"], f'user = "{told["rt"]["RT_USER"]}"'),
        "chat": (told["synapse"]["SYNAPSE_URL"], f'desk = "{AGENT}"'),
    }
    tables = [
        f'[sources.{name}]\nconnector = "{SYSTEMS[name]}"\nbase_url = "{url}"\n{more}\n'
        f'token = {{ env = "{name.upper()}_TOKEN" }}\nphone_region = "GB"\ntimeout_s = 8.0\n'
        for name, (url, more) in places.items()
    ]
    head = f'[state]\nurl = "sqlite:///{folder / "knownas.db"}"\n[cache]\nrecords = false\n'
    return head + "\n".join(tables)


@pytest.fixture(scope="session")
def numbers(systems: Systems, own: Own) -> Callable[[str, str], str]:
    """The id a record has here: the truth names users of Request Tracker by their logins."""

    def number(kind: str, key: str) -> str:
        if kind != "desk.user" or key.isdecimal():
            return key
        return str(own.rest("GET", f"/user/{key}")["id"])

    return number
