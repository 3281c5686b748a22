"""A trained model fitted to the records at hand, of which nobody has said who is who.

What is rare among strangers depends on how many records there are, how often fields err depends on
where they were typed. The first is counted on random pairs. The second is expectation maximisation,
one step a round, with one difference to the textbook: what a comparison gets wrong is judged by the
other comparisons alone, so that no field vouches for itself. Both are pulled toward the model one
started from, as far as there is little to learn from.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

import duckdb

from identity import batch
from identity.comparisons import COMPARISONS, GENERATION, Comparison, case_sql
from identity.model import Model
from identity.training import (
    FAITH_MATCHES,
    FAITH_STRANGERS,
    LEAST_ERROR,
    MOST_WEIGHT,
    falling,
    tally,
)

LEAST_RECORDS = 2_000
"""Smaller sets are scored as if they were this large: in a handful anything looks rare."""
SAMPLED = 200_000
"""Pairs looked at, of strangers and of candidates each."""
DOUBT = 1.0
"""Bits taken off a weight before it is believed: evidence is less independent than it is added."""
ROUNDS = 2
NOT_LEARNED = (GENERATION.name,)
"""What tells father and son of one name and home apart: all else agrees there, and would make an
error of every such pair."""


def adapt(connection: duckdb.DuckDBPyConnection, model: Model) -> Model:
    """From `features` and their `candidates` (see blocking.block); needs no labels."""
    records, candidates = (_count(connection, table) for table in ("features", "candidates"))
    if not candidates:
        return model
    found = _among_strangers(connection, scaled(model, records))
    _compare(connection, found)
    share = min(1.0, SAMPLED / candidates)
    for _ in range(ROUNDS):
        found = _among_matches(connection, found, share)
    return replace(found, version=f"{model.version}+adapted")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    (count,) = connection.execute(f"select count(*) from {table}").fetchall()[0]
    return int(count)


def _compare(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """`compared`: the level of every comparison, and how frequent the values are, for a sample of
    the candidates.
    """
    levels = ", ".join(f"{case_sql(one)} as {one.name}" for one in COMPARISONS)
    columns = sorted({level.tf for one in COMPARISONS for level in one.graded if level.tf})
    frequency = ", ".join(
        f"greatest(coalesce(l_{c}.tf_{c}, 1), coalesce(r_{c}.tf_{c}, 1)) as tf_{c}" for c in columns
    )
    batch.frequencies(connection, model)
    joins = " ".join(
        f"left join frequency_of_{c} as {side}_{c} on {side}_{c}.{c} = {side}.{c}"
        for c in columns
        for side in "lr"
    )
    connection.execute(f"""create or replace temp table compared as select {levels}, {frequency}
        from (select * from candidates order by hash(join_key_l, join_key_r) limit {SAMPLED}) as p
        join features as l on l.uid = p.join_key_l join features as r on r.uid = p.join_key_r
        {joins}""").fetchall()


def scaled(model: Model, records: int) -> Model:
    """For another number of records: the more there are, the less likely is a pair drawn at random
    one person, and as much less likely one that meets by coincidence.
    """
    ratio = model.records / max(records, LEAST_RECORDS)
    weights = {
        comparison.name: _fall(
            comparison,
            {
                level.name: (m, min(1.0, u * ratio) if level.coincidence else u)
                for level in comparison.graded
                for m, u in (model.weights[comparison.name][level.name],)
            },
        )
        for comparison in COMPARISONS
    }
    return replace(model, prior=model.prior * ratio, records=records, weights=weights)


def _fall(
    comparison: Comparison, shares: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    names = [level.name for level in comparison.graded]
    kept = [(m, max(u, m / 2**MOST_WEIGHT)) for m, u in (shares[name] for name in names)]
    return dict(zip(names, falling(kept), strict=True))


def _among_strangers(connection: duckdb.DuckDBPyConnection, model: Model) -> Model:
    """u counted on random pairs, for the levels that random pairs can tell of. Where people have
    many records, random pairs are of one person now and then: each counts as far as the model
    takes it for two.
    """
    connection.execute(f"""create or replace temp table drawn as select distinct
        least(l.uid, r.uid) as uid_l, greatest(l.uid, r.uid) as uid_r from (
            select (hash(k) % n)::bigint as a, (hash(-k) % n)::bigint as b
            from range(1, {SAMPLED}) as numbers(k), (select count(*) as n from features)) as d
        join features as l on l.uid = a join features as r on r.uid = b where a <> b""").fetchall()
    tally(connection, "drawn", "true")
    weights = " + ".join(_weight(one, model, frequencies=False) for one in COMPARISONS)
    fired = _strangers_by_level(connection, f"{model.prior_weight!r} + {weights}")
    found = {}
    for comparison in COMPARISONS:
        seen = fired[comparison.name]
        graded = sum(count for place, count in seen.items() if place >= 0)
        shares = dict(model.weights[comparison.name])
        for place, level in enumerate(comparison.graded):
            m, u = shares[level.name]
            if not (level.coincidence or level.among):
                u = (FAITH_STRANGERS + seen.get(place, 0.0)) / (FAITH_STRANGERS / u + graded)
            shares[level.name] = (m, u)
        found[comparison.name] = _fall(comparison, shares)
    return replace(model, weights=found)


def _strangers_by_level(
    connection: duckdb.DuckDBPyConnection, weight: str
) -> dict[str, dict[int, float]]:
    """comparison -> place -> pairs of `fired` that are of two people by their weight."""
    return {
        one.name: {
            int(place): float(pairs)
            for place, pairs in connection.execute(
                f"select {one.name}, sum(1 - {_belief(weight)}) from fired group by all"
            ).fetchall()
        }
        for one in COMPARISONS
    }


def _among_matches(connection: duckdb.DuckDBPyConnection, model: Model, share: float) -> Model:
    """m, the prior, and u of what strangers have in common by coincidence, expected under the model
    itself. `share` of the candidates is sampled.
    """
    weights = ", ".join(f"{_weight(one, model)} as w_{one.name}" for one in COMPARISONS)
    total = " + ".join(f"w_{one.name}" for one in COMPARISONS)
    connection.execute(f"""create or replace temp table weighed as
        select *, {model.prior_weight!r} + {total} as weight from (
            select *, {weights} from compared)""").fetchall()
    pairs = model.records * (model.records - 1) / 2
    found = {
        one.name: model.weights[one.name]
        if one.name in NOT_LEARNED
        else _expected(connection, one, model, pairs * share)
        for one in COMPARISONS
    }
    ((matches,),) = connection.execute(
        f"select coalesce(sum({_belief('weight')}), 0) from weighed"
    ).fetchall()
    prior = (float(matches) / share + FAITH_MATCHES) / (pairs + FAITH_MATCHES / model.prior)
    return replace(model, prior=min(prior, 0.01), weights=found)


def _weight(comparison: Comparison, model: Model, *, frequencies: bool = True) -> str:
    """What the level that fired is worth, as Splink works it out."""
    branches = []
    for place, level in enumerate(comparison.graded):
        m, u = model.weights[comparison.name][level.name]
        tf = frequencies and level.tf
        worth = f"log2({m!r} / tf_{level.tf})" if tf else repr(math.log2(m / u))
        branches.append(f"when {place} then {worth}")
    return f"case {comparison.name} {' '.join(branches)} else 0 end"


def _expected(
    connection: duckdb.DuckDBPyConnection, comparison: Comparison, model: Model, pairs: float
) -> dict[str, tuple[float, float]]:
    """`pairs` there are, for those that were compared. Strangers with something in common are told
    by the whole weight: few of them have anything else that says so.
    """
    rows = connection.execute(f"""select {comparison.name},
        sum({_belief(f"weight - w_{comparison.name}")}), sum(1 - {_belief("weight")})
        from weighed where {comparison.name} >= 0 group by all""").fetchall()
    seen = {int(place): float(matches) for place, matches, _ in rows}
    strangers = {int(place): float(others) for place, _, others in rows}
    graded = sum(seen.values())
    comparable = pairs * _said_by_both(connection, comparison)
    shares = dict(model.weights[comparison.name])
    last = len(comparison.graded) - 1
    for place, level in enumerate(comparison.graded):
        m, u = shares[level.name]
        m = (FAITH_MATCHES * m + seen.get(place, 0.0)) / (FAITH_MATCHES + graded)
        if level.coincidence:
            u = (FAITH_STRANGERS + strangers.get(place, 0.0)) / (FAITH_STRANGERS / u + comparable)
        shares[level.name] = (max(m, LEAST_ERROR) if place == last else m, u)
    return _fall(comparison, shares)


def _said_by_both(connection: duckdb.DuckDBPyConnection, comparison: Comparison) -> float:
    """The share of random pairs that the comparison can compare; `fired` is of random pairs."""
    ((share,),) = connection.execute(
        f"select avg(({comparison.name} >= 0)::int) from fired"
    ).fetchall()
    return float(share or 0.0)


def _belief(weight: str) -> str:
    """The probability of a weight, doubted."""
    return f"(1 / (1 + pow(2.0::double, -least(greatest({weight} - {DOUBT}, -60), 60))))"
