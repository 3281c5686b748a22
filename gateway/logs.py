"""Logs: one line per event on standard error, through standard logging.

A message is an event name and key=value pairs ("source_lost source=crm"); `extra={"fields": {...}}`
adds pairs. Every line of a request carries its id. Other libraries' lines are cut to their first
one, and those that would tell addresses with what is in them are silenced.
"""

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final, TextIO

from gateway.config import Log

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="")

TELLTALES: Final = (
    "httpx",
    "httpcore",
    "aiohttp",
    "urllib3",
    "uvicorn.access",
    "sqlalchemy.engine",
)
"""Loggers that write addresses or statements with their values; they only speak of errors."""

TALKATIVE: Final = ("alembic", "mcp", "uvicorn.error")
"""Loggers that tell every step of theirs; they only speak of what is wrong."""

_PAIR: Final = re.compile(r"([A-Za-z_][\w.]*)=(\S*)")
_EVENT: Final = re.compile(r"[a-z][a-z0-9_]*")


def configure(settings: Log, stream: TextIO | None = None) -> None:
    """Send everything to one stream, in one form. Called once, by the program."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if settings.format == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.level.upper())
    for name in TELLTALES:
        logging.getLogger(name).setLevel(logging.ERROR)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def make_sure() -> None:
    """Configure with the defaults where nobody has configured anything."""
    if not logging.getLogger().handlers:
        configure(Log())


class TextLines(logging.Formatter):
    """`2026-01-31T10:00:00.000Z INFO gateway.app event key=value ...`."""

    def format(self, record: logging.LogRecord) -> str:
        told = [_time(record), record.levelname, record.name, _first_line(record)]
        told += [f"{key}={_quoted(value)}" for key, value in _added(record)]
        return " ".join(told)


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        message = _first_line(record)
        event, _, rest = message.partition(" ")
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": message,
        }
        if _EVENT.fullmatch(event) and not _PAIR.sub("", rest).strip():
            line["event"] = event
            line.update(_PAIR.findall(rest))
        line.update(_added(record))
        return json.dumps(line, ensure_ascii=False, default=str)


def _added(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    fields = getattr(record, "fields", None)
    if isinstance(fields, Mapping):
        yield from fields.items()
    if known := request_id.get():
        yield "request", known
    if record.exc_info and record.exc_info[0]:
        # Texts of exceptions may quote what customers wrote: the kind is told, the text is not.
        yield "exception", f"{record.exc_info[0].__module__}.{record.exc_info[0].__qualname__}"


def _first_line(record: logging.LogRecord) -> str:
    return record.getMessage().split("\n", 1)[0]


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _quoted(value: object) -> str:
    text = str(value)
    return text if text and re.fullmatch(r"[^\s\"=]+", text) else json.dumps(text)
