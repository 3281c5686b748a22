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

from sandbox.demo import CRM_EMAIL
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


async def test_serve_answers_until_it_is_told_to_stop(config: Path) -> None:
    async with _process(config.parent, "serve", "-c", str(config)) as process:
        line = await _line(process.stderr, lambda line: line.startswith("serving http"))
        async with httpx.AsyncClient() as client:
            answer = await client.post(
                line.removeprefix("serving "), json={"query": "{ sources { system { name } } }"}
            )
        told = [one["system"]["name"] for one in answer.json()["data"]["sources"]]
        assert told == list(SYSTEMS)
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
