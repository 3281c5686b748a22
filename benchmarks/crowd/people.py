"""Who there is: people in households, each with what they had and have."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from crowd import words

COUNTRIES = ("GB", "US", "DE", "ES", "PL")
SHARES = (0.43, 0.82, 0.90, 0.96, 1.0)
"""Of the countries, added up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    street: str
    city: str
    postcode: str
    country: str
    landline: str | None
    mailbox: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Human:
    """`earlier` is the same person before a move, a new number or another name."""

    given: str
    family: str
    home: Home
    email: str
    phone: str
    account: str | None
    birth_date: str
    company: str | None
    earlier: "Human | None" = None


class Census:
    """People one after the other, all from one seed."""

    def __init__(self, rng: Random, people: int) -> None:
        self.rng = rng
        self.given, self.shorts = words.given_names(rng)
        self._family = words.family_names(rng)
        self._street = words.street_names(rng)
        self._cities = words.city_names(rng)
        self._companies = words.companies(rng, max(50, people // 120))

    def people(self, count: int) -> Iterator[Human]:
        made = 0
        while made < count:
            for human in self._household():
                yield human
                made += 1

    def _household(self) -> list[Human]:
        rng = self.rng
        size = rng.choices((1, 2, 3, 4), (70, 17, 8, 5))[0]
        family, home = self._family.draw(rng), self._home()
        if size > 1:
            landline = self.landline(home.country) if rng.random() < 0.3 else None
            mailbox = (
                f"the{family.lower()}s@{rng.choice(words.FREE)}" if rng.random() < 0.08 else None
            )
            home = replace(home, landline=landline, mailbox=mailbox)
        first = self._human(family, home)
        others = [self._human(family, home) for _ in range(size - 1)]
        if others and rng.random() < 0.04:
            others[0] = replace(others[0], given=first.given)
        elif others and rng.random() < 0.03:
            others[0] = replace(others[0], birth_date=first.birth_date)
        return [self._lived(one) for one in (first, *others)]

    def _human(self, family: str, home: Home) -> Human:
        rng = self.rng
        given = self.given.draw(rng)
        company = rng.choice(self._companies) if rng.random() < 0.25 else None
        return Human(
            given=given,
            family=family,
            home=home,
            email=self._email(given, family, company),
            phone=self._mobile(home.country),
            account=f"AC{rng.randrange(10**9):09}" if rng.random() < 0.45 else None,
            birth_date=f"{rng.randint(1940, 2006)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
            company=company,
        )

    def _lived(self, now: Human) -> Human:
        """With what was before, where something was."""
        rng, before = self.rng, now
        if rng.random() < 0.19:
            before = replace(before, home=self._home())
        if rng.random() < 0.18:
            before = replace(before, phone=self._mobile(now.home.country))
        if rng.random() < 0.15:
            before = replace(before, email=self._email(now.given, now.family, None))
        if rng.random() < 0.037:
            before = replace(before, family=self._family.draw(rng))
        return now if before is now else replace(now, earlier=before)

    def _home(self) -> Home:
        rng = self.rng
        draw = rng.random()
        country = next(c for c, share in zip(COUNTRIES, SHARES, strict=True) if draw <= share)
        place = int(rng.triangular(0, len(self._cities), 0))
        flat = f" #{rng.randint(1, 60)}" if rng.random() < 0.08 else ""
        if country == "GB":
            letters = "".join(rng.choices("ABDEFGHJLNPQRSTUWXYZ", k=2))
            postcode = f"{'BCDGLMNRSW'[place % 10]}{place // 10 + 1} {rng.randint(1, 9)}{letters}"
        else:
            postcode = f"{10 + place % 90}{place // 3 % 10}{rng.randint(0, 99):02}"
        street = f"{self._street.draw(rng)} {rng.choice(words.KINDS)}"
        return Home(
            street=f"{rng.randint(1, 400)} {street}{flat}",
            city=self._cities[place],
            postcode=postcode,
            country=country,
            landline=None,
            mailbox=None,
        )

    def _email(self, given: str, family: str, company: str | None) -> str:
        rng, g, f = self.rng, given.lower(), family.lower()
        if company and rng.random() < 0.5:
            return f"{g}.{f}@{company.replace(' ', '').lower()}.com"
        number = rng.randint(1, 9999)
        habits = (
            f"{g}.{f}",
            f"{g}_{f}",
            f"{g}.{f}{number % 100}",
            f"{f}.{g}{number % 100}",
            f"{g[0]}{f}{number}",
            f"{g}{number}",
            f"{f}x{number}",
        )
        local = rng.choice(habits)
        return f"{local}@{rng.choice(words.FREE)}"

    def _mobile(self, country: str) -> str:
        """E.164."""
        rng = self.rng
        match country:
            case "GB":
                return f"+447{rng.choice('45789')}{rng.randrange(10**8):08}"
            case "US":
                area = rng.choice((212, 214, 305, 312, 404, 503, 602, 614, 615, 702, 713, 917))
                return f"+1{area}{rng.randint(200, 999)}{rng.randrange(10**4):04}"
            case "DE":
                return f"+4915{rng.choice('127')}{rng.randrange(10**8):08}"
            case "ES":
                return f"+346{rng.randrange(10**8):08}"
        return f"+485{rng.randrange(10**8):08}"

    def landline(self, country: str) -> str:
        rng = self.rng
        return f"+44161{rng.randrange(10**7):07}" if country == "GB" else self._mobile(country)
