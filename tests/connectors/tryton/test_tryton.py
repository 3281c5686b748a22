"""Tryton in our words. The fixtures are answers of a real server (trytond 8.2)."""

import base64
import copy
import json
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from connectors.auth import Secret
from connectors.reading import Reading, RowError
from connectors.request import Reply
from connectors.spec import GetAsk, SearchAsk, SinceAsk
from connectors.tryton import mapping, queries
from connectors.tryton.connector import SPEC, party_id
from connectors.tryton.credentials import SessionOrPassword
from connectors.tryton.refusals import judged
from domain.customer import KeyKind, LookupKey
from domain.errors import (
    ConfigError,
    SourceAuthError,
    SourceProtocolError,
    SourceRateLimited,
    SourceUnavailable,
)
from domain.ids import Kind, SourceKey
from domain.provenance import System
from domain.records import Address, Handle
from domain.vocabulary import SystemKind

FIXTURES = Path(__file__).parents[2] / "fixtures" / "tryton"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
OPTIONS = {"database": "light house"}


def recorded(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


def contact(row):
    system = System(name="erp", kind=SystemKind.CRM, connector="tryton")
    return mapping.contact(row, Reading(system=system, fetched_at=NOW))


def party(**changes):
    return {**copy.deepcopy(recorded("parties")["result"][0]), **changes}


def moment(day):
    return {
        "__class__": "datetime",
        "year": 2026,
        "month": 12,
        "day": day,
        "hour": 8,
        "minute": 0,
        "second": 0,
        "microsecond": 5,
    }


def asked(request):
    return json.loads(request.body)["params"]


# ---------------------------------------------------------------- people


def test_a_party_in_our_words():
    found = contact(party())
    assert found.key == SourceKey("erp", Kind.CONTACT, "1")
    assert (found.full_name, found.account_number) == ("Benjamin Zimmerman", "1")
    assert (found.emails, found.phones) == (("bzimmerman@mail.example.net",), ("+15035550101",))
    assert found.address == Address(
        street="204 Station Road", city="Springfield", postcode="62701", country="US"
    )
    assert found.created_at.tzinfo is UTC


def test_a_party_that_was_never_written_has_the_time_it_was_made():
    row = party(write_date=None)
    for each in (*row["contact_mechanisms."], *row["addresses."]):
        each["write_date"] = None
    assert contact(row).provenance.source_updated_at == mapping.instant(row["create_date"])


@pytest.mark.parametrize("below", ["contact_mechanisms.", "addresses."])
def test_a_change_of_what_belongs_to_a_party_is_a_change_of_the_party(below):
    """Its own write_date stays where it is: one that is compared alone never sees the change."""
    row = party()
    row[below][0]["write_date"] = moment(3)
    changed = contact(row).provenance.source_updated_at
    assert changed == datetime(2026, 12, 3, 8, 0, 0, 5, tzinfo=UTC)


def test_what_is_out_of_use_is_left_out_and_still_moves_the_time():
    row = party()
    row["contact_mechanisms."][0] |= {"active": False, "write_date": moment(4)}
    row["addresses."][0]["active"] = False
    found = contact(row)
    assert (found.emails, found.address) == ((), None)
    assert found.provenance.source_updated_at.day == 4


def test_names_on_platforms_are_handles_and_a_fax_is_no_phone():
    row = party()
    row["contact_mechanisms."] = [
        {"type": "skype", "value": "benz", "active": 1},
        {"type": "fax", "value": "+15035550199", "active": 1},
        {"type": "mobile", "value": "+1 503 555 0102", "active": 1},
    ]
    found = contact(row)
    assert (found.handles, found.phones) == ((Handle("skype", "benz"),), ("+1 503 555 0102",))


@pytest.mark.parametrize("value", ["2026-01-01", 7, {"__class__": "date", "year": 2026}, {}])
def test_a_time_of_another_form_is_no_time(value):
    with pytest.raises(RowError):
        mapping.instant(value)


# ---------------------------------------------------------------- questions


def test_a_batch_is_a_search_so_that_an_unknown_id_fails_nothing():
    request = queries.ask_parties(GetAsk(ids=["1", "99999"], options=OPTIONS))
    call = json.loads(request.body)
    assert request.path == "/light%20house/rpc/"
    assert call["method"] == "model.party.party.search_read"
    assert call["params"][0] == [["id", "in", [1, 99999]]]


def test_an_id_no_database_integer_holds_is_not_asked():
    assert party_id("2147483647")
    assert not party_id("2147483648")
    assert not party_id("P7")


def test_a_pattern_in_an_address_is_text():
    key = LookupKey(KeyKind.EMAIL, "50%_\\@example.com")
    clause = asked(queries.ask_by_email(SearchAsk(key=key, options=OPTIONS)))[0][0]
    assert clause[2][1] == ["value", "ilike", "50\\%\\_\\\\@example.com"]


def test_a_phone_is_searched_whatever_stands_between_its_digits():
    key = LookupKey(KeyKind.PHONE, "+1 (503) 555-0101")
    clause = asked(queries.ask_by_phone(SearchAsk(key=key, options=OPTIONS)))[0][0]
    assert clause[2][1] == ["value", "ilike", "%5%5%5%0%1%0%1"]


def test_changes_of_mechanisms_and_addresses_are_asked_for_too():
    since = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)
    domain, *_, context = asked(queries.ask_changed(SinceAsk(since=since, options=OPTIONS)))
    assert [clause[0] for clause in domain[0][1:]] == [
        "write_date",
        "create_date",
        "contact_mechanisms",
        "addresses",
    ]
    assert context == {"active_test": False}


