"""HubSpot's contacts in our words. Source: CRM API v3, objects, contacts."""

from collections.abc import Mapping, Sequence

from connectors.reading import (
    Options,
    OptionValue,
    Reading,
    Row,
    identifier,
    iso_date,
    required,
    rfc3339,
    text,
    texts,
)
from domain.ids import Kind
from domain.records import Address, Contact

PROPERTIES: Mapping[str, Sequence[str]] = {
    "full_name": ("firstname", "lastname"),
    "given_name": ("firstname",),
    "family_name": ("lastname",),
    "emails": ("email", "hs_additional_emails"),
    "phones": ("phone", "mobilephone"),
    "address": ("address", "city", "state", "zip", "country"),
    "birth_date": ("date_of_birth",),
    "company": ("company",),
}
"""The properties each attribute is made of: HubSpot gives only those it is asked for."""

ALWAYS = ("hs_merged_object_ids", "lastmodifieddate")


def contact(row: Row, at: Reading) -> Contact:
    """One contact. `hs_additional_emails` and `hs_merged_object_ids` are lists with semicolons; a
    row that was read by an id it has absorbed comes under its new id.
    """
    external_id = identifier(row["id"])
    values: Row = row["properties"]
    updated_at = rfc3339(row.get("updatedAt") or values.get("lastmodifieddate"))
    names = texts(values.get("firstname"), values.get("lastname"))
    return Contact(
        key=at.key(Kind.CONTACT, external_id),
        provenance=at.provenance(external_id, updated_at=required(updated_at, "updatedAt")),
        full_name=" ".join(names) or None,
        given_name=text(values.get("firstname")),
        family_name=text(values.get("lastname")),
        emails=texts(values.get("email"), *_listed(values.get("hs_additional_emails"))),
        phones=texts(values.get("phone"), values.get("mobilephone")),
        account_number=_value(values, at.option("account_number_property")),
        address=_address(values),
        birth_date=iso_date(values.get("date_of_birth")),
        company=text(values.get("company")),
        created_at=rfc3339(row.get("createdAt")),
        merged_ids=tuple(_listed(values.get("hs_merged_object_ids"))),
        foreign_ids=_foreign_ids(values, at),
        raw=row,
    )


def own_properties(options: Options) -> dict[str, Sequence[str]]:
    """The properties that the configuration names."""
    number = options.get("account_number_property", "")
    foreign: OptionValue = options.get("foreign_ids", {})
    return {
        "account_number": [number] if isinstance(number, str) and number else [],
        "foreign_ids": [] if isinstance(foreign, str) else list(foreign.values()),
    }


def _address(values: Row) -> Address | None:
    address = Address(
        street=text(values.get("address")),
        city=text(values.get("city")),
        region=text(values.get("state")),
        postcode=text(values.get("zip")),
        country=text(values.get("country")),
    )
    return None if address == Address() else address


def _foreign_ids(values: Row, at: Reading) -> tuple[tuple[str, str], ...]:
    pairs = ((system, _value(values, name)) for system, name in at.table("foreign_ids").items())
    return tuple((system, found) for system, found in pairs if found)


def _value(values: Row, name: str) -> str | None:
    return text(values.get(name)) if name else None


def _listed(value: object) -> tuple[str, ...]:
    return texts(*(text(value) or "").split(";"))
