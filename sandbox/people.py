"""People as they are: households, namesakes, numbers and mailboxes, all from one seed.

Telephone numbers come from the ranges kept for fiction: 07700 900000-900999 and 020 7946 0000-0999
(Ofcom) and 555-0100 to 555-0199 behind American area codes (NANPA). When they run out, people have
no telephone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import chain, count
from random import Random

from sandbox.names import COMPANIES, FAMILY, GIVEN, MAIL_DOMAINS, PLACES, STREETS
from sandbox.rows import Person

_AREA_CODES = ("212", "305", "312", "415", "503", "512", "614", "617", "702", "919")


class Registrar:
    """Makes people who do not share a number, a mailbox or an account unless they are meant to."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self._taken: set[str] = set()
        self._made = 0
        self._mobiles = iter(_shuffled([f"+447700900{n:03}" for n in range(1_000)], rng))
        self._landlines = iter(_shuffled([f"+442079460{n:03}" for n in range(1_000)], rng))
        self._american = iter(
            _shuffled([f"+1{area}55501{n:02}" for area in _AREA_CODES for n in range(100)], rng)
        )

    def person(self, **known: object) -> Person:
        """Somebody new; what is known of them is kept, the rest is drawn."""
        self._made += 1
        places = [place for place in PLACES if known.get("city", place[0]) == place[0]]
        city, region, postcode, country = self.rng.choice(places)
        drawn: dict[str, object] = {
            "id": f"person-{self._made:04}",
            "given_name": self.rng.choice(tuple(GIVEN)),
            "family_name": self.rng.choice(FAMILY),
            "street": f"{self.rng.randint(1, 180)} {self.rng.choice(STREETS)}",
            "city": city,
            "region": region,
            "postcode": self._postcode(postcode),
            "country": country,
            "birth_date": self._birth_date(18, 85),
            "account_number": f"AC-{100_000 + 37 * self._made}",
            "company": self.rng.choice(COMPANIES) if self.rng.random() < 0.15 else None,
        }
        drawn |= known
        given, family = str(drawn["given_name"]), str(drawn["family_name"])
        drawn.setdefault("email", self.mailbox(given, family))
        drawn.setdefault("phone", self.phone(str(drawn["country"])))
        return Person(**drawn)  # type: ignore[arg-type]  # drawn and known by name

    def household(self, name: str, givens: Sequence[str]) -> list[Person]:
        """People of one family name and address; each has a mailbox and number of their own."""
        home = {"household": name, "city": "Bristol"}
        first = self.person(given_name=givens[0], **home)
        home |= {
            "family_name": first.family_name,
            "street": first.street,
            "postcode": first.postcode,
        }
        return [first, *(self.person(given_name=given, **home) for given in givens[1:])]

    def phone(self, country: str) -> str:
        """A number nobody has, E.164; empty once the reserved ranges are used up."""
        pool = self._american if country == "US" else self._mobiles
        return next(pool, "")

    def landline(self) -> str:
        return next(self._landlines, "")

    def mailbox(self, given: str, family: str) -> str:
        """An address nobody has: the plain one first, then with a number as people do."""
        local = f"{plain(given)}.{plain(family)}"
        if self.rng.random() < 0.25:
            local = f"{plain(given)[0]}{plain(family)}"
        domain = self.rng.choice(MAIL_DOMAINS)
        candidates = chain([f"{local}@{domain}"], (f"{local}{n}@{domain}" for n in count(2)))
        address = next(candidate for candidate in candidates if candidate not in self._taken)
        self._taken.add(address)
        return address

    def _postcode(self, pattern: str) -> str:
        """Fill {d} with digits and {l} with the letters British postcodes end in."""
        while "{" in pattern:
            pattern = pattern.replace("{d}", self.rng.choice("0123456789"), 1)
            pattern = pattern.replace("{l}", self.rng.choice("ABDEFGHJLNPQRSTUWXYZ"), 1)
        return pattern

    def _birth_date(self, youngest: int, oldest: int) -> date:
        return date(2026, 1, 1) - timedelta(days=self.rng.randint(youngest * 366, oldest * 365))


def difficult_people(registrar: Registrar) -> list[Person]:
    """The households every data set meets and every careless matcher merges."""
    return [
        *_family_of_four(registrar),
        *_twins(registrar),
        *_father_and_son(registrar),
        *_namesakes(registrar),
        *_couple(registrar),
    ]


def plain(name: str) -> str:
    """A name as a mailbox spells it: lower case, no accents, no apostrophes or blanks."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(letter for letter in folded.lower() if letter.isalpha())


def _family_of_four(registrar: Registrar) -> list[Person]:
    """Four people behind one landline and one mailbox."""
    family = registrar.household("family-of-four", ("Helen", "Stephen", "Olivia", "Theodore"))
    landline = registrar.landline()
    mailbox = f"the.{plain(family[0].family_name)}s@example.net"
    ages = (date(1979, 3, 14), date(1981, 10, 2), date(2006, 5, 21), date(2008, 1, 9))
    return [
        replace(member, phone=landline, email=mailbox, birth_date=born)
        for member, born in zip(family, ages, strict=True)
    ]


def _twins(registrar: Registrar) -> list[Person]:
    """Two people of one birth date, address and family name, and nearly one given name."""
    twins = registrar.household("twins", ("Emily", "Emilia"))
    return [replace(twin, birth_date=date(1999, 7, 30)) for twin in twins]


def _father_and_son(registrar: Registrar) -> list[Person]:
    """One name, one address, two people."""
    father, son = registrar.household("father-and-son", ("Walter", "Walter"))
    return [
        replace(father, birth_date=date(1957, 4, 3)),
        replace(son, birth_date=date(1988, 12, 11)),
    ]


def _namesakes(registrar: Registrar) -> list[Person]:
    """Two strangers of one rather common name in one city."""
    known = {"given_name": "Susan", "family_name": "Taylor", "city": "Leeds"}
    return [registrar.person(**known), registrar.person(**known)]


def _couple(registrar: Registrar) -> list[Person]:
    """Two people who give one mobile number."""
    first, second = registrar.household("couple", ("Anthony", "Catherine"))
    return [first, replace(second, phone=first.phone)]


def _shuffled(numbers: list[str], rng: Random) -> list[str]:
    return rng.sample(numbers, len(numbers))
