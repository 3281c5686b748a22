from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.scalars import JSON

from schema.scalars import SCALARS, URL, CurrencyCode, Long


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 2, 9, 0, tzinfo=UTC), "2026-03-02T09:00:00Z"),
        (datetime(2026, 3, 2, 9, 0, 0, 5000, tzinfo=UTC), "2026-03-02T09:00:00.005000Z"),
        (datetime(2026, 3, 2, 9, 0, tzinfo=timezone(timedelta(hours=2))), "2026-03-02T07:00:00Z"),
    ],
)
def test_times_are_rfc_3339_in_utc(moment, text):
    assert SCALARS[datetime].serialize(moment) == text
    assert SCALARS[datetime].parse_value(text) == moment


def test_a_time_of_another_zone_is_read_as_utc():
    read = SCALARS[datetime].parse_value("2026-03-02T09:00:00+02:00")
    assert (read.hour, read.tzinfo) == (7, UTC)


def test_money_keeps_its_decimals():
    assert SCALARS[Decimal].serialize(Decimal("12.50")) == "12.50"
    assert SCALARS[Decimal].parse_value("12.50") == Decimal("12.50")


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        (datetime, "2026-03-02T09:00:00"),
        (datetime, "yesterday"),
        (datetime, 0),
        (Decimal, "1e"),
        (Decimal, "NaN"),
        (Decimal, 1.5),
        (Decimal, True),
        (CurrencyCode, "POUND"),
        (CurrencyCode, "12E"),
        (CurrencyCode, 978),
        (URL, 5),
        (Long, 2**53),
        (Long, True),
        (Long, "1"),
    ],
)
def test_what_does_not_parse_is_refused_without_repeating_it(scalar, value):
    with pytest.raises(StrawberryInputCoercionError) as refused:
        SCALARS[scalar].parse_value(value)
    assert str(refused.value).startswith("expected ")


@pytest.mark.parametrize(
    ("scalar", "value", "read"),
    [
        (CurrencyCode, "gbp", "GBP"),
        (URL, "https://example.com", "https://example.com"),
        (Long, 2**53 - 1, 2**53 - 1),
        (Decimal, 3, Decimal(3)),
        (JSON, {"a": [1]}, {"a": [1]}),
    ],
)
def test_what_parses(scalar, value, read):
    assert SCALARS[scalar].parse_value(value) == read
