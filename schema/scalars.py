"""The scalars of the graph, in the form in which they travel."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NewType

import strawberry
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

CurrencyCode = NewType("CurrencyCode", str)
URL = NewType("URL", str)
Long = NewType("Long", int)

_LONGEST = 2**53 - 1


def rfc3339(moment: datetime) -> str:
    """`2026-03-02T09:00:00Z`; fractions only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _instant(value: object) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    if moment is None or moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _currency(value: object) -> str:
    code = _text(value).upper()
    if len(code) != 3 or not code.isalpha():
        raise ValueError
    return code


def _decimal(value: object) -> Decimal:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise TypeError
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError
    return number


def _long(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LONGEST:
        raise ValueError
    return value


def _reads(parse: Callable[[object], object], expected: str) -> Callable[[object], object]:
    """Input that does not parse is the caller's mistake, and is not repeated in the message."""

    def read(value: object) -> object:
        try:
            return parse(value)
        except (ValueError, TypeError, InvalidOperation, OverflowError) as error:
            raise StrawberryInputCoercionError(f"expected {expected}") from error

    return read


def _scalar(
    name: str,
    parse: Callable[[object], object],
    expected: str,
    serialize: Callable[[Any], object],
    description: str | None = None,
) -> ScalarDefinition:
    return strawberry.scalar(
        name=name,
        description=description,
        serialize=serialize,
        parse_value=_reads(parse, expected),
    )


def _same(value: object) -> object:
    return value


SCALARS: Mapping[object, ScalarDefinition] = {
    datetime: _scalar(
        "DateTime", _instant, "an RFC 3339 time with its offset", rfc3339, "RFC 3339, always UTC."
    ),
    Decimal: _scalar("Decimal", _decimal, "a decimal number, as text", str),
    CurrencyCode: _scalar("CurrencyCode", _currency, "an ISO 4217 code", str, "ISO 4217."),
    URL: _scalar("URL", _text, "a URL", str),
    JSON: _scalar("JSON", _same, "JSON", _same),
    Long: _scalar(
        "Long", _long, "an integer of up to 53 bits", int, "An integer of up to 53 bits."
    ),
}
