"""The same links on Spark. Needs the extra `spark` and Java 17: `make test-engines`."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from identity import batch, records, spark
from identity.model import bundled
from identity.spark import condition


@pytest.mark.engines
@pytest.mark.filterwarnings("default")  # of Spark's own making
def test_links_are_those_of_duckdb_within_a_thousandth(
    connection: duckdb.DuckDBPyConnection, people_1k: Path
) -> None:
    records.load(connection, people_1k)
    batch.prepare(connection)
    # A pair costs next to nothing, the start of Spark a minute or two.
    pairs = (
        "create table sample as from candidates order by hash(join_key_l, join_key_r) limit 1500"
    )
    connection.execute(pairs).fetchall()
    here, there = (
        dict(_weights(connection, engine.predict(connection, bundled(), "sample", -20.0)))
        for engine in (batch, spark)
    )
    other = [
        pair for pair in here.keys() | there.keys()
        if pair not in here or there.get(pair) != pytest.approx(here[pair], abs=1e-6)
    ]  # fmt: skip
    assert len(here) > 700
    assert len(other) <= len(here) / 1000


def _weights(
    connection: duckdb.DuckDBPyConnection, table: str
) -> Iterator[tuple[tuple[int, int], float]]:
    rows = connection.table(table).project("uid_l, uid_r, match_weight").fetchall()
    return (((left, right), weight) for left, right, weight in rows)


def test_a_condition_is_said_in_sparks_words() -> None:
    assert condition("a_l[1] = b_r[-1] and d_l[5:6] = d_r[7:8]") == (
        "substring(a_l, 1, 1) = right(b_r, 1) and substring(d_l, 5, 2) = substring(d_r, 7, 2)"
    )
    assert condition("list_has_any(x_l, x_r) or list_contains(x_l, y_r)") == (
        "arrays_overlap(x_l, x_r) or array_contains(x_l, y_r)"
    )
