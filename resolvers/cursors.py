"""Places in a list that runs newest first over several sources, and their opaque form.

The order is total: time, then external id, then source, all descending. A source knows the first
two only (`Position`), so an item of another source with the same time and id is asked for by a
position a hair newer and told apart here.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime

from domain.errors import InputError
from domain.ids import Kind
from domain.records import Contact, Message, Record
from domain.sources import Position


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Greater is newer, and comes first."""

    at: datetime
    external_id: str
    source: str

    def position(self, source: str) -> Position:
        """What to hand a source so that nothing of it is lost."""
        same = self.external_id if source >= self.source else self.external_id + "\0"
        return Position(self.at, same)


def place(record: Record) -> Place:
    if isinstance(record, Contact):
        raise TypeError("contacts are not listed by time")
    at = record.at if isinstance(record, Message) else record.occurred_at
    return Place(at, record.key.external_id, record.key.source)


def encode(kind: Kind, record: Record) -> str:
    here = place(record)
    parts = [kind.value, here.at.isoformat(), here.external_id, here.source]
    packed = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(kind: Kind, cursor: str) -> Place:
    """Raises InputError for anything but a cursor of a list of this kind."""
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        name, at, external_id, source = json.loads(packed)
        moment = datetime.fromisoformat(at)
        known = isinstance(external_id, str) and isinstance(source, str)
        if name != kind.value or not known or moment.tzinfo is None:
            raise ValueError
        return Place(moment.astimezone(UTC), external_id, source)
    except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(f"after: not a cursor of a list of {kind.name.lower()}s") from error
