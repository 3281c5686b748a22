"""Conditions in Python say what DuckDB says of them, nulls and edges of texts included."""

import itertools

import duckdb
import pytest

from domain.errors import ConfigError
from identity.rows import Row, condition

TEXTS = (None, "", "a", "ab", "ba", "abc", "acb", "margaret", "margeret", "maragret", "19871102")
LISTS = ((), ("a",), ("ab", "a"), ("margaret", "b"))
CONDITIONS = (
    "given_l = given_r",
    "given_l <> given_r or family_l is null",
    "not (given_l = given_r and family_l = family_r)",
    "coalesce(given_l < given_r, true)",
    "not coalesce(given_l >= family_r, false)",
    "given_l is not distinct from given_r",
    "not (given_l is distinct from family_r)",
    "given_l in (family_l, given_r || family_r, 'a')",
    "not (given_l in (given_r, family_r))",
    "damerau_levenshtein(given_l, given_r) <= 1",
    "not (damerau_levenshtein(given_l, given_r) <= 2)",
    "levenshtein(given_l, given_r) between 1 and 2",
    "jaro_winkler_similarity(given_l, given_r) >= 0.88",
    "length(given_l) - length(given_r) > 1 or abs(length(given_l) - length(given_r)) = 1",
    "greatest(length(given_l), length(given_r)) > 2 and least(length(given_l), 3) < 3",
    "given_l[1] = given_r[1] or given_l[-1] = given_r[-1]",
    "given_l[1:4] = given_r[1:4] and given_l[5:6] = given_r[7:8]",
    "starts_with(given_l, given_r) or contains(given_l, family_r)",
    "not starts_with(given_l, given_r)",
    "list_contains(families_l, given_r) and not list_contains(families_r, given_l)",
    "list_has_any(families_l, families_r) or len(families_l) > 1",
    "case when given_l = given_r then 2 else length(given_l) end > 1",
    "(given_l = given_r)::int + (family_l is null)::int >= 1",
    "coalesce(given_l, family_l) = coalesce(given_r, family_r)",
)


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_condition_says_of_two_records_what_it_says_in_the_database(text: str) -> None:
    ends = [
        Row(given=given, family=family, families=families)
        for given, family, families in zip(
            TEXTS, reversed(TEXTS), itertools.cycle(LISTS), strict=False
        )
    ]
    pairs = list(itertools.product(ends, ends))
    columns = ("given", "family", "families")
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "create table pairs (given_l text, family_l text, families_l text[],"
            " given_r text, family_r text, families_r text[], place int)"
        )
        connection.executemany(
            "insert into pairs values (?, ?, ?, ?, ?, ?, ?)",
            [
                [*(_plain(getattr(one, c)) for one in pair for c in columns), place]
                for place, pair in enumerate(pairs)
            ],
        )
        told = f"select coalesce({text}, false) from pairs order by place"  # noqa: S608
        expected = [said for (said,) in connection.execute(told).fetchall()]
    holds = condition(text)
    assert [holds(*pair) for pair in pairs] == expected


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def test_what_has_no_form_outside_the_database_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"soundex_of_ours\(\)"):
        condition("soundex_of_ours(given_l) = 'm'")
    with pytest.raises(ConfigError, match="shoe_size"):
        condition("shoe_size_l = shoe_size_r")
