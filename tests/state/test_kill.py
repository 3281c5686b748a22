"""A sync that is killed without warning: what was acknowledged is there, nothing is half."""

import os
import subprocess
import sys
from pathlib import Path

from domain.ids import Kind

ROOT = Path(__file__).parents[2]
SYNC = """
import asyncio, sys
from datetime import UTC, datetime
from domain.ids import Kind, SourceKey
from domain.ports import IndexedContact, SyncCursor
from domain.provenance import Provenance, System
from domain.records import Contact
from domain.vocabulary import SystemKind
from state.engine import open_state

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SYSTEM = System(name="crm", kind=SystemKind.CRM, connector="test")

def contact(id):
    said = Provenance(system=SYSTEM, external_id=id, fetched_at=NOON, source_updated_at=NOON)
    record = Contact(key=SourceKey("crm", Kind.CONTACT, id), provenance=said)
    return IndexedContact(contact=record, identifiers=(), words=(f"page{id}",))

async def sync():
    state = open_state(sys.argv[1])
    page = int((await state.records.cursor("crm", Kind.CONTACT)).cursor or 0)
    while True:
        page += 1
        rows = [contact(f"{page}-{number}") for number in range(100)]
        await state.records.put_page("crm", Kind.CONTACT, rows, (), SyncCursor(cursor=str(page)))
        print(page, flush=True)

asyncio.run(sync())
"""


def killed_after(url: str, pages: int) -> int:
    """Run a sync, kill it some pages later. Returns the last page it had acknowledged."""
    command = [sys.executable, "-c", SYNC, url]
    settings = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=settings) as process:
        acknowledged = [process.stdout.readline() for _ in range(pages)]
        process.kill()
        acknowledged += process.stdout.readlines()
    assert process.returncode == -9
    return int([line for line in acknowledged if line.endswith("\n")][-1])


async def test_a_kill_between_or_within_pages_loses_and_repeats_nothing(state, state_url):
    for count in (1, 4):
        acknowledged = killed_after(state_url, count)
        page = int((await state.records.cursor("crm", Kind.CONTACT)).cursor)
        assert page in (acknowledged, acknowledged + 1)
        stored = [
            contact.key.external_id
            async for batch in state.records.every_contact()
            for contact in batch
        ]
        whole = [f"{number}-{row}" for number in range(1, page + 1) for row in range(100)]
        assert sorted(stored) == sorted(whole)
        found = await state.records.find_words([f"page{page}-"], 1_000)
        assert len(found) == 100
