"""What changed since: windows, caps, late rows, streams."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from connectors.spec import Stream
from domain.errors import SourceProtocolError
from domain.ids import Kind

pytestmark = pytest.mark.usefixtures("virtual_time")


async def drain(source: Any, harness: Any, cursor: str | None) -> tuple[list[str], str]:
    seen: list[str] = []
    for _ in range(100):
        page = await source.changes[Kind.CONTACT].changed_since(cursor, harness.within())
        seen += [record.key.external_id for record in page.records]
        cursor = page.cursor
        if not page.more:
            return seen, cursor
    pytest.fail("the pages do not end")


@pytest.mark.parametrize("keyset", [True, False])
async def test_windows_go_on_beyond_the_vendors_cap(
    made: Any, made_up: Any, harness: Any, keyset: bool
) -> None:
    """The first window steps back by the overlap, so that its rows are older than the newest change
    already seen: that must not be taken for where the window has come to.
    """
    vendor = made_up.People(*(made_up.person(n, 3600 + n) for n in range(40)))
    source, _ = made(vendor, changes=made_up.since(keyset=keyset, cap=made_up.figure(6)))
    _, cursor = await drain(source, harness, None)
    began = 30 * 86_400
    vendor.rows = [made_up.person(n, began - 40 + n) for n in range(40)]
    seen, _ = await drain(source, harness, cursor)
    assert set(seen) == {f"p{n:03}" for n in range(10, 40)}


async def test_more_changes_at_one_instant_than_the_vendor_lists_start_a_scan(
    made: Any, made_up: Any, harness: Any
) -> None:
    vendor = made_up.People(made_up.person(0, 0))
    source, calls = made(vendor, changes=made_up.since(keyset=True, cap=made_up.figure(6)))
    _, cursor = await drain(source, harness, None)
    vendor.rows = [made_up.person(n, 40 * 86_400) for n in range(20)]
    calls.clear()
    seen, _ = await drain(source, harness, cursor)
    assert set(seen) == {f"p{n:03}" for n in range(20)}
    assert [body for _, body in calls if body["since"] is None], "only a scan sees them all"


async def test_a_scan_is_followed_from_when_it_began_less_the_overlap(
    made: Any, made_up: Any, harness: Any
) -> None:
    source, calls = made(made_up.People(made_up.person(1, 0)), changes=made_up.since())
    _, cursor = await drain(source, harness, None)
    calls.clear()
    await drain(source, harness, cursor)
    asked = datetime.fromisoformat(calls[0][1]["since"])
    began = made_up.T0 + timedelta(days=30)
    assert timedelta(0) <= asked - (began - made_up.POLICY.overlap) < timedelta(seconds=1)


async def test_a_resumed_window_steps_back_for_what_was_indexed_late(
    made: Any, made_up: Any, harness: Any
) -> None:
    """A row that is found a minute late, with a time before the newest one already seen."""
    base = 40 * 86_400
    vendor, clock = made_up.People(made_up.person(1, 0)), harness.Clock(made_up.T0)
    source, _ = made(vendor, changes=made_up.since(), clock=clock)
    _, cursor = await drain(source, harness, None)
    clock.shift = timedelta(days=41)
    vendor.rows.append(made_up.person(2, base))
    seen, cursor = await drain(source, harness, cursor)
    assert "p002" in seen
    vendor.rows.append(made_up.person(3, base - 20))
    vendor.rows.append(made_up.person(4, base - 40))
    seen, _ = await drain(source, harness, cursor)
    assert seen == ["p003", "p002"]


async def test_a_row_from_the_future_does_not_hide_what_changes_until_then(
    made: Any, made_up: Any, harness: Any
) -> None:
    vendor = made_up.People(made_up.person(1, 0))
    source, _ = made(vendor, changes=made_up.since(keyset=True))
    _, cursor = await drain(source, harness, None)
    vendor.rows.append(made_up.person(2, 400 * 86_400))
    _, cursor = await drain(source, harness, cursor)
    vendor.rows.append(made_up.person(3, 30 * 86_400 + 60))
    seen, _ = await drain(source, harness, cursor)
    assert "p003" in seen


async def test_rows_that_change_while_pages_are_read_hide_no_other(
    made: Any, made_up: Any, harness: Any
) -> None:
    """With an offset, a row that moves to the end shifts the next page by one: p002 is skipped."""
    base = 10 * 86_400
    vendor = made_up.People(*(made_up.person(n, base + n) for n in range(6)), cap=100)
    source, _ = made(vendor, changes=made_up.since(keyset=True))
    held = {"since": made_up.T0, "start": made_up.T0, "begun": made_up.T0, "page": None, "read": 0}
    cursor = json.dumps(
        {k: v.isoformat() if isinstance(v, datetime) else v for k, v in held.items()}
    )
    page = await source.changes[Kind.CONTACT].changed_since(cursor, harness.within())
    assert [r.key.external_id for r in page.records] == ["p000", "p001"]
    vendor.rows[0] = made_up.person(0, base + 1000)
    seen, _ = await drain(source, harness, page.cursor)
    assert set(seen) >= {f"p{n:03}" for n in range(6)}


async def test_a_stream_goes_on_with_the_vendors_cursor_and_names_what_is_gone(
    made: Any, made_up: Any, harness: Any
) -> None:
    answers = {
        None: {"rows": [made_up.person(1, 0)], "next": "A"},
        "A": {"rows": [made_up.person(2, 0)], "deleted": ["p001"], "resume": "B"},
        "B": {"rows": [], "resume": "B"},
    }
    form = Stream(ask=made_up.ask_stream, read=made_up.read_rows, policy=made_up.POLICY)
    source, _ = made(lambda _path, body: answers[body["cursor"]], changes=form)
    ask = source.changes[Kind.CONTACT].changed_since
    first = await ask(None, harness.within())
    second = await ask(first.cursor, harness.within())
    third = await ask(second.cursor, harness.within())
    assert [first.more, second.more, third.more] == [True, False, False]
    assert [key.external_id for key in second.deleted] == ["p001"]
    assert third.cursor == second.cursor


@pytest.mark.parametrize("answer", [{"rows": []}, {"rows": [], "next": "A"}])
async def test_a_stream_that_does_not_move_is_an_error(
    made: Any, made_up: Any, harness: Any, answer: Any
) -> None:
    form = Stream(ask=made_up.ask_stream, read=made_up.read_rows, policy=made_up.POLICY)
    source, _ = made(lambda *_: answer, changes=form)
    with pytest.raises(SourceProtocolError):
        await source.changes[Kind.CONTACT].changed_since('{"stream":"A"}', harness.within())
