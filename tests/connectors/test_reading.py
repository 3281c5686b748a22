"""Converters: what vendors write, in our terms, or a refusal of the row."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.reading import (
    UNREADABLE,
    Reading,
    RowError,
    identifier,
    iso_date,
    known,
    required,
    rfc3339,
    text,
    texts,
    unix_milliseconds,
    unix_seconds,
)
from domain.provenance import System
from domain.vocabulary import SystemKind, TicketStatus

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def reading(**more: Any) -> Reading:
    system = System(name="desk", kind=SystemKind.TICKETING, connector="made up")
    return Reading(system=system, fetched_at=AT, **more)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-02T09:00:00Z", AT),
        ("2026-03-02T10:00:00+01:00", AT),
        ("2026-03-02T09:00:00.000000Z", AT),
        ("2026-03-02 09:00:00", AT),
        ("20260302T090000Z", AT),
        ("", None),
        (None, None),
        ("  ", None),
    ],
)
def test_rfc_3339_becomes_utc(written: object, meant: datetime | None) -> None:
    assert rfc3339(written) == meant


def test_a_time_without_offset_is_in_the_sources_time_zone() -> None:
    paris = reading(time_zone="Europe/Paris")
    assert paris.instant("2026-03-02T10:00:00") == AT
    assert paris.instant("2026-07-02T11:00:00") == datetime(2026, 7, 2, 9, 0, tzinfo=UTC)
    assert paris.instant("2026-03-02T09:00:00Z") == AT


@pytest.mark.parametrize(
    "written",
    ["yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00", [], {}, 20260302.5],
)
def test_what_is_no_time_is_a_refusal_of_the_row(written: object) -> None:
    with pytest.raises(RowError):
        rfc3339(written)


def test_unix_times_are_read_as_numbers_and_texts() -> None:
    assert unix_seconds(1772442000) == unix_seconds("1772442000") == AT
    assert unix_milliseconds(1772442000000) == unix_milliseconds("1772442000000") == AT
    assert unix_seconds(0) is unix_seconds(None) is unix_milliseconds("") is None


@pytest.mark.parametrize("written", ["soon", "1e400", "99999999999999999", "nan", [1]])
def test_what_is_no_unix_time_is_a_refusal_of_the_row(written: object) -> None:
    with pytest.raises(RowError):
        unix_seconds(written)


def test_dates_people_typed_are_read_where_they_are_dates() -> None:
    assert iso_date("1984-02-29") == iso_date("1984-02-29T00:00:00Z") == date(1984, 2, 29)
    assert (
        iso_date("29/02/1984") is iso_date("1985-02-29") is iso_date("") is iso_date(None) is None
    )


def test_texts_are_stripped_and_empty_ones_are_nothing() -> None:
    assert (text("  a "), text(""), text(None), text(7), text(True)) == ("a", None, None, "7", None)
    assert texts(" a", None, "b", "", "a") == ("a", "b")
    with pytest.raises(RowError):
        text({"a": 1})


@pytest.mark.parametrize("value", [None, "", "  ", 1.5, True, [], {}])
def test_a_row_without_an_id_is_refused(value: object) -> None:
    with pytest.raises(RowError):
        identifier(value)


def test_an_id_may_be_a_number() -> None:
    assert (identifier(17), identifier("17")) == ("17", "17")
    with pytest.raises(RowError, match="no opening"):
        required(None, "opening")


def test_words_the_table_does_not_know_are_unknown_and_kept() -> None:
    table = {"open": TicketStatus.OPEN}
    assert known(table, "OPEN", TicketStatus.UNKNOWN) == (TicketStatus.OPEN, "OPEN")
    assert known(table, "parked", TicketStatus.UNKNOWN) == (TicketStatus.UNKNOWN, "parked")
    assert known(table, None, TicketStatus.UNKNOWN) == (TicketStatus.UNKNOWN, None)


def test_foreign_ids_belong_to_the_source_the_configuration_names() -> None:
    assert reading(customer_key="crm").foreign(17) == (("crm", "17"),)
    assert reading(customer_key="crm").foreign(None) == ()
    for key in ("own", "email", "phone"):
        assert reading(customer_key=key).foreign("17") == ()


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(anything)
def test_converters_answer_or_refuse_whatever_they_get(value: object) -> None:
    for convert in (rfc3339, unix_seconds, unix_milliseconds, iso_date, text, identifier):
        try:
            found = convert(value)
        except UNREADABLE:
            continue
        if isinstance(found, datetime):
            assert found.utcoffset() is not None
