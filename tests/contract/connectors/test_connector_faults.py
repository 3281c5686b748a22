"""What every connector does when its vendor is down, slow, wrong, full or locked: one of our errors
for what was asked, nothing of ours in any text, and whole again by itself.
"""

import asyncio
import logging
import traceback
from typing import Any

import httpx
import pytest

from domain.errors import (
    CircuitOpen,
    SourceAuthError,
    SourceError,
    SourceProtocolError,
    SourceRateLimited,
    SourceTimeout,
    SourceUnavailable,
)
from domain.vocabulary import SourceState


def answering(status: int, body: bytes = b"{}", **headers: str) -> Any:
    kept = {
        "content-type": "application/json",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    return lambda _request: httpx.Response(status, content=body, headers=kept)


def refused(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("All connection attempts failed for https://planted.example/path?q=1")


async def hang(_request: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError("nobody wakes it")


FAULTS: dict[str, tuple[Any, type[SourceError]]] = {
    "refused": (refused, SourceUnavailable),
    "500": (answering(500), SourceUnavailable),
    "503": (answering(503, b"<html>"), SourceUnavailable),
    "hang": (hang, SourceTimeout),
    "401": (answering(401), SourceAuthError),
    "403": (answering(403), SourceAuthError),
    "400": (answering(400), SourceProtocolError),
    "redirect": (answering(302, b"", location="https://elsewhere.example/"), SourceProtocolError),
    "broken JSON": (answering(200, b'{"results": [{'), SourceProtocolError),
    "HTML": (answering(200, b"<html>", content_type="text/html"), SourceProtocolError),
    "null": (answering(200, b"null"), SourceProtocolError),
    "list": (answering(200, b"[1, 2]"), SourceProtocolError),
    "text": (answering(200, b'"fine"'), SourceProtocolError),
    "empty object": (answering(200, b"{}"), SourceProtocolError),
    "no body": (answering(200, b""), SourceProtocolError),
    "strange rows": (answering(200, b'{"results": 7, "data": 7}'), SourceProtocolError),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_is_one_of_our_errors_for_every_question(
    line: Any, harness: Any, fault: str
) -> None:
    line.answer, expected = FAULTS[fault]
    for name, ask in line.questions():
        source = line.source()
        line.calls.clear()
        got = await harness.outcome(ask(source, harness.within(2.0)))
        allowed = {expected}
        if expected is SourceUnavailable and len(line.calls) > 3:
            # A question of several calls, each tried three times, opens the circuit by itself.
            allowed.add(CircuitOpen)
        assert type(got) in allowed, (name, got)
        assert got.source == "here"
        assert source.status().state in {each.state for each in allowed}


async def test_a_wait_that_fits_is_waited_for(line: Any, harness: Any) -> None:
    for name, ask in line.questions():
        refusals = iter([line.vendor.rate_limited(2)])
        line.answer = lambda request, refusals=refusals: (
            next(refusals, None) or line.vendor.answer(line.rows, request)
        )
        began = asyncio.get_running_loop().time()
        got = await harness.outcome(ask(line.source(), harness.within(5.0)))
        assert not isinstance(got, SourceError), (name, got)
        assert 2.0 <= asyncio.get_running_loop().time() - began < 2.5, name


async def test_a_wait_that_does_not_fit_is_said_with_its_length(line: Any, harness: Any) -> None:
    for name, ask in line.questions():
        line.answer = lambda _request: line.vendor.rate_limited(30)
        source, began = line.source(), asyncio.get_running_loop().time()
        got = await harness.outcome(ask(source, harness.within(5.0)))
        assert type(got) is SourceRateLimited, (name, got)
        assert got.retry_after_s == pytest.approx(30, abs=1)
        assert asyncio.get_running_loop().time() - began < 0.5
        assert source.status().retry_after_ms == pytest.approx(30_000, abs=1_000)
        line.calls.clear()
        await harness.outcome(ask(source, harness.within(5.0)))
        assert line.calls == [], "asked again before the wait was over"


async def test_reads_are_tried_again_and_recover(line: Any, harness: Any) -> None:
    for name, ask in line.questions():
        broken = iter([httpx.Response(502), httpx.Response(503)])
        line.answer = lambda request, broken=broken: (
            next(broken, None) or line.vendor.answer(line.rows, request)
        )
        got = await harness.outcome(ask(line.source(), harness.within(5.0)))
        assert not isinstance(got, SourceError), (name, got)


async def test_the_deadline_is_kept_whatever_the_vendor_does(line: Any, harness: Any) -> None:
    line.answer = hang
    for name, ask in line.questions():
        began = asyncio.get_running_loop().time()
        got = await harness.outcome(ask(line.source(), harness.within(0.75)))
        assert type(got) is SourceTimeout, name
        assert asyncio.get_running_loop().time() - began == pytest.approx(0.75, abs=0.01)


async def test_a_deadline_that_has_passed_is_a_timeout(line: Any, harness: Any) -> None:
    for name, ask in line.questions():
        got = await harness.outcome(ask(line.source(), harness.within(-1.0)))
        assert isinstance(got, SourceTimeout), (name, got)


async def test_a_cancelled_question_leaves_nothing_behind(line: Any, harness: Any) -> None:
    for name, ask in line.questions():
        line.answer = hang
        source = line.source()
        before = asyncio.all_tasks()
        asking = asyncio.ensure_future(ask(source, harness.within(3.0)))
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == before, name
        line.answer = None
        got = await harness.outcome(ask(source, harness.within(3.0)))
        assert not isinstance(got, SourceError), (name, got)


async def test_rows_that_cannot_be_read_are_dropped_and_said(line: Any, harness: Any) -> None:
    for kind, endpoint in line.connector.spec.kinds.items():
        if not endpoint.changed_since:
            continue
        line.rows = line.vendor.seed(7)
        row = line.rows[kind][3]
        lost = line.vendor.external_id(kind, row)
        line.vendor.spoil(row)
        source = line.source()
        page = await source.changes[kind].changed_since(None, harness.within())
        assert page.dropped == 1
        assert lost not in {record.key.external_id for record in page.records}
        assert len(page.records) == 6
        assert source.status().state is SourceState.PROTOCOL_ERROR
        line.rows = line.vendor.seed(7)
        await source.changes[kind].changed_since(None, harness.within())
        assert source.status().state is SourceState.OK


async def test_loss_and_recovery_are_one_line_each(line: Any, harness: Any, taps: Any) -> None:
    _, ask = next(iter(line.questions()))
    source = line.source()
    line.answer = answering(500)
    for _ in range(12):
        await harness.outcome(ask(source, harness.within()))
        await asyncio.sleep(0.3)
    lost = [text for text in taps.lines if "source_lost" in text]
    assert len(lost) == 1
    assert "source=here" in lost[0]
    line.answer = None
    await asyncio.sleep(60)
    for _ in range(3):
        got = await harness.outcome(ask(source, harness.within()))
        assert not isinstance(got, SourceError)
    assert len([text for text in taps.lines if "source_recovered" in text]) == 1
    assert source.status().state is SourceState.OK


async def test_no_text_holds_a_secret_an_address_or_a_body(
    line: Any, harness: Any, taps: Any
) -> None:
    planted = [*line.vendor.SECRETS.values(), "planted.example", "person10"]
    texts: list[str] = [repr(line.settings), str(line.settings)]
    for fault, (answer, _) in FAULTS.items():
        line.answer = answer
        for name, ask in line.questions():
            source = line.source()
            got = await harness.outcome(ask(source, harness.within(1.0)))
            texts += [repr(got), str(got), *traceback.format_exception(got), f"{fault} {name}"]
            texts += [repr(source.status()), source.credential, repr(source.webhooks)]
            logging.getLogger("test").exception("it failed", exc_info=got)
    texts += [*taps.lines, *(" ".join(key) for key in line.tally.counts)]
    for secret in planted:
        assert not [text for text in texts if secret in text], secret


async def test_other_credentials_have_another_fingerprint(line: Any, harness: Any) -> None:
    one, same, other = line.source(), line.source(), None
    line.vendor.SECRETS = {name: f"{text}-2" for name, text in line.vendor.SECRETS.items()}
    other = line.source()
    assert one.credential == same.credential
    assert one.credential != other.credential
    got = [await harness.outcome(ask(other, harness.within())) for _, ask in line.questions()]
    assert got
