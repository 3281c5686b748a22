"""A record as live compares it: the columns of `features`, one row at a time.

What is in it of the record alone is worked out once, when the record is stored, and kept beside it
(`kept`). What depends on other records (who else uses an address, whether a name is well known) is
filled in when the row is compared (`Circumstances.fill`). A test holds every column to batch's.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import get_args, get_type_hints

import msgspec

from domain.errors import ConfigError
from domain.ports import Comparable
from domain.vocabulary import Verification
from identity import blocking, emails
from identity.comparisons import COMPARISONS
from identity.expressions import Column, Writer, compiled, unset
from identity.model import TYPICAL
from identity.nicknames import roots
from identity.normalise import Person
from identity.sharing import KINDS, KNOWN_COUNT, KNOWN_SHARE, PUBLIC_USERS
from identity.trees import parse

FORM = 1
"""Of the rows that are kept; another one when they, or what they are found by, change."""
RECORDS = "records"
"""The term under which all records are counted."""
DOMAIN = "domain"
"""The term of an address's domain."""
FREE_COUNT, FREE_SHARE = 20, 0.005
"""A domain of so many addresses is one at which anybody gets one (see features)."""
TERMS = tuple(
    dict.fromkeys(
        [*(level.tf for one in COMPARISONS for level in one.levels if level.tf), "given", "family"]
    )
)
"""Columns whose values are counted."""
_NOT_LETTERS = re.compile("[^a-z]")

Uses = Mapping[tuple[str, str], int]
"""(kind, value) -> people who use it, of values of more than one."""


class Row(msgspec.Struct, array_like=True, gc=False):
    """Attributes have the names of the columns of `features`. None is null."""

    system: str = ""
    account_said: str | None = None
    given: str | None = None
    given_roots: tuple[str, ...] = ()
    given_initials: str | None = None
    given_sound: str | None = None
    given_skeleton: str | None = None
    family: str | None = None
    families: tuple[str, ...] = ()
    family_sound: str | None = None
    family_skeleton: str | None = None
    generation: str | None = None
    email_said: str | None = None
    emails: tuple[str, ...] = ()
    email_domain: str | None = None
    email_user: str | None = None
    email_letters: str | None = None
    email_named: bool = False
    phone_said: str | None = None
    phone_kind: str | None = None
    phones: tuple[str, ...] = ()
    handles_said: tuple[str, ...] = ()
    street: str | None = None
    house: str | None = None
    postcode: str | None = None
    city: str | None = None
    country: str | None = None
    birth_date: str | None = None
    company: str | None = None
    said_generation: str | None = None
    asserted: bool = False
    # From here on filled in, not kept.
    given_known: bool = False
    family_known: bool = False
    emails_own: Sequence[str] = ()
    emails_shared: Sequence[str] = ()
    phones_own: Sequence[str] = ()
    phones_shared: Sequence[str] = ()
    handles_own: Sequence[str] = ()
    handles_shared: Sequence[str] = ()
    accounts_own: Sequence[str] = ()
    accounts_shared: Sequence[str] = ()
    email: str | None = None
    email_free: bool | None = None
    phone: str | None = None
    account: str | None = None
    handles: Sequence[str] = ()
    email_first: str | None = None
    email_many: bool = False
    email_common: bool = False
    phone_first: str | None = None
    phone_many: bool = False
    phone_common: bool = False
    handle_first: str | None = None
    handle_many: bool = False
    handle_common: bool = False
    name_bearers: int = 0
    name_person: int | None = None

    def values(self, kind: str) -> tuple[str, ...]:
        """All identifiers of a kind of sharing.KINDS, however many use them."""
        if kind == "account":
            return (self.account_said,) if self.account_said else ()
        if kind == "handle":
            return self.handles_said
        return self.emails if kind == "email" else self.phones


_KEPT = Row.__struct_fields__.index("given_known")
_decode = msgspec.msgpack.Decoder(Row).decode


