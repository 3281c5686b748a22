"""The whole sandbox over real HTTP, inside a program and as one."""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path

import httpx
import pytest

from sandbox.server import Sandbox
from sandbox.vendors import VENDORS

ROOT = Path(__file__).parents[2]


async def test_every_emulator_answers_on_a_port_of_its_own(world):
    async with Sandbox(world) as sandbox, httpx.AsyncClient() as client:
        assert list(sandbox.urls) == list(sandbox.credentials) == [v.name for v in VENDORS]
        assert len(set(sandbox.urls.values())) == len(VENDORS)
        for name, url in sandbox.urls.items():
            await client.get(f"{url}/of/{name}")
            assert sandbox.gates[name].calls.count(prefix=f"/of/{name}") == 1
            assert sandbox.gates[name].calls.count() == 1


async def test_systems_share_one_world(world):
    person = next(iter(world.people))
    token = {"authorization": f"Bearer {VENDORS[0].credentials['token']}"}
    row = next(row for row in world.crm_contacts.live() if row.person_id == person)
    async with Sandbox(world) as sandbox, httpx.AsyncClient() as client:
        url = f"{sandbox.urls['hubspot']}/crm/v3/objects/contacts/{row.id}"
        await client.patch(url, json={"properties": {"city": "Ely"}}, headers=token)
    assert world.crm_contacts.get(row.id).city == "Ely"


async def test_no_answer_comes_sooner_than_the_latency(world):
    async with Sandbox(world, latency_ms=20) as sandbox, httpx.AsyncClient() as client:
        url = sandbox.urls["hubspot"]
        await client.get(f"{url}/__calls")
        began = time.perf_counter()
        await client.get(url)
        assert time.perf_counter() - began >= 0.02


async def test_an_answer_does_not_wait_for_acknowledgements(world):
    """Nagle's algorithm would make every answer 40 ms late."""
    took = []
    async with Sandbox(world) as sandbox, httpx.AsyncClient() as client:
        for _ in range(10):
            began = time.perf_counter()
            await client.get(sandbox.urls["hubspot"])
            took.append(time.perf_counter() - began)
    assert min(took) < 0.03


async def test_a_port_may_be_chosen_and_is_free_again_afterwards(world):
    async with Sandbox(world) as first:
        port = int(first.urls["zendesk"].rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            await Sandbox(world, ports={"zendesk": port}).start()
    async with Sandbox(world, ports={"zendesk": port}) as second:
        assert second.urls["zendesk"].endswith(f":{port}")


async def test_it_leaves_the_signals_of_its_host_alone(world):
    before = [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)]
    async with Sandbox(world):
        assert [signal.getsignal(signum) for signum in (signal.SIGINT, signal.SIGTERM)] == before


async def test_stopping_releases_requests_that_hang(world):
    async with Sandbox(world) as sandbox, httpx.AsyncClient() as client:
        url = sandbox.urls["hubspot"]
        await client.post(f"{url}/__faults", json={"kind": "hang"})
        asked = asyncio.create_task(client.get(url))
        await sandbox.gates["hubspot"].calls.until(1)
        await sandbox.stop()
        assert (await asked).status_code == 401


async def test_it_runs_as_a_process_until_told_to_stop():
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "sandbox", "--people", "20"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    places = json.loads(await process.stdout.readline())
    async with httpx.AsyncClient() as client:
        for place in places.values():
            assert (await client.get(f"{place['url']}/__calls")).json()["total"] == 0
    assert places["zendesk"]["credentials"]["token"]
    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
