"""Which pairs are looked at: records that share a blocking key. Live keeps the same keys in an
index.

A key that too many records share is replaced by finer ones for these records, so that a set of any
size is compared with about as many pairs a record.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

MAX_BLOCK = 60
"""Keys of more records are dropped: they find few pairs that no finer key finds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`keys` is a list of texts, or null, over the columns of `features`; null parts, no key.

    Keys of more than `most` records are dropped. `finer` rules are asked for the records of such
    a key, and for these alone.
    """

    keys: str
    most: int = MAX_BLOCK
    finer: Mapping[str, str] = field(default_factory=dict)


def _each(prefix: str, values: str) -> str:
    return f"list_transform({values}, lambda x: '{prefix}|' || x)"


def _joined(prefix: str, *columns: str) -> str:
    return f"['{prefix}|' || " + " || '|' || ".join(columns) + "]"


SOUND = ("least(given_sound, family_sound)", "greatest(given_sound, family_sound)")
FEW = 12
"""Records of a key that says little by itself."""

RULES: Mapping[str, Rule] = {
    "email": Rule(keys=_each("e", "emails_own || emails_shared")),
    "user name of an address": Rule(
        keys="case when length(email_letters) > 7 then ['ul|' || email_letters] end"
    ),
    "phone": Rule(keys=_each("p", "phones_own || phones_shared")),
    "handle": Rule(keys=_each("h", "handles")),
    "account": Rule(keys="['a|' || account]"),
    "name by sound, in any order": Rule(
        keys=_joined("so", *SOUND),
        finer={
            "name": _joined("n", "given", "family"),
            "name and postcode": _joined("np", *SOUND, "postcode"),
            "name and city": _joined("nc", *SOUND, "city"),
            "name and birth year": _joined("ny", *SOUND, "birth_date[1:4]"),
            "name and street": _joined("ns", *SOUND, "street"),
        },
    ),
    "family name and initial": Rule(
        keys=_joined("fi", "family_skeleton", "given[1]"),
        most=FEW,
        finer={
            "family name, initial and postcode": _joined(
                "fp", "family_skeleton", "given[1]", "postcode"
            ),
            "family name, initial and birth year": _joined(
                "fy", "family_skeleton", "given[1]", "birth_date[1:4]"
            ),
        },
    ),
    "birth date": Rule(
        keys="['b|' || birth_date]",
        finer={
            "birth date and given name": _joined("bg", "birth_date", "given_sound"),
            "birth date and family name": _joined("bf", "birth_date", "family_sound"),
            "birth date and postcode": _joined("bp", "birth_date", "postcode"),
        },
    ),
    "given name and birth year": Rule(keys=_joined("gy", "given_sound", "birth_date[1:4]")),
    "postcode and given name": Rule(keys=_joined("pg", "postcode", "given_sound")),
    "postcode and family name": Rule(keys=_joined("pf", "postcode", "family_sound"), most=FEW),
    "address": Rule(
        keys=_joined("s", "street", "coalesce(house, '')", "coalesce(postcode, city)"), most=FEW
    ),
}

KEYS: Mapping[str, str] = {
    name: keys
    for rule_name, rule in RULES.items()
    for name, keys in {rule_name: rule.keys, **rule.finer}.items()
}
"""Every rule's keys, each followed by its finer ones: what a single record is found by."""


def block(connection: "duckdb.DuckDBPyConnection") -> int:
    """Writes `candidates` (join_key_l < join_key_r, match_key) from `features`; says how many."""
    for statement in (
        "create or replace temp table block_keys (key ubigint, uid bigint)",
        *(statement for rule in RULES.values() for statement in _collect(rule)),
        """create or replace table candidates as
            select distinct '0' as match_key, l.uid as join_key_l, r.uid as join_key_r
            from block_keys as l join block_keys as r on l.key = r.key and l.uid < r.uid""",
        "drop table block_keys",
    ):
        connection.execute(statement).fetchall()
    (count,) = connection.execute("select count(*) from candidates").fetchall()[0]
    return int(count)


def _collect(rule: Rule) -> list[str]:
    """Adds a rule's keys of between two and `most` records; finer ones where there are more."""
    statements = [_keys(rule.keys, "features"), _keep(rule.most)]
    if rule.finer:
        statements.append(f"""create or replace temp table crowded as
            select distinct uid from fresh where records > {rule.most}""")
    for finer in rule.finer.values():
        narrowed = _keys(finer, "(select * from features semi join crowded using (uid))")
        statements += [narrowed, _keep(rule.most)]
    return statements


def _keys(keys: str, source: str) -> str:
    return f"""create or replace temp table fresh as
        select key, uid, count(*) over (partition by key) as records from (
            select distinct hash(key) as key, uid from (
                select unnest({keys}) as key, uid from {source}) where key is not null)"""


def _keep(most: int) -> str:
    return f"insert into block_keys select key, uid from fresh where records between 2 and {most}"