def row_of(person: Person, system: str, verification: Verification = Verification.OBSERVED) -> Row:
    """What a record says by itself."""
    domain, mailbox, letters = _address(person.email)
    return Row(
        system=system,
        account_said=person.account,
        given=person.given,
        given_roots=person.given_roots,
        given_initials=person.given_initials,
        given_sound=person.given_sound,
        given_skeleton=person.given_skeleton,
        family=person.family,
        families=person.families,
        family_sound=person.family_sound,
        family_skeleton=person.family_skeleton,
        generation=person.generation or _generation(letters, person.family),
        email_said=person.email,
        emails=person.emails,
        email_domain=domain,
        email_user=mailbox,
        email_letters=letters,
        email_named=_is_named(letters, person),
        phone_said=person.phone,
        phone_kind=person.phone_kind,
        phones=person.phones,
        handles_said=person.handles,
        street=person.street,
        house=person.house,
        postcode=person.postcode,
        city=person.city,
        country=person.country,
        birth_date=person.birth_date,
        company=person.company,
        said_generation=person.generation,
        asserted=verification is Verification.ASSERTED,
    )


def _address(email: str | None) -> tuple[str | None, str | None, str | None]:
    """Domain, user part and the letters of it."""
    if email is None:
        return None, None, None
    mailbox, _, domain = email.partition("@")
    return domain, mailbox, _NOT_LETTERS.sub("", mailbox) or None


def _generation(letters: str | None, family: str | None) -> str | None:
    if letters is None or family is None:
        return None
    if letters.endswith(f"{family}jr"):
        return "junior"
    return "senior" if letters.endswith(f"{family}sr") else None


def _is_named(letters: str | None, person: Person) -> bool:
    """Whether an address is made of the name, as far as it can be told."""
    names = [name for name in (person.given, person.family) if name is not None]
    return not names or any(name in letters for name in names if letters is not None)


# ---------------------------------------------------------------- as it is kept


def comparable(row: Row) -> Comparable:
    """A row as the store keeps it, with what it is found by and what is counted of it."""
    Circumstances().fill(row)
    return Comparable(
        form=FORM,
        row=msgspec.msgpack.encode(msgspec.structs.astuple(row)[:_KEPT]),
        blocks=tuple(sorted(set(_stored(row)))),
        terms=tuple(terms(row)),
    )


def restored(kept: bytes) -> Row:
    """A row as it was kept, not filled in."""
    return _decode(kept)


@lru_cache(maxsize=16_384)
def block(key: str) -> int:
    """A blocking key as a number of 64 bits. Two keys of one number find each other's records,
    which are then weighed as strangers.
    """
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), signed=True)


@dataclass(frozen=True, slots=True)
class Keys:
    """The blocking keys of one rule: `finer` ones are asked where more than `most` records have one
    of the others.
    """

    most: int
    blocks: tuple[int, ...]
    finer: tuple[int, ...]


def keys(row: Row) -> list[Keys]:
    """What a filled row is looked up by: the keys of batch, of values that are not public."""
    found, said, place = [], _texts()(row), 0
    for rule in blocking.RULES.values():
        narrow, own = place + 1, said[place]
        place = narrow + len(rule.finer)
        if own and (blocks := _blocks(own)):
            finer = tuple(one for texts in said[narrow:place] if texts for one in _blocks(texts))
            found.append(Keys(rule.most, blocks, finer))
    return found


def value_block(kind: str, value: str) -> int:
    """Where the records are that carry a value, however many use it."""
    return block(f"{kind[0]}|{value}")


def name_block(row: Row) -> int | None:
    """Where the namesakes are; None without a full name."""
    given, family = row.given, row.family
    if given is None or family is None or len(given) < 2 or len(family) < 2:
        return None
    return block(f"n|{given}|{family}")


def _stored(row: Row) -> Iterator[int]:
    """Every block under which the record can be found."""
    for key in keys(row):
        yield from key.blocks
        yield from key.finer
    yield from (value_block(kind, value) for kind in KINDS for value in row.values(kind))
    name = name_block(row)
    if name is not None:
        yield name


_Texts = Sequence[str | None]


@cache
def _texts() -> Callable[[Row], tuple[_Texts | None, ...]]:
    """The keys of every rule, each followed by its finer ones."""
    writer = Writer(lambda name: _column("row", name))
    told = [writer.value(tree) for tree in parse(list(blocking.KEYS.values()))]
    return compiled("said", f"def said(row):\n    return ({', '.join(told)})\n")


def _blocks(texts: _Texts) -> tuple[int, ...]:
    several = texts if len(texts) == 1 else dict.fromkeys(texts)
    return tuple([block(text) for text in several if text is not None])


def condition(text: str) -> Callable[[Row, Row], bool]:
    """Whether an SQL condition over `x_l`, `x_r` is true of two rows."""
    (tree,) = parse([text])
    writer = Writer(pair_column)
    writer.count([tree])
    written = writer.true(tree)
    return compiled("holds", f"def holds(l, r):\n{unset(writer)}    return bool({written})\n")


