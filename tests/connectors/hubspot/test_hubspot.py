"""HubSpot: what its rows, answers and deliveries mean."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.hubspot import SPEC
from connectors.hubspot.events import parse
from connectors.hubspot.mapping import contact
from connectors.reading import Reading, RowError
from domain.customer import KeyKind, LookupKey
from domain.errors import SourceProtocolError, SourceRateLimited, SourceUnavailable
from domain.ids import Kind
from domain.provenance import System
from domain.records import Address, Contact
from domain.sources import ChangeKind, WebhookRequest
from domain.vocabulary import SystemKind

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPTIONS = {"account_number_property": "account_number", "foreign_ids": {"erp": "erp_customer_id"}}


@pytest.fixture
def recorded(harness: Any) -> dict[str, Any]:
    row: dict[str, Any] = harness.fixture("hubspot", "contact.json")
    return row


def read(row: dict[str, Any], **options: Any) -> Contact:
    system = System(name="crm", kind=SystemKind.CRM, connector="hubspot")
    return contact(row, Reading(system=system, fetched_at=AT, options=options))


# ---------------------------------------------------------------- mapping


def test_a_contact_is_read_whole(recorded: dict[str, Any]) -> None:
    got = read(recorded, **OPTIONS)
    assert got.key.node_id == got.id
    assert (got.key.source, got.key.kind, got.key.external_id) == ("crm", Kind.CONTACT, "101")
    assert got.provenance.source_updated_at == datetime(2026, 2, 11, 16, 5, 44, 908_000, UTC)
    assert got.provenance.fetched_at == AT
    assert (got.full_name, got.given_name, got.family_name) == ("Amelia Hart", "Amelia", "Hart")
    assert got.emails == (
        "amelia.hart@example.com",
        "a.hart@example.org",
        "amelia@example.net",
    )
    assert got.phones == ("0113 496 0101", "+44 7700 900123")
    assert got.account_number == "AC-000101"
    assert got.address == Address(
        street="12 Station Road",
        city="Leeds",
        region="West Yorkshire",
        postcode="LS1 4AP",
        country="United Kingdom",
    )
    assert got.birth_date == date(1984, 2, 29)
    assert got.company == "Fenwick & Daughters Ltd"
    assert got.created_at == datetime(2024, 5, 17, 8, 31, 2, 113_000, UTC)
    assert got.merged_ids == ("88", "92")
    assert got.foreign_ids == (("erp", "E-7781"),)
    assert got.raw == recorded


def test_a_contact_with_nothing_in_it_is_still_one(recorded: dict[str, Any]) -> None:
    recorded["properties"] = {"hs_object_id": "101", "email": None, "firstname": " "}
    got = read(recorded)
    assert (got.full_name, got.emails, got.phones, got.address) == (None, (), (), None)
    assert (got.account_number, got.birth_date, got.merged_ids) == (None, None, ())


def test_one_name_is_the_full_name(recorded: dict[str, Any]) -> None:
    recorded["properties"]["firstname"] = None
    assert read(recorded).full_name == "Hart"


def test_a_birth_date_in_words_is_unknown(recorded: dict[str, Any]) -> None:
    recorded["properties"]["date_of_birth"] = "29 Feb 1984"
    assert read(recorded).birth_date is None


def test_properties_of_the_company_are_read_only_when_they_are_named(
    recorded: dict[str, Any],
) -> None:
    got = read(recorded)
    assert (got.account_number, got.foreign_ids) == (None, ())


@pytest.mark.parametrize("missing", ["id", "updatedAt"])
def test_a_contact_without_id_or_time_is_refused(recorded: dict[str, Any], missing: str) -> None:
    recorded[missing] = None
    recorded["properties"]["lastmodifieddate"] = None
    with pytest.raises(RowError):
        read(recorded)


def test_nothing_of_a_person_shows_in_a_repr(recorded: dict[str, Any]) -> None:
    shown = repr(read(recorded, **OPTIONS))
    for text in ("Amelia", "Hart", "example", "0113", "AC-", "1984", "E-7781"):
        assert text not in shown


# ---------------------------------------------------------------- questions


@pytest.mark.usefixtures("virtual_time")
class TestQuestions:
    """Against the fake vendor, with what reached it."""

    @pytest.fixture
    def line(self, harness: Any) -> Any:
        return harness.Line.open("hubspot")

    async def test_only_the_properties_asked_for_are_pushed_down(
        self, line: Any, harness: Any
    ) -> None:
        source = line.source()
        wanted = frozenset({"full_name", "account_number"})
        await source.gets[Kind.CONTACT].get_many(["101"], wanted, harness.within())
        body = json.loads(line.calls[-1].content)
        always = {"hs_merged_object_ids", "lastmodifieddate"}
        assert set(body["properties"]) == {"firstname", "lastname", "account_number", *always}
        assert body["propertiesWithHistory"] == []
        await source.gets[Kind.CONTACT].get_many(["102"], frozenset({"raw"}), harness.within())
        assert "erp_customer_id" in json.loads(line.calls[-1].content)["properties"]

    async def test_a_batch_that_failed_in_part_is_not_one_with_holes(
        self, line: Any, harness: Any
    ) -> None:
        def partly(request: httpx.Request) -> httpx.Response:
            answer = line.vendor.answer(line.rows, request).json()
            answer["errors"] = [
                {"category": "OBJECT_NOT_FOUND", "context": {"ids": ["900"]}},
                {"category": "RATE_LIMITS", "context": {"ids": ["901"]}},
            ]
            return httpx.Response(207, json=answer)

        line.answer = partly
        got = (
            await line.source()
            .gets[Kind.CONTACT]
            .get_many(["101", "900", "901"], None, harness.within())
        )
        assert [type(g) for g in got] == [Contact, type(None), SourceUnavailable]

    async def test_a_merged_contact_is_found_by_its_old_ids(self, line: Any, harness: Any) -> None:
        row = line.rows[Kind.CONTACT][0]
        row["properties"]["hs_merged_object_ids"] = "55;56"

        def survivor(_request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json={"status": "COMPLETE", "results": [row]})

        line.answer = survivor
        got = await line.source().gets[Kind.CONTACT].get_many(["55", "56"], None, harness.within())
        assert [contact.key.external_id for contact in got] == ["101", "101"]

    async def test_a_number_is_asked_for_with_every_length_of_country_code(
        self, line: Any, harness: Any
    ) -> None:
        """+1 (201) 555-0123 and +44 113 496 0101 and +353 1 555 0123 have one, two and three."""
        for number, local in (
            ("+12015550123", "2015550123"),
            ("+441134960101", "1134960101"),
            ("+35315550123", "15550123"),
            ("0113 496 0101", "1134960101"),
        ):
            key = LookupKey(KeyKind.PHONE, number)
            await line.source().search.search(key, harness.within())
            groups = json.loads(line.calls[-1].content)["filterGroups"]
            values = [f["values"] for g in groups for f in g["filters"] if f["operator"] == "IN"]
            assert len(values) == 2
            assert all(local in each for each in values)
            assert len(groups) <= 5, "HubSpot takes five groups"

    async def test_searches_stay_below_the_length_hubspot_takes(
        self, line: Any, harness: Any
    ) -> None:
        for key, _ in line.vendor.searches(line.rows):
            await line.source().search.search(key, harness.within())
            assert len(line.calls[-1].content) < 3_000

    async def test_a_property_nobody_configured_is_not_searched(
        self, line: Any, harness: Any
    ) -> None:
        source = line.source(options={})
        for key in (
            LookupKey(KeyKind.ACCOUNT_NUMBER, "AC-1"),
            LookupKey(KeyKind.EXTERNAL, "7", "erp"),
        ):
            with pytest.raises(Exception, match="this question about CONTACT"):
                await source.search.search(key, harness.within())
        assert line.calls == []

    async def test_changes_are_asked_for_in_milliseconds_oldest_first(
        self, line: Any, harness: Any
    ) -> None:
        source = line.source()
        first = await source.changes[Kind.CONTACT].changed_since(None, harness.within())
        began = line.clock.now()
        await source.changes[Kind.CONTACT].changed_since(first.cursor, harness.within())
        body = json.loads(line.calls[-1].content)
        (rule,) = body["filterGroups"][0]["filters"]
        assert body["sorts"] == ["lastmodifieddate"]
        asked = datetime.fromtimestamp(int(rule["value"]) / 1000, UTC)
        assert began - asked - timedelta(minutes=2) < timedelta(seconds=1)

    async def test_the_window_of_the_limit_is_waited_for_where_nothing_else_is_said(
        self, line: Any, harness: Any
    ) -> None:
        line.answer = lambda _: httpx.Response(
            429, headers={"x-hubspot-ratelimit-interval-milliseconds": "10000"}
        )
        with pytest.raises(SourceRateLimited) as refusal:
            await line.source().search.search(
                LookupKey(KeyKind.EMAIL, "a@b.example"), harness.within()
            )
        assert refusal.value.retry_after_s == 10

    async def test_an_error_body_with_status_200_is_a_protocol_error(
        self, line: Any, harness: Any
    ) -> None:
        line.answer = lambda _: httpx.Response(200, json={"status": "error", "message": "no"})
        got = await harness.outcome(
            line.source().gets[Kind.CONTACT].get_many(["101"], None, harness.within())
        )
        assert isinstance(got, SourceProtocolError)


# ---------------------------------------------------------------- deliveries


def events(data: Any) -> Any:
    request = WebhookRequest(method="POST", url="", headers={}, body=b"", received_at=AT)
    return parse(data, request, "crm")


def test_a_delivery_is_read_into_events_in_its_order(harness: Any) -> None:
    got = events(harness.fixture("hubspot", "delivery.json"))
    assert [(e.key.external_id, e.change, e.into) for e in got] == [
        ("101", ChangeKind.CHANGED, None),
        ("101", ChangeKind.CHANGED, None),
        ("102", ChangeKind.DELETED, None),
        ("103", ChangeKind.REDACTED, None),
        ("105", ChangeKind.MERGED, "106"),
        ("104", ChangeKind.MERGED, "106"),
        ("107", ChangeKind.CHANGED, None),
    ]
    assert got[0].occurred_at == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    assert all(event.key.source == "crm" for event in got)


def test_a_redelivery_differs_in_nothing_but_its_attempt(harness: Any) -> None:
    rows = harness.fixture("hubspot", "delivery.json")
    again = [{**row, "attemptNumber": 3} for row in rows]
    assert [e.event_id for e in events(rows)] == [e.event_id for e in events(again)]


def test_events_that_share_an_event_id_stay_apart(harness: Any) -> None:
    rows = [{**row, "eventId": 1} for row in harness.fixture("hubspot", "delivery.json")]
    ids = [event.event_id for event in events(rows)]
    assert len(set(ids)) == len(ids)


def test_an_older_merge_keeps_the_primary(harness: Any) -> None:
    rows = [
        r for r in harness.fixture("hubspot", "delivery.json") if "merge" in r["subscriptionType"]
    ]
    del rows[0]["newObjectId"]
    assert [(e.key.external_id, e.into) for e in events(rows)] == [("105", "104")]


def test_events_of_other_objects_and_kinds_are_left_out() -> None:
    row = {"eventId": 1, "objectId": 7, "occurredAt": 1772438400000}
    for kind in ("contact.associationChange", "deal.creation", "object.creation", "x", ""):
        assert events([{**row, "subscriptionType": kind, "objectTypeId": "0-3"}]) == []


def test_the_numbers_are_those_of_the_documents() -> None:
    endpoint = SPEC.kinds[Kind.CONTACT]
    assert endpoint.get_many is not None
    assert endpoint.get_many.size.value == 100
    assert SPEC.limits.rates["account"].amount.value == 100
    assert SPEC.limits.rates["search"].amount.value == 4
