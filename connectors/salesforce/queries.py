"""What Salesforce is asked, and how its answers are paged. Source: REST API Developer Guide, Query,
QueryAll and Query More Results; SOQL and SOSL Reference.

A list that is kept (changes) goes on by key: the vendor's own locators end after two days. A list
that is read at once goes on by locator where the vendor cut an answer short.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.matching import digits
from connectors.reading import Options, OptionValue, Row, identifier, text, texts
from connectors.request import Request, get, segment
from connectors.salesforce import soql
from connectors.salesforce.mapping import PHONES
from connectors.spec import ChildrenAsk, Figure, GetAsk, Page, SearchAsk, SinceAsk, chosen
from domain.sources import Fields

GUIDE = "https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest"
HELP = "https://help.salesforce.com/s/articleView?id=000386264"
BATCH = Figure(200, f"{HELP}: address and headers take 16,384 bytes; 200 quoted ids take 5,400")
NUMBERS = Figure(5, "ours: each is a pattern for four fields, none of them indexed")
PAGE = Figure(2_000, f"{GUIDE}/resources_query.htm: up to 2,000 records at a time")
FOUND = 200

DATA = "/services/data/v63.0"
CONTACT_FIELDS: Mapping[str, Sequence[str]] = {
    "full_name": ("Name",),
    "given_name": ("FirstName",),
    "family_name": ("LastName",),
    "emails": ("Email",),
    "phones": PHONES,
    "address": (
        "MailingStreet",
        "MailingCity",
        "MailingState",
        "MailingPostalCode",
        "MailingCountry",
    ),
    "birth_date": ("Birthdate",),
    "company": ("Account.Name",),
    "created_at": ("CreatedDate",),
}
CASE_FIELDS: Mapping[str, Sequence[str]] = {
    "channel": ("Origin",),
    "state": ("Status", "IsClosed"),
    "raw_state": ("Status",),
    "ended_at": ("ClosedDate",),
    "owner": ("OwnerId", "Owner.Name", "Owner.Type"),
    "number": ("CaseNumber",),
    "subject": ("Subject",),
    "status": ("Status", "IsClosed"),
    "raw_status": ("Status",),
    "priority": ("Priority",),
    "category": ("Type", "Reason"),
}
ALWAYS = ("Id", "SystemModstamp")
CASE_ALWAYS = (*ALWAYS, "CreatedDate", "ContactId", "Contact.Email", "SuppliedEmail")
COMMENT = (
    *ALWAYS,
    "ParentId",
    "CommentBody",
    "IsPublished",
    "CreatedDate",
    "CreatedBy.Id",
    "CreatedBy.Name",
    "CreatedBy.UserType",
)
OPENING = (*ALWAYS, "CreatedDate", "ContactId", "Description")
COMMENTS, OPENINGS = range(2)
"""The two lists a case's messages lie in."""

_NEWEST = "CreatedDate DESC, Id DESC"
_OLDEST_CHANGE = "SystemModstamp ASC, Id ASC"


def ask_contacts(ask: GetAsk) -> Request:
    return _query(contact_fields(ask.fields, ask.options), "Contact", [soql.one_of("Id", ask.ids)])


def ask_cases(ask: GetAsk) -> Request:
    return _query(case_fields(ask.fields, ask.options), "Case", [soql.one_of("Id", ask.ids)])


def ask_email(ask: SearchAsk) -> Request:
    return _found(ask.options, soql.one_of("Email", [ask.key.value]))


def ask_phone(ask: SearchAsk) -> Request:
    return _found(ask.options, _with_numbers([ask.key.value], ask.options))


def ask_account_number(ask: SearchAsk) -> Request | None:
    name = ask.options.get("account_number_field", "")
    found = isinstance(name, str) and name
    return _found(ask.options, soql.one_of(str(name), [ask.key.value])) if found else None


def ask_foreign_id(ask: SearchAsk) -> Request | None:
    table: OptionValue = ask.options.get("foreign_ids", {})
    name = None if isinstance(table, str) else table.get(ask.key.scope)
    return _found(ask.options, soql.one_of(name, [ask.key.value])) if name else None


def ask_contacts_by_phone(ask: GetAsk) -> Request:
    return _found(ask.options, _with_numbers(ask.ids, ask.options))


def ask_cases_of(ask: ChildrenAsk) -> Request:
    return _children(ask, "Case", soql.one_of("ContactId", ask.parents))


def ask_cases_by_email(ask: ChildrenAsk) -> Request:
    """Of a contact with the address, or of somebody who gave it in a form and is no contact."""
    hidden = _left_out(ask.options)
    fields = [name for name in ("Contact.Email", "SuppliedEmail") if name not in hidden]
    return _children(ask, "Case", soql.any_of(soql.one_of(name, ask.parents) for name in fields))


def ask_messages(ask: ChildrenAsk) -> Request:
    if ask.part == COMMENTS:
        return _children(ask, "CaseComment", soql.one_of("ParentId", ask.parents), COMMENT)
    return _children(ask, "Case", soql.one_of("Id", ask.parents), OPENING)


def ask_changed_contacts(ask: SinceAsk) -> Request:
    return _changed(ask, "Contact", contact_fields(None, ask.options))


def ask_changed_cases(ask: SinceAsk) -> Request:
    return _changed(ask, "Case", case_fields(None, ask.options))


def read_batch(data: Any, ask: GetAsk) -> Page:
    """An answer may be cut short: then an id without a row is not unknown, but unanswered."""
    rows = data["records"]
    there = {row.get("Id") for row in rows}
    cut = data["done"] is not True
    return Page(rows=rows, failed=[one for one in ask.ids if cut and one not in there])


