"""Clusters worked out in tables are those that clusters.cluster finds."""

from collections.abc import Callable
from itertools import pairwise
from random import Random

import duckdb
import pyarrow as pa
import pytest

from identity import profile
from identity.clusters import Constraints, Edge, cluster
from identity.comparisons import COMPARISONS
from identity.components import connect, settle
from identity.groups import UNIT, Policy
from identity.tables import load
from identity.workers import Workers

Pairs = dict[tuple[int, int], tuple[int, ...]]
"""What each pair says by each comparison (see profile)."""

NAMES = [comparison.name for comparison in COMPARISONS]


@pytest.fixture
def settled(
    connection: duckdb.DuckDBPyConnection,
) -> Callable[..., dict[int, tuple[int, float | None]]]:
    """record -> (least record of its cluster, weakest join)."""

    def run(
        count: int, pairs: Pairs, policy: Policy, rules: Constraints[int] | None = None
    ) -> dict[int, tuple[int, float | None]]:
        load(connection, "raw_people", uid=pa.array(range(count), pa.int64()))
        load(
            connection,
            "edges",
            uid_l=pa.array([left for left, _ in pairs], pa.int64()),
            uid_r=pa.array([right for _, right in pairs], pa.int64()),
            weight=pa.array([sum(parts) / UNIT for parts in pairs.values()], pa.float64()),
            parts=pa.array(list(pairs.values()), pa.list_(pa.int32())),
        )
        connect(connection, policy.link_weight, rules)
        settle(connection, policy, Workers(1), rules)
        rows = connection.execute("select uid, cluster, weakest from places").fetchall()
        assert len(rows) == count
        return {uid: (least, weakest) for uid, least, weakest in rows}

    return run


def expected(
    count: int, pairs: Pairs, policy: Policy, rules: Constraints[int] | None = None
) -> dict[int, tuple[int, float | None]]:
    edges = (Edge(left, right, sum(parts) / UNIT, parts) for (left, right), parts in pairs.items())
    found = cluster(range(count), edges, policy, rules)
    return {
        member: (one.members[0], one.weakest) for one in found.clusters for member in one.members
    }


def crowd(rng: Random, count: int, ties: int) -> Pairs:
    """Pairs among neighbours, so that some components are large, with weights that often tie."""
    pairs: Pairs = {}
    for _ in range(ties):
        left = rng.randrange(count - 1)
        right = min(count - 1, left + rng.randint(1, 6))
        if left != right:
            pairs[left, right] = said(rng.choice((0, 2, 5, 7, 21)), rng.choice((0, 0, -9, -3, 3)))
    return pairs


def said(phone: int, company: int) -> tuple[int, ...]:
    parts = [0] * profile.WIDTH
    parts[NAMES.index("phone")], parts[NAMES.index("company")] = phone * UNIT, company * UNIT
    return tuple(parts)


@pytest.mark.parametrize("seed", range(4))
def test_tables_and_objects_make_the_same_clusters(
    settled: Callable[..., object], seed: int
) -> None:
    rng = Random(seed)
    pairs, policy = crowd(rng, 400, 500), Policy(link_weight=5.0, max_size=6)
    assert settled(400, pairs, policy) == expected(400, pairs, policy)


def test_decisions_and_labels_count_as_they_do_among_objects(
    settled: Callable[..., object],
) -> None:
    rng = Random(7)
    pairs, policy = crowd(rng, 300, 300), Policy(link_weight=5.0)
    linked = [pair for pair, parts in pairs.items() if sum(parts) > 5 * UNIT]
    far = [(number, number + 150) for number in range(0, 60, 4)]
    rules = Constraints(
        confirmed=[*rng.sample(linked, 10), *far],
        rejected=rng.sample(linked, 30),
        unique_in={number: f"s{number % 3}" for number in range(0, 300, 5)},
    )
    assert settled(300, pairs, policy, rules) == expected(300, pairs, policy, rules)


def test_a_long_chain_is_one_component(
    connection: duckdb.DuckDBPyConnection, settled: Callable[..., object]
) -> None:
    order = list(range(200))
    Random(3).shuffle(order)
    chain = {(min(a, b), max(a, b)): said(9, 0) for a, b in pairwise(order)}
    settled(200, chain, Policy(link_weight=5.0))
    found = connection.execute("select distinct component from components").fetchall()
    assert found == [(0,)]


def test_nobody_who_is_alone_is_lost(settled: Callable[..., object]) -> None:
    assert settled(3, {}, Policy(link_weight=5.0)) == {0: (0, None), 1: (1, None), 2: (2, None)}
