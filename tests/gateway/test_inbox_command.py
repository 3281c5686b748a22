"""`knownas inbox list | show | replay` and `knownas worker`: for what nobody could apply."""

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.ids import Kind, SourceKey
from domain.inbox import EntryState, Postponed, Unread
from domain.sources import ChangeKind, SourceEvent
from gateway import commands
from state.engine import State, open_state

PLANTED = "7003217"
CONFIG = """
[state]
url = "sqlite:///knownas.db"
[sources.shop]
connector = "shopify"
base_url = "https://127.0.0.1:9"
token = { env = "T" }
webhook_secret = { env = "T" }
"""
MENDED = b'{"id": 7, "admin_graphql_api_id": "gid://shopify/Customer/7"}'

Run = Callable[..., str]


@pytest.fixture
def knownas(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Runs a command in a folder with a configuration; what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("T", "t")
    (tmp_path / "knownas.toml").write_text(CONFIG)

    def run(*arguments: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["knownas", *arguments])
        with pytest.raises(SystemExit) as ended:
            commands.run()
        captured = capsys.readouterr()
        assert ended.value.code in (code, None if code == 0 else code), captured.err
        return captured.out if code == 0 else captured.err

    return run


@pytest.fixture
def filled(knownas: Run) -> None:
    """One event that waits, one that was put aside, one delivery that could not be read."""

    async def fill() -> None:
        state = open_state("sqlite:///knownas.db")
        await state.upgrade()
        await _fill(state)
        await state.close()

    asyncio.run(fill())


async def _fill(state: State) -> None:
    key = SourceKey("shop", Kind.CONTACT, PLANTED)
    told = [SourceEvent(event_id=f"e{n}", key=key, change=ChangeKind.CHANGED) for n in range(2)]
    await state.inbox.append(told[:1])
    claim = await state.inbox.claim(1, 60)
    assert claim is not None
    later = datetime.now(UTC) + timedelta(days=1)
    dead = Postponed(source="shop", event_id="e0", due_at=later, reason="no form", strike=True)
    await state.inbox.settle(claim, done=[], again=[dead], limit=1)
    await state.inbox.append(told[1:])
    headers = (("x-shopify-topic", "customers/update"), ("x-shopify-webhook-id", "w-1"))
    await state.inbox.keep_unread(
        Unread(
            source="shop",
            event_id="unread/1",
            url="https://x/webhooks/shop",
            headers=headers,
            body=MENDED,
            reason="shop: a delivery of another form",
        )
    )


def rows(printed: str) -> list[list[str]]:
    return [line.split("\t") for line in printed.splitlines()]


@pytest.mark.usefixtures("filled")
def test_what_waits_and_what_was_put_aside_is_listed_without_saying_whose_it_is(
    knownas: Run,
) -> None:
    printed = knownas("inbox", "list")
    assert PLANTED not in printed
    assert sorted((row[2], row[4], row[7]) for row in rows(printed)) == [
        ("dead", "changed", "no form"),
        ("dead", "unread", "shop: a delivery of another form"),
        ("waiting", "changed", ""),
    ]
    assert len(rows(knownas("inbox", "list", "--state", "dead", "--source", "shop"))) == 2
    assert rows(knownas("inbox", "list", "--source", "other")) == []


@pytest.mark.usefixtures("filled")
def test_one_event_is_shown_whole_and_its_body_only_when_asked_for(knownas: Run) -> None:
    listed = {row[4]: row[0] for row in rows(knownas("inbox", "list", "--state", "dead"))}
    shown = dict(rows(knownas("inbox", "show", listed["changed"])))
    assert (shown["record"], shown["reason"], shown["strikes"]) == (
        f"contact {PLANTED}",
        "no form",
        "1",
    )
    unread = knownas("inbox", "show", listed["unread"])
    assert "gid://" not in unread
    assert "x-shopify-topic" in unread
    assert "gid://" in knownas("inbox", "show", listed["unread"], "--body")
    assert "no such event" in knownas("inbox", "show", "nothing", code=1)


@pytest.mark.usefixtures("filled")
def test_what_was_put_aside_waits_again_and_is_read_anew(knownas: Run) -> None:
    assert "name events" in knownas("inbox", "replay", code=1)
    assert knownas("inbox", "replay", "--all") == "waiting again\t2\n"
    assert knownas("inbox", "list", "--state", "dead") == ""

    async def waiting() -> list[str]:
        state = open_state("sqlite:///knownas.db")
        entries = await state.inbox.entries(EntryState.WAITING, None, 10)
        await state.close()
        return sorted(one.event.key.external_id for one in entries if one.event)

    assert asyncio.run(waiting()) == ["7", PLANTED, PLANTED]


@pytest.mark.usefixtures("filled")
def test_a_worker_takes_what_is_due_and_leaves_what_waits_for_its_source(knownas: Run) -> None:
    """The source of this configuration is not there."""
    assert knownas("worker", "--until-empty") == "applied\t1\n"
    (row,) = rows(knownas("inbox", "list", "--state", "waiting"))
    assert (row[6], row[7].startswith("shop: no answer")) == ("1", True)
