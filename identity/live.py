"""The live path: a handful of records scored by the loaded model in one statement.

The levels are the same SQL that the batch path hands to Splink, run by the same engine, so that one
implementation of each distance serves both. Splink itself is left out: it plans a pipeline of
tables, which takes longer than the request may.
"""

import duckdb

from identity.comparisons import COMPARISONS, Comparison, sided
from identity.model import Model


def score(connection: duckdb.DuckDBPyConnection, model: Model) -> None:
    """Writes `edges` (see batch.score) for every pair of `features`; meant for some hundred rows.

    How frequent a name is cannot be told from a handful, so weights carry no term-frequency part.
    """
    weights = " + ".join(_weight(comparison, model) for comparison in COMPARISONS)
    levels = ", ".join(_level(comparison) for comparison in COMPARISONS)
    connection.execute(f"""create or replace table edges as
        select l.uid as uid_l, r.uid as uid_r,
            ({model.prior_weight!r} + {weights})::double as weight,
            concat_ws(';', {levels}) as levels
        from features as l join features as r on l.uid < r.uid""").fetchall()


def _weight(comparison: Comparison, model: Model) -> str:
    worth = {
        level.name: model.level_weight(comparison.name, level.name) for level in comparison.graded
    }
    return _case(comparison, [repr(worth.get(level.name, 0.0)) for level in comparison.levels])


def _level(comparison: Comparison) -> str:
    places = {level.name: place for place, level in enumerate(comparison.graded)}
    return _case(
        comparison,
        [
            "null" if level.says_nothing else f"'{comparison.name}={places[level.name]}'"
            for level in comparison.levels
        ],
    )


def _case(comparison: Comparison, results: list[str]) -> str:
    """The first level whose condition holds decides, as in Splink."""
    graded = list(zip(comparison.levels, results, strict=True))
    branches = " ".join(
        f"when {sided(level.sql)} then {result}" for level, result in graded if level.sql != "ELSE"
    )
    otherwise = next((result for level, result in graded if level.sql == "ELSE"), "null")
    return f"case {branches} else {otherwise} end"
