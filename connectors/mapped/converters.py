"""From what stands in a row to a value of a record, by name (`as` of a mapping).

A converter gives None for nothing and raises RowError for what is not of its form: the row is
dropped and counted then, and no value is guessed.
"""

from collections.abc import Hashable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar
from zoneinfo import ZoneInfo

from connectors.mapped.values import EXACT
from connectors.reading import (
    Reading,
    RowError,
    identifier,
    iso_date,
    known,
    rfc3339,
    text,
    texts,
    unix_milliseconds,
    unix_seconds,
)
from domain.money import Money, exponent, from_major

E = TypeVar("E", bound=StrEnum)
_YES = {"true", "t", "yes", "y", "1"}
_NO = {"false", "f", "no", "n", "0"}


def shown(value: object) -> str | None:
    """Text, as `reading.text` makes it; the usual case first, since rows come by the thousand."""
    if type(value) is str:
        return value.strip() or None
    return text(value)


def named(value: object) -> str:
    """An id, as `reading.identifier` makes it."""
    if type(value) is str and (found := value.strip()):
        return found
    return identifier(value)


def worded(words: Mapping[str, E], raw: object, unknown: E) -> tuple[E, str | None]:
    """A word by its table, as `reading.known` looks it up."""
    if type(raw) is str and (found := words.get(raw)) is not None:
        return found, raw
    return known(words, raw, unknown)


def all_texts(*values: object) -> tuple[str, ...]:
    """Texts of values that may be lists themselves."""
    if len(values) == 1 and type(values[0]) is str:
        only = values[0].strip()
        return (only,) if only else ()
    flat: list[object] = []
    for value in values:
        if isinstance(value, list):
            flat += value
        else:
            flat.append(value)
    return texts(*flat)


def instant(value: object, at: Reading) -> datetime | None:
    """A time of ISO 8601; without an offset it is in the source's time zone."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return rfc3339(value, at.time_zone)
        if moment.tzinfo is UTC:
            return moment
    return rfc3339(value, at.time_zone)


def formatted(value: object, at: Reading, form: str) -> datetime | None:
    """A time written by a format of strptime."""
    found = text(value)
    if found is None:
        return None
    try:
        moment = datetime.strptime(found, form)  # noqa: DTZ007  # the zone follows
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(at.time_zone))
        return moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise RowError("not a time of the format") from error


def formatted_date(value: object, form: str) -> date | None:
    found = text(value)
    try:
        return None if found is None else datetime.strptime(found, form).date()  # noqa: DTZ007
    except ValueError:
        return None


def integer(value: object) -> int | None:
    """A whole number, also as text or as 3.0."""
    if type(value) is int:
        return value
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise RowError("whole number expected")
    number = int(value) if isinstance(value, str) else value
    if number != int(number):
        raise RowError("whole number expected")
    return int(number)


def flag(value: object) -> bool:
    """Yes or no, as a truth value, 1 or 0, or a word; nothing is no."""
    if value is None or value is False:
        return False
    word = str(value).strip().lower()
    if word not in _YES | _NO | {""}:
        raise RowError("yes or no expected")
    return word in _YES


def money(amount: object, currency: object) -> Money | None:
    """An amount in major units. A JSON number with a fraction arrives as a float, whose shortest
    text is the one that was written, up to 15 digits; it goes through that text where its cents are
    not exact.
    """
    if amount is None or amount == "":
        return None
    code = _code(currency)
    if type(amount) is float:
        minor = round(amount * 100) if abs(amount) < EXACT else 0
        if minor / 100 == amount and exponent(code) == 2:
            return Money(minor, code)
        amount = repr(amount)
    if isinstance(amount, bool) or not isinstance(amount, int | str | Decimal):
        raise RowError("amount expected")
    return from_major(amount, code)


def minor_units(amount: object, currency: object) -> Money | None:
    """An amount in minor units (cents, yen)."""
    minor = integer(amount)
    return None if minor is None else Money(minor, _code(currency))


@lru_cache(maxsize=256)
def _code(currency: Hashable) -> str:
    if not isinstance(currency, str) or len(currency) != 3 or not currency.isalpha():
        raise RowError("no currency")
    return currency.upper()


def foreign_ids(*pairs: tuple[str, str | None]) -> tuple[tuple[str, str], ...]:
    return tuple((system, value) for system, value in pairs if value is not None)


CONVERTERS: Mapping[str, tuple[object, bool]] = {
    "id": (named, False),
    "text": (shown, False),
    "texts": (all_texts, False),
    "time": (instant, True),
    "unix": (unix_seconds, False),
    "unix_ms": (unix_milliseconds, False),
    "date": (iso_date, False),
    "integer": (integer, False),
    "flag": (flag, False),
    "money": (money, False),
    "minor_units": (minor_units, False),
}
"""Function, and whether it is handed the `Reading` too. Words (status tables) are beside them."""
