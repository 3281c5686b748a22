"""One normaliser in two forms: a record for live, here, and a table for batch (normaliser.py). A
property test holds them to the same answer.
"""

from dataclasses import dataclass, field

from identity import addresses, emails, fields, names, phones
from identity.letters import fold
from identity.nicknames import roots_of

TEXTS = ("account_number", "full_name", "given_name", "family_name", "street", "city", "postcode",
         "country", "birth_date", "company")  # fmt: skip
LISTS = ("emails", "phones", "handles")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPerson:
    """A record as its system wrote it. `country` is ISO 3166 alpha-2 where the system says so."""

    account_number: str | None = field(default=None, repr=False)
    full_name: str | None = field(default=None, repr=False)
    given_name: str | None = field(default=None, repr=False)
    family_name: str | None = field(default=None, repr=False)
    emails: tuple[str, ...] = field(default=(), repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    handles: tuple[str, ...] = field(default=(), repr=False)
    street: str | None = field(default=None, repr=False)
    city: str | None = field(default=None, repr=False)
    postcode: str | None = field(default=None, repr=False)
    country: str | None = field(default=None, repr=False)
    birth_date: str | None = field(default=None, repr=False)
    company: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A record in comparable form. None and () mean not said, or said by a filler.

    Lists are sorted and hold every identifier; the singular is the first one its owner alone
    would use (`email`: no relay and no desk). Phones are keys (see phones.Phone). `street` leaves
    out number and kind.
    """

    account: str | None = field(default=None, repr=False)
    given: str | None = field(default=None, repr=False)
    given_roots: tuple[str, ...] = field(default=(), repr=False)
    given_initials: str | None = field(default=None, repr=False)
    given_sound: str | None = field(default=None, repr=False)
    given_skeleton: str | None = field(default=None, repr=False)
    family: str | None = field(default=None, repr=False)
    families: tuple[str, ...] = field(default=(), repr=False)
    family_sound: str | None = field(default=None, repr=False)
    family_skeleton: str | None = field(default=None, repr=False)
    generation: str | None = None
    email: str | None = field(default=None, repr=False)
    emails: tuple[str, ...] = field(default=(), repr=False)
    phone: str | None = field(default=None, repr=False)
    phone_kind: str | None = None
    phones: tuple[str, ...] = field(default=(), repr=False)
    handles: tuple[str, ...] = field(default=(), repr=False)
    street: str | None = field(default=None, repr=False)
    house: str | None = field(default=None, repr=False)
    postcode: str | None = field(default=None, repr=False)
    city: str | None = field(default=None, repr=False)
    country: str | None = None
    birth_date: str | None = field(default=None, repr=False)
    company: str | None = field(default=None, repr=False)


def phone_region(country: str | None, default: str | None) -> str | None:
    """The region that reads a national number: the record's country where it is a code."""
    code = (country or "").strip().upper()
    return code if len(code) == 2 and code.isalpha() and code.isascii() else default


def normalise(raw: RawPerson, default_region: str | None = None) -> Person:
    """The live form. `default_region` reads phone numbers of records without a country code."""
    said = {name: fold(getattr(raw, name) or "") for name in TEXTS}
    name = names.parse(said["full_name"], said["given_name"], said["family_name"])
    addresses_of = [a for a in map(emails.canonical, map(fold, raw.emails)) if a]
    region = phone_region(raw.country, default_region)
    numbers = [n for n in (phones.canonical(fold(text), region) for text in raw.phones) if n]
    handles = {fields.code(fields.HANDLE, fold(text)) for text in raw.handles} - {""}
    street = addresses.street(said["street"])
    return Person(
        account=fields.code(fields.ACCOUNT, said["account_number"]) or None,
        given=name.given or None,
        given_roots=roots_of(name.given),
        given_initials="".join(sorted({root[0] for root in roots_of(name.given)})) or None,
        given_sound=names.SOUND(name.given) or None,
        given_skeleton=names.SKELETON(name.given) or None,
        family=name.family or None,
        families=name.families,
        family_sound=names.SOUND(name.family) or None,
        family_skeleton=names.SKELETON(name.family) or None,
        generation=name.generation or None,
        email=next(filter(emails.personal, addresses_of), None),
        emails=tuple(sorted(set(addresses_of))),
        phone=numbers[0].key if numbers else None,
        phone_kind=(numbers[0].kind or None) if numbers else None,
        phones=tuple(sorted({number.key for number in numbers})),
        handles=tuple(sorted(handles)),
        street=street.name or None,
        house=street.number or None,
        postcode=fields.code(addresses.POSTCODE, said["postcode"]) or None,
        city=fields.code(addresses.CITY, said["city"]) or None,
        country=said["country"].strip(" ") or None,
        birth_date=fields.birth_date(said["birth_date"]) or None,
        company=fields.code(fields.COMPANY, said["company"]) or None,
    )
