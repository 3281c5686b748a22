"""Many rows at once, on both databases: one parameter per column or list, never one per value."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    Insert,
    LargeBinary,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    column,
    delete,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import KeyedColumnElement
from sqlalchemy.sql.functions import FunctionElement

from state import driver
from state.codec import encode

T = TypeVar("T")
V = TypeVar("V", str, int)
Values = Mapping[str, object]
"""A row to write, by column."""

CHUNK = 10_000
_LISTED = "listed"


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    if isinstance(items, list) and len(items) <= size:
        if items:
            yield items
        return
    remaining = iter(items)
    while chunk := list(islice(remaining, size)):
        yield chunk


class _Unfolded(FunctionElement[str]):
    """The texts of the JSON list that `answers` and `delete_among` hand over."""

    name = "unfolded"
    inherit_cache = True


@compiles(_Unfolded, "sqlite")
def _in_sqlite(element: _Unfolded, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Unfolded, "postgresql")
def _in_postgres(element: _Unfolded, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS JSON))"


def among(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the text is one of those that are handed over when the statement is run. They travel
    as one JSON list: their number is not limited by the database, and the statement stays the
    same, so that it is built and compiled once.
    """
    unfolded = _Unfolded(bindparam(_LISTED, type_=Text)).table_valued("value")
    return column.in_(select(unfolded.c.value))


def among_numbers(column: ColumnElement[int]) -> ColumnElement[bool]:
    """`among`, for whole numbers."""
    unfolded = _Unfolded(bindparam(_LISTED, type_=Text)).table_valued("value")
    return column.in_(select(cast(unfolded.c.value, BigInteger)))


def answers(
    connection: Connection,
    statement: Executable,
    values: Iterable[V],
    **more: object,
) -> Iterator[Row[*tuple[Any, ...]]]:
    """The rows of a statement that says `among`, for all of the values (each once, in order)."""
    for chunk in chunks(sorted(set(values))):
        yield from fetch(connection, statement, {**_listed(chunk), **more})


def fetch(connection: Connection, statement: Executable, said: Values | None = None) -> driver.Rows:
    """The rows of a statement that is built once."""
    if driver.fits(connection):
        return driver.answers(connection, statement, said or {})
    return connection.execute(statement, said).all()


def pairs(
    connection: Connection, statement: Select[str, str], values: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """`answers`, of a statement that answers with two texts."""
    return ((first, second) for first, second in answers(connection, statement, values))


def delete_among(
    connection: Connection, column: KeyedColumnElement[str], values: Iterable[str]
) -> None:
    """Delete the rows of the column's table that have one of the values."""
    update_among(connection, _deleting(column), values)


@lru_cache(maxsize=64)
def _deleting(column: KeyedColumnElement[str]) -> Executable:
    """Built once: that takes longer than to run it."""
    return delete(column.table).where(among(column))


def update_among(
    connection: Connection, statement: Executable, values: Iterable[V], **more: object
) -> None:
    """Run a statement that says `among` and answers nothing. `more` is what else it asks for."""
    for chunk in chunks(sorted(set(values))):
        run(connection, statement, {**_listed(chunk), **more})


def run(connection: Connection, statement: Executable, said: Values) -> None:
    """A statement that is built once and answers nothing."""
    if driver.fits(connection):
        driver.run(connection, statement, said)
    else:
        connection.execute(statement, said)


def run_each(connection: Connection, statement: Executable, rows: Sequence[Values]) -> None:
    """`run`, for each of the rows, of which there is one at least."""
    if driver.fits(connection):
        driver.run_each(connection, statement, rows)
    else:
        connection.execute(statement, rows)


def _listed(values: Sequence[object]) -> dict[str, str]:
    return {_LISTED: encode(values).decode()}


def upsert(connection: Connection, table: Table, rows: Iterable[Values]) -> None:
    """Insert rows, or replace the values of those that are there. A row names the same columns as
    every other; no two have the same key. Hand them in the order of their keys: indexes are then
    written page by page, and two transactions never wait for each other crosswise.
    """
    for chunk in chunks(rows):
        _insert(connection, table, chunk, replace=True)


def insert_missing(connection: Connection, table: Table, rows: Iterable[Values]) -> None:
    """Insert those rows whose key is not there yet. Order as in `upsert`."""
    for chunk in chunks(rows):
        _insert(connection, table, chunk, replace=False)


def _insert(connection: Connection, table: Table, rows: list[Values], *, replace: bool) -> None:
    if connection.dialect.name == "postgresql":
        _insert_postgres(connection, table, rows, replace=replace)
    else:
        _insert_sqlite(connection, table, rows, replace=replace)


def _insert_sqlite(
    connection: Connection, table: Table, rows: list[Values], *, replace: bool
) -> None:
    statement, told = _sqlite_insert(connection.dialect, table, tuple(rows[0]), replace)
    columns = [
        [row[name] for row in rows] if convert is None else [convert(row[name]) for row in rows]
        for name, convert in told
    ]
    driver.run_text(connection, statement, list(zip(*columns, strict=True)))


@lru_cache(maxsize=64)
def _sqlite_insert(
    dialect: Dialect, table: Table, names: tuple[str, ...], replace: bool
) -> tuple[str, list[tuple[str, driver.Convert | None]]]:
    """A statement, and the columns of its parameters with what makes them fit the driver."""
    statement = sqlite.insert(table).values(dict.fromkeys(names))
    key = list(table.primary_key)
    changed = {name: statement.excluded[name] for name in _values(table, names)}
    if replace:
        statement = statement.on_conflict_do_update(index_elements=key, set_=changed)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    named = [column for column in table.c if column.name in names]
    told = [(column.name, driver.binding(dialect, column.type)) for column in named]
    return str(statement.compile(dialect=dialect, column_keys=names)), told


def _insert_postgres(
    connection: Connection, table: Table, rows: list[Values], *, replace: bool
) -> None:
    """One JSON text, unfolded by the server: several times as fast as a row or an array a time."""
    statement = _postgres_insert(table, tuple(rows[0]), replace=replace)
    connection.execute(statement, {"rows": encode(_readable(table, rows)).decode()})


@lru_cache(maxsize=64)
def _postgres_insert(table: Table, names: tuple[str, ...], *, replace: bool) -> Insert:
    told = cast(bindparam("rows", type_=Text), JSON)
    columns = (column(name, table.c[name].type) for name in names)
    unfolded = func.json_to_recordset(told).table_valued(*columns).render_derived(with_types=True)
    statement = postgresql.insert(table).from_select(list(names), select(unfolded))
    changed = {name: statement.excluded[name] for name in _values(table, names)}
    key = list(table.primary_key)
    if replace:
        return statement.on_conflict_do_update(index_elements=key, set_=changed)
    return statement.on_conflict_do_nothing(index_elements=key)


def _readable(table: Table, rows: list[Values]) -> list[Values]:
    """Rows with their bytes as PostgreSQL reads them in text."""
    binary = [name for name in rows[0] if isinstance(table.c[name].type, LargeBinary)]
    return (
        [{**row, **{name: _hex(row[name]) for name in binary}} for row in rows] if binary else rows
    )


def _hex(value: object) -> object:
    return f"\\x{value.hex()}" if isinstance(value, bytes) else value


def _values(table: Table, names: Iterable[str]) -> list[str]:
    return [name for name in names if not table.c[name].primary_key]
