"""Scoring on Spark: the same model, the same candidates, Splink's other backend.

What grows with the number of pairs leaves this machine; what is linear in records (normalising,
blocking, clustering) stays in DuckDB. The two meet in Parquet files in the directory for temporary
files (TMPDIR), which on a cluster must be one that every executor sees. Master, memory and the like
are those of spark-defaults.conf; without any, Spark runs here on all cores.
"""

import atexit
import re
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
from splink import Linker

from domain.errors import InputError
from identity import batch
from identity.model import Model, splink_settings
from identity.rules import literal
from identity.tables import run

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PREDICTED = "predicted_by_spark"
_IN_SPARK = (
    (re.compile(r"(\w+)\[(\d+):(\d+)\]"), lambda m: _slice(m[1], int(m[2]), int(m[3]))),
    (re.compile(r"(\w+)\[-1\]"), lambda m: f"right({m[1]}, 1)"),
    (re.compile(r"(\w+)\[1\]"), lambda m: f"substring({m[1]}, 1, 1)"),
    (re.compile(r"\blist_has_any\("), lambda _: "arrays_overlap("),
    (re.compile(r"\blist_contains\("), lambda _: "array_contains("),
    (re.compile(r"\bstarts_with\("), lambda _: "startswith("),
    (re.compile(r"\blen\("), lambda _: "size("),
    (re.compile(r"\bjaro_winkler_similarity\("), lambda _: "jaro_winkler("),
)
"""What DuckDB calls otherwise. Lists of `features` hold no nulls, of which the two think apart."""


def predict(
    connection: duckdb.DuckDBPyConnection,
    model: Model,
    pairs: str,
    least_weight: float | None = None,
) -> str:
    """As batch.predict. Raises InputError where Spark or Java is missing."""
    session = _session()
    with tempfile.TemporaryDirectory(prefix="knownas-spark-") as folder:
        session.sparkContext.setCheckpointDir(folder)
        spark = _linker(connection, session, model, Path(folder))
        registered = spark._db_api.register(_given(connection, session, pairs, Path(folder)))
        spark.table_management.register_blocked_pairs_for_predict(registered)
        predicted = spark.inference.predict(
            threshold_match_weight=least_weight, warning_mode="never"
        )
        found = Path(folder) / "predicted"
        session.table(predicted.physical_name).write.parquet(str(found))
        run(
            connection,
            f"""create or replace table {PREDICTED} as
            select * from read_parquet({literal(f"{found}/*.parquet")})""",
        )
    return PREDICTED


def condition(sql: str) -> str:
    """A comparison level's condition in Spark's words."""
    for pattern, new in _IN_SPARK:
        sql = pattern.sub(new, sql)
    return sql


def _slice(column: str, first: int, last: int) -> str:
    return f"substring({column}, {first}, {last - first + 1})"


def _session() -> "SparkSession":
    try:
        from pyspark.errors import PySparkException  # noqa: PLC0415, an extra few have installed
        from pyspark.sql import SparkSession  # noqa: PLC0415
        from splink.internals.spark.jar_location import similarity_jar_location  # noqa: PLC0415
    except ImportError as error:
        raise InputError("--engine spark: needs the extra `spark` (pyspark) installed") from error
    try:
        builder = SparkSession.builder.appName("knownas-identity")
        builder = builder.config("spark.jars", similarity_jar_location())
        builder = builder.config("spark.sql.warehouse.dir", _warehouse())
        return builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    except (PySparkException, OSError) as error:
        raise InputError("--engine spark: Spark did not start; it needs Java 17") from error


@cache
def _warehouse() -> str:
    """Where Spark would keep tables of its own, were there any; gone with the process."""
    folder = tempfile.mkdtemp(prefix="knownas-spark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _linker(
    connection: duckdb.DuckDBPyConnection, session: "SparkSession", model: Model, folder: Path
) -> Linker:
    from splink import SparkAPI  # noqa: PLC0415, needs pyspark

    api = SparkAPI(  # type: ignore[no-untyped-call]
        spark_session=session,
        break_lineage_method="parquet",
        num_partitions_on_repartition=session.sparkContext.defaultParallelism,
    )
    features = api.register(_given(connection, session, "features", folder))
    found = Linker(features, _settings(model), log_level=None, validate_settings=False)
    for column, table in batch.frequencies(connection, model).items():
        lookup = api.register(_given(connection, session, table, folder))
        found.table_management.register_term_frequency_lookup(lookup, column)
    return found


def _given(
    connection: duckdb.DuckDBPyConnection, session: "SparkSession", table: str, folder: Path
) -> Any:
    """A table of DuckDB as a frame of Spark."""
    path = folder / f"{table}.parquet"
    run(connection, f"copy {table} to {literal(str(path))} (format parquet)")
    return session.read.parquet(str(path))


def _settings(model: Model) -> dict[str, Any]:
    settings = splink_settings(model)
    for rule in settings["blocking_rules_to_generate_predictions"]:
        rule["sql_dialect"] = "spark"
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            level["sql_condition"] = condition(level["sql_condition"])
    return settings
