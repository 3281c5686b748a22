"""The product as processes of their own, before emulated platforms on real ports."""

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.bootstrap import opened
from gateway.config_file import load
from sandbox.demo import CRM_EMAIL
from sandbox.faults import Fault, FaultKind
from sandbox.seed import build_world
from sandbox.server import Sandbox

ROOT = Path(__file__).parents[2]
SYSTEMS = {"crm": "hubspot", "shop": "shopify", "desk": "zendesk", "chat": "intercom"}
START_S = 120


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(build_world(people=40)) as running:
        yield running


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A configuration for the sandbox, with its secrets in files."""
    lines = [f'[state]\nurl = "sqlite:///{tmp_path}/kept.db"\n[server]\nport = 0\n']
    for name, vendor in SYSTEMS.items():
        held = sandbox.credentials[vendor]
        (tmp_path / vendor).write_text(held["token"])
        lines += [
            f"[sources.{name}]",
            f'connector = "{vendor}"',
            f'base_url = "{sandbox.urls[vendor]}"',
            f'token = {{ file = "{vendor}" }}',
            *(f'{key} = "{value}"' for key, value in held.items() if key != "token"),
        ]
    file = tmp_path / "knownas.toml"
    file.write_text("\n".join(lines))
    return file


@asynccontextmanager
async def _process(folder: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        *arguments,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.communicate()


async def _line(stream: asyncio.StreamReader | None, is_it: Callable[[str], Any]) -> str:
    """The next line of which `is_it` holds."""
    assert stream is not None
    async with asyncio.timeout(START_S):
        while line := (await stream.readline()).decode():
            if is_it(line):
                return line.strip()
    raise AssertionError("it ended without saying so")


async def _read_and_resolve(config: Path) -> tuple[dict[str, Any], Any, list[Any]]:
    """Of a run in this process: what each source came to, who is who, and every record's key."""
    async with opened(load(config)) as program:
        read = await program.sync(list(program.sources.values()))
        resolved = await program.referee.resolve(program.state.records, program.state.identities)
        pages = [page async for page in program.state.records.every_contact()]
    keys = [one.key for page in pages for one in page]
    return {one.source: one for one in read}, resolved, keys


async def test_check_tells_what_each_source_can_do_and_what_cannot_be_reached(
    config: Path, sandbox: Sandbox
) -> None:
    sandbox.gates["zendesk"].faults.add(Fault(kind=FaultKind.UNAUTHORIZED))
    async with _process(config.parent, "check", "-c", str(config)) as process:
        async with asyncio.timeout(START_S):
            out, err = ((one or b"").decode() for one in await process.communicate())
    assert process.returncode == 1
    rows = [line.split("\t") for line in out.splitlines()[1:]]
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("crm", "hubspot", "OK"),
        ("shop", "shopify", "OK"),
        ("desk", "zendesk", "UNAUTHORIZED"),
        ("chat", "intercom", "OK"),
    ]
    assert all("contact: " in row[4] for row in rows)
    (line,) = err.splitlines()
    assert line.startswith("knownas: desk: ")
    assert sandbox.credentials["zendesk"]["token"] not in out + err


async def test_a_sync_that_was_killed_half_way_ends_as_a_whole_one(
    config: Path, sandbox: Sandbox
) -> None:
    whole, resolved, keys = await _read_and_resolve(config)
    for file in config.parent.glob("kept.db*"):
        file.unlink()

    sandbox.gates["intercom"].faults.add(Fault(kind=FaultKind.HANG))
    async with _process(config.parent, "sync", "-c", str(config)) as process:
        await _line(process.stderr, lambda line: line.startswith("crm: "))
        process.kill()
    sandbox.gates["intercom"].faults.clear()

    again, resolved_again, keys_again = await _read_and_resolve(config)
    assert again["crm"].changed == 0
    assert again["chat"].changed == whole["chat"].changed
    assert keys_again == keys
    assert (resolved_again.records, resolved_again.customers, resolved_again.links) == (
        resolved.records,
        resolved.customers,
        resolved.links,
    )


async def test_serve_answers_until_it_is_told_to_stop(config: Path) -> None:
    async with _process(config.parent, "serve", "-c", str(config)) as process:
        line = await _line(process.stderr, lambda line: line.startswith("serving http"))
        async with httpx.AsyncClient() as client:
            answer = await client.post(
                line.removeprefix("serving "),
                json={"query": f'{{ customer(by: {{ email: "{CRM_EMAIL}" }}) {{ id }} }}'},
            )
        assert answer.json()["data"]["customer"]["id"].startswith("cus_")
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            _, err = await process.communicate()
        assert process.returncode == 0
        assert b"Traceback" not in err


async def test_the_demo_answers_the_query_it_prints(tmp_path: Path) -> None:
    async with _process(tmp_path, "demo", "--port", "0", "--people", "12") as process:
        command = await _line(process.stdout, lambda line: "curl" in line)
        _, _, address, _, header, _, body = shlex.split(command)
        name, value = header.split(": ")
        async with httpx.AsyncClient() as client:
            answer = await client.post(address, content=body, headers={name: value})
            page = await client.get(address.removesuffix("graphql"))
        customer = answer.json()["data"]["customer"]
        assert (customer["displayName"], customer["completeness"]) == (
            "Margaret Ellison",
            "COMPLETE",
        )
        assert CRM_EMAIL in page.text
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            _, err = await process.communicate()
        assert process.returncode == 0
        assert err.decode().splitlines()[-1] == "stopped"
    assert os.listdir(tmp_path) == []
