"""`knownas sync`: what it brings in, and what becomes of it when it is killed."""

import signal
import sqlite3
from contextlib import closing

import pytest

ROWS = {
    "contacts": "key, updated_at, deleted_at is not null, merged_into, digest",
    "contact_identifiers": "key, kind, scope, value",
    "contact_words": "key, word",
}
PAGES = ("crm", "chat")
"""The systems whose people take more than one page."""


def selected(state, what):
    with closing(sqlite3.connect(state)) as connection:
        return sorted(map(repr, connection.execute(f"select {what}")))  # our own


def stored(state):
    """What a sync leaves behind, but for the times at which it did."""
    return {table: selected(state, f"{columns} from {table}") for table, columns in ROWS.items()}


def scans(state):
    """The sources whose scan is under way."""
    return selected(state, "source from sync_cursors where scan_started_at is not null")


def told(output):
    """The lines of the result: source, read, changed, deleted, failed."""
    rows = [line.split("\t") for line in output.splitlines()]
    return {row[0]: tuple(map(int, row[1:])) for row in rows}


@pytest.fixture
def rows(world):
    """How many people each system holds, as a sync counts them."""
    tables = {"crm": world.crm_contacts, "shop": world.shop_customers, "chat": world.chat_contacts}
    customers = {name: sum(1 for _ in table.live()) for name, table in tables.items()}
    return customers | {"desk": sum(row.role == "end-user" for row in world.ticket_users.live())}


def test_a_sync_brings_in_everybody_once(deploy, rows):
    fresh = deploy()
    first = told(fresh.done("sync"))
    assert first == {name: (count, count, 0, 0) for name, count in rows.items()}
    before = stored(fresh.state)
    again = told(fresh.done("sync"))
    assert {name: changed for name, (_, changed, _, _) in again.items()} == dict.fromkeys(rows, 0)
    assert stored(fresh.state) == before


def test_a_sync_that_was_killed_half_way_ends_where_an_uninterrupted_one_does(
    deploy, platforms, resolved, rows, until
):
    """Killed while the second page of two systems is awaited: the first ones are kept."""
    killed = deploy()
    for source in PAGES:
        # The first page is late enough for the second one to be held up before it is asked for.
        platforms.fault(source, "delay", ms=1_000, count=1)
    with killed.started("sync") as process:
        for number in (1, 2):
            for source in PAGES:
                until(lambda s=source, n=number: len(platforms.calls(s)) == n, f"page {number}")
                platforms.fault(source, "hang")
        process.kill()
        assert process.wait() == -signal.SIGKILL
    platforms.heal()
    half = {
        source: len(selected(killed.state, f"key from contacts where key like '{source}%'"))
        for source in PAGES
    }
    assert {"('crm',)", "('chat',)"} <= set(scans(killed.state))
    assert all(0 < half[source] < rows[source] for source in PAGES)

    ended = told(killed.done("sync"))
    assert {source: ended[source][0] for source in PAGES} == {
        source: rows[source] - half[source] for source in PAGES
    }, "what was stored is not read again"
    assert scans(killed.state) == []
    assert stored(killed.state) == stored(resolved)


def test_a_source_that_fails_does_not_keep_the_others_out(deploy, platforms, rows):
    fresh = deploy()
    platforms.fault("shop", "401")
    ended = fresh.knownas("sync")
    assert ended.returncode == 1
    assert [line for line in ended.stderr.splitlines() if line.startswith("knownas: ")] == [
        "knownas: shop: answered 401"
    ]
    counts = told(ended.stdout)
    assert counts.pop("shop") == (0, 0, 0, 0)
    assert counts == {name: (n, n, 0, 0) for name, n in rows.items() if name != "shop"}
