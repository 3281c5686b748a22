"""Salesforce in our words. The fixtures are made from the vendor's documents."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from connectors.reading import Reading, RowError
from connectors.request import Reply
from connectors.salesforce import mapping, queries, soql
from connectors.salesforce.refusals import refused
from connectors.spec import ChildrenAsk, GetAsk, SearchAsk, SinceAsk
from domain.customer import KeyKind, LookupKey
from domain.errors import (
    ConfigError,
    InputError,
    SourceAuthError,
    SourceProtocolError,
    SourceRateLimited,
    SourceUnavailable,
)
from domain.ids import Kind, SourceKey
from domain.provenance import System
from domain.records import Actor, Address
from domain.sources import PageRequest, Parent, ParentBy
from domain.vocabulary import (
    ActorKind,
    Channel,
    InteractionState,
    SystemKind,
    TicketStatus,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "salesforce"
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ANN, CASE = "003RO0000035WQgYAM", "500RO00000A1b2cYAB"
OPTIONS = {
    "domain": "lighthouse",
    "account_number_field": "Account_Number__c",
    "foreign_ids": {"erp": "ERP_Id__c"},
}


def recorded(name):
    return json.loads((FIXTURES / f"{name}.json").read_text())


def row(name, number=0, **changes):
    return {**recorded(name)["records"][number], **changes}


def reading(**options):
    system = System(name="crm", kind=SystemKind.CRM, connector="salesforce")
    return Reading(system=system, fetched_at=NOW, options={**OPTIONS, **options})


def ticket(**changes):
    return mapping.ticket(row("cases", **changes), reading())


def statement(request):
    return dict(request.query)["q"]


def where(request):
    return statement(request).partition(" WHERE ")[2].partition(" ORDER BY ")[0]


# ---------------------------------------------------------------- people


def test_a_contact_has_every_number_and_the_name_of_its_account():
    ann = mapping.contact(row("contacts"), reading())
    assert ann.key == SourceKey("crm", Kind.CONTACT, ANN)
    assert (ann.full_name, ann.given_name, ann.family_name) == ("Ann O'Neill", "Ann", "O'Neill")
    assert ann.emails == ("ann.oneill@example.com",)
    assert ann.phones == ("0113 496 0123", "+44 7700 900123")
    assert ann.address == Address(
        street="1 Harbour Lane\nFlat 2", city="Leeds", postcode="LS1 4AP", country="United Kingdom"
    )
    assert (ann.birth_date, ann.company) == (date(1984, 5, 17), "Lighthouse Ltd")
    assert (ann.account_number, ann.foreign_ids) == ("AC-100037", (("erp", "E-37"),))
    assert ann.created_at == datetime(2024, 3, 5, 10, 38, 52, tzinfo=UTC)
    assert ann.provenance.source_updated_at == datetime(2026, 2, 3, 14, 2, 11, tzinfo=UTC)
    assert ann.provenance.url == f"https://lighthouse.my.salesforce.com/{ANN}"


def test_a_contact_with_nothing_but_a_name_is_one():
    rosa = mapping.contact(row("contacts", 1), reading(domain=""))
    assert (rosa.full_name, rosa.emails, rosa.phones) == ("Rosa Marsh", (), ())
    assert (rosa.address, rosa.company, rosa.provenance.url) == (None, None, None)


def test_a_contact_without_the_time_of_its_change_is_no_row():
    with pytest.raises(RowError):
        mapping.contact(row("contacts", SystemModstamp=None), reading())


# ---------------------------------------------------------------- cases


def test_a_case_is_a_ticket_on_the_channel_it_came_by():
    case = ticket()
    assert case.key == SourceKey("crm", Kind.TICKET, CASE)
    assert (case.number, case.subject) == ("00001026", "The lamp does not turn")
    assert (case.status, case.raw_status) == (TicketStatus.OPEN, "Working")
    assert (case.state, case.channel) == (InteractionState.IN_PROGRESS, Channel.VOICE)
    assert (case.priority, case.category) == ("High", "Mechanical")
    assert case.owner == Actor(kind=ActorKind.HUMAN, id="005RO000001AbCdYAK", name="Ada Lovegrove")
    assert case.owner_ids == (ANN,)
    assert case.occurred_at == datetime(2026, 2, 2, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("word", "status", "state"),
    [
        ("New", TicketStatus.NEW, InteractionState.QUEUED),
        ("Escalated", TicketStatus.OPEN, InteractionState.IN_PROGRESS),
        ("On Hold", TicketStatus.ON_HOLD, InteractionState.WAITING),
        ("Closed", TicketStatus.CLOSED, InteractionState.ENDED),
        ("Parts Ordered", TicketStatus.UNKNOWN, InteractionState.UNKNOWN),
    ],
)
def test_a_status_is_known_or_unknown_and_keeps_its_word(word, status, state):
    case = ticket(Status=word)
    assert (case.status, case.state, case.raw_status) == (status, state, word)


def test_a_closed_case_is_closed_whatever_its_status_is_called():
    case = ticket(Status="Solved by phone", IsClosed=True, ClosedDate="2026-02-03T10:00:00Z")
    assert (case.status, case.state) == (TicketStatus.CLOSED, InteractionState.ENDED)
    assert case.ended_at == datetime(2026, 2, 3, 10, 0, tzinfo=UTC)


def test_the_companys_own_words_come_first():
    own = reading(
        case_statuses={"Parts Ordered": "ON_HOLD", "New": "NO_SUCH"},
        case_origins={"Hotline": "VOICE"},
    )
    ordered = mapping.ticket(row("cases", Status="parts ordered", Origin="Hotline"), own)
    assert (ordered.status, ordered.channel) == (TicketStatus.ON_HOLD, Channel.VOICE)
    assert mapping.ticket(row("cases", Status="New"), own).status is TicketStatus.UNKNOWN


def test_a_queue_is_nobody_yet():
    assert ticket(Owner={"Name": "Repairs", "Type": "Queue"}).owner is None


# ---------------------------------------------------------------- messages


def test_comments_are_internal_unless_published_and_name_their_speaker():
    answer, note = (mapping.message(one, reading()) for one in recorded("comments")["records"])
    assert answer.key.external_id == f"{CASE}/00aRO000000XyZaYAK"
    assert (answer.author.kind, answer.internal) == (ActorKind.HUMAN, False)
    assert (note.author.kind, note.internal) == (ActorKind.CUSTOMER, True)
    assert note.body == "Third time this year."


def test_what_a_case_was_opened_with_is_its_first_message():
    opened = mapping.message(row("cases"), reading())
    assert opened.key.external_id == f"{CASE}/description"
    assert opened.body == "It stopped on Sunday night."
    assert opened.author == Actor(kind=ActorKind.CUSTOMER, id=ANN)


def test_a_comment_of_an_unknown_type_of_user_is_no_row():
    user = {"Id": "005", "Name": "Somebody", "UserType": "Robot"}
    with pytest.raises(RowError):
        mapping.message(row("comments", CreatedBy=user), reading())


def test_cases_without_a_description_open_with_nothing():
    ask = ChildrenAsk(parents=[CASE], limit=10, part=queries.OPENINGS)
    data = {"done": True, "records": [row("cases"), row("cases", Description=None)]}
    assert len(queries.read_messages(data, ask).rows) == 1


# ---------------------------------------------------------------- questions


def test_values_cannot_leave_their_quotes():
    assert soql.quoted("O'Neill") == r"'O\'Neill'"
    assert soql.quoted("a\\' OR Name != '") == r"'a\\\' OR Name != \''"
    assert soql.quoted("a\nb") == r"'a\nb'"


@pytest.mark.parametrize("name", ["", "Id FROM User--", "Id,Name", "a.b.c.d.e.f.g", "1d", "Name'"])
def test_a_name_that_is_no_field_is_refused(name):
    with pytest.raises(InputError):
        soql.named(name)


def test_two_hundred_ids_fit_into_the_address():
    ids = [f"003RO{number:010}YAM" for number in range(200)]
    request = queries.ask_contacts(GetAsk(ids=ids, options=OPTIONS))
    assert len(request.target) < 16_384 / 2
    assert where(request).startswith("Id IN ('003RO0000000000YAM',")


def test_fifty_addresses_named_twice_fit_into_the_address():
    parents = [f"somebody.with.a.long.name{number}@department.example.com" for number in range(50)]
    request = queries.ask_cases_by_email(ChildrenAsk(parents=parents, limit=200, options=OPTIONS))
    assert len(request.target) < 16_384 - 4_096


def test_only_the_fields_asked_for_are_read():
    request = queries.ask_contacts(GetAsk(ids=[ANN], fields=frozenset({"emails"}), options=OPTIONS))
    assert statement(request).startswith("SELECT Email,Id,SystemModstamp FROM Contact")


def test_fields_the_user_may_not_see_are_left_out_everywhere():
    options = {**OPTIONS, "leave_out": "Birthdate, OtherPhone,SuppliedEmail"}
    key = LookupKey(KeyKind.PHONE, "+44 113 496 0123")
    asked = [
        queries.ask_contacts(GetAsk(ids=[ANN], options=options)),
        queries.ask_phone(SearchAsk(key=key, options=options)),
        queries.ask_cases_by_email(ChildrenAsk(parents=["a@b.example"], limit=1, options=options)),
    ]
    for request in asked:
        for name in ("Birthdate", "OtherPhone", "SuppliedEmail"):
            assert name not in statement(request)


def test_a_phone_is_found_by_its_ending_however_it_is_written():
    ask = SearchAsk(key=LookupKey(KeyKind.PHONE, "+44 113 496 0123"), options=OPTIONS)
    assert "MobilePhone LIKE '%4%9%6%0%1%2%3'" in where(queries.ask_phone(ask))


def test_a_phone_without_digits_does_not_match_everybody():
    ask = SearchAsk(key=LookupKey(KeyKind.PHONE, "n/a"), options=OPTIONS)
    assert "LIKE" not in where(queries.ask_phone(ask))
    assert "Phone IN ('n/a')" in where(queries.ask_phone(ask))


def test_a_key_without_a_field_is_not_asked_for():
    nothing = {"account_number_field": "", "foreign_ids": {}}
    number = SearchAsk(key=LookupKey(KeyKind.ACCOUNT_NUMBER, "AC-1"), options=nothing)
    foreign = SearchAsk(key=LookupKey(KeyKind.EXTERNAL, "E-1", "erp"), options=nothing)
    assert queries.ask_account_number(number) is None
    assert queries.ask_foreign_id(foreign) is None


def test_cases_go_on_behind_the_last_one():
    ask = ChildrenAsk(parents=[ANN], limit=1, options=OPTIONS)
    page = queries.read_children(recorded("cases"), ask)
    following = queries.ask_cases_of(
        ChildrenAsk(parents=[ANN], limit=1, cursor=page.cursor, options=OPTIONS)
    )
    assert where(following) == (
        f"ContactId IN ('{ANN}') AND (CreatedDate < 2026-02-02T09:00:00.000Z "
        f"OR (CreatedDate = 2026-02-02T09:00:00.000Z AND Id < '{CASE}'))"
    )


def test_an_answer_that_was_cut_short_goes_on_by_its_locator():
    """Of the address only the locator is believed."""
    ask = ChildrenAsk(parents=[ANN], limit=2_000, options=OPTIONS)
    url = "https://evil.example/services/data/v63.0/query/01gRO0000016PIAYA2-500"
    page = queries.read_children({**recorded("cases"), "done": False, "nextRecordsUrl": url}, ask)
    following = queries.ask_cases_of(
        ChildrenAsk(parents=[ANN], limit=2_000, cursor=page.cursor, options=OPTIONS)
    )
    assert following.target == "/services/data/v63.0/query/01gRO0000016PIAYA2-500"


def test_ids_an_answer_was_too_short_for_are_unanswered_and_not_unknown():
    ask = GetAsk(ids=[ANN, "003RO0000035WQhYAM", "003RO0000035WQzYAM"], options=OPTIONS)
    assert queries.read_batch({**recorded("contacts"), "done": False}, ask).failed == [ask.ids[2]]
    assert queries.read_batch(recorded("contacts"), ask).failed == []


def test_everything_is_read_by_id_and_changes_with_the_deleted_by_time():
    whole = queries.ask_changed_contacts(SinceAsk(since=None, options=OPTIONS))
    assert whole.path.endswith("/query")
    assert "WHERE" not in statement(whole)
    assert statement(whole).endswith("ORDER BY Id ASC LIMIT 2000")
    since = datetime(2026, 2, 3, 14, 2, 11, tzinfo=UTC)
    changed = queries.ask_changed_contacts(SinceAsk(since=since, options=OPTIONS))
    assert changed.path.endswith("/queryAll")
    assert where(changed) == "SystemModstamp >= 2026-02-03T14:02:11.000Z"
    assert statement(changed).endswith("ORDER BY SystemModstamp ASC, Id ASC LIMIT 2000")
    assert "IsDeleted" in statement(changed)


def test_changes_go_on_by_key_at_any_later_time():
    since = datetime(2026, 2, 1, tzinfo=UTC)
    data = {**recorded("contacts"), "done": False, "nextRecordsUrl": "/x/query/01g-2000"}
    page = queries.read_changes(data, SinceAsk(since=since, options=OPTIONS))
    following = queries.ask_changed_contacts(
        SinceAsk(since=since, cursor=page.cursor, options=OPTIONS)
    )
    assert where(following).endswith(
        "(SystemModstamp > 2025-01-10T08:00:00.000Z OR "
        "(SystemModstamp = 2025-01-10T08:00:00.000Z AND Id > '003RO0000035WQhYAM'))"
    )


async def test_deleted_rows_are_told_by_what_changed(virtual_time, harness):
    line = harness.Line.open("salesforce")
    line.rows[Kind.CONTACT][2]["IsDeleted"] = True
    gone = line.ids(Kind.CONTACT)[2]
    scan = await line.source().changes[Kind.CONTACT].changed_since(None, harness.within())
    assert gone not in {record.key.external_id for record in scan.records}
    changes = (
        await line.source().changes[Kind.CONTACT].changed_since(harness.SINCE, harness.within())
    )
    assert changes.deleted == (SourceKey("here", Kind.CONTACT, gone),)
    assert gone not in {record.key.external_id for record in changes.records}


async def test_a_case_from_a_form_is_found_by_the_address_given_there(virtual_time, harness):
    line = harness.Line.open("salesforce")
    case = line.rows[Kind.TICKET][0]
    case |= {"ContactId": None, "Contact": None, "SuppliedEmail": "Walk.In@example.com"}
    (page,) = (
        await line.source()
        .children[Kind.TICKET]
        .children_of(
            [Parent(ParentBy.EMAIL, "walk.in@example.com")],
            PageRequest(5),
            harness.ChildFilter(),
            None,
            harness.within(),
        )
    )
    assert [record.key.external_id for record in page.items] == [case["Id"]]


async def test_messages_of_many_cases_are_two_calls(virtual_time, harness):
    line = harness.Line.open("salesforce")
    for case in line.rows[Kind.TICKET]:
        case |= {"Description": "It is broken.", "CreatedDate": line.vendor.stamp(NOW)}
    parents = [Parent(ParentBy.OWN, case["Id"]) for case in line.rows[Kind.TICKET]]
    pages = (
        await line.source()
        .children[Kind.MESSAGE]
        .children_of(parents, PageRequest(50), harness.ChildFilter(), None, harness.within())
    )
    assert len(line.calls) == 2
    assert pages[0].items[0].key.external_id.endswith("/description")
    assert [len(page.items) for page in pages] == [4, 5, 1, 1, 1, 1, 1]


# ---------------------------------------------------------------- refusals


def reply(status, *codes, **headers):
    data = [{"errorCode": code, "message": "SELECT secret"} for code in codes]
    return Reply(status=status, headers=headers, data=data)


def test_a_limit_that_is_used_up_is_not_a_missing_permission():
    error = refused("crm", reply(403, "REQUEST_LIMIT_EXCEEDED"))
    assert isinstance(error, SourceRateLimited)
    assert error.retry_after_s is None
    assert refused("crm", reply(403, "API_DISABLED_FOR_ORG")) is None


def test_a_refused_query_names_the_code_and_nothing_else():
    error = refused("crm", reply(400, "INVALID_FIELD"))
    assert isinstance(error, SourceProtocolError)
    assert "INVALID_FIELD" in str(error)
    assert "secret" not in str(error)
    assert refused("crm", Reply(status=400, headers={}, data={"x": 1})) is None
    assert refused("crm", Reply(status=400, headers={}, data=None)) is None


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (403, b'[{"errorCode": "REQUEST_LIMIT_EXCEEDED"}]', SourceRateLimited),
        (403, b'[{"errorCode": "INSUFFICIENT_ACCESS"}]', SourceAuthError),
        (401, b'[{"errorCode": "INVALID_SESSION_ID"}]', SourceAuthError),
        (403, b"<html>", SourceAuthError),
        (503, b'[{"errorCode": "SERVER_UNAVAILABLE"}]', SourceUnavailable),
    ],
)
async def test_a_refusal_is_read_where_its_status_does_not_say_it(
    virtual_time, harness, status, body, expected
):
    line = harness.Line.open("salesforce")
    line.answer = lambda _request: httpx.Response(status, content=body)
    got = await harness.outcome(
        line.source().gets[Kind.CONTACT].get_many([ANN], None, harness.within())
    )
    assert type(got) is expected


# ---------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    "options",
    [
        {"account_number_field": "Id FROM User"},
        {"foreign_ids": {"erp": "x'y"}},
        {"domain": "a/b"},
    ],
)
def test_names_that_cannot_be_are_refused_at_the_start(harness, options):
    line = harness.Line.open("salesforce")
    with pytest.raises(ConfigError, match=rf"sources\.here\.{next(iter(options))}: must match"):
        line.source(options={**line.vendor.OPTIONS, **options})
