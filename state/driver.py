"""Statements straight to SQLite's driver. SQLAlchemy compiles them, once, and knows the types; its
own way of running one takes five times as long as SQLite does.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Connection, Dialect, Executable, IteratorResult, Row
from sqlalchemy.engine.result import SimpleResultMetaData
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

Convert = Callable[[Any], Any]
Rows = Sequence[Row[*tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """`fixed` are the parameters that the statement holds itself."""

    text: str
    names: tuple[str, ...]
    fixed: Mapping[str, object]
    into: Mapping[str, Convert]
    keys: SimpleResultMetaData
    out: tuple[tuple[int, Convert], ...]


def fits(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def answers(connection: Connection, statement: Executable, said: Mapping[str, object]) -> Rows:
    """The rows of a statement that is built once, and holds no list (`column.in_([...])`)."""
    prepared = _prepared(connection.dialect, statement)
    rows = _driver(connection, prepared.text, _parameters(prepared, said)).fetchall()
    if prepared.out and rows:
        rows = [_read(row, prepared.out) for row in rows]
    return IteratorResult(prepared.keys, iter(rows)).all()


def run(connection: Connection, statement: Executable, said: Mapping[str, object]) -> None:
    """A statement that is built once and answers nothing."""
    prepared = _prepared(connection.dialect, statement)
    _driver(connection, prepared.text, _parameters(prepared, said))


def run_each(
    connection: Connection, statement: Executable, rows: Sequence[Mapping[str, object]]
) -> None:
    """`run`, for each of the rows."""
    prepared = _prepared(connection.dialect, statement)
    run_text(connection, prepared.text, [_parameters(prepared, row) for row in rows])


def run_text(connection: Connection, text: str, rows: Sequence[Sequence[object]]) -> None:
    """SQL for each of the rows, whose values are as the driver takes them."""
    sqlite = cast("sqlite3.Connection", connection.connection.dbapi_connection)
    try:
        if len(rows) == 1:
            sqlite.execute(text, rows[0])
        else:
            sqlite.executemany(text, rows)
    except sqlite3.Error as error:
        raise DBAPIError(text, None, error, hide_parameters=True) from error


def binding(dialect: Dialect, type_: TypeEngine[Any]) -> Convert | None:
    """What makes of a value what the driver takes."""
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _driver(connection: Connection, text: str, parameters: Sequence[object]) -> "sqlite3.Cursor":
    sqlite = cast("sqlite3.Connection", connection.connection.dbapi_connection)
    try:
        return sqlite.execute(text, parameters)
    except sqlite3.Error as error:
        raise DBAPIError(text, None, error, hide_parameters=True) from error


def _parameters(prepared: _Prepared, said: Mapping[str, object]) -> list[object]:
    found = []
    for name in prepared.names:
        value = said[name] if name in said else prepared.fixed[name]
        convert = prepared.into.get(name)
        found.append(value if convert is None else convert(value))
    return found


def _read(row: Sequence[object], out: Sequence[tuple[int, Convert]]) -> tuple[object, ...]:
    read = list(row)
    for place, convert in out:
        read[place] = convert(read[place])
    return tuple(read)


@lru_cache(maxsize=256)
def _prepared(dialect: Dialect, statement: Executable) -> _Prepared:
    element = cast("ClauseElement", statement)
    compiled = cast("SQLCompiler", element.compile(dialect=dialect))
    bound = {name: binding(dialect, one.type) for name, one in compiled.binds.items()}
    columns = list(getattr(statement, "exported_columns", ()))
    read = [one.type.dialect_impl(dialect).result_processor(dialect, None) for one in columns]
    return _Prepared(
        text=str(compiled),
        names=tuple(compiled.positiontup or ()),
        fixed=compiled.params,
        into={name: convert for name, convert in bound.items() if convert is not None},
        keys=SimpleResultMetaData([one.name for one in columns]),
        out=tuple((place, one) for place, one in enumerate(read) if one is not None),
    )
