"""Every declared call of every connector, judged by mocks of the vendors' published descriptions.

The mocks and descriptions lie beside the repository (`KNOWNAS_SHARED`, default `../shared`); the
mocks are copied to a folder of our own before their packages are installed.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.httpx_sender import HttpxSender
from connectors.registry import load_connectors
from domain.errors import SourceProtocolError, SourceRateLimited, SourceUnavailable
from domain.sources import Deadline

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[3]
START_TIMEOUT_S = 120


def described() -> list[str]:
    """Every connector but those whose vendor publishes no description, by their manifests."""
    manifests = [connector.manifest for connector in load_connectors()]
    done = [m for m in manifests if not m.quality["vendor_description"].startswith("exempt:")]
    return [manifest.connector for manifest in done]


def shared() -> Path:
    folder = Path(os.environ.get("KNOWNAS_SHARED") or ROOT.parent / "shared")
    folder = folder if folder.is_absolute() else ROOT / folder
    if not (folder / "contract" / "mocks.mjs").exists():
        pytest.fail(f"NOT RUN: no contract mocks in {folder}; set KNOWNAS_SHARED")
    return folder.resolve()


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory, node_environment: dict[str, str]) -> Path:
    """The mocks with their packages; `CONTRACT_MODULES` keeps the folder between runs."""
    kept = os.environ.get("CONTRACT_MODULES")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("mocks")
    for path in (shared() / "contract").iterdir():
        folder.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            shutil.copyfile(path, folder / path.name)
    if not (folder / "node_modules").exists():
        _run(["npm", "install", "--no-audit", "--no-fund"], folder, node_environment)
    return folder


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.fail(f"NOT RUN: {' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")


@pytest.fixture(scope="module")
def mocks(
    modules: Path,
    harness: Any,
    tmp_path_factory: pytest.TempPathFactory,
    node_environment: dict[str, str],
) -> Iterator[dict[str, str]]:
    """The address of each connector's mock, by the mock's name."""
    wanted = {mock_of(harness.load_vendor(name), name) for name in described()}
    listed = {
        mock["name"]: mock["port"] for mock in json.loads((modules / "mocks.json").read_text())
    }
    offset = _free_offset(list(listed.values()))
    log = tmp_path_factory.mktemp("log") / "contract.jsonl"
    only = ",".join(name for name in listed if name in wanted)
    command = ["node", "mocks.mjs", "--specs", str(shared() / "specs"), "--only", only]
    process = subprocess.Popen(
        [*command, "--offset", str(offset), "--log", str(log)],
        cwd=modules,
        env=node_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        _wait_until_ready(process)
        yield {name: f"http://127.0.0.1:{port + offset}" for name, port in listed.items()}
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def _free_offset(ports: list[int]) -> int:
    """How far to move the ports so that all of them are free."""
    for offset in range(0, 30_000, 200):
        sockets = [socket.socket() for _ in ports]
        try:
            for each, port in zip(sockets, ports, strict=True):
                each.bind(("127.0.0.1", port + offset))
        except OSError:
            continue
        else:
            return offset
        finally:
            for each in sockets:
                each.close()
    pytest.fail("NOT RUN: no free ports")


def _wait_until_ready(process: "subprocess.Popen[str]") -> None:
    said: list[str] = []
    assert process.stdout is not None
    give_up = time.monotonic() + START_TIMEOUT_S
    for text in process.stdout:
        said.append(text)
        if text.startswith("ready:"):
            return
        if time.monotonic() > give_up:
            break
    pytest.fail(f"NOT RUN: the mocks did not start:\n{''.join(said)}")


def mock_of(vendor: Any, connector: str) -> str:
    """The name of the mock that judges the connector, where it is not the connector's own."""
    name: str = getattr(vendor, "MOCK", connector)
    return name


def within(seconds: float = 30.0) -> Deadline:
    return Deadline(asyncio.get_running_loop().time() + seconds)


@pytest.mark.parametrize("connector", described())
async def test_the_vendors_description_allows_every_call(
    connector: str, harness: Any, mocks: dict[str, str]
) -> None:
    """Answers are examples of the description: their rows may lack what a mapping needs, and their
    cursors may not move. Then the source says so; here only the requests are judged.
    """
    line = harness.Line.open(connector)
    address = mocks[mock_of(line.vendor, connector)]
    sender = HttpxSender.pooled()
    async with httpx.AsyncClient() as client:
        await client.delete(f"{address}/__log")
        made = 0
        for name, ask in [*line.questions(), *line.variations()]:
            base_url = address + getattr(line.vendor, "MOCK_PATH", "")
            source = line.source(sender, base_url=base_url)
            got = await harness.outcome(ask(source, within()))
            assert not isinstance(got, SourceUnavailable | SourceRateLimited), (name, got)
            cursor = getattr(got, "cursor", None)
            if cursor is not None:
                (kind,) = [k for k in source.changes if k.name in name]
                await harness.outcome(source.changes[kind].changed_since(cursor, within()))
            made += 1
        log = (await client.get(f"{address}/__log")).json()
    await sender.close()
    assert len(log) >= made > 3
    refused = [entry for entry in log if entry["verdict"] == "refused"]
    assert refused == []
    undeclared = {
        f"{problem['where']}: {problem['message']}"
        for entry in log
        if entry["verdict"] == "undeclared"
        for problem in entry["problems"]
    }
    listed: dict[str, str] = getattr(line.vendor, "UNDECLARED", {})
    assert undeclared == set(listed), "the list of the fake vendor and the log differ"
    assert all(listed.values()), "each with its reason"


@pytest.mark.parametrize("connector", described())
async def test_the_documented_answers_are_read(
    connector: str, harness: Any, mocks: dict[str, str]
) -> None:
    """At least one record comes out of each kind's documented answer, unless the fake vendor says
    why its examples hold none (`UNREADABLE_EXAMPLES`: question -> reason).
    """
    line = harness.Line.open(connector)
    excused: dict[str, str] = getattr(line.vendor, "UNREADABLE_EXAMPLES", {})
    sender = HttpxSender.pooled()
    base_url = mocks[mock_of(line.vendor, connector)] + getattr(line.vendor, "MOCK_PATH", "")
    unread: set[str] = set()
    for name, ask in line.questions():
        got = await harness.outcome(ask(line.source(sender, base_url=base_url), within()))
        # Examples name a next page and hold strangers: a search may not call that "nobody".
        if isinstance(got, SourceProtocolError) and "left out of the page" not in str(got):
            unread.add(name)
    await sender.close()
    assert unread == set(excused)
