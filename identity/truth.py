"""Who is who, as somebody knows it, and clusters files measured against it."""

import csv
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson

from domain.errors import InputError
from identity.evaluate import quality, sharing_by_tag
from identity.rules import literal

COLUMNS = ("system", "record_id", "person_id")
Record = tuple[str, str]
"""(system, record id)."""


@dataclass(frozen=True, slots=True)
class Truth:
    """`tagged`: difficulty -> the persons of whom a record has it."""

    persons: Mapping[Record, str]
    tagged: Mapping[str, set[Hashable]]


def read(path: Path) -> Truth:
    """A csv or parquet file `system, record_id, person_id[, tags]`, tags joined by `;`. Raises
    InputError with the place.
    """
    reader = {".csv": _csv_rows, ".parquet": _parquet_rows}.get(path.suffix)
    if reader is None or not path.is_file():
        raise InputError(f"{path}: truth must be a csv or parquet file")
    persons: dict[Record, str] = {}
    tagged: dict[str, set[Hashable]] = defaultdict(set)
    for place, (system, record, person, tags) in reader(path):
        if not (system and record and person):
            raise InputError(f"{place}: system, record_id and person_id must be said")
        if (system, record) in persons:
            raise InputError(f"{place}: {system}/{record} comes twice")
        persons[system, record] = person
        for tag in filter(None, (tags or "").split(";")):
            tagged[tag].add(person)
    return Truth(persons, tagged)


Row = tuple[str, tuple[str | None, str | None, str | None, str | None]]
"""(place, (system, record id, person id, tags))."""


def _csv_rows(path: Path) -> Iterator[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            _require(path, rows.fieldnames or ())
            for row in rows:
                values = (row["system"], row["record_id"], row["person_id"], row.get("tags"))
                yield f"{path}:{rows.line_num}", values
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as csv") from error


def _parquet_rows(path: Path) -> Iterator[Row]:
    source = f"read_parquet({literal(str(path))})"
    with duckdb.connect() as connection:
        try:
            described = connection.execute(f"describe select * from {source}").fetchall()
        except duckdb.Error as error:
            raise InputError(f"{path}: cannot be read as parquet") from error
        names = {name for name, *_ in described}
        _require(path, names)
        tags = "tags::varchar" if "tags" in names else "null"
        rows = connection.execute(
            f"select {', '.join(f'{name}::varchar' for name in COLUMNS)}, {tags} from {source}"
        ).fetchall()
    for number, row in enumerate(rows, start=1):
        yield f"{path}, row {number}", row


def _require(path: Path, names: Any) -> None:
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise InputError(f"{path}: needs columns {', '.join(COLUMNS)}; {missing[0]} is missing")


# ---------------------------------------------------------------- clusters against truth


def clusters(path: Path) -> dict[Record, str]:
    """A clusters file (see run): record -> customer. Raises InputError with the line."""
    found: dict[Record, str] = {}
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    record, customer = _cluster_line(line, f"{path}:{number}")
                    if record in found:
                        place = f"{path}:{number}"
                        raise InputError(f"{place}: {record[0]}/{record[1]} comes twice")
                    found[record] = customer
    except OSError as error:
        raise InputError(f"{path}: cannot be read") from error
    return found


def _cluster_line(line: bytes, place: str) -> tuple[Record, str]:
    try:
        row: Any = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InputError(f"{place}: not a JSON object") from error
    if not isinstance(row, dict):
        raise InputError(f"{place}: not a JSON object")
    system, record, customer = (row.get(name) for name in ("system", "id", "customer_id"))
    for value in (system, record, customer):
        if not isinstance(value, str) or not value:
            raise InputError(f"{place}: needs the texts system, id and customer_id")
    return (str(system), str(record)), str(customer)


def evaluation(truth: Truth, customers: Mapping[Record, str]) -> dict[str, Any]:
    """The figures of `identity evaluate`. A record of truth that no cluster holds counts as one
    left alone (`missing`), records that truth does not name are left out (`not_in_truth`).
    """
    labelled = [(customers.get(record, record), person) for record, person in truth.persons.items()]
    tags = sharing_by_tag(labelled, truth.tagged)
    return {
        **asdict(quality(labelled)),
        "missing": sum(record not in customers for record in truth.persons),
        "not_in_truth": sum(record not in truth.persons for record in customers),
        "sharing_by_tag": {tag: asdict(shared) for tag, shared in tags.items()},
    }
