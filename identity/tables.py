"""Small steps on a DuckDB connection."""

import duckdb
import pyarrow as pa


def run(connection: duckdb.DuckDBPyConnection, statement: str) -> None:
    """To its end: execute() alone only begins."""
    connection.execute(statement).fetchall()


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    (number,) = connection.execute(f"select count(*) from {table}").fetchall()[0]
    return int(number)


def load(connection: duckdb.DuckDBPyConnection, table: str, **columns: pa.Array) -> None:
    """Writes a table."""
    connection.register("loading_rows", pa.table(columns))
    run(connection, f"create or replace table {table} as select * from loading_rows")
    connection.unregister("loading_rows")
