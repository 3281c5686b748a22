"""One kept answer: a row, a page, or that there is no such row."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, TypeVar

from domain.errors import SourceError
from domain.ids import Kind
from domain.records import Contact, Conversation, Message, Order, Record, Ticket
from domain.sources import ChildPage, Fields
from domain.vocabulary import ServedFrom

Value = Record | ChildPage[Record] | None
Answer = Value | SourceError
R = TypeVar("R", bound=Record)

ENTRY_BYTES: Final = 500
"""Memory of an entry with its place in the cache, beside its records."""
_RECORD_BYTES: Final = {Kind.CONTACT: 1_200, Kind.ORDER: 800, Kind.MESSAGE: 800}
_OTHER_BYTES: Final = 900
_PART_BYTES: Final = 400
_RAW_FACTOR: Final = 6
"""Memory of a decoded row for each character of it."""


class Entry:
    """`at` is when the source was asked, in seconds since the epoch; `fields` what it was asked
    for. The value is handed out as what it is by then: kept, not live.
    """

    __slots__ = ("_as_kept", "_as_stale", "_live", "at", "fields")

    def __init__(self, value: Value, fields: Fields, at: float, *, is_marked: bool = False) -> None:
        self.fields = fields
        self.at = at
        self._live = value
        self._as_kept = value if is_marked else None
        self._as_stale: Value = None

    @property
    def is_nothing(self) -> bool:
        return self._live is None

    def kept(self) -> Value:
        if self._as_kept is None and self._live is not None:
            self._as_kept = self._live = marked(self._live, ServedFrom.CACHE, self.at)
        return self._as_kept

    def stale(self) -> Value:
        """Older than was asked for."""
        if self._as_stale is None and self._live is not None:
            self._as_stale = marked(self._live, ServedFrom.STALE_CACHE, self.at)
        return self._as_stale

    def covers(self, fields: Fields) -> bool:
        return covers(self.fields, fields)

    def size(self) -> int:
        """Bytes of memory, roughly."""
        return ENTRY_BYTES + _size(self._live)


def covers(known: Fields, fields: Fields) -> bool:
    """Whether what was asked for holds what is asked for."""
    return known is None or (fields is not None and fields <= known)


def joined(one: Fields, other: Fields) -> Fields:
    return None if one is None or other is None else one | other


def marked(value: Value, served_from: ServedFrom, at: float) -> Value:
    """The value, saying of itself that it was kept."""
    if isinstance(value, ChildPage):
        items = tuple(_served(item, served_from) for item in value.items)
        since = datetime.fromtimestamp(at, UTC)
        return replace(value, items=items, served_from=served_from, fetched_at=since)
    return None if value is None else _served(value, served_from)


def _served(record: R, served_from: ServedFrom) -> R:
    provenance = replace(record.provenance, served_from=served_from)
    if isinstance(record, Conversation) and record.last_message is not None:
        last = _served(record.last_message, served_from)
        return replace(record, provenance=provenance, last_message=last)
    return replace(record, provenance=provenance)


def _size(value: Value) -> int:
    if value is None:
        return 0
    if isinstance(value, ChildPage):
        return sum(map(_size, value.items))
    return _RECORD_BYTES.get(value.key.kind, _OTHER_BYTES) + _more(value)


def _more(record: Record) -> int:
    """Beyond what every record of its kind takes."""
    if isinstance(record, Order):
        return _PART_BYTES * (len(record.lines or ()) + len(record.shipments or ()))
    if isinstance(record, Message):
        return len(record.body or "")
    if isinstance(record, Ticket):
        return len(record.subject or "")
    if isinstance(record, Conversation):
        return _size(record.last_message)
    return _raw_size(record) if isinstance(record, Contact) else 0


def _raw_size(contact: Contact) -> int:
    return 0 if contact.raw is None else _RAW_FACTOR * len(str(contact.raw))
