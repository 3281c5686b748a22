"""A thousand callers at once against one worker: its peak memory, failures, and how long they wait.

    PEERS_MODULES=$HOME/peers-modules python benchmarks/concurrency.py [--callers 1000] [--rounds 5]

The peers' systems answer after 20 ms; the product is wired and filled as by gateway/run.py. Each
caller has a connection and a customer of its own and asks for it in all four systems (Q1), again as
soon as it is answered. Limits: 200 MB, no failure. There is no peer to measure against: what the
callers wait is the work of all of them on one core. The last line is JSON.
"""

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

sys.path.insert(0, str(Path(__file__).parent / "gateway"))  # the package `gateway` is the product

import run as side_by_side
from targets import HERE, TARGETS, Target

CONNECTING: Final = 100
"""Callers that connect at one time: it is not the backlog that is measured."""
LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


def main() -> None:
    asked = _arguments()
    if "PEERS_MODULES" not in os.environ or not side_by_side.PEERS.is_dir():
        sys.exit("NOT RUN: PEERS_MODULES is not set, or the peers are not beside the repository")
    with tempfile.TemporaryDirectory(prefix="knownas-callers-") as name:
        print(json.dumps({"benchmark": "concurrency", **_measured(Path(name), asked)}))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--callers", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--latency", type=int, default=20, help="of the systems, in ms")
    parser.add_argument("--rest", type=float, default=61.0, help="seconds after the sync")
    return parser.parse_args()


def _measured(folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    target = TARGETS["ours"]
    peers = side_by_side._peers(folder)
    site = shutil.copytree(HERE, folder / "site", ignore=side_by_side.NOT_WIRING)
    environ = {**os.environ, "PYTHONPATH": str(side_by_side.ROOT)}
    systems = ["node", "servers/upstream.mjs"]
    with ExitStack() as running:
        health = f"{side_by_side.UPSTREAM}/_health"
        running.enter_context(side_by_side._running(systems, peers, environ, health))
        side_by_side._fill(site, environ)
        pid = running.enter_context(side_by_side._serving(target, site, environ))
        time.sleep(asked.rest)
        bodies = _questions(peers, asked.callers)
        urlopen(f"{side_by_side.UPSTREAM}/_latency?ms={asked.latency}").close()  # noqa: S310  # loopback
        began, used = _memory_mb(pid), _processor_s(pid)
        waits = asyncio.run(_called(target, bodies, asked.rounds))
        used = _processor_s(pid) - used
        ended = _memory_mb(pid)
    return _told(waits, asked) | {
        "cpu_ms": round(1000 * used / len(waits), 2),
        "rss_mb": {"start": began["VmRSS"], "peak": ended["VmHWM"], "end": ended["VmRSS"]},
        "load_average": [round(one, 2) for one in os.getloadavg()],
    }


def _questions(peers: Path, callers: int) -> list[bytes]:
    """One for each caller, each for a customer of its own while there are so many."""
    script = "import {QUERIES as q} from './queries-knownas.mjs'; console.log(JSON.stringify(q.Q1))"
    node = ["node", "--input-type=module", "-e", script]
    page = json.loads(subprocess.run(node, cwd=peers, check=True, capture_output=True).stdout)
    variables = page["variables"]
    return [
        json.dumps({"query": page["query"], "variables": variables[i % len(variables)]}).encode()
        for i in range(callers)
    ]


async def _called(target: Target, bodies: list[bytes], rounds: int) -> list[float | str]:
    """Milliseconds of each question; where it was not answered whole, why."""
    connecting = asyncio.Semaphore(CONNECTING)
    there = asyncio.Barrier(len(bodies))

    async def call(body: bytes) -> list[float | str]:
        async with connecting:
            reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
        await there.wait()
        waits = [await _asked(reader, writer, body) for _ in range(rounds)]
        writer.close()
        return waits

    return [wait for each in await asyncio.gather(*map(call, bodies)) for wait in each]


async def _asked(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes
) -> float | str:
    began = time.monotonic()
    head = f"POST /graphql HTTP/1.1\r\nhost: {writer.get_extra_info('peername')[0]}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    try:
        writer.write(head.encode() + body)
        told = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(told)
        answer = json.loads(await reader.readexactly(int(length[1]) if length else 0))
    except (OSError, EOFError, ValueError) as error:
        return type(error).__name__
    return _amiss(answer) or (time.monotonic() - began) * 1000


def _amiss(answer: Mapping[str, Any]) -> str | None:
    if answer.get("errors"):
        return str(answer["errors"][0]["extensions"]["code"])
    customer = answer["data"]["customer"]
    return None if customer and customer["completeness"] == "COMPLETE" else "INCOMPLETE"


def _told(waits: list[float | str], asked: argparse.Namespace) -> dict[str, Any]:
    good = sorted(wait for wait in waits if not isinstance(wait, str))
    return {
        "callers": asked.callers,
        "questions": len(waits),
        "failed": Counter(wait for wait in waits if isinstance(wait, str)),
        "p50_ms": round(good[len(good) // 2]) if good else None,
        "p99_ms": round(good[len(good) * 99 // 100]) if good else None,
    }


def _memory_mb(pid: int) -> dict[str, int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    named = dict(line.split(":", 1) for line in lines)
    return {name: int(named[name].split()[0]) // 1024 for name in ("VmRSS", "VmHWM")}


def _processor_s(pid: int) -> float:
    """As the kernel counts it, of user and system."""
    told = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
