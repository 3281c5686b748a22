"""How each system writes a person down, with its habits and its mistakes."""

from dataclasses import dataclass
from random import Random

from crowd.people import Human

Row = dict[str, str | None]
DIALS = {"GB": "+44", "US": "+1", "DE": "+49", "ES": "+34", "PL": "+48"}
FILLERS = ("test@test.com", "unknown@unknown.com", "na@na.com", "none@none.com", "email@email.com")
DESKS = ("info", "accounts", "office", "sales", "orders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """`columns` are what the system has; the shares say how often it has or does what."""

    name: str
    letter: str
    columns: tuple[str, ...]
    share: float
    email: float
    phone: float
    nickname: float = 0.03
    relay: float = 0.0
    nameless: float = 0.0


CRM = Habits(
    name="crm", letter="C", share=0.305, email=0.93, phone=0.85,
    columns=("id", "account_number", "given_name", "family_name", "email", "phone", "street",
             "city", "postcode", "country", "birth_date", "company"),
)  # fmt: skip
OMS = Habits(
    name="oms", letter="O", share=0.307, email=0.97, phone=0.75, relay=0.04,
    columns=("id", "account_number", "full_name", "email", "phone", "street", "city", "postcode",
             "country"),
)  # fmt: skip
TICKETING = Habits(
    name="ticketing", letter="T", share=0.216, email=0.82, phone=0.47, nickname=0.08,
    columns=("id", "full_name", "email", "phone"),
)  # fmt: skip
CHAT = Habits(
    name="chat", letter="V", share=0.172, email=0.41, phone=0.24, nickname=0.2, nameless=0.08,
    columns=("id", "account_number", "full_name", "handle", "handle_platform", "email", "phone"),
)  # fmt: skip
SYSTEMS = (CRM, OMS, TICKETING, CHAT)


def written(human: Human, system: Habits, shorts: dict[str, list[str]], rng: Random) -> Row:
    """One record, without its id."""
    who = human.earlier if human.earlier and rng.random() < 0.4 else human
    given, family = _name(who, system, shorts, rng)
    home = who.home
    row: Row = dict.fromkeys(system.columns)
    row |= {
        "given_name": given,
        "family_name": family,
        "full_name": f"{given} {family}".strip(),
        "email": _email(who, system, rng) if rng.random() < system.email else None,
        "phone": _phone(who, rng) if rng.random() < system.phone else None,
        "account_number": who.account if rng.random() < 0.8 else None,
        "country": home.country,
    }
    if rng.random() < 0.9:
        street = slip(home.street, rng) if rng.random() < 0.04 else home.street
        row |= {"street": street, "city": home.city, "postcode": home.postcode}
    if rng.random() < 0.35:
        row["birth_date"] = _birth_date(who.birth_date, rng)
    row["company"] = who.company
    if rng.random() < 0.25:
        local = who.email.partition("@")[0]
        row |= {"handle": local, "handle_platform": rng.choice(("instagram", "x", "web"))}
    if rng.random() < system.nameless:
        row["full_name"] = f"Visitor {rng.randint(1000, 99999)}"
    return {name: _cased(row[name], rng) for name in system.columns}


def _name(who: Human, system: Habits, shorts: dict[str, list[str]], rng: Random) -> tuple[str, str]:
    given, family = who.given, who.family
    forms = shorts.get(given)
    if forms and rng.random() < system.nickname:
        given = rng.choice(forms)
    draw = rng.random()
    if draw < 0.04:
        given = slip(given, rng)
    elif draw < 0.08:
        family = slip(family, rng)
    elif draw < 0.10:
        given, family = family, given
    elif draw < 0.13:
        given = given[0]
    elif draw < 0.15:
        family = family[0] if system is CHAT else ""
    return given, family


def _email(who: Human, system: Habits, rng: Random) -> str:
    """The one they have, or what came in its place."""
    local, _, domain = who.email.partition("@")
    company = (who.company or "").replace(" ", "").lower()
    chances = (
        (system.relay, f"{rng.randrange(16**12):012x}@relay.marketplace.example"),
        (0.4 if who.home.mailbox else 0.0, who.home.mailbox),
        (0.05, rng.choice(FILLERS)),
        (0.02, f"{local}+{rng.choice(('shop', 'spam', 'news'))}@{domain}"),
        (0.02, f"{slip(local, rng)}@{domain}"),
        (0.02 if company else 0.0, f"{rng.choice(DESKS)}@{company}.com"),
    )
    taken = (address for chance, address in chances if address and rng.random() < chance)
    return next(taken, who.email)


def _phone(who: Human, rng: Random) -> str:
    number = who.home.landline if who.home.landline and rng.random() < 0.4 else who.phone
    draw = rng.random()
    if draw < 0.015:
        return rng.choice(("0000000000", "1234567890", "+440000000000"))
    dial = DIALS[who.home.country]
    rest = number.removeprefix(dial)
    trunk = "" if who.home.country in ("US", "ES", "PL") else "0"
    if draw < 0.45:
        return number
    if draw < 0.75:
        return f"{trunk}{rest}"
    if draw < 0.9:
        return f"{trunk}{rest[:4]} {rest[4:]}"
    return f"{dial} {rest[:3]} {rest[3:6]} {rest[6:]}"


def _birth_date(date: str, rng: Random) -> str:
    draw = rng.random()
    if draw < 0.03:
        year, month, day = date.split("-")
        return f"{year}-{day}-{month}" if int(day) <= 12 else date
    return f"{date[:-1]}{rng.randint(0, 9)}" if draw < 0.05 else date


def _cased(text: str | None, rng: Random) -> str | None:
    if text is None or text == "":
        return None
    draw = rng.random()
    if draw < 0.03:
        return text.lower()
    if draw < 0.04:
        return text.upper()
    return f" {text} " if draw < 0.05 else text


def slip(word: str, rng: Random) -> str:
    """Two letters swapped, one lost or one doubled; short words stay."""
    if len(word) < 4:
        return word
    at = rng.randrange(1, len(word) - 2)
    turned = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return rng.choice((turned, word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:]))
