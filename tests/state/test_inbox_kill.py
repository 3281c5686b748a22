"""A receiver that is killed without warning: every event it had said to have is there."""

import os
import subprocess
import sys
from pathlib import Path

from domain.inbox import EntryState

ROOT = Path(__file__).parents[2]
RECEIVE = """
import asyncio, itertools, sys
from domain.ids import Kind, SourceKey
from domain.sources import ChangeKind, SourceEvent
from state.engine import open_state

async def receive():
    state = open_state(sys.argv[1])
    for number in itertools.count():
        key = SourceKey("crm", Kind.CONTACT, str(number))
        events = [
            SourceEvent(event_id=f"{number}/{part}", key=key, change=ChangeKind.CHANGED)
            for part in range(3)
        ]
        await state.inbox.append(events)
        print(number, flush=True)

asyncio.run(receive())
"""


def receive_until_killed(url: str) -> int:
    """The last delivery that was thanked for."""
    command = [sys.executable, "-c", RECEIVE, url]
    settings = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=settings) as process:
        lines = [process.stdout.readline() for _ in range(20)]
        process.kill()
        lines += process.stdout.readlines()
    assert process.returncode == -9
    return int([line for line in lines if line.endswith("\n")][-1])


async def test_a_kill_after_the_thank_you_loses_nothing_and_leaves_nothing_half(state, state_url):
    thanked = receive_until_killed(state_url)
    kept = await state.inbox.entries(EntryState.WAITING, None, 100_000)
    deliveries = {int(entry.event.key.external_id) for entry in kept}
    assert deliveries in ({*range(thanked + 1)}, {*range(thanked + 2)})
    assert len(kept) == 3 * len(deliveries)