def pair_column(name: str) -> Column:
    """`given_l` is the attribute `given` of `l`."""
    stem, _, side = name.rpartition("_")
    if side not in ("l", "r"):
        raise ConfigError(f"identity: {name} is no column of a pair")
    return _column(side, stem)


def _column(row: str, name: str) -> Column:
    hint = _hints().get(name)
    if hint is None:
        raise ConfigError(f"identity: {name} is no column of a row")
    return Column(f"{row}.{name}", nullable=type(None) in get_args(hint))


@cache
def _hints() -> Mapping[str, object]:
    return get_type_hints(Row)


def terms(row: Row) -> Iterator[tuple[str, str]]:
    """Each value counted, and each column under RECORDS: how many records have any."""
    yield RECORDS, ""
    counted = [(column, getattr(row, column)) for column in TERMS]
    for column, value in [*counted, (DOMAIN, row.email_domain)]:
        if value is not None:
            yield column, value
            yield RECORDS, column


# ---------------------------------------------------------------- among other records


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequencies:
    """How often values stand in the records: of each column its values, and of all together."""

    values: Mapping[tuple[str, str], int]
    totals: Mapping[str, int]

    def share(self, column: str, value: str, u: float) -> float:
        """As batch counts it: pulled toward the model's share of chance agreement."""
        count = self.values.get((column, value), 0)
        return (count + TYPICAL * u) / (self.totals.get(column, 0) + TYPICAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What other records make of one: `uses` of values that several people have, how often values
    stand (`counts` of terms).
    """

    uses: Uses = field(default_factory=dict)
    counts: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def fill(self, row: Row) -> None:
        """Everything but the bearers of the name (see namesakes)."""
        row.given_known = self._known("given", row.given)
        row.family_known = self._known("family", row.family)
        row.emails_own, row.emails_shared = self._split("email", row.emails)
        row.phones_own, row.phones_shared = self._split("phone", row.phones)
        row.handles_own, row.handles_shared = self._split("handle", row.handles_said)
        row.accounts_own, row.accounts_shared = self._split("account", row.values("account"))
        row.email_first, row.email_many, row.email_common = _first(
            row.emails_own, row.emails_shared
        )
        row.phone_first, row.phone_many, row.phone_common = _first(
            row.phones_own, row.phones_shared
        )
        row.handle_first, row.handle_many, row.handle_common = _first(
            row.handles_own, row.handles_shared
        )
        row.email = _within(row.email_said, row.emails_own, row.emails_shared)
        row.phone = _within(row.phone_said, row.phones_own, row.phones_shared)
        row.account = row.account_said if row.accounts_own else None
        row.handles = row.handles_own
        row.email_free = None if row.email_domain is None else self._is_free(row.email_domain)

    def frequencies(self) -> Frequencies:
        totals = {column: count for (kind, column), count in self.counts.items() if kind == RECORDS}
        return Frequencies(values=self.counts, totals=totals)

    def _known(self, part: str, name: str | None) -> bool:
        if name is None or len(name) < 2:
            return False
        if part == "given" and name in roots():
            return True
        least = max(KNOWN_COUNT, KNOWN_SHARE * self.counts.get((RECORDS, ""), 0))
        return self.counts.get((part, name), 0) >= least

    def _split(self, kind: str, values: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
        """Those of one person, those of a few; those of many are left out."""
        if not values or not self.uses:
            return values, ()
        users = [(value, self.uses.get((kind, value), 1)) for value in values]
        return (
            [value for value, count in users if count == 1],
            [value for value, count in users if 1 < count < PUBLIC_USERS],
        )

    def _is_free(self, domain: str) -> bool:
        least = max(FREE_COUNT, FREE_SHARE * self.counts.get((RECORDS, DOMAIN), 0))
        return domain in emails.FREE or self.counts.get((DOMAIN, domain), 0) >= least


def _within(value: str | None, own: Sequence[str], shared: Sequence[str]) -> str | None:
    return value if value in own or value in shared else None


def _first(own: Sequence[str], shared: Sequence[str]) -> tuple[str | None, bool, bool]:
    """The first of its own values, whether it has several, and whether some that others use."""
    return own[0] if own else None, len(own) > 1, len(shared) > 0
