"""SOQL as text. The REST API has no bind parameters: every value goes through `quoted`.

Documents: SOQL and SOSL Reference, "Quoted String Escape Sequences", "Reserved Characters" and
"Date Formats and Date Literals".
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from domain.errors import InputError

FIELD = "[A-Za-z][A-Za-z0-9_]*"

_PATH = re.compile(rf"{FIELD}(\.{FIELD}){{0,5}}")  # five levels up at most

_ID = re.compile("[A-Za-z0-9]{18}")
_ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)


class Place(NamedTuple):
    """Where a list that is ordered by a time and an id was left."""

    at: str
    external_id: str


def long_id(external_id: str) -> bool:
    """The form of 18 characters, which every answer has."""
    return _ID.fullmatch(external_id) is not None


def quoted(value: str) -> str:
    return f"'{value.translate(_ESCAPES)}'"


def one_of(field: str, values: Iterable[str]) -> str:
    return f"{named(field)} IN ({','.join(quoted(value) for value in values)})"


def any_of(conditions: Iterable[str]) -> str:
    return f"({' OR '.join(conditions)})"


def named(field: str) -> str:
    """Raises InputError for what is not the name of a field: names are not quoted."""
    if not _PATH.fullmatch(field):
        raise InputError("not the name of a Salesforce field")
    return field


def instant(at: datetime) -> str:
    """A time, to the millisecond, which is not put into quotes."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def after(field: str, order: str, place: Place) -> str:
    """What comes after a place in a list by that field, then by Id, both ascending or descending.
    Times of a place are as the source wrote them.
    """
    beyond, at = ">" if order == "ASC" else "<", instant(datetime.fromisoformat(place.at))
    same = f"({field} = {at} AND Id {beyond} {quoted(place.external_id)})"
    return f"({field} {beyond} {at} OR {same})"


def select(fields: Sequence[str], source: str, where: Sequence[str], order: str, limit: int) -> str:
    return " ".join(
        part
        for part in (
            f"SELECT {','.join(map(named, fields))} FROM {source}",  # noqa: S608  # all quoted
            f"WHERE {' AND '.join(where)}" if where else "",
            f"ORDER BY {order}" if order else "",
            f"LIMIT {limit}",
        )
        if part
    )
