"""Places in the timeline of one person, and their opaque form.

The order is total over everything that has a place in it: time, then external id, then source, then
kind, all descending. None of them ever changes, so a place says for good what has been handed out.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from domain.errors import InputError
from domain.events import InteractionRecord
from domain.ids import Kind
from domain.records import Order
from domain.sources import Position
from resolvers.cursors import Place

Item = Order | InteractionRecord
"""What has a place in a timeline."""
LIVE: Final = (Kind.ORDER, Kind.TICKET, Kind.CONVERSATION, Kind.CALL, Kind.VISIT)
"""The kinds of it, each of which a source may hold."""

_NAME = "timeline"


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """Greater is newer, and comes first."""

    at: datetime
    external_id: str
    source: str
    kind: str

    @classmethod
    def of(cls, item: Item) -> Self:
        key = item.key
        return cls(item.occurred_at, key.external_id, key.source, key.kind.value)

    @classmethod
    def before(cls, at: datetime) -> Self:
        """Everything strictly older than that comes after it."""
        return cls(at, "", "", "")

    def place(self, kind: Kind) -> Place:
        """The same place among things of one kind: of this kind and of greater ones, what equals it
        in time, id and source has been handed out.
        """
        source = self.source if kind.value >= self.kind else self.source + "\0"
        return Place(self.at, self.external_id, source)

    @property
    def position(self) -> Position:
        """The same place among the items of several sources: with what equals it in time and id.
        Databases do not take the smallest character there is.
        """
        return Position(self.at, self.external_id + "\x01" if self.external_id else "")


def encode(moment: Moment, version: int) -> str:
    """`version` is the customer's when the place was handed out (docs/adr, timelines)."""
    at = moment.at.isoformat()
    parts = [_NAME, at, moment.external_id, moment.source, moment.kind, version]
    packed = json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(cursor: str) -> tuple[Moment, int]:
    """Raises InputError for anything but a cursor of a timeline."""
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        name, at, *names, version = json.loads(packed)
        moment = datetime.fromisoformat(at)
        external_id, source, kind = names
        known = all(isinstance(one, str) for one in names) and type(version) is int
        if name != _NAME or not known or moment.tzinfo is None:
            raise ValueError
        return Moment(moment.astimezone(UTC), external_id, source, kind), version
    except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise InputError("after: not a cursor of a timeline") from error
