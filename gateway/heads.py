"""Heads of HTTP messages, worked out once: of plain requests to the graph, and of their answers.

Who keeps a connection sends the same head with each request, but for the length of the body, and
the parser makes of the same bytes what it made of them before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.direct import FIELDS, ID, plain
from gateway.endpoint import Reply
from gateway.negotiation import Media

MAX_HEADS: Final = 512
MAX_HEAD_BYTES: Final = 2_000
"""Of one that is remembered; one with a token has about 400."""

CLOSE: Final = b"connection: close\r\n"
_LONG_WAY: Final = {b"transfer-encoding", b"expect"}

Fields = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Of a plain request with a body of so many bytes, after which the connection is kept."""

    fields: Mapping[str, str] = field(repr=False)
    """May hold a token."""
    length: int


class Heads:
    """Those of plain requests to one path. Bytes that are something else are remembered too."""

    def __init__(self, path: str, most_bytes: int) -> None:
        """`most_bytes`: of a body."""
        self.known: dict[bytes, Head | None] = {}
        """By their bytes, with the empty line at their end."""
        self._begin = f"POST {path} HTTP/1.1\r\n".encode()
        self._most_bytes = most_bytes

    def read(self, data: bytes) -> Head | None:
        """The head of a plain request with this path and length, from its first byte to its last;
        None for all else.
        """
        if not data.startswith(self._begin) or len(data) > MAX_HEAD_BYTES:
            return None
        if len(self.known) >= MAX_HEADS:
            self.known.clear()
        self.known[data] = head = self._parsed(data)
        return head

    def _parsed(self, data: bytes) -> Head | None:
        reading = _Reading()
        parser = HttpRequestParser(reading)
        try:
            parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            return None  # it is refused, or followed, where everything is
        is_usual = reading.is_whole and parser.should_keep_alive() and not parser.should_upgrade()
        found = plain(reading.fields) if is_usual else None
        if found is None or any(name in _LONG_WAY for name, _ in reading.fields):
            return None
        length = int(found.get("content-length", "0"))
        return Head(fields=found, length=length) if 0 < length <= self._most_bytes else None


class _Reading:
    """What a parser tells of one head. Nothing of a body may come: the head ends where it does."""

    def __init__(self) -> None:
        self.fields: Fields = []
        self.is_whole = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.is_whole = True

    def on_body(self, _: bytes) -> None:
        self.is_whole = False

    def on_message_complete(self) -> None:
        self.is_whole = False


class Openings:
    """What stands before the length of an answer, by its status and media type."""

    def __init__(self) -> None:
        self._common: Fields = []
        self._known: dict[tuple[int, Media], bytes] = {}
        self.is_last = False
        """The fields all answers have now say that their connection ends."""

    def of(self, reply: Reply, common: Fields, known: str) -> bytes:
        """The head of an answer to the request of this id. `common` are the fields all answers have
        now: another list of them makes what is remembered out of date.
        """
        if common is not self._common:
            self._known, self._common = {}, common
            self.is_last = (b"connection", b"close") in common
        kind = reply.status, reply.media
        opening = self._known.get(kind)
        if opening is None:
            fields = _written([*common, *FIELDS[reply.media]])
            opening = self._known[kind] = STATUS_LINE[reply.status] + fields + b"content-length: "
        more = b""
        if reply.more:
            more = _written([(name.encode(), value.encode()) for name, value in reply.more.items()])
        return b"%b%d\r\n%b%b: %b\r\n\r\n" % (opening, len(reply.body), more, ID, known.encode())


def _written(fields: Fields) -> bytes:
    return b"".join(b"%b: %b\r\n" % field for field in fields)
