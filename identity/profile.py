"""What speaks for two groups of records being one person.

Each pair of records across the groups says something about some comparisons: one pair knows the
addresses of both, another the phones. What pairs say of one comparison is averaged, since they
repeat one another; the comparisons are added up, as in the weight of a pair. So a record that knows
a phone number alone is not held against the rest of a group, which does not know the number, and
two people of one name and home are told apart by what tells any of their records apart.

Name and home are one matter (see comparisons): of groups that share a home, they are judged by the
pairs that show it.
"""

from collections.abc import Sequence
from math import isqrt

from identity.comparisons import (
    ACCOUNT,
    BIRTH_DATE,
    COMPARISONS,
    EMAIL,
    GENERATION,
    GIVEN_NAME,
    HANDLE,
    HOME_LEVELS,
    HOME_LIFE,
    PHONE,
)
from identity.groups import UNIT
from identity.model import Model

_NAMES = [comparison.name for comparison in COMPARISONS]
AT_HOME = (GIVEN_NAME.name, HOME_LIFE.name)
"""The comparisons that have a second part, for pairs at one home."""


def parts_sql(model: Model) -> str:
    """The parts of a scored pair (see groups.Parts), from Splink's `mw_*` columns."""
    own = ", ".join(_own_sql(name, _is_home_sql(model)) for name in _NAMES)
    home = ", ".join(
        f"case when {_is_home_sql(model)} then {_worth_sql(name)} else 0 end" for name in AT_HOME
    )
    return f"[{own}, {home}]::integer[]"


def _own_sql(name: str, is_home: str) -> str:
    worth = _worth_sql(name)
    return f"case when {is_home} then 0 else {worth} end" if name in AT_HOME else worth


def _worth_sql(name: str) -> str:
    comparison = COMPARISONS[_NAMES.index(name)]
    frequency = f" + mw_tf_adj_{name}" if comparison.has_tf else ""
    return f"round((mw_{name}{frequency}) * {UNIT})"


def _is_home_sql(model: Model) -> str:
    """A weight of exactly 0 is Splink's null level."""
    names = [level.name for level in HOME_LIFE.graded]
    last, next_ = (model.level_weight(HOME_LIFE.name, names[HOME_LEVELS - 1 + n]) for n in (0, 1))
    return f"(mw_{HOME_LIFE.name} <> 0 and mw_{HOME_LIFE.name} > {(last + next_) / 2!r})"


def parts(levels: str, model: Model) -> tuple[int, ...]:
    """The same from the levels of a link (see explain)."""
    worth = [0] * (len(_NAMES) + len(AT_HOME))
    is_home = False
    for part in filter(None, levels.split(";")):
        name, _, rest = part.partition("=")
        place, _, frequency = rest.partition("~")
        number = _NAMES.index(name)
        level = COMPARISONS[number].graded[int(place)]
        weight = model.level_weight(name, level.name) + (float(frequency) if frequency else 0.0)
        worth[number] = round(weight * UNIT)
        is_home = is_home or (name == HOME_LIFE.name and int(place) < HOME_LEVELS)
    if is_home:
        for place_of, name in enumerate(AT_HOME, start=len(_NAMES)):
            number = _NAMES.index(name)
            worth[place_of], worth[number] = worth[number], 0
    return tuple(worth)


WIDTH = len(_NAMES) + len(AT_HOME)
_GIVEN, _FAMILY, _HOME = (_NAMES.index(n) for n in ("given_name", "family_name", "home"))
_GIVEN_AT_HOME, _AT_HOME = len(_NAMES), len(_NAMES) + 1
_ELSEWHERE = tuple(range(len(_NAMES)))
_TOGETHER = tuple(n for n in range(WIDTH) if n not in (_GIVEN, _FAMILY, _HOME))


_LASTING = frozenset(
    (_GIVEN, _GIVEN_AT_HOME, *(_NAMES.index(one.name) for one in (BIRTH_DATE, GENERATION)))
)
"""What people keep all their lives."""
MOST_REPEATED = 4
"""So often at most a contradiction counts: copies of one record err together."""


def evidence(sums: Sequence[int], counts: Sequence[int], smaller: int) -> float:
    """What the parts of all pairs across two groups come to; each part as sum and number of pairs
    that say something. `smaller` is the number of records of the smaller group.
    """
    places = _TOGETHER if counts[_AT_HOME] else _ELSEWHERE
    total = sum([_said(place, sums, counts, smaller) for place in places if counts[place]])
    if counts[_AT_HOME] and counts[_GIVEN] and not counts[_GIVEN_AT_HOME]:
        total += min(0.0, _said(_GIVEN, sums, counts, smaller))
    return total


def _said(place: int, sums: Sequence[int], counts: Sequence[int], smaller: int) -> float:
    """The average. A contradiction in what people keep counts for each record of the smaller group
    that says so: all of these would have to be in error.
    """
    average = sums[place] / counts[place]
    if average < 0 and smaller > 1 and place in _LASTING:
        average *= min(smaller, isqrt(counts[place]), MOST_REPEATED)
    return average


_IDENTIFYING = tuple(_NAMES.index(one.name) for one in (ACCOUNT, EMAIL, PHONE, HANDLE))
"""What a visitor may type in."""


def doubted(weight: float, parts: Sequence[int]) -> tuple[float, tuple[int, ...]]:
    """A pair's weight and parts less what identifiers speak for: what is left where one of the
    records only asserts them.
    """
    kept = list(parts)
    for place in _IDENTIFYING:
        kept[place] = min(0, kept[place])
    return weight - (sum(parts) - sum(kept)) / UNIT, tuple(kept)
