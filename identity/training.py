"""Training: a model from pairs whose truth is known, and a model fitted to the records at hand.

u is the share of a level among strangers, m among records of one person. Levels that depend on
another comparison are measured among the pairs of that circumstance only (see Level.among), so that
Splink's sum over comparisons counts nothing twice.
"""

import math
from collections.abc import Mapping, Sequence

import duckdb

from identity import blocking
from identity.comparisons import (
    AT_HOME,
    AWAY,
    COMPARISONS,
    HOME,
    NAMESAKES,
    Comparison,
    case_sql,
    sided,
)
from identity.model import LEAST_STEP, Model

MOST_WEIGHT = 22.0
"""No level is worth more, however seldom it was seen among strangers."""
LEAST_ERROR = 0.02
"""No field is freer of errors than this: one that contradicts is heavy, but no bar."""
PARTNERS = 40
"""Random strangers per record when a model is trained."""

Tally = Mapping[str, Mapping[int, int]]
"""comparison -> place of the level (-1: says nothing) -> pairs."""

CIRCUMSTANCES = {
    NAMESAKES: "l.given = r.given and l.family = r.family and length(l.given) > 1"
    " and length(l.family) > 1",
    AT_HOME: f"({sided(HOME)})",
    AWAY: f"not ({sided(HOME)})",
}


def train(connection: duckdb.DuckDBPyConnection, version: str) -> Model:
    """From `features` and `labels` (uid, person) of the connection, every record labelled."""
    run = connection.execute
    run("""create or replace temp table matches as select l.uid as uid_l, r.uid as uid_r
        from labels as l join labels as r on l.person = r.person and l.uid < r.uid""").fetchall()
    run(f"""create or replace temp table strangers as
        select l.uid as uid_l, r.uid as uid_r from (
            select uid, (hash(uid * 1000 + k) % (select count(*) from features))::bigint as other
            from features, range({PARTNERS}) as partners(k)) as drawn
        join labels as l on l.uid = drawn.uid join labels as r on r.uid = drawn.other
        where l.person <> r.person""").fetchall()
    _meet(connection)
    counts = {name: _count(connection, name) for name in ("matches", "strangers")}
    records = _count(connection, "features")
    total = records * (records - 1) // 2
    tallies = _tallies(connection)
    comparable = (total - counts["matches"]) / counts["strangers"]
    weights = {
        comparison.name: _learned(comparison, tallies, comparable) for comparison in COMPARISONS
    }
    return Model(version=version, prior=counts["matches"] / total, records=records, weights=weights)


def _meet(connection: duckdb.DuckDBPyConnection) -> None:
    """`coincidences`: every pair of strangers with an identifier or address in common."""
    rules = ("email", "phone", "handle", "account", "user name of an address", "address")
    keys = " union all ".join(
        f"select unnest({blocking.KEYS[name]}) as key, uid from features" for name in rules
    )
    connection.execute(f"""create or replace temp table coincidences as
        with met as (select key, uid, person from ({keys}) join labels using (uid)
            where key is not null)
        select distinct l.uid as uid_l, r.uid as uid_r from met as l join met as r
        on l.key = r.key and l.uid < r.uid and l.person <> r.person
        """).fetchall()


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    (count,) = connection.execute(f"select count(*) from {table}").fetchall()[0]
    return int(count)


def _tallies(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str | None], Tally]:
    """(pairs, circumstance) -> tally. Strangers in a circumstance are sought where they meet."""
    known: dict[tuple[str, str | None], Tally] = {
        (pairs, None): tally(connection, pairs, "true") for pairs in ("matches", "strangers")
    }
    known["coincidences", None] = tally(connection, "coincidences", "true")
    connection.execute("""create or replace temp table namesakes as
        select l.uid as uid_l, r.uid as uid_r from features as l
        join features as r on l.given = r.given and l.family = r.family and l.uid < r.uid
        join labels as a on a.uid = l.uid join labels as b on b.uid = r.uid
        where a.person <> b.person""").fetchall()
    strangers = {NAMESAKES: "namesakes", AT_HOME: "coincidences", AWAY: "strangers"}
    for name, condition in CIRCUMSTANCES.items():
        known["matches", name] = tally(connection, "matches", condition)
        known["strangers", name] = tally(connection, strangers[name], condition)
    return known


def tally(connection: duckdb.DuckDBPyConnection, pairs: str, condition: str) -> Tally:
    """How often each level fires over the pairs (uid_l, uid_r) of a table."""
    levels = ", ".join(f"{case_sql(one)} as {one.name}" for one in COMPARISONS)
    connection.execute(f"""create or replace temp table fired as select {levels}
        from {pairs} as p join features as l on l.uid = p.uid_l
        join features as r on r.uid = p.uid_r where {condition}""").fetchall()
    return {
        one.name: dict(
            connection.execute(f"select {one.name}, count(*) from fired group by all").fetchall()
        )
        for one in COMPARISONS
    }


def _learned(
    comparison: Comparison, tallies: Mapping[tuple[str, str | None], Tally], comparable: float
) -> dict[str, tuple[float, float]]:
    """`comparable`: pairs of strangers there are, for each that was drawn."""
    found = []
    last = len(comparison.graded) - 1
    for place, level in enumerate(comparison.graded):
        m = _share(tallies["matches", level.among][comparison.name], place)
        m = max(m, LEAST_ERROR) if place == last else m
        if level.coincidence:
            drawn = _graded(tallies["strangers", None][comparison.name])
            met = tallies["coincidences", None][comparison.name].get(place, 0)
            u = (met + 0.5) / max(1.0, drawn * comparable)
        else:
            u = _share(tallies["strangers", level.among][comparison.name], place)
        found.append((m, max(u, m / 2**MOST_WEIGHT)))
    return dict(zip((level.name for level in comparison.graded), falling(found), strict=True))


def _graded(fired: Mapping[int, int]) -> int:
    return sum(count for place, count in fired.items() if place >= 0)


def _share(fired: Mapping[int, int], place: int) -> float:
    """With half a pair added, so that what was not seen is rare and not impossible."""
    return (fired.get(place, 0) + 0.5) / (_graded(fired) + 1)


def falling(levels: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The (m, u) nearest to those given whose weights fall from level to level.

    Neighbours out of order are pooled (pool adjacent violators): together they get the weight of
    their summed m and u. m is kept and u moves, then each level is set a hair below the one before,
    so that a weight still names its level.
    """
    pools: list[tuple[float, float, int]] = []
    for m, u in levels:
        pools.append((m, u, 1))
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] <= pools[-1][0] / pools[-1][1]:
            (m1, u1, n1), (m2, u2, n2) = pools[-2:]
            pools[-2:] = [(m1 + m2, u1 + u2, n1 + n2)]
    weights = [math.log2(m / u) for m, u, count in pools for _ in range(count)]
    stepped = [weight - 2 * LEAST_STEP * place for place, weight in enumerate(weights)]
    return [_of_weight(m, weight) for (m, _), weight in zip(levels, stepped, strict=True)]


def _of_weight(m: float, weight: float) -> tuple[float, float]:
    """m kept and u moved to the weight; where u would pass 1, m gives way."""
    ratio: float = 2**weight
    return (m, m / ratio) if m <= ratio else (ratio, 1.0)
