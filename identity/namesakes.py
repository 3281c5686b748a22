"""Who uses a value, and who else bears a name, among rows in hand: what `sharing` works out in SQL
over all records, for one value and one name.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from identity import emails
from identity.comparisons import MANY_BEARERS, ONE_NAME, OTHER_BIRTH_DATE
from identity.rows import Row, condition
from identity.sharing import JUDGED_BY_NAMES, KINDS, MANY_NAMES, PUBLIC_USERS

TWO_PEOPLE = f"not {ONE_NAME} or {OTHER_BIRTH_DATE}"

STEPS = 3
"""How far identifiers are followed from a namesake (see sharing)."""


@cache
def _conflict() -> Callable[[Row, Row], bool]:
    """Whether two holders of a value cannot be one person by name or birth date."""
    return condition(TWO_PEOPLE)


def users(kind: str, value: str, carriers: Sequence[Row]) -> int:
    """How many people use a value, judged by the records that carry it, filled in; PUBLIC_USERS for
    that many or more.
    """
    told = {_said(row): row for row in carriers}
    named = [row for row in told.values() if row.given is not None or row.family is not None]
    count = min(_most(named), PUBLIC_USERS)
    if kind not in JUDGED_BY_NAMES and count < PUBLIC_USERS:
        return 1
    if kind != "email":
        return count
    user = emails.USER(value)
    if emails.ROLE(user):
        givens = {row.given for row in named if row.given is not None}
        return PUBLIC_USERS if len(named) > 1 and len(givens) > 1 else max(count, 2)
    of_family = emails.FAMILY(user) or any(
        row.family is not None and value.startswith(f"the{row.family}") for row in carriers
    )
    return max(count, 2) if of_family else count


def _most(named: Sequence[Row]) -> int:
    """The most people that one holder makes with those who cannot be them."""
    if len(named) > MANY_NAMES:
        return len(named)
    most = 1
    for one in named:
        others = sum(_differ(one, other) for other in named if other is not one)
        most = max(most, 1 + others)
        if most >= PUBLIC_USERS:
            break
    return most


def _differ(one: Row, other: Row) -> bool:
    generations = {one.said_generation, other.said_generation} - {None}
    return len(generations) > 1 or _conflict()(one, other)


def _said(row: Row) -> tuple[object, ...]:
    """What sharing looks at of a holder."""
    return (
        row.given, row.given_roots, row.family, row.families, row.said_generation, row.birth_date
    )  # fmt: skip


Persons = Mapping[int, int | None]
"""record -> least record of the person it is taken for; None where nothing tells whose it is."""


def count_bearers(namesakes: Mapping[int, Row]) -> None:
    """Fill in `name_bearers` and `name_person` of all records of one full name."""
    person = persons(namesakes)
    bearers = bearers_of(person)
    for number, row in namesakes.items():
        row.name_bearers, row.name_person = bearers, person[number]


def persons(namesakes: Mapping[int, Row]) -> Persons:
    """Records that share an identifier, directly or in some steps, are taken for one person; those
    without any are not counted.
    """
    values = {
        number: [(kind, value) for kind in KINDS for value in row.values(kind)]
        for number, row in namesakes.items()
    }
    person = {number: number for number, own in values.items() if own}
    for _ in range(STEPS if len(person) > 1 else 0):
        least: dict[tuple[str, str], int] = defaultdict(lambda: 1 << 63)
        for number, label in person.items():
            for value in values[number]:
                least[value] = min(least[value], label)
        person = {number: min(least[value] for value in values[number]) for number in person}
    return {number: person.get(number) for number in namesakes}


def bearers_of(person: Persons) -> int:
    return len(set(person.values()) - {None})


def alike(before: Persons, now: Persons) -> bool:
    """Whether the records of `before` are told apart by what others bear their name as they are
    among more records `now`.
    """
    counts = bearers_of(before), bearers_of(now)
    if min(counts) >= MANY_BEARERS:
        return True
    pairs = {(before[number], now[number]) for number in before}
    same = len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})
    return same and counts[0] == counts[1]
