"""One kept answer: a row, a page, or that there is no such row."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from domain.errors import SourceError
from domain.provenance import Provenance
from domain.records import Contact, Conversation, Message, Order, Record, Ticket
from domain.slots import changing, thawed
from domain.sources import ChildPage, Fields
from domain.vocabulary import ServedFrom

Value = Record | ChildPage[Record] | None
Answer = Value | SourceError
R = TypeVar("R", bound=Record)

ENTRY_BYTES: Final = 500
"""Memory of an entry with its place in the cache, beside its records."""
_OTHER_BYTES: Final = 900
_PART_BYTES: Final = 400
_RAW_FACTOR: Final = 6
"""Memory of a decoded row for each character of it."""


class Entry:
    """`at` is when the source was asked, in seconds since the epoch; `fields` what it was asked
    for. The value is handed out as what it is by then: kept, not live.
    """

    __slots__ = ("_as_stale", "_live", "as_kept", "at", "bytes", "fields", "is_nothing", "is_used")

    def __init__(self, value: Value, fields: Fields, at: float, *, is_marked: bool = False) -> None:
        self.fields = fields
        self.at = at
        self.is_nothing = value is None
        self._live = value
        self.as_kept = value if is_marked else None
        """None until it is handed out."""
        self._as_stale: Value = None
        self.is_used = False
        """Since its place in the order of use was last looked at."""
        self.bytes = 0
        """Counted for it where it stands."""

    def kept(self) -> Value:
        if self.as_kept is None and self._live is not None:
            self.as_kept = self._live = marked(self._live, ServedFrom.CACHE, self.at)
        return self.as_kept

    def stale(self) -> Value:
        """Older than was asked for."""
        if self._as_stale is None and self._live is not None:
            self._as_stale = marked(self._live, ServedFrom.STALE_CACHE, self.at)
        return self._as_stale

    def size(self) -> int:
        """Bytes of memory, roughly."""
        return ENTRY_BYTES + _size(self._live)


def covers(known: Fields, fields: Fields) -> bool:
    """Whether what was asked for holds what is asked for."""
    return known is None or (fields is not None and fields <= known)


def joined(one: Fields, other: Fields) -> Fields:
    return None if one is None or other is None else one | other


_said: Final = changing(Provenance, "served_from")
_PAGE: Final = thawed(ChildPage)


def marked(value: Value, served_from: ServedFrom, at: float) -> Value:
    """The value, saying of itself that it was kept."""
    if not isinstance(value, ChildPage):
        return None if value is None else _served(value, served_from)
    page = _PAGE()
    page.items = _all_served(value.items, served_from) if value.items else ()
    page.has_more, page.dropped = value.has_more, value.dropped
    page.served_from, page.fetched_at = served_from, datetime.fromtimestamp(at, UTC)
    page.__class__ = ChildPage
    found: ChildPage[Record] = page
    return found


def _all_served(records: Sequence[R], served_from: ServedFrom) -> tuple[R, ...]:
    """Of one kind."""
    if isinstance(records[0], Conversation):
        return tuple(_served(record, served_from) for record in records)
    kind: Any = type(records[0])
    told = changing(kind, "provenance")
    return tuple([told(record, _said(record.provenance, served_from)) for record in records])


def _served(record: R, served_from: ServedFrom) -> R:
    if isinstance(record, Conversation) and record.last_message is not None:
        last = _served(record.last_message, served_from)
        record = changing(Conversation, "last_message")(record, last)
    kind: Any = type(record)
    told = changing(kind, "provenance")
    marked: R = told(record, _said(record.provenance, served_from))
    return marked


def _size(value: Value) -> int:
    if isinstance(value, ChildPage):
        if not value.items:
            return 0
        known, more = _sizes(value.items[0])
        return known * len(value.items) + sum(map(more, value.items))
    if value is None:
        return 0
    known, more = _sizes(value)
    return known + more(value)


def _sizes(record: Record) -> tuple[int, Callable[[Any], int]]:
    """Bytes of every record of this kind, and what tells how many more one takes."""
    return _RECORD_BYTES.get(type(record), (_OTHER_BYTES, _nothing_more))


def _nothing_more(_: object) -> int:
    return 0


def _order_parts(order: Order) -> int:
    return _PART_BYTES * (len(order.lines or ()) + len(order.shipments or ()))


def _body(message: Message) -> int:
    return len(message.body or "")


def _subject(ticket: Ticket) -> int:
    return len(ticket.subject or "")


def _last(conversation: Conversation) -> int:
    return _size(conversation.last_message)


def _contact_parts(contact: Contact) -> int:
    parts = len(contact.emails) + len(contact.phones) + len(contact.handles)
    raw = 0 if contact.raw is None else _RAW_FACTOR * len(str(contact.raw))
    return _PART_BYTES // 4 * parts + raw


_RECORD_BYTES: Final[Mapping[type, tuple[int, Callable[[Any], int]]]] = {
    Contact: (1_200, _contact_parts),
    Order: (800, _order_parts),
    Ticket: (_OTHER_BYTES, _subject),
    Conversation: (_OTHER_BYTES, _last),
    Message: (800, _body),
}
