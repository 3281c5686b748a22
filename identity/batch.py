"""The batch path: people in, scored pairs out. Splink does the scoring on its own connection."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
from splink import DuckDBAPI, Linker

from identity import blocking, explain, features, sharing
from identity.comparisons import COMPARISONS
from identity.model import Model, splink_settings
from identity.normalise import BatchNormaliser

logging.getLogger("splink").setLevel(logging.ERROR)


TYPICAL = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """`edges` is a table of the connection (see score)."""

    candidates: int
    edges: int


def prepare(
    connection: duckdb.DuckDBPyConnection, default_regions: Mapping[str, str] | None = None
) -> None:
    """From `raw_people` to `people`, `value_users` and `features`."""
    BatchNormaliser(connection, dict(default_regions or {})).run()
    sharing.judge(connection)
    features.build(connection)


def linker(connection: duckdb.DuckDBPyConnection, model: Model) -> Linker:
    """A Splink linker over `features`, with frequencies that small sets cannot distort."""
    api = DuckDBAPI(connection)
    found = Linker(
        api.register("features"), splink_settings(model), log_level=None, validate_settings=False
    )
    for comparison in COMPARISONS:
        for level in comparison.levels:
            if level.tf:
                _, u = model.weights[comparison.name][level.name]
                table = _frequencies(connection, level.tf, u)
                lookup = api.register(table)
                found.table_management.register_term_frequency_lookup(lookup, level.tf)
    return found


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


def score(connection: duckdb.DuckDBPyConnection, model: Model, least_weight: float) -> Scored:
    """Writes `edges` from `features`: uid_l < uid_r, weight and levels (see
    explain). Pairs below `least_weight` are left out.
    """
    candidates = blocking.block(connection)
    predicted = predict(connection, model, "candidates", least_weight)
    connection.execute(f"""create or replace table edges as
        select least(uid_l, uid_r) as uid_l, greatest(uid_l, uid_r) as uid_r,
            match_weight as weight, {explain.levels_sql(model)} as levels
        from {predicted}""").fetchall()
    connection.execute(f"drop table {predicted}").fetchall()
    (edges,) = connection.execute("select count(*) from edges").fetchall()[0]
    return Scored(candidates=candidates, edges=int(edges))


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
