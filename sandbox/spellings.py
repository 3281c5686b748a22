"""How four systems write one person down: each with its own habits and its own mistakes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from sandbox.names import GIVEN
from sandbox.people import plain
from sandbox.rows import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How often a system does what, as shares of its rows."""

    nickname: float = 0.0
    typo: float = 0.04
    swapped: float = 0.02
    given_only: float = 0.0
    other_email: float = 0.0
    plus_address: float = 0.0
    no_email: float = 0.04
    no_phone: float = 0.2
    account_number: float = 0.0


# Agents type CRM rows from business cards; buyers type their own; tickets come from mail headers
# and callers; chat windows get what people feel like.
CRM = Habits(typo=0.05, swapped=0.03, account_number=0.35)
SHOP = Habits(typo=0.03, plus_address=0.08, other_email=0.06, no_email=0.02, no_phone=0.25)
TICKETING = Habits(nickname=0.2, typo=0.05, other_email=0.1, no_phone=0.3, account_number=0.25)
CHAT = Habits(nickname=0.3, given_only=0.08, other_email=0.2, no_phone=0.35, account_number=0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A person as one system has them. At least one of `email` and `phone` is there."""

    given: str | None
    family: str | None
    email: str | None
    phone: str | None
    account_number: str | None

    @property
    def full_name(self) -> str:
        return " ".join(part for part in (self.given, self.family) if part)


def written(person: Person, habits: Habits, rng: Random) -> Written:
    """One person in one system's spelling."""
    given, family = _name(person, habits, rng)
    email = None if rng.random() < habits.no_email else _email(person, habits, rng)
    phone = None if rng.random() < habits.no_phone else _phone(person.phone, rng)
    known_account = rng.random() < habits.account_number
    row = Written(
        given=given,
        family=family,
        email=email,
        phone=phone or None,
        account_number=person.account_number if known_account else None,
    )
    return row if row.email or row.phone else replace(row, email=person.email)


def _name(person: Person, habits: Habits, rng: Random) -> tuple[str | None, str | None]:
    given, family = person.given_name, person.family_name
    nicknames = GIVEN.get(given, ())
    if nicknames and rng.random() < habits.nickname:
        given = rng.choice(nicknames)
    if rng.random() < habits.typo:
        given = typo(given, rng)
    if rng.random() < habits.typo:
        family = typo(family, rng)
    if rng.random() < habits.swapped:
        given, family = family, given
    return given, None if rng.random() < habits.given_only else family


def _email(person: Person, habits: Habits, rng: Random) -> str:
    local, _, domain = person.email.partition("@")
    if rng.random() < habits.other_email:
        year = f"{person.birth_date:%y}"
        return f"{plain(person.family_name)}.{plain(person.given_name)}{year}@example.org"
    if rng.random() < habits.typo / 2:
        return f"{typo(local, rng)}@{domain}"
    if rng.random() < habits.plus_address:
        return f"{local}+shop@{domain}"
    return f"{local.title()}@{domain}" if rng.random() < 0.06 else person.email


def _phone(number: str, rng: Random) -> str:
    """An E.164 number as people type it: international, national, with brackets, dots or blanks."""
    if number.startswith("+44"):
        rest = number[3:]
        cut = 4 if rest.startswith("7") else 2
        area, tail = rest[:cut], rest[cut:]
        return rng.choice(_british(area, tail))
    if number.startswith("+1"):
        area, exchange, line = number[2:5], number[5:8], number[8:]
        return rng.choice(_american(area, exchange, line))
    return number


def _british(area: str, tail: str) -> tuple[str, ...]:
    return (
        f"+44{area}{tail}",
        f"0{area}{tail}",
        f"0{area} {tail[:-3]} {tail[-3:]}",
        f"(0{area}) {tail}",
        f"+44 (0){area} {tail}",
        f"0044 {area} {tail}",
    )


def _american(area: str, exchange: str, line: str) -> tuple[str, ...]:
    return (
        f"+1{area}{exchange}{line}",
        f"({area}) {exchange}-{line}",
        f"{area}.{exchange}.{line}",
        f"1-{area}-{exchange}-{line}",
    )


def typo(word: str, rng: Random) -> str:
    """One slip of the hand: two letters swapped, one lost or one doubled; short words stay."""
    if len(word) < 4:
        return word
    at = rng.randrange(1, len(word) - 2)
    slips = (
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
    )
    return rng.choice(slips)
