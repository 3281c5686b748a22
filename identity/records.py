"""Record files in: a directory with one file per system becomes the table `raw_people`.

Files are read by DuckDB. Only where it refuses one is the file walked line by line, to say where.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import duckdb
import orjson

from domain.errors import InputError
from identity.normalise import LISTS, TEXTS
from identity.normaliser import RAW_COLUMNS
from identity.rules import literal

SUFFIXES = (".jsonl", ".csv", ".parquet")
ONE_OF_LIST = {"email": "emails", "phone": "phones", "handle": "handles"}
KNOWN = ("id", *TEXTS, "region", *ONE_OF_LIST, *LISTS, "handle_platform", "created_at")
TRUTH_COLUMNS = {"system", "record_id", "person_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFile:
    path: Path
    columns: tuple[str, ...]

    @property
    def system(self) -> str:
        return self.path.stem


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """`ignored`: system -> columns that nobody knows."""

    records: int
    systems: tuple[str, ...]
    ignored: dict[str, tuple[str, ...]]


def load(connection: duckdb.DuckDBPyConnection, directory: Path) -> Loaded:
    """Reads every file of the directory into `raw_people`. Raises InputError with file and line."""
    files = _files(connection, directory)
    connection.execute(f"create or replace temp table raw_rows ({_row_columns()})").fetchall()
    for file in files:
        _read(connection, file)
    connection.execute(f"create or replace table raw_people ({RAW_COLUMNS})").fetchall()
    connection.execute("""insert into raw_people by name
        select * exclude (place), row_number() over (order by system, id) - 1 as uid from raw_rows
        """).fetchall()
    connection.execute("drop table raw_rows").fetchall()
    (count,) = connection.execute("select count(*) from raw_people").fetchall()[0]
    unknown = {file.system: tuple(sorted(set(file.columns) - set(KNOWN))) for file in files}
    return Loaded(
        records=int(count),
        systems=tuple(file.system for file in files),
        ignored={system: names for system, names in unknown.items() if names},
    )


def _row_columns() -> str:
    return RAW_COLUMNS.replace("uid bigint", "place bigint")


def _files(connection: duckdb.DuckDBPyConnection, directory: Path) -> list[RecordFile]:
    if not directory.is_dir():
        raise InputError(f"{directory}: no such directory")
    paths = sorted(p for p in directory.iterdir() if p.suffix in SUFFIXES and p.is_file())
    files = [RecordFile(path=path, columns=_columns(connection, path)) for path in paths]
    files = [file for file in files if not set(file.columns) >= TRUTH_COLUMNS]
    if not files:
        raise InputError(f"{directory}: no record files ({', '.join(SUFFIXES)})")
    for one, two in pairwise(files):
        if one.system == two.system:
            raise InputError(f"{two.path}: system {two.system} was already read from {one.path}")
    return files


def _columns(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[str, ...]:
    try:
        if path.suffix == ".parquet":
            described = connection.execute(
                f"describe select * from read_parquet({literal(str(path))})"
            ).fetchall()
            return tuple(name for name, *_ in described)
        if path.suffix == ".csv":
            return _header(path)
        rows = connection.execute(
            f"select distinct unnest(json_keys(json)) from {_lines(path)} order by 1"
        ).fetchall()
        return tuple(name for (name,) in rows)
    except (duckdb.Error, UnicodeDecodeError, csv.Error) as error:
        raise _place(path, error) from error


def _header(path: Path) -> tuple[str, ...]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return tuple(name.strip() for name in next(csv.reader(file), []))


def _lines(path: Path) -> str:
    return f"read_ndjson_objects({literal(str(path))}, ignore_errors = false)"


def _read(connection: duckdb.DuckDBPyConnection, file: RecordFile) -> None:
    if file.columns and "id" not in file.columns:
        raise InputError(f"{file.path}: has no column id")
    if not file.columns:
        return
    try:
        connection.execute(f"insert into raw_rows by name {_query(file)}").fetchall()
    except duckdb.Error as error:
        raise _place(file.path, error) from error
    _refuse_ids(connection, file)


def _query(file: RecordFile) -> str:
    texts = ", ".join(
        f"{_text(file, name)} as {name}" for name in (*TEXTS, "region") if name in file.columns
    )
    lists = ", ".join(
        f"list_filter({_list(file, one)} || {_list(file, many)}, lambda x: trim(x) <> '') as {many}"
        for one, many in ONE_OF_LIST.items()
    )
    columns = ", ".join(
        (
            f"{literal(file.system)} as system",
            f"{_text(file, 'id')} as id",
            *filter(None, (texts, lists)),
        )
    )
    return f"select row_number() over () as place, {columns} from {_source(file)}"


def _source(file: RecordFile) -> str:
    path = literal(str(file.path))
    if file.path.suffix == ".parquet":
        return f"read_parquet({path})"
    if file.path.suffix == ".jsonl":
        return f"""(select case when json_type(json) = 'OBJECT' then json
            else error('not a JSON object') end as json from {_lines(file.path)})"""
    names = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in file.columns)
    return f"""read_csv({path}, columns = {{{names}}}, header = true, delim = ',', quote = '"',
        escape = '"', auto_detect = false, null_padding = false, strict_mode = true)"""


def _text(file: RecordFile, name: str) -> str:
    """A text column; in JSON a number or truth value counts as its text, more is refused."""
    if file.path.suffix != ".jsonl":
        return f"nullif(trim(\"{name}\"::varchar), '')"
    value = f"json -> {literal(name)}"
    return f"""case when json_type({value}) in ('OBJECT', 'ARRAY')
        then error({literal(f"{name} must be text")}) else nullif(trim({value} ->> '$'), '') end"""


def _list(file: RecordFile, name: str) -> str:
    if name not in file.columns:
        return "[]::varchar[]"
    if file.path.suffix == ".jsonl":
        value = f"json -> {literal(name)}"
        nested = f"""json_type({value}) = 'OBJECT' or len(list_filter(json_extract({value}, '$[*]'),
            lambda x: json_type(x) in ('OBJECT', 'ARRAY'))) > 0"""
        return f"""case when {nested} then
                error({literal(f"{name} must be text or a list of texts")})
            else case json_type({value}) when 'ARRAY' then from_json({value}, '["VARCHAR"]')
            when 'NULL' then []::varchar[] else coalesce([{value} ->> '$'], []) end end"""
    return f"""case when "{name}" is null then []::varchar[]
        when typeof("{name}") like '%[]' then try_cast("{name}" as varchar[])
        else ["{name}"::varchar] end"""


def _refuse_ids(connection: duckdb.DuckDBPyConnection, file: RecordFile) -> None:
    """A record without an id, or one that comes twice, cannot be answered for."""
    system = literal(file.system)
    missing = connection.execute(
        f"select min(place) from raw_rows where system = {system} and id is null"
    ).fetchall()[0][0]
    if missing is not None:
        raise InputError(f"{_line_of(file.path, missing)}: id is missing")
    twice = connection.execute(f"""select id, max(place) from raw_rows where system = {system}
        group by id having count(*) > 1 order by 2 limit 1""").fetchall()
    if twice:
        raise InputError(f"{_line_of(file.path, twice[0][1])}: id {twice[0][0]} comes twice")


def _line_of(path: Path, place: int) -> str:
    """Of the row of this number, from 1. Blank lines are no rows; a CSV begins with its header."""
    if path.suffix == ".parquet":
        return f"{path}, row {place}"
    with path.open("rb") as file:
        filled = (number for number, line in enumerate(file, start=1) if line.strip())
        number = next(islice(filled, place - (path.suffix == ".jsonl"), None))
    return f"{path}:{number}"


def _place(path: Path, error: Exception) -> InputError:
    """The first broken line of a file, in our words."""
    if path.suffix == ".jsonl":
        for number, problem in _broken_json(path):
            return InputError(f"{path}:{number}: {problem}")
    if found := re.search(r"Line: (\d+)", str(error)):
        return InputError(f"{path}:{found[1]}: broken line")
    return InputError(f"{path}: cannot be read as {path.suffix[1:]}")


def _broken_json(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip() and (problem := _json_problem(line)):
                yield number, problem


def _json_problem(line: bytes) -> str | None:
    try:
        row: Any = orjson.loads(line)
    except orjson.JSONDecodeError:
        return "not a JSON object"
    if not isinstance(row, dict):
        return "not a JSON object"
    for name in (*TEXTS, "region", "id"):
        if isinstance(row.get(name), dict | list):
            return f"{name} must be text"
    for name in (*ONE_OF_LIST, *LISTS):
        value = row.get(name)
        if isinstance(value, dict) or (isinstance(value, list) and _nested(value)):
            return f"{name} must be text or a list of texts"
    return None


def _nested(values: list[Any]) -> bool:
    return any(isinstance(value, dict | list) for value in values)
