"""A process that is killed at any moment of a sync, a resolution, a merge or a split: what it had
acknowledged is there, and nothing is half.

20 kills in the normal run; KNOWNAS_KILLS=100 for more of each kind on each database.
"""

import contextlib
import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from domain.ids import Kind
from domain.vocabulary import IdentityEventKind, LinkStatus
from resolvers.places import event_place

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("KNOWNAS_KILLS", "0"))
ROUNDS = {"decide": KILLS or 6, "sync": KILLS or 2, "resolve": KILLS or 2}
"""On each of the two databases: 20 in all."""
WITHIN_S = {"decide": 0.03, "sync": 0.02, "resolve": 0.6, "publishing": 0.02}
"""About as long as each takes, so that the kill falls before, into and after its transaction."""
PAGE = 5


class Nursery:
    """Where mortals come from."""

    def __init__(self, process):
        self.process = process
        self.rest = b""

    def killed(self, url, what, name, dice):
        """Start one, kill it some time into what it does. Returns what it had acknowledged."""
        self.process.stdin.write(f"{url} {what} {name}\n".encode())
        self.process.stdin.flush()
        told = self.until("born ")
        child = int(told[-1].split()[1])
        moment = "publishing" if what == "resolve" and dice.random() < 0.6 else what
        for _ in range(dice.randint(1, 1 if what == "resolve" else 4)):
            told += self.until(f"at {moment}")
        told += self.during(dice.uniform(0, WITHIN_S[moment]))
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        told += self.until("gone")
        return [line.split()[1:] for line in told if line.startswith("done ")]

    def until(self, wanted):
        """Lines up to the one that begins so."""
        lines = []
        while not (lines and lines[-1].startswith(wanted)):
            lines.append(self.line())
            assert wanted == "gone" or lines[-1] != "gone", lines
        return lines

    def during(self, seconds):
        """What is told meanwhile."""
        end, lines = time.monotonic() + seconds, []
        while (left := end - time.monotonic()) > 0:
            if self.rest.count(b"\n") or select.select([self.process.stdout], [], [], left)[0]:
                lines.append(self.line())
        return lines

    def line(self):
        while b"\n" not in self.rest:
            more = os.read(self.process.stdout.fileno(), 65_536)
            assert more, "the nursery ended"
            self.rest += more
        line, self.rest = self.rest.split(b"\n", 1)
        return line.decode()


@pytest.fixture(scope="module")
def nursery():
    command = [sys.executable, str(Path(__file__).with_name("mortal.py"))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    settings = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=settings, bufsize=0, **pipes) as process:
        yield Nursery(process)
        process.stdin.close()


@pytest.fixture
async def five(desk):
    """Two customers, whose records are held together by decisions; both are stored."""
    await desk.stand(cus_1="a", cus_2="b", cus_3="c", cus_4="d", cus_5="e")
    await desk.merge("cus_1", "cus_2")
    await desk.merge("cus_3", "cus_4", "cus_5")
    return await desk.snapshot()


def groups(snapshot):
    """The five, as they are grouped."""
    names = ["".join(key.external_id for key in keys) for keys in snapshot.values()]
    return sorted(name for name in names if name.isalpha())


async def check_decisions(desk, acknowledged):
    events = await desk.state.decisions.history("cus_1", 10_000, None)
    assert set(acknowledged) <= {event.sequence for event in events}
    merged = events[0].kind is IdentityEventKind.MERGED and len(events) > 1
    assert groups(await desk.snapshot()) == (["abcde"] if merged else ["ab", "cde"])
    across = [f"{one}-{other}" for one in "ab" for other in "cde"]
    wanted = {LinkStatus.CONFIRMED} if merged else {LinkStatus.REJECTED, None}
    assert set(await desk.statuses(*across)) <= wanted
    assert set(await desk.statuses("a-b", "c-d", "c-e", "d-e")) == {LinkStatus.CONFIRMED}
    assert (await desk.cluster("cus_3")).id == ("cus_1" if merged else "cus_3")


async def check_sync(desk, page):
    """Whole pages, and the cursor of the last of them. Returns how many."""
    stored = int((await desk.state.records.cursor("shop", Kind.CONTACT)).cursor or 0)
    assert stored >= page
    keys = [
        contact.key.external_id
        async for batch in desk.state.records.every_contact()
        for contact in batch
        if contact.key.source == "shop"
    ]
    whole = [f"{page}-{row}" for page in range(1, stored + 1) for row in range(PAGE)]
    assert sorted(keys) == sorted(whole)
    return stored


async def check_resolution(desk, stored, page):
    """Every record is one customer's or not resolved yet, and then none of its page is."""
    keys = {n: [desk.key(f"shop:{n}-{row}") for row in range(PAGE)] for n in range(1, stored + 1)}
    for number, some in keys.items():
        owners = await desk.people.of_records(some)
        assert all(owners) or not any(owners), number
        assert all(owners) or number > page
        clusters = await desk.people.clusters([owner for owner in owners if owner])
        assert [one.members for one in clusters] == [(key,) for key in some if all(owners)]


async def test_a_kill_at_any_moment_loses_nothing_and_leaves_nothing_half(
    desk, state_url, five, nursery
):
    assert groups(five) == ["ab", "cde"]
    dice = random.Random(20)
    what = [kind for kind, rounds in ROUNDS.items() for _ in range(rounds)]
    events, synced, resolved = [], 0, 0
    for number, kind in enumerate(dice.sample(what, len(what))):
        for done, last in nursery.killed(state_url, kind, f"round-{number}", dice):
            if done == "decide":
                events.append(event_place(last))
            synced = max(synced, int(last)) if done == "sync" else synced
            resolved = int(last) if done == "resolve" else resolved
        await check_decisions(desk, events)
        stored = await check_sync(desk, synced)
        await check_resolution(desk, stored, resolved)
    assert events
    assert synced


async def test_what_was_decided_before_a_kill_is_not_decided_again_under_its_key(
    desk, state_url, five, nursery
):
    nursery.killed(state_url, "decide", "again", random.Random(3))
    before = await desk.state.decisions.history("cus_1", 1_000, None)
    count = len(before) - 1  # the first is of the fixture
    seen, owner = {}, await desk.owner("c")
    for number in range(count):
        payload = await desk.merge("cus_1", owner, key=f"again-{number}", reason="again")
        seen[number] = [error.code.value for error in payload.user_errors]
    assert all(codes in ([], ["KEY_REUSED"]) for codes in seen.values())
    assert await desk.state.decisions.history("cus_1", 1_000, None) == before
