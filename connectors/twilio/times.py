"""Twilio's times: RFC 2822 texts, UTC (Call and Message resources)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from connectors.reading import Row, RowError, required, text


def rfc2822(value: object) -> datetime | None:
    """None for nothing. Raises RowError for anything but a time."""
    found = text(value)
    if found is None:
        return None
    try:
        at = parsedate_to_datetime(found)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, IndexError, TypeError) as error:
        raise RowError("not a time") from error


def moment(row: Row) -> datetime:
    """When a call or message took place: it has a row before it is dialled or sent."""
    began = rfc2822(row.get("start_time") or row.get("date_sent"))
    return began or required(rfc2822(row.get("date_created")))
