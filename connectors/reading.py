"""From a vendor's row to a record: what a mapping is handed, and the converters it uses.

A mapping is a function `def ticket(row: Row, at: Reading) -> Ticket`. It raises RowError (or what
comes of a row of another shape: KeyError, TypeError, ValueError...) where the row has no id, no
time, or is not what the vendor describes; such a row is dropped and counted, never the page.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from domain.ids import Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import Record

Row = Mapping[str, Any]
OptionValue = str | Mapping[str, str]
Options = Mapping[str, OptionValue]
E = TypeVar("E", bound=Enum)


class RowError(ValueError):
    """The row cannot be placed: no id, no time, or not the shape the vendor describes."""


UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What a mapping raises over a row that is not as described; RowError is among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading of a source: who, when, and how to understand what its rows leave unsaid.

    `phone_region` is for numbers without a country, `time_zone` for times without one.
    `customer_key` names how the source's things name their customer (see SourceSettings).
    """

    system: System
    fetched_at: datetime
    phone_region: str | None = None
    time_zone: str = "UTC"
    customer_key: str = "own"
    options: Options = field(default_factory=dict)

    def key(self, kind: Kind, external_id: str) -> SourceKey:
        return SourceKey(self.system.name, kind, external_id)

    def provenance(
        self, external_id: str, *, updated_at: datetime | None = None, url: str | None = None
    ) -> Provenance:
        return Provenance(
            system=self.system,
            external_id=external_id,
            fetched_at=self.fetched_at,
            source_updated_at=updated_at,
            url=url,
        )

    def foreign(self, external_id: object) -> tuple[tuple[str, str], ...]:
        """`foreign_ids` of a row that carries one id of another source: the configured one."""
        value = text(external_id)
        if value is None or self.customer_key in {"own", "email", "phone"}:
            return ()
        return ((self.customer_key, value),)

    def instant(self, value: object) -> datetime | None:
        """A time of ISO 8601 / RFC 3339; without an offset it is in the source's time zone."""
        return rfc3339(value, self.time_zone)

    def option(self, name: str) -> str:
        """A text option of the connector, "" where it is not set."""
        value = self.options.get(name, "")
        return value if isinstance(value, str) else ""

    def table(self, name: str) -> Mapping[str, str]:
        """A table option of the connector, empty where it is not set."""
        value = self.options.get(name, {})
        return {} if isinstance(value, str) else value


RecordMapping = Callable[[Row, Reading], Record]
RowsMapping = Callable[[Sequence[Row], Reading], tuple[list[Record], list[int]]]
"""Of all rows of an answer, in order: the records, and which rows could not be read."""


def each_by(make: RecordMapping) -> RowsMapping:
    """Of a mapping that makes one record."""

    def records(rows: Sequence[Row], at: Reading) -> tuple[list[Record], list[int]]:
        made: list[Record] = []
        unread: list[int] = []
        for row in rows:
            try:
                made.append(make(row, at))
            except UNREADABLE:
                unread.append(len(made) + len(unread))
        return made, unread

    return records


def text(value: object) -> str | None:
    """Text without surrounding space; None for nothing, "" and blank. Numbers become text."""
    if value is None or value is False or value is True:
        return None
    if not isinstance(value, str | int | float):
        raise RowError("text expected")
    return str(value).strip() or None


def texts(*values: object) -> tuple[str, ...]:
    """Every value that is there, in order, each once."""
    return tuple(dict.fromkeys(found for value in values if (found := text(value))))


def identifier(value: object) -> str:
    """An id as text. Raises RowError where there is none."""
    found = text(value) if isinstance(value, str | int) else None
    if found is None:
        raise RowError("no id")
    return found


def required(value: datetime | None, name: str = "time") -> datetime:
    """A time that must be there. Raises RowError."""
    if value is None:
        raise RowError(f"no {name}")
    return value


def rfc3339(value: object, time_zone: str = "UTC") -> datetime | None:
    """UTC of an ISO 8601 / RFC 3339 text; None for nothing. Raises RowError for anything else."""
    found = text(value)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(found)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(time_zone))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RowError("not a time") from error


def unix_seconds(value: object) -> datetime | None:
    """UTC of Unix seconds, as number or text; None for nothing and for 0 (vendors' "never")."""
    return _unix(value, 1)


def unix_milliseconds(value: object) -> datetime | None:
    """UTC of Unix milliseconds, as number or text; None for nothing and for 0."""
    return _unix(value, 1000)


def _unix(value: object, per_second: int) -> datetime | None:
    found = text(value)
    if found is None:
        return None
    try:
        stamp = float(found) / per_second
        return datetime.fromtimestamp(stamp, UTC) if stamp else None
    except (ValueError, OverflowError, OSError) as error:
        raise RowError("not a time") from error


def iso_date(value: object) -> date | None:
    """A calendar date; None for nothing and for what is not one (people type them)."""
    try:
        found = text(value)
        return date.fromisoformat(found[:10]) if found else None
    except ValueError:
        return None


def known(table: Mapping[str, E], raw: object, unknown: E) -> tuple[E, str | None]:
    """The known value of a vendor's word (case ignored) or `unknown`; always with the raw text."""
    word = text(raw)
    return (unknown, None) if word is None else (table.get(word.lower(), unknown), word)
