"""The batch path: people in, scored pairs out. Splink does the scoring on its own connection."""

import logging
from collections.abc import Callable, Mapping

import duckdb
from splink import DuckDBAPI, Linker

from identity import blocking, components, explain, features, profile, sharing
from identity.comparisons import COMPARISONS
from identity.model import TYPICAL, Model, splink_settings
from identity.normaliser import BatchNormaliser
from identity.steps import Steps
from identity.tables import count
from identity.workers import Workers

logging.getLogger("splink").setLevel(logging.ERROR)

MOST_TOGETHER = 200
"""Larger components are left as blocking found them."""


def prepare(
    connection: duckdb.DuckDBPyConnection,
    default_regions: Mapping[str, str] | None = None,
    *,
    steps: Steps | None = None,
    workers: Workers | None = None,
) -> int:
    """From `raw_people` to `people`, `value_users`, `features` and `candidates`; says how many
    candidates there are.
    """
    timed = steps or Steps()
    with timed.step("normalise"):
        BatchNormaliser(connection, dict(default_regions or {}), workers).run()
    with timed.step("share"):
        sharing.judge(connection)
        features.build(connection)
    with timed.step("block"):
        return blocking.block(connection)


def forget_people(connection: duckdb.DuckDBPyConnection) -> None:
    """Let go of what `features` were made of; `raw_people` keeps uid, system and id."""
    _drop(connection, "table_name in ('people', 'name_bearers', 'name_persons')")
    connection.execute(
        "create or replace table raw_people as select uid, system, id from raw_people"
    ).fetchall()


def forget_pairs(connection: duckdb.DuckDBPyConnection) -> None:
    """Let go of what has been scored, and of what Splink made on the way."""
    _drop(
        connection,
        """table_name in ('features', 'candidates', 'unseen')
        or starts_with(table_name, 'frequency_of_') or starts_with(table_name, '__splink__')""",
    )


def _drop(connection: duckdb.DuckDBPyConnection, which: str) -> None:
    rows = connection.execute(f"select table_name from duckdb_tables() where {which}").fetchall()
    for (table,) in rows:
        connection.execute(f"drop table {table}").fetchall()


def linker(connection: duckdb.DuckDBPyConnection, model: Model) -> Linker:
    """A Splink linker over `features`, with frequencies that small sets cannot distort."""
    api = DuckDBAPI(connection)
    found = Linker(
        api.register("features"), splink_settings(model), log_level=None, validate_settings=False
    )
    for column, table in frequencies(connection, model).items():
        lookup = api.register(table)
        found.table_management.register_term_frequency_lookup(lookup, column)
    return found


def frequencies(connection: duckdb.DuckDBPyConnection, model: Model) -> dict[str, str]:
    """column -> table (column, tf_column) for what the model weighs by frequency."""
    return {
        level.tf: _frequencies(connection, level.tf, model.weights[comparison.name][level.name][1])
        for comparison in COMPARISONS
        for level in comparison.graded
        if level.tf
    }


def _frequencies(connection: duckdb.DuckDBPyConnection, column: str, u: float) -> str:
    """A table of how frequent each value is: as counted, pulled toward the model's share of chance
    agreement by TYPICAL records, since in a handful every name looks common.
    """
    table = f"frequency_of_{column}"
    connection.execute(f"""create or replace table {table} as
        select {column}, (count(*) + {TYPICAL * u!r})
            / ((select count({column}) from features) + {TYPICAL}) as tf_{column}
        from features where {column} is not null group by {column}""").fetchall()
    return table


def score(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    least_weight: float,
    link_weight: float | None = None,
    *,
    explained: float | None = None,
    predictor: "Predictor | None" = None,
) -> int:
    """Writes `edges` from `features` and `candidates`, and says how many: uid_l < uid_r, weight,
    levels (see explain) and parts (see profile). Pairs below `least_weight` are left out, but for
    those among records that pairs of `link_weight` connect: these are all there, since what speaks
    against a cluster is as good as what speaks for it. Below `explained` levels are null: nobody
    will ask for them.
    """
    using = predictor or predict
    _edges(connection, model, using(connection, model, "candidates", least_weight), explained)
    connection.execute("create or replace table edges as select * from predicted_edges").fetchall()
    if link_weight is not None and _unseen(connection, link_weight):
        _edges(connection, model, using(connection, model, "unseen", None), explained)
        connection.execute("insert into edges select * from predicted_edges").fetchall()
    connection.execute("drop table predicted_edges").fetchall()
    (edges,) = connection.execute("select count(*) from edges").fetchall()[0]
    return int(edges)


def _edges(
    connection: duckdb.DuckDBPyConnection, model: Model, predicted: str, explained: float | None
) -> None:
    """`predicted_edges` from a prediction, which is dropped."""
    asked = "true" if explained is None else f"match_weight >= {explained!r}"
    connection.execute(f"""create or replace temp table predicted_edges as
        select least(uid_l, uid_r) as uid_l, greatest(uid_l, uid_r) as uid_r,
            match_weight as weight,
            case when {asked} then {explain.levels_sql(model)} end as levels,
            {profile.parts_sql(model)} as parts
        from {predicted}""").fetchall()
    connection.execute(f"drop table {predicted}").fetchall()


def _unseen(connection: duckdb.DuckDBPyConnection, link_weight: float) -> int:
    """`unseen`: the pairs within each connected component that are not among the edges; of large
    ones only those that blocking found.
    """
    components.connect(connection, link_weight)
    connection.execute(f"""create or replace table unseen as
        with small as (select component from components group by component
            having count(*) between 3 and {MOST_TOGETHER}),
        within as (select uid, component from components semi join small using (component)),
        pairs as (
            select l.uid as uid_l, r.uid as uid_r
            from within as l join within as r using (component) where l.uid < r.uid
            union
            select join_key_l, join_key_r from candidates
            join components as l on l.uid = join_key_l join components as r on r.uid = join_key_r
            where l.component = r.component)
        select '0' as match_key, uid_l as join_key_l, uid_r as join_key_r
        from pairs anti join edges using (uid_l, uid_r)""").fetchall()
    return count(connection, "unseen")


def predict(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    pairs: str,
    least_weight: float | None = None,
) -> str:
    """Splink's prediction over a table of pairs: the name of a new table with `match_weight`, and
    `mw_*` and `mw_tf_adj_*` per comparison.
    """
    splink = linker(connection, model)
    registered = splink._db_api.register(pairs)
    splink.table_management.register_blocked_pairs_for_predict(registered)
    predicted = splink.inference.predict(threshold_match_weight=least_weight, warning_mode="never")
    return str(predicted.physical_name)


Predictor = Callable[[duckdb.DuckDBPyConnection, Model, str, float | None], str]
"""`predict`, or what does the same elsewhere."""
