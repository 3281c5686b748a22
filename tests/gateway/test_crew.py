"""Several workers on one port, as processes of their own; what they serve is a trifle."""

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
WORKER = """
import os
from gateway import crew
from gateway.config import Server
from gateway.server import run, serve

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = str(os.getpid()).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})

run(serve(app, crew.inherited(), Server(), lambda _: crew.tell_ready()))
"""
SUPERVISOR = """
import logging, sys
from gateway.crew import Crew
from gateway.server import listen

logging.basicConfig(level=logging.INFO, format="%(message)s")
listening = listen("127.0.0.1", 0)
say = lambda: print("port", listening.getsockname()[1], flush=True, file=sys.stderr)
Crew([sys.executable, "worker.py"], listening, 2, 10.0).run(say)
"""


async def _started(folder: Path) -> asyncio.subprocess.Process:
    (folder / "worker.py").write_text(WORKER)
    (folder / "supervisor.py").write_text(SUPERVISOR)
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "supervisor.py",
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


@asynccontextmanager
async def _crew(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    process = await _started(folder)
    try:
        port = (await _line(process, "port ")).split()[1]
        yield process, f"http://127.0.0.1:{port}/"
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            _, err = await process.communicate()
        assert process.returncode == 0, err
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # its workers hold the pipe as well
            await process.communicate()


async def _line(process: asyncio.subprocess.Process, start: str) -> str:
    assert process.stderr is not None
    async with asyncio.timeout(120):
        while line := (await process.stderr.readline()).decode():
            if line.startswith(start):
                return line
    raise AssertionError(f"it ended without saying {start}")


async def _keep_asking(address: str, done: asyncio.Event, seen: set[str]) -> None:
    """Raises for the first request that is not answered."""
    async with httpx.AsyncClient(timeout=60) as client:
        while not done.is_set():
            answer = await client.get(address)
            assert answer.status_code == 200
            seen.add(answer.text)


async def test_a_restart_under_load_fails_no_request(tmp_path: Path) -> None:
    """Both workers are replaced while callers keep their connections and never stop asking."""
    async with _crew(tmp_path) as (process, address):
        old = set(map(str, _children(process.pid)))
        done, seen = asyncio.Event(), set[str]()
        callers = [asyncio.create_task(_keep_asking(address, done, seen)) for _ in range(4)]
        await _until(lambda: bool(seen & old))
        process.send_signal(signal.SIGHUP)
        await _line(process, "workers_replaced")
        new = set(map(str, _children(process.pid)))
        await _until(lambda: bool(seen & new))
        done.set()
        await asyncio.gather(*callers)
        assert len(new) == 2
        assert not old & new


async def _until(is_so: Callable[[], bool]) -> None:
    """What other processes do they tell nobody."""
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_workers_end_when_the_one_that_started_them_is_killed(tmp_path: Path) -> None:
    process = await _started(tmp_path)
    await _line(process, "port ")
    process.kill()
    async with asyncio.timeout(60):
        await process.communicate()  # until the last worker has let go of the pipe


async def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    async with _crew(tmp_path) as (process, address):
        lost, kept = _children(process.pid)
        os.kill(lost, signal.SIGKILL)
        await _line(process, "worker_died")
        async with httpx.AsyncClient(timeout=60) as client:
            assert (await client.get(address)).status_code == 200
        assert kept in _children(process.pid)


def _children(pid: int) -> list[int]:
    told = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, check=True)
    return [int(one) for one in told.stdout.split()]