def test_a_list_goes_on_behind_the_last_id_and_ends_with_a_short_page():
    rows = [party(id=number) for number in range(1, queries.PAGE.value + 1)]
    page = queries.read_changed({"result": rows}, SinceAsk(since=None))
    assert page.cursor == str(queries.PAGE.value)
    following = asked(queries.ask_changed(SinceAsk(since=None, cursor="200", options=OPTIONS)))
    assert following[0] == [["id", ">", 200]]
    assert queries.read_changed({"result": rows[:-1]}, SinceAsk(since=None)).cursor is None


def test_a_party_out_of_use_is_gone():
    rows = [party(id=1), party(id=2, active=False)]
    page = queries.read_changed({"result": rows}, SinceAsk(since=None))
    assert ([row["id"] for row in page.rows], page.deleted) == ([1], ["2"])


# ---------------------------------------------------------------- refusals and credentials


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (["UserError", ["words that quote a row", "", None]], SourceProtocolError),
        (["'nofield'", "Traceback of the server"], SourceProtocolError),
        (["LoginException", ["code", "type"]], SourceAuthError),
        (["RateLimitException", []], SourceRateLimited),
        (["ConcurrencyException", ["model, 7"]], SourceUnavailable),
        ("of another form", SourceProtocolError),
    ],
)
def test_an_error_beside_http_200_is_one_of_ours(error, expected):
    found = judged("erp", Reply(status=200, headers={}, data={"id": 1, "error": error}))
    assert type(found) is expected
    assert "quote" not in str(found)
    assert "Traceback" not in str(found)


def test_recorded_refusals_are_told_from_answers():
    for refusal in recorded("errors").values():
        assert judged("erp", Reply(status=200, headers={}, data=refusal)) is not None
    assert judged("erp", Reply(status=200, headers={}, data=recorded("parties"))) is None
    assert judged("erp", Reply(status=200, headers={}, data=[1])) is None


@pytest.mark.parametrize(
    ("options", "scheme", "shown"),
    [
        ({"user": ""}, "Session", b"knownas:7:key"),
        ({"user": "reader"}, "Basic", b"reader:knownas:7:key"),
    ],
)
async def test_a_session_or_a_password_is_shown(options, scheme, shown):
    opened = SessionOrPassword().open("erp", {"token": Secret("knownas:7:key")}, options)
    header = (await opened.headers())["authorization"]
    assert header == f"{scheme} {base64.b64encode(shown).decode()}"
    assert "key" not in repr(opened)


def test_the_secret_and_the_database_are_needed(harness):
    with pytest.raises(ConfigError, match=r"sources\.erp\.token"):
        SessionOrPassword().open("erp", {}, {})
    with pytest.raises(ConfigError, match=r"sources\.here\.database"):
        harness.opened(SPEC, lambda _: httpx.Response(200), options={"host": "h"})
