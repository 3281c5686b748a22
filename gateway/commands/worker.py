"""`knownas worker`."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from gateway.bootstrap import opened
from gateway.commands.parameters import DEFAULT_CONFIG, ConfigFile, configured_to_serve
from gateway.receiving import new_worker
from gateway.server import run
from gateway.terminal import note, say
from gateway.worker import Worker

UntilEmpty = Annotated[
    bool, typer.Option("--until-empty", help="End once nothing is due, instead of waiting.")
]


def command(config: ConfigFile = DEFAULT_CONFIG, until_empty: UntilEmpty = False) -> None:
    """Apply what vendors told, until SIGTERM or Ctrl+C.

    As many as you like may run, over one store.
    """
    run(_work(config, until_empty=until_empty))


async def _work(path: Path, *, until_empty: bool) -> None:
    async with opened(configured_to_serve(path, {})) as program:
        worker = new_worker(program)
        if until_empty:
            say(f"applied\t{await _empty(worker)}")
            return
        async with worker.running():
            note("working")
            await _told_to_stop()


async def _empty(worker: Worker) -> int:
    """How many claims it took."""
    claims = 0
    while await worker.apply_some():
        claims += 1
    return claims


async def _told_to_stop() -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(one, stopping.set)
    try:
        await stopping.wait()
    finally:
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(one)
