"""Training: a model from records of whom it is known who is who.

u is the share of a level among strangers, m among records of one person. Levels that depend on
another comparison are measured among the pairs of that circumstance only (see Level.among), so that
Splink's sum over comparisons counts nothing twice.
"""

import math
from collections.abc import Mapping, Sequence

import duckdb

from domain.errors import InputError
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
FAITH_MATCHES, FAITH_STRANGERS = 100.0, 10.0
"""What the shares of the model one starts from count: so many matches a comparison, so many
strangers a level."""

Tally = Mapping[str, Mapping[int, int]]
"""comparison -> place of the level (-1: says nothing) -> pairs."""

CIRCUMSTANCES = {
    NAMESAKES: "l.given = r.given and l.family = r.family and length(l.given) > 1"
    " and length(l.family) > 1",
    AT_HOME: f"({sided(HOME)})",
    AWAY: f"not ({sided(HOME)})",
}


def train(connection: duckdb.DuckDBPyConnection, version: str, start: Model | None = None) -> Model:
    """From `features` and `labels` (uid, person) of the connection; records without a label are
    left out. What they do not show is taken from `start`, scaled to as many records; without it
    InputError names the level.
    """
    _draw(connection)
    counts = {name: _count(connection, name) for name in ("matches", "strangers", "labels")}
    if not (counts["matches"] and counts["strangers"]):
        raise InputError("training: needs two records of one person, and two persons")
    total = counts["labels"] * (counts["labels"] - 1) // 2
    tallies = _tallies(connection)
    comparable = (total - counts["matches"]) / counts["strangers"]
    weights = {
        one.name: _learned(one, tallies, comparable, start.weights[one.name] if start else None)
        for one in COMPARISONS
    }
    prior = counts["matches"] / total
    if start is not None:
        prior = (counts["matches"] + FAITH_MATCHES) / (total + FAITH_MATCHES / start.prior)
    return Model(version=version, prior=min(prior, 0.5), records=counts["labels"], weights=weights)


def _draw(connection: duckdb.DuckDBPyConnection) -> None:
    """`matches`, `strangers` at random, and `coincidences`."""
    for statement in (
        """create or replace temp table matches as select l.uid as uid_l, r.uid as uid_r
        from labels as l join labels as r on l.person = r.person and l.uid < r.uid""",
        f"""create or replace temp table strangers as
        with numbered as (select *, row_number() over (order by uid) - 1 as number from labels)
        select distinct least(l.uid, r.uid) as uid_l, greatest(l.uid, r.uid) as uid_r
        from numbered as l, range({PARTNERS}) as partners(k), numbered as r
        where r.number = (hash(l.uid * 1000 + k) % (select count(*) from labels))::bigint
            and l.person <> r.person""",
    ):
        connection.execute(statement).fetchall()
    _meet(connection)


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
    comparison: Comparison,
    tallies: Mapping[tuple[str, str | None], Tally],
    comparable: float,
    start: Mapping[str, tuple[float, float]] | None,
) -> dict[str, tuple[float, float]]:
    """`comparable`: pairs of strangers there are, for each that was drawn."""
    found = []
    last = len(comparison.graded) - 1
    for place, level in enumerate(comparison.graded):
        known = start[level.name] if start else None
        m = _share(
            tallies["matches", level.among][comparison.name], place, known and known[0],
            FAITH_MATCHES,
        )  # fmt: skip
        m = max(m, LEAST_ERROR) if place == last else m
        strangers = tallies["strangers", level.among][comparison.name]
        if level.coincidence:
            met = tallies["coincidences", None][comparison.name].get(place, 0)
            drawn = _graded(tallies["strangers", None][comparison.name]) * comparable
            strangers = {place: met, last + 1: max(0, round(drawn) - met)}
        u = _share(
            strangers, place, known and known[1], FAITH_STRANGERS / (known[1] if known else 1)
        )
        if known is None:
            _require(comparison, place, tallies["matches", level.among], strangers)
        found.append((m, max(u, m / 2**MOST_WEIGHT)))
    return dict(zip((level.name for level in comparison.graded), falling(found), strict=True))


def _require(
    comparison: Comparison, place: int, matches: Tally, strangers: Mapping[int, int]
) -> None:
    """A level that no pair showed has learned nothing."""
    if not matches[comparison.name].get(place, 0) and not strangers.get(place, 0):
        name = comparison.graded[place].name
        raise InputError(
            f"training: {comparison.name}, level '{name}' is not trained: no pair shows it"
        )


def _graded(fired: Mapping[int, int]) -> int:
    return sum(count for place, count in fired.items() if place >= 0)


def _share(fired: Mapping[int, int], place: int, known: float | None, faith: float) -> float:
    """Pulled toward what is known as if that were of `faith` pairs; else with half a pair added, so
    that what was not seen is rare and not impossible.
    """
    if known is None:
        return (fired.get(place, 0) + 0.5) / (_graded(fired) + 1)
    return (fired.get(place, 0) + faith * known) / (_graded(fired) + faith)


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
