"""A steward's process that is killed without warning: what it acknowledged is there, and nothing
is half.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from domain.vocabulary import IdentityEventKind, LinkStatus
from resolvers.places import event_place

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("KNOWNAS_KILLS", "4"))
STEWARD = """
import asyncio, importlib.util, itertools, sys
spec = importlib.util.spec_from_file_location("desk", sys.argv[2])
fixtures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fixtures)

class Clock:
    def now(self):
        return fixtures.AT

async def decide():
    state = fixtures.open_state(sys.argv[1])
    desk = fixtures.Desk(state, Clock())
    for number in itertools.count():
        key = f"{sys.argv[3]}-{number}"
        owner = await desk.owner("a")
        if owner == await desk.owner("c"):
            payload = await desk.split(owner, "c d e", key=key)
        else:
            payload = await desk.merge(owner, await desk.owner("c"), key=key)
        assert not payload.user_errors
        print(payload.event, flush=True)

asyncio.run(decide())
"""


def killed(url, name, decisions):
    """Let a steward decide, kill it some decisions later. Returns what it had acknowledged."""
    fixtures = Path(__file__).with_name("conftest.py")
    command = [sys.executable, "-c", STEWARD, url, str(fixtures), name]
    settings = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=settings) as process:
        lines = [process.stdout.readline() for _ in range(decisions)]
        process.kill()
        lines += process.stdout.readlines()
    assert process.returncode == -9
    return [event_place(line.strip()) for line in lines if line.endswith("\n")]


@pytest.fixture
async def five(desk):
    await desk.stand(cus_1="a b", cus_2="c d e")
    return await desk.snapshot()


async def test_a_kill_loses_no_acknowledged_decision_and_leaves_none_half(desk, state_url, five):
    acknowledged = []
    for number in range(ROUNDS):
        acknowledged += killed(state_url, f"round-{number}", 1 + number)
        events = await desk.state.decisions.history("cus_1", 1_000, None)
        assert set(acknowledged) <= {event.sequence for event in events}
        merged = events[0].kind is IdentityEventKind.MERGED
        whole = {"cus_1": tuple(sorted(five["cus_1"] + five["cus_2"]))}
        assert await desk.snapshot() == (whole if merged else five)
        across = [f"{one}-{other}" for one in "ab" for other in "cde"]
        status = LinkStatus.CONFIRMED if merged else LinkStatus.REJECTED
        assert set(await desk.statuses(*across)) == {status}
        assert await desk.state.identities.version() == 2 + len(events)
        assert (await desk.cluster("cus_2")).id == ("cus_1" if merged else "cus_2")


async def test_what_was_decided_but_not_acknowledged_is_answered_again_by_its_key(
    desk, state_url, five
):
    last = killed(state_url, "again", 2)[-1]
    (newest, *_) = await desk.state.decisions.history("cus_1", 1, None)
    assert newest.sequence in (last, last + 1)
    key = f"again-{len(await desk.state.decisions.history('cus_1', 1_000, None)) - 1}"
    if newest.kind is IdentityEventKind.MERGED:
        payload = await desk.split("cus_1", "c d e", key=key)
    else:
        payload = await desk.merge("cus_1", "cus_2", key=key)
    assert [error.code for error in payload.user_errors] == ["KEY_REUSED"]
