"""What pairs say together: worked by hand."""

import itertools
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from identity import batch, model, profile, records
from identity.clusters import Edge, Policy, cluster
from identity.groups import UNIT
from identity.profile import WIDTH, evidence

PLACE = {
    "given": 0, "family": 1, "home": 3, "birth date": 4, "email": 7, "phone": 8,
    "given at home": 12, "at home": 13,
}  # fmt: skip
PRIOR = -14.0
POLICY = Policy(link_weight=5.0, prior_weight=PRIOR)


def parts(**bits: float) -> tuple[int, ...]:
    found = [0] * WIDTH
    for name, worth in bits.items():
        found[PLACE[name.replace("_", " ")]] = round(worth * UNIT)
    return tuple(found)


def edge(left: str, right: str, **bits: float) -> Edge[str]:
    return Edge(left, right, PRIOR + sum(bits.values()), parts(**bits))


def together(*pairs: Mapping[str, float], smaller: int = 1) -> float:
    rows = [parts(**pair) for pair in pairs]
    columns = list(zip(*rows, strict=True))
    sums = [sum(column) for column in columns]
    counts = [sum(value != 0 for value in column) for column in columns]
    return evidence(sums, counts, smaller) / UNIT


def groups(*edges: Edge[str]) -> list[str]:
    return ["".join(one.members) for one in cluster((), edges, POLICY).clusters]


def test_a_comparison_counts_as_the_average_of_the_pairs_that_say_something() -> None:
    assert together({"email": 16.0}, {"email": -2.0, "phone": 12.0}, {}) == 7.0 + 12.0


def test_what_a_home_shows_is_not_counted_again_by_the_names_elsewhere() -> None:
    away, home = {"given": 8.0, "family": 9.0}, {"given at home": 6.0, "at home": 10.0}
    assert together(away, home) == 16.0


def test_names_that_differ_elsewhere_count_where_the_home_names_nobody() -> None:
    assert together({"given": -5.0, "family": 9.0}, {"at home": 10.0}) == 5.0
    assert together({"given": 8.0, "family": 9.0}, {"at home": 10.0}) == 10.0


def test_a_contradiction_counts_for_every_record_that_would_be_in_error() -> None:
    """Four pairs across two groups of two: both records of a side would have to be wrong. Of a
    group of one only one would, and an address may have been given up.
    """
    other = {"birth date": -3.0}
    assert together(other, other, other, other, smaller=2) == -6.0
    assert together(other, other, other, other, smaller=1) == -3.0
    assert together(other, smaller=2) == -3.0
    assert together(*[{"email": -3.0}] * 4, smaller=2) == -3.0


def test_a_record_of_a_number_alone_joins_those_who_have_it_and_those_who_do_not_know_it() -> None:
    """a and b are one by their address; b has the number, a has none: nothing is held against c."""
    found = groups(edge("a", "b", email=22.0), edge("b", "c", phone=20.0), edge("a", "c"))
    assert found == ["abc"]


def test_groups_of_two_addresses_need_more_than_a_name() -> None:
    """Name and nothing else between b and c is 6 with the prior; the addresses take 4 off it."""
    name = {"given": 10.0, "family": 10.0}
    found = groups(
        edge("a", "b", email=22.0), edge("c", "d", email=22.0),
        edge("b", "c", **name), edge("a", "d", **name, email=-4.0),
    )  # fmt: skip
    assert found == ["ab", "cd"]


def test_what_several_pairs_say_joins_nobody_without_one_link() -> None:
    """Together 20 - 14 = 6, but neither pair is a link by itself."""
    found = groups(
        edge("a", "b", email=22.0), edge("a", "c", phone=10.0), edge("b", "c", home=10.0)
    )
    assert found == ["ab", "c"]


def test_pairs_are_taken_apart_alike_from_columns_and_from_levels(
    connection: duckdb.DuckDBPyConnection, people_1k: Path
) -> None:
    used = replace(model.bundled(), version="mine")
    records.load(connection, people_1k)
    batch.prepare(connection)
    batch.score(connection, used, least_weight=-20.0)
    rows = connection.execute("select weight, levels, parts from edges using sample 500").fetchall()
    assert any(found[PLACE["at home"]] for _, _, found in rows)
    for weight, levels, found in rows:
        assert profile.parts(levels, used) == pytest.approx(found, abs=2)
        assert used.prior_weight + sum(found) / UNIT == pytest.approx(weight, abs=1e-4)


def test_a_hundred_orders_of_arrival_give_the_same_groups() -> None:
    chance = random.Random(7)
    members = [f"m{number:02}" for number in range(60)]
    pairs = [pair for pair in itertools.combinations(members, 2) if chance.random() < 0.12]
    edges = [
        edge(*pair, **{name.replace(" ", "_"): chance.choice([0.0, 0.0, -4.0, 9.0, 14.0])
                       for name in PLACE})
        for pair in pairs
    ]  # fmt: skip
    expected = cluster(members, edges, POLICY)
    assert 1 < len(expected.clusters) < len(members)
    for _ in range(100):
        chance.shuffle(edges)
        chance.shuffle(members)
        assert cluster(members, edges, POLICY) == expected


def test_more_agreement_never_weighs_less() -> None:
    """A pair that says more for one person makes what all pairs say no smaller."""
    chance = random.Random(8)
    for _ in range(200):
        rows = [
            {name: chance.choice([0.0, -3.0, 5.0, 11.0]) for name in ("given", "email", "phone")}
            for _ in range(3)
        ]
        before = together(*rows)
        name = chance.choice(["given", "email", "phone"])
        if rows[0][name]:
            rows[0] = rows[0] | {name: rows[0][name] + 2.5}
            assert together(*rows) >= before
