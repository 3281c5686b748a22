"""What HubSpot is asked about contacts, and how its answers are paged. Source: CRM API v3, objects
and search.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.hubspot import mapping
from connectors.matching import digits
from connectors.reading import Options
from connectors.request import Request, get, post
from connectors.spec import Figure, GetAsk, Page, SearchAsk, SinceAsk, chosen
from domain.sources import Fields

CONTACTS = "/crm/v3/objects/contacts"
DOCS = "https://developers.hubspot.com/docs"
GUIDE = f"{DOCS}/guides/api/crm/objects/contacts"
SEARCH_GUIDE = f"{DOCS}/api-reference/2026-03/crm/search-the-crm"
SEARCH = "search"
BATCH = Figure(100, f"{GUIDE}: batch operations are limited to 100 records")
LISTED = Figure(100, f"{GUIDE}: at most 100 records a page")
FOUND = Figure(200, f"{SEARCH_GUIDE}: up to 200 results a page")
CAP = Figure(10_000, f"{SEARCH_GUIDE}: 10,000 results for a query")


Group = Sequence[Mapping[str, Any]]


def properties(fields: Fields, options: Options) -> list[str]:
    table = {**mapping.PROPERTIES, **mapping.own_properties(options)}
    whole = fields is None or "raw" in fields
    return chosen(None if whole else fields, table, mapping.ALWAYS)


def ask_batch(ask: GetAsk) -> Request:
    # The description requires all three lists. History would halve the number of inputs allowed.
    body = {
        "inputs": [{"id": external_id} for external_id in ask.ids],
        "properties": properties(ask.fields, ask.options),
        "propertiesWithHistory": [],
    }
    return post(f"{CONTACTS}/batch/read", body)


def read_batch(data: Any, _ask: GetAsk) -> Page:
    """200, or 207 with `errors`: ids that do not exist are holes, every other error is a failure
    of the ids it names.
    """
    errors = [e for e in data.get("errors", ()) if e["category"] != "OBJECT_NOT_FOUND"]
    failed = [external_id for error in errors for external_id in error["context"]["ids"]]
    return Page(rows=data["results"], failed=failed)


def search(groups: Sequence[Group], options: Options, **more: Any) -> Request:
    """A search for contacts that pass all filters of any group (at most 5 groups)."""
    body = {
        "filterGroups": [{"filters": list(group)} for group in groups],
        "properties": properties(None, options),
        **more,
    }
    return post(f"{CONTACTS}/search", body, lanes=(SEARCH,))


def equal(name: str, value: str) -> Group:
    return [{"propertyName": name, "operator": "EQ", "value": value}]


def ask_email(ask: SearchAsk) -> Request:
    """The first address or a further one: those are one text, searched by its tokens."""
    further = {"propertyName": "hs_additional_emails", "operator": "CONTAINS_TOKEN"}
    groups: list[Group] = [equal("email", ask.key.value), [{**further, "value": ask.key.value}]]
    return search(groups, ask.options, limit=FOUND.value)


def ask_phone(ask: SearchAsk) -> Request:
    """As written, or by the searchable forms, which hold a number without its country code (Search
    guide). How long that code is (1 to 3 digits) only a numbering plan tells, so all are asked for.
    """
    number = digits(ask.key.value)
    cut = (1, 2, 3) if ask.key.value.strip().startswith("+") else (0,)
    local = sorted({number[count:].lstrip("0") for count in cut} - {""})
    groups = [equal(name, ask.key.value) for name in ("phone", "mobilephone")]
    for kind in ("phone", "mobile"):
        name = f"hs_searchable_calculated_{kind}_number"
        groups.append([{"propertyName": name, "operator": "IN", "values": local}])
    return search(groups, ask.options, limit=FOUND.value)


def ask_account_number(ask: SearchAsk) -> Request | None:
    name = ask.options.get("account_number_property", "")
    if not isinstance(name, str) or not name:
        return None
    return search([equal(name, ask.key.value)], ask.options, limit=FOUND.value)


def ask_foreign_id(ask: SearchAsk) -> Request | None:
    table = ask.options.get("foreign_ids", {})
    name = None if isinstance(table, str) else table.get(ask.key.scope)
    return search([equal(name, ask.key.value)], ask.options, limit=FOUND.value) if name else None


def ask_changed(ask: SinceAsk) -> Request:
    """All contacts by list, which has no cap, or those changed since by search, oldest first."""
    if ask.since is None:
        query = {
            "limit": str(LISTED.value),
            "properties": ",".join(properties(None, ask.options)),
            **({"after": ask.cursor} if ask.cursor else {}),
        }
        return get(CONTACTS, query)
    since = str(int(ask.since.timestamp() * 1000))
    changed = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": since}
    more = {"after": ask.cursor} if ask.cursor else {}
    return search([[changed]], ask.options, limit=FOUND.value, sorts=["lastmodifieddate"], **more)


def read_page(data: Any, _ask: object) -> Page:
    """`paging.next.after`, absent on the last page."""
    after = ((data.get("paging") or {}).get("next") or {}).get("after")
    return Page(rows=data["results"], cursor=after)
