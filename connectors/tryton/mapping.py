"""Tryton's parties as contacts.

Source: the models party.party, party.contact_mechanism and party.address of the party module 8.2.
A time is an object of its parts without an offset, in UTC; a list that was read through keeps the
dot of its path in its name ("contact_mechanisms.").
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from connectors.reading import Reading, Row, RowError, identifier, required, text, texts
from domain.ids import Kind
from domain.records import Address, Contact, Handle

PHONES = {"phone", "mobile"}
HANDLES = ("skype", "sip", "irc", "jabber")
_PARTS = ("year", "month", "day", "hour", "minute", "second", "microsecond")


def contact(row: Row, at: Reading) -> Contact:
    """One party. What was put out of use (`active`) is left out of it."""
    external_id = identifier(row["id"])
    mechanisms = _used(row["contact_mechanisms."])
    addresses = _used(row["addresses."])
    return Contact(
        key=at.key(Kind.CONTACT, external_id),
        provenance=at.provenance(external_id, updated_at=_changed(row)),
        full_name=text(row.get("name")),
        emails=texts(*(m.get("value") for m in mechanisms if m.get("type") == "email")),
        phones=texts(*(m.get("value") for m in mechanisms if m.get("type") in PHONES)),
        handles=tuple(
            Handle(platform, name)
            for platform in HANDLES
            for name in texts(*(m.get("value") for m in mechanisms if m.get("type") == platform))
        ),
        account_number=text(row.get("code")),
        address=_address(addresses[0]) if addresses else None,
        created_at=instant(row.get("create_date")),
        raw=row,
    )


def instant(value: object) -> datetime | None:
    """UTC of a time; None for nothing. Raises RowError for anything else."""
    if value is None:
        return None
    if not isinstance(value, dict) or value.get("__class__") != "datetime":
        raise RowError("a time expected")
    try:
        year, month, day, hour, minute, second, microsecond = (int(value[p]) for p in _PARTS)
        return datetime(year, month, day, hour, minute, second, microsecond, UTC)
    except (TypeError, ValueError, LookupError, OverflowError) as error:
        raise RowError("not a time") from error


def _changed(row: Row) -> datetime:
    """The last change of the party or of what belongs to it, in use or not: its own time stays
    where it is when an e-mail, a number or an address changes. One never written has only the time
    it was made.
    """
    rows = [row, *row["contact_mechanisms."], *row["addresses."]]
    times = [instant(each.get(name)) for each in rows for name in ("write_date", "create_date")]
    return required(max((time for time in times if time), default=None))


def _used(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row.get("active")]


def _address(row: Row) -> Address:
    return Address(
        street=text(row.get("street")),
        city=text(row.get("city")),
        region=text((row.get("subdivision.") or {}).get("name")),
        postcode=text(row.get("postal_code")),
        country=text((row.get("country.") or {}).get("code")),
    )
