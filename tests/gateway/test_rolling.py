"""`knownas serve --workers 2` under load, its workers replaced one by one by SIGHUP."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
CALLERS = 4
PATIENCE_S = 240
UPSTREAM_S = 0.5
"""So that something is under way at every moment."""
QUERY = """{ customerLookup(by: { email: "nobody@example.com" }) {
  __typename ... on CustomerNotFound { message } } }"""
NOBODY = b'{"total": 0, "results": []}'
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"


async def _crm(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A CRM that takes its time and knows nobody."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            sizes = [line for line in head.lower().split(b"\r\n") if b"content-length:" in line]
            if sizes:
                await reader.readexactly(int(sizes[0].split(b":")[1]))
            await asyncio.sleep(UPSTREAM_S)
            writer.write(ANSWER % (len(NOBODY), NOBODY))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # a worker has ended
    finally:
        writer.close()


@asynccontextmanager
async def _serving(folder: Path, crm: str) -> AsyncIterator[tuple[int, str]]:
    """The process that supervises, and where its workers answer."""
    (folder / "knownas.toml").write_text(
        f'[state]\nurl = "sqlite:///{folder / "own.db"}"\n[inbox]\nworker = false\n'
        f'[sources.crm]\nconnector = "hubspot"\nbase_url = "{crm}"\ntimeout_s = 60.0\n'
        'token = { env = "CRM_TOKEN" }\nrates = { account = 10000.0, search = 1000.0 }\n'
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "serve", "--port", "0", "--workers", "2"),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CRM_TOKEN": "t"},
        stderr=asyncio.subprocess.PIPE,
    )
    told: list[str] = []
    listening = asyncio.create_task(_read(process, told))
    try:
        await _until(lambda: any(line.startswith("serving http") for line in told))
        (address,) = [line.split()[1] for line in told if line.startswith("serving http")]
        yield process.pid, address
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert await process.wait() == 0, told
        assert not any("internal_error" in line for line in told), told
    finally:
        if process.returncode is None:
            process.kill()
        await listening


async def _read(process: asyncio.subprocess.Process, told: list[str]) -> None:
    assert process.stderr is not None
    while line := await process.stderr.readline():
        told.append(line.decode())


async def _keep_asking(address: str, done: asyncio.Event, seen: list[str]) -> None:
    """Over one connection as long as it is kept. Raises for the first request that fails."""
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        while not done.is_set():
            body = {"query": QUERY.replace("nobody", f"nobody{len(seen)}")}
            answer = await client.post(address, json=body)
            assert answer.status_code == 200
            kind = answer.json()["data"]["customerLookup"]["__typename"]
            assert kind == "CustomerNotFound", answer.text
            seen.append(answer.headers.get("connection", ""))


async def test_a_rolling_restart_under_load_fails_no_request(tmp_path: Path) -> None:
    crm = await asyncio.start_server(_crm, "127.0.0.1", 0)
    port = crm.sockets[0].getsockname()[1]
    done, seen = asyncio.Event(), list[str]()
    async with (
        crm,
        _serving(tmp_path, f"http://127.0.0.1:{port}") as (pid, address),
        asyncio.TaskGroup() as callers,
    ):
        for _ in range(CALLERS):
            callers.create_task(_keep_asking(address, done, seen))
        before = _children(pid)
        assert len(before) == 2
        os.kill(pid, signal.SIGHUP)
        await _until(lambda: _are_others(before, _children(pid)))
        asked = len(seen)
        await _until(lambda: len(seen) >= asked + 2 * CALLERS)
        done.set()
    assert "close" in seen, "a worker that stops says so with its last answers"


def _are_others(before: set[int], now: set[int]) -> bool:
    return len(now) == 2 and before.isdisjoint(now)


def _children(pid: int) -> set[int]:
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, check=True)
    return {int(one) for one in told.stdout.split()}


async def _until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not happened():  # noqa: ASYNC110  # it is another process
            await asyncio.sleep(0.1)
