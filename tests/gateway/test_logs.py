"""One line per event, in two forms, with nothing in it that nobody meant to tell."""

import io
import json
import logging
import warnings
from collections.abc import Callable

import pytest

from gateway.config import Log
from gateway.logs import configure, request_id


@pytest.fixture
def lines() -> Callable[[str], list[str]]:
    """Configures logging into a string; the lines written so far."""
    stream = io.StringIO()

    def start(form: str) -> list[str]:
        if form:
            configure(Log(format=form), stream)  # type: ignore[arg-type]
        return stream.getvalue().splitlines()

    return start


def test_text_has_time_level_logger_event_and_pairs(lines: Callable[[str], list[str]]) -> None:
    lines("text")
    logging.getLogger("connectors.monitor").warning("source_lost source=%s", "crm")
    logging.getLogger("x").info("request", extra={"fields": {"path": "/a b", "status": 200}})
    first, second = lines("")
    assert first[10] == "T"
    assert first.split(" ", 1)[1] == "WARNING connectors.monitor source_lost source=crm"
    assert second.endswith('INFO x request path="/a b" status=200')


def test_json_has_the_same_as_keys(lines: Callable[[str], list[str]]) -> None:
    lines("json")
    logging.getLogger("connectors.monitor").warning("source_lost source=%s state=%s", "crm", "X")
    logging.getLogger("x").info("Some library's sentence, with a=1 in it.")
    first, second = (json.loads(line) for line in lines(""))
    assert {k: first[k] for k in ("level", "event", "source", "state")} == {
        "level": "warning",
        "event": "source_lost",
        "source": "crm",
        "state": "X",
    }
    assert second["event"] == "Some library's sentence, with a=1 in it."


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_request_is_named_on_all_its_lines(lines: Callable[[str], list[str]], form: str) -> None:
    lines(form)
    token = request_id.set("r-1")
    logging.getLogger("x").info("event")
    request_id.reset(token)
    logging.getLogger("x").info("event")
    within, outside = lines("")
    assert "r-1" in within
    assert "request" not in outside


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exception_is_told_by_its_kind_and_not_its_text(
    lines: Callable[[str], list[str]], form: str
) -> None:
    lines(form)
    try:
        raise ValueError("jane@example.com")
    except ValueError:
        logging.getLogger("x").exception("event")
    (line,) = lines("")
    assert "builtins.ValueError" in line
    assert "jane" not in line


@pytest.mark.parametrize("form", ["text", "json"])
def test_nobody_can_write_a_line_of_their_own(lines: Callable[[str], list[str]], form: str) -> None:
    lines(form)
    logging.getLogger("x").info("event", extra={"fields": {"path": "/\n2026 INFO x forged"}})
    logging.getLogger("x").info("event\nforged")
    assert len(lines("")) == 2


def test_libraries_that_write_addresses_are_not_heard(lines: Callable[[str], list[str]]) -> None:
    lines("text")
    logging.getLogger("httpx").info("HTTP Request: GET https://x/?email=jane@example.com")
    logging.getLogger("uvicorn.access").info("GET /graphql?variables=jane")
    assert lines("") == []


def test_warnings_are_lines_too(lines: Callable[[str], list[str]]) -> None:
    lines("text")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("something is old", stacklevel=1)
    assert len(lines("")) == 1
