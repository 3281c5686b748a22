"""A trained model fitted to the records at hand, of which nobody has said who is who.

What is rare among strangers depends on how many records there are, how often fields err depends on
where they were typed. The first is counted on random pairs. The second is expectation maximisation,
one step a round, with one difference to the textbook: what a comparison gets wrong is judged by the
other comparisons alone, so that no field vouches for itself. Both are pulled toward the model one
started from, as far as there is little to learn from.
"""

from collections.abc import Mapping
from dataclasses import replace

import duckdb

from identity import batch, blocking, explain
from identity.comparisons import COMPARISONS, Comparison
from identity.model import Model
from identity.training import LEAST_ERROR, MOST_WEIGHT, falling, tally

LEAST_RECORDS = 2_000
"""Smaller sets are scored as if they were this large: in a handful anything looks rare."""
SAMPLED = 200_000
"""Pairs looked at, of strangers and of candidates each."""
FAITH_MATCHES, FAITH_STRANGERS = 100.0, 10.0
"""What the starting model's shares count: so many matches a comparison, so many strangers a level.
"""
DOUBT = 2.0
"""Bits taken off a weight before it is believed: evidence is less independent than it is added."""
ROUNDS = 2


def adapt(connection: duckdb.DuckDBPyConnection, model: Model) -> Model:
    """From `features`. Leaves tables behind that nobody else uses; needs no labels. Too few records
    to learn from leave the model as it is.
    """
    (count,) = connection.execute("select count(*) from features").fetchall()[0]
    if count < LEAST_RECORDS:
        return model
    found = _among_strangers(connection, scaled(model, int(count)))
    blocking.block(connection)
    connection.execute(f"""create or replace table sampled as select * from candidates
        order by hash(join_key_l, join_key_r) limit {SAMPLED}""").fetchall()
    (share,) = connection.execute("""select (select count(*) from sampled)
        / greatest(1, (select count(*) from candidates))""").fetchall()[0]
    for _ in range(ROUNDS):
        found = _among_matches(connection, found, int(count), float(share))
    return replace(found, version=f"{model.version}+adapted")


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
    """u counted on random pairs, for the levels that random pairs can tell of."""
    connection.execute(f"""create or replace temp table drawn as
        select l.uid as uid_l, r.uid as uid_r from (
            select (hash(k) % n)::bigint as a, (hash(-k) % n)::bigint as b
            from range(1, {SAMPLED}) as numbers(k), (select count(*) as n from features)) as d
        join features as l on l.uid = a join features as r on r.uid = b where a <> b""").fetchall()
    fired = tally(connection, "drawn", "true")
    weights = {}
    for comparison in COMPARISONS:
        seen = fired[comparison.name]
        graded = sum(count for place, count in seen.items() if place >= 0)
        shares = dict(model.weights[comparison.name])
        for place, level in enumerate(comparison.graded):
            m, u = shares[level.name]
            if not (level.coincidence or level.among):
                u = (FAITH_STRANGERS + seen.get(place, 0)) / (FAITH_STRANGERS / u + graded)
            shares[level.name] = (m, u)
        weights[comparison.name] = _fall(comparison, shares)
    return replace(model, weights=weights)


def _among_matches(
    connection: duckdb.DuckDBPyConnection, model: Model, records: int, share: float
) -> Model:
    """m, and the prior, expected under the model itself."""
    scored = batch.predict(connection, model, "sampled")
    weights = {
        comparison.name: _expected(connection, scored, comparison, model)
        for comparison in COMPARISONS
    }
    ((matches,),) = connection.execute(
        f"select coalesce(sum({_belief('match_weight')}), 0) from {scored}"
    ).fetchall()
    connection.execute(f"drop table {scored}").fetchall()
    total = records * (records - 1) / 2
    prior = (float(matches) / share + FAITH_MATCHES) / (total + FAITH_MATCHES / model.prior)
    return replace(model, prior=min(prior, 0.01), weights=weights)


def _expected(
    connection: duckdb.DuckDBPyConnection, scored: str, comparison: Comparison, model: Model
) -> dict[str, tuple[float, float]]:
    own = f"mw_{comparison.name}" + (f" + mw_tf_adj_{comparison.name}" if comparison.has_tf else "")
    rows = connection.execute(f"""select {explain.place_sql(comparison, model)} as place,
        sum({_belief(f"match_weight - ({own})")}) as matches
        from {scored} where mw_{comparison.name} <> 0 group by place""").fetchall()
    seen = {int(place): float(matches) for place, matches in rows}
    graded = sum(seen.values())
    shares = dict(model.weights[comparison.name])
    last = len(comparison.graded) - 1
    for place, level in enumerate(comparison.graded):
        m, u = shares[level.name]
        m = (FAITH_MATCHES * m + seen.get(place, 0.0)) / (FAITH_MATCHES + graded)
        shares[level.name] = (max(m, LEAST_ERROR) if place == last else m, u)
    return _fall(comparison, shares)


def _belief(weight: str) -> str:
    """The probability of a weight, doubted."""
    return f"(1 / (1 + pow(2.0::double, -least(greatest({weight} - {DOUBT}, -60), 60))))"
