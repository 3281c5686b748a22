"""People by number, the same for the same seed."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

from domain.ids import Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import Address, Contact
from domain.vocabulary import SystemKind

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SYSTEMS = ("crm", "shop", "chat", "desk")
PARTS = [first + second for first in "bdfghjklmnprst" for second in "aeiou"]


class Town:
    """Names as frequent as names are, a home of a few, and one to four records each with the errors
    of typing.
    """

    def __init__(self, seed: int = 7) -> None:
        self._seed = seed
        chance = random.Random(seed)
        self._given = _names(chance, 3_000)
        self._family = _names(chance, 30_000)
        self._streets = _names(chance, 5_000)
        self._cities = _names(chance, 600)

    def person(self, number: int) -> list[Contact]:
        """Their records; two and a half on average."""
        chance = random.Random(self._seed * 1_000_003 + number)
        home = random.Random(self._seed * 7_000_003 + number // 3)
        given, family = _drawn(chance, self._given), _drawn(home, self._family)
        city = _drawn(home, self._cities)
        address = Address(
            street=f"{home.randrange(1, 200)} {_drawn(home, self._streets)} Street",
            city=city,
            postcode=f"{city[:2].upper()}{home.randrange(100)} {home.randrange(10)}AB",
        )
        email = f"{given}.{family}{number % 9_973}@{chance.choice(('example.com', 'example.org'))}"
        phone = f"+4477{chance.randrange(10**8):08}"
        born = date(1940, 1, 1) + timedelta(days=chance.randrange(25_000))
        return [
            contact(
                SYSTEMS[place],
                f"{number}-{place}",
                given_name=given if chance.random() > 0.05 else given[:1],
                family_name=family if chance.random() > 0.03 else family[1:] + family[0],
                emails=(email,) if chance.random() > 0.15 else (),
                phones=(phone,) if chance.random() > 0.35 else (),
                address=address if chance.random() > 0.3 else None,
                birth_date=born if chance.random() > 0.4 else None,
            )
            for place in range(1 + number % 4)
        ]

    def arrivals(self, people: int, many: int) -> Iterator[Contact]:
        """By turns of somebody of so many people who are there, and of somebody who is not."""
        chance = random.Random(11)
        for place in range(many):
            person = chance.randrange(people) if place % 2 == 0 else people + 10 + place
            one = chance.choice(self.person(person))
            yield replace(one, key=SourceKey("desk", Kind.CONTACT, f"late-{place}"))


def contact(source: str, external_id: str, **said: Any) -> Contact:
    system = System(name=source, kind=SystemKind.CRM, connector="generated")
    provenance = Provenance(system=system, external_id=external_id, fetched_at=NOW)
    key = SourceKey(source, Kind.CONTACT, external_id)
    return Contact(key=key, provenance=provenance, **said)


def _names(chance: random.Random, many: int) -> list[str]:
    found = dict.fromkeys("".join(chance.choices(PARTS, k=3)) for _ in range(many * 3))
    return [name.capitalize() for name in islice(found, many)]


def _drawn(chance: random.Random, names: Sequence[str]) -> str:
    """The first ones often, the last ones seldom."""
    return names[int(len(names) * chance.random() ** 3)]
