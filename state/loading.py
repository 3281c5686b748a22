"""Millions of new rows at once, on both databases."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Index, Table, literal, select, text

from state.bulk import Values

if TYPE_CHECKING:
    from psycopg import Cursor

Row = tuple[object, ...]
"""Texts, numbers and bytes, as both drivers take them."""


def load(
    connection: Connection,
    table: Table,
    names: Sequence[str],
    rows: Iterable[Sequence[Row]],
    alike: Values,
) -> None:
    """Insert rows of which none is there yet: chunks of tuples of `names`, in the order of keys.
    `alike` are the columns that are the same in all of them.

    On SQLite the indexes of a table that was empty are built once all is in. On PostgreSQL, where
    that would lock readers out, they stay; the planner is told of the new rows, since it would go
    on as if there were none.
    """
    columns = [*names, *alike]
    same = tuple(_bound(connection, table, name, value) for name, value in alike.items())
    chunks = ([(*row, *same) for row in chunk] for chunk in rows if chunk)
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, chunks)
        connection.execute(text(f"ANALYZE {table.name}"))
        return
    indexes = _drop_indexes(connection, table)
    holes = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({holes})"  # noqa: S608
    for chunk in chunks:
        connection.exec_driver_sql(statement, chunk)
    for index in indexes:
        index.create(connection)


def _bound(connection: Connection, table: Table, name: str, value: object) -> object:
    """A value as the driver takes it."""
    dialect = connection.dialect
    convert = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
    return value if convert is None else convert(value)


def _drop_indexes(connection: Connection, table: Table) -> list[Index]:
    """Those of a table that is empty."""
    if connection.execute(select(literal(1)).select_from(table).limit(1)).first() is not None:
        return []
    indexes = sorted(table.indexes, key=lambda index: str(index.name))
    for index in indexes:
        index.drop(connection)
    return indexes


def _copy(
    connection: Connection, table: Table, columns: Sequence[str], chunks: Iterable[list[Row]]
) -> None:
    cursor = cast("Cursor[Any]", connection.connection.cursor())
    with cursor, cursor.copy(f"COPY {table.name} ({', '.join(columns)}) FROM STDIN") as copy:
        for chunk in chunks:
            for row in chunk:
                copy.write_row(row)