def read_found(data: Any, _ask: object) -> Page:
    """A cursor says that there are more; a search does not follow it."""
    rows = data["records"]
    more = data["done"] is not True or len(rows) >= FOUND
    return Page(rows=rows, cursor="more" if more else None)


def read_children(data: Any, ask: ChildrenAsk) -> Page:
    rows = data["records"]
    if data["done"] is not True:
        return Page(rows=rows, cursor=_locator(data["nextRecordsUrl"]))
    return Page(rows=rows, cursor=_place(rows, "CreatedDate") if len(rows) >= ask.limit else None)


def read_messages(data: Any, ask: ChildrenAsk) -> Page:
    """A description cannot be filtered by: cases without one are left out here."""
    page = read_children(data, ask)
    if ask.part == COMMENTS:
        return page
    return Page(rows=[row for row in page.rows if text(row["Description"])], cursor=page.cursor)


def read_changes(data: Any, ask: SinceAsk) -> Page:
    rows = data["records"]
    more = data["done"] is not True or len(rows) >= PAGE.value
    cursor = _place(rows, "SystemModstamp" if ask.since else "Id") if more else None
    gone = [identifier(row["Id"]) for row in rows if row.get("IsDeleted") is True]
    kept = [row for row in rows if row.get("IsDeleted") is not True]
    return Page(rows=kept, deleted=gone, cursor=cursor)


def owner_emails(row: Row) -> Sequence[str]:
    return texts((row.get("Contact") or {}).get("Email"), row.get("SuppliedEmail"))


def contact_fields(fields: Fields, options: Options) -> list[str]:
    number, foreign = options.get("account_number_field", ""), options.get("foreign_ids", {})
    own = {
        "account_number": [number] if isinstance(number, str) and number else [],
        "foreign_ids": [] if isinstance(foreign, str) else list(foreign.values()),
    }
    return _visible(_whole(fields), {**CONTACT_FIELDS, **own}, ALWAYS, options)


def case_fields(fields: Fields, options: Options) -> list[str]:
    return _visible(_whole(fields), CASE_FIELDS, CASE_ALWAYS, options)


def _whole(fields: Fields) -> Fields:
    return None if fields is None or "raw" in fields else fields


def _visible(
    fields: Fields, table: Mapping[str, Sequence[str]], always: Sequence[str], options: Options
) -> list[str]:
    hidden = _left_out(options)
    return [name for name in chosen(fields, table, always) if name not in hidden]


def _left_out(options: Options) -> set[str]:
    """Fields that the integration's user may not see: naming one fails the whole query."""
    return {name.strip() for name in str(options.get("leave_out", "")).split(",")}


def _with_numbers(numbers: Sequence[str], options: Options) -> str:
    """Numbers are kept as they were typed: whatever stands between the last seven digits, they
    match. What is found is compared here.
    """
    fields = [name for name in PHONES if name not in _left_out(options)]
    return soql.any_of(_with_number(name, number) for number in numbers for name in fields)


def _with_number(field: str, number: str) -> str:
    ending = digits(number)[-7:]
    if len(ending) < 7:
        return soql.one_of(field, [number])
    return f"{field} LIKE '%{'%'.join(ending)}'"


def _query(fields: Sequence[str], source: str, where: Sequence[str]) -> Request:
    return _asked("query", soql.select(fields, source, where, "", PAGE.value))


def _found(options: Options, condition: str) -> Request:
    fields = contact_fields(None, options)
    return _asked("query", soql.select(fields, "Contact", [condition], "", FOUND))


def _children(
    ask: ChildrenAsk, source: str, condition: str, fields: Sequence[str] | None = None
) -> Request:
    if ask.cursor and ask.cursor.startswith("/"):
        return get(DATA + ask.cursor)
    where = [condition]
    if ask.until:
        where.append(f"CreatedDate <= {soql.instant(ask.until)}")
    if ask.cursor:
        where.append(soql.after("CreatedDate", "DESC", _placed(ask.cursor)))
    asked = fields or case_fields(ask.fields, ask.options)
    return _asked("query", soql.select(asked, source, where, _NEWEST, ask.limit))


def _changed(ask: SinceAsk, source: str, fields: Sequence[str]) -> Request:
    """Everything by id, or what changed since, the deleted rows among it."""
    if ask.since is None:
        where = [f"Id > {soql.quoted(_placed(ask.cursor).external_id)}"] if ask.cursor else []
        return _asked("query", soql.select(fields, source, where, "Id ASC", PAGE.value))
    where = [f"SystemModstamp >= {soql.instant(ask.since)}"]
    if ask.cursor:
        where.append(soql.after("SystemModstamp", "ASC", _placed(ask.cursor)))
    asked = [*fields, "IsDeleted"]
    return _asked("queryAll", soql.select(asked, source, where, _OLDEST_CHANGE, PAGE.value))


def _asked(resource: str, statement: str) -> Request:
    return get(f"{DATA}/{resource}", {"q": statement})


def _locator(url: str) -> str:
    """The rest of a list, below the version: of the address, only the locator is believed."""
    return f"/query/{segment(url.rpartition('/')[2])}"


def _place(rows: Sequence[Row], field: str) -> str | None:
    """Behind the last row: its time (or id) and its id."""
    if not rows:
        return None
    return f"{identifier(rows[-1][field])}|{identifier(rows[-1]['Id'])}"


def _placed(cursor: str) -> soql.Place:
    at, _, external_id = cursor.partition("|")
    return soql.Place(at, external_id)
