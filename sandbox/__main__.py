"""The sandbox as a process of its own: `python -m sandbox --port 24201`.

Prints one JSON line, {"hubspot": {"url": ..., "credentials": {...}}, ...}, once every port listens,
and serves until interrupted or terminated.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys

import uvloop

from sandbox.seed import build_world
from sandbox.server import Sandbox
from sandbox.vendors import VENDORS


def main() -> None:
    asked = _arguments().parse_args()
    ports = {} if asked.port == 0 else {v.name: asked.port + n for n, v in enumerate(VENDORS)}
    world = build_world(people=asked.people, seed=asked.seed)
    uvloop.run(_serve(Sandbox(world, ports=ports, latency_ms=asked.latency_ms)))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--port", type=int, default=0, help="of the first emulator; 0 = free ones")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="of every answer, at least")
    return parser


async def _serve(sandbox: Sandbox) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, ended.set)
    async with sandbox:
        places = {
            name: {"url": url, "credentials": dict(sandbox.credentials[name])}
            for name, url in sandbox.urls.items()
        }
        sys.stdout.write(json.dumps(places) + "\n")
        sys.stdout.flush()
        await ended.wait()


if __name__ == "__main__":
    main()
