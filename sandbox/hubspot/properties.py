"""A contact's properties: text by name, as HubSpot keeps every value.

Source: CRM objects, contacts (default properties), and the search guide for the calculated
telephone properties, which hold area code and local number without the country code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from sandbox.rows import CrmContact
from sandbox.vendor import Json
from sandbox.wire import iso_milliseconds

# Returned when a request names none.
DEFAULT: Final = (
    "createdate",
    "email",
    "firstname",
    "hs_object_id",
    "lastmodifieddate",
    "lastname",
)
# Returned whatever a request names.
ALWAYS: Final = ("createdate", "hs_object_id", "lastmodifieddate")

WRITABLE: Final = frozenset(
    {
        "email",
        "firstname",
        "lastname",
        "phone",
        "mobilephone",
        "address",
        "city",
        "state",
        "zip",
        "country",
        "company",
        "date_of_birth",
        "account_number",
        "lifecyclestage",
    }
)
DATES: Final = frozenset({"createdate", "lastmodifieddate"})
NUMBERS: Final = frozenset({"hs_object_id"})

_CALCULATED: Final[Mapping[str, Callable[[CrmContact], str | None]]] = {
    "createdate": lambda row: iso_milliseconds(row.created_at),
    "lastmodifieddate": lambda row: iso_milliseconds(row.updated_at),
    "hs_object_id": lambda row: row.id,
    "hs_additional_emails": lambda row: ";".join(row.additional_emails) or None,
    "hs_merged_object_ids": lambda row: ";".join(row.merged_ids) or None,
    "hs_searchable_calculated_phone_number": lambda row: local_number(row.phone),
    "hs_searchable_calculated_mobile_number": lambda row: local_number(row.mobilephone),
}
KNOWN: Final = WRITABLE | frozenset(_CALCULATED)

# The country codes of the countries the seeded people live in.
_COUNTRY = re.compile(r"^(?:\+|00)(1|44|49|81)")


def value(row: CrmContact, name: str) -> str | None:
    """One property; None where it is empty. KeyError for a name HubSpot does not have."""
    if name in WRITABLE:
        written: str | None = getattr(row, name)
        return written
    return _CALCULATED[name](row)


def local_number(phone: str | None) -> str | None:
    """Digits without country code and trunk zero: "+44 (0)7700 900123" is "7700900123"."""
    if phone is None:
        return None
    plain = re.sub(r"[^\d+]", "", phone.replace("(0)", ""))
    local = re.sub(r"\D", "", _COUNTRY.sub("", plain)).lstrip("0")
    is_american = len(local) == 11 and local.startswith("1")
    return (local[1:] if is_american else local) or None


def described(row: CrmContact, names: Iterable[str], history: Iterable[str] = ()) -> Json:
    """A contact as an answer shows it; names HubSpot does not have are left out, as it does."""
    shown = {*ALWAYS, *(name for name in names if name in KNOWN)}
    answer: dict[str, Json] = {
        "id": row.id,
        "properties": {name: value(row, name) for name in sorted(shown)},
        "createdAt": iso_milliseconds(row.created_at),
        "updatedAt": iso_milliseconds(row.updated_at),
        "archived": row.deleted_at is not None,
    }
    if row.deleted_at is not None:
        answer["archivedAt"] = iso_milliseconds(row.deleted_at)
    if told := {name: _history(row, name) for name in history if name in KNOWN}:
        answer["propertiesWithHistory"] = told
    return answer


def _history(row: CrmContact, name: str) -> Json:
    """The present value alone: this world keeps no older ones."""
    now = value(row, name)
    stamp = iso_milliseconds(row.updated_at)
    return [] if now is None else [{"value": now, "timestamp": stamp, "sourceType": "CRM_UI"}]
