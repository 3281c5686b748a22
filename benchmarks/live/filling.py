"""A store on SQLite as a sync and a resolution of everything leave it, made in a few minutes: rows
are worked out by several processes and written in the order of their keys.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from struct import pack as in_bytes

import duckdb
import pyarrow as pa
from pyarrow import parquet

from domain.records import Contact
from identity import batch
from identity.index import index
from identity.workers import workers
from live.people import NOW, Town
from state import codec
from state.keys import indexed, number, pack

PAGE = 8_000
"""People whose rows are worked out at a time."""
CHUNK = 50_000
_SHARDS: Mapping[str, pa.Schema] = {
    "contacts": pa.schema({"key": "string", "body": "binary", "customer": "string"}),
    "contact_identifiers": pa.schema(dict.fromkeys(("value", "kind", "scope", "key"), "string")),
    "contact_words": pa.schema(dict.fromkeys(("word", "key"), "string")),
    "compared_records": pa.schema(
        {"number": "int64", "key": "string", "form": "int64"}
        | dict.fromkeys(("row", "blocks", "terms"), "binary")
    ),
    "record_blocks": pa.schema({"block": "int64", "number": "int64"}),
    "term_counts": pa.schema(dict.fromkeys(("value", "kind"), "string")),
    "said": pa.schema(
        dict.fromkeys(("system", "id", "given_name", "family_name"), pa.string())
        | {"emails": pa.list_(pa.string()), "phones": pa.list_(pa.string())}
        | dict.fromkeys(("street", "city", "postcode", "birth_date"), pa.string())
    ),
}
_AT = NOW.replace(tzinfo=None).isoformat(" ", timespec="microseconds")
_WRITES = (
    # what is read from the shards in the order of its key, and where it goes
    ("select key, $at as fetched_at, $at as seen_at, body from contacts", "contacts"),
    ("select key, customer, 1 as since from contacts", "memberships"),
    (
        """select customer as id, 1 as version, 1::double as confidence, customer as standing
            from contacts group by customer""",
        "customers",
    ),
    ("select distinct value, kind, scope, key from contact_identifiers", "contact_identifiers"),
    ("select distinct word, key from contact_words", "contact_words"),
    ('select number, key, form, "row", blocks, terms from compared_records', "compared_records"),
    ("select block, number from record_blocks", "record_blocks"),
    ("select value, kind, count(*) as count from term_counts group by all", "term_counts"),
)


def fill(path: Path, shards: Path, people: int) -> None:
    """Write so many people of the town into a store that is empty; `shards` are kept, for
    `compare`.
    """
    shards.mkdir()
    jobs = [(shards, first, min(PAGE, people - first)) for first in range(0, people, PAGE)]
    with workers() as processes:
        list(processes.map(_shard, jobs, worthwhile=True))
    store = sqlite3.connect(path)
    store.execute("pragma synchronous = off")
    store.execute("pragma cache_size = -400000")  # KiB: the second indexes are filled in no order
    with duckdb.connect() as reader:
        for name in _SHARDS:
            reader.read_parquet(f"{shards}/{name}-*.parquet").create_view(name)
        for query, table in _WRITES:
            _write(reader, query, store, table)
    store.commit()
    store.execute("pragma wal_checkpoint(truncate)").fetchall()
    store.close()


def _write(
    reader: duckdb.DuckDBPyConnection, query: str, store: sqlite3.Connection, table: str
) -> None:
    said = {"at": _AT} if "$at" in query else None
    found = reader.execute(f"{query} order by 1, 2", said)
    names = [column[0] for column in found.description]
    columns, holes = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
    statement = f"insert into {table} ({columns}) values ({holes})"  # noqa: S608  # ours
    while rows := found.fetchmany(CHUNK):
        store.executemany(statement, rows)


def _shard(job: tuple[Path, int, int]) -> None:
    """The rows of some people, a file a table."""
    folder, first, many = job
    town = Town()
    rows: dict[str, list[tuple[object, ...]]] = {name: [] for name in _SHARDS}
    for person in range(first, first + many):
        for one in town.person(person):
            _note(rows, person, one)
    for name, schema in _SHARDS.items():
        columns = [list(column) for column in zip(*rows[name], strict=True)]
        table = pa.table(columns, schema=schema)
        parquet.write_table(table, folder / f"{name}-{first:09}.parquet")


def _note(rows: dict[str, list[tuple[object, ...]]], person: int, one: Contact) -> None:
    kept = index(one, None)
    key, compared = pack(one.key), kept.comparable
    own = number(key)
    rows["contacts"].append((key, codec.encode(one), f"cus_{person:026}"))
    rows["contact_identifiers"] += (
        (indexed(i.value), i.kind.value, i.scope, key) for i in kept.identifiers
    )
    rows["contact_words"] += ((indexed(word), key) for word in kept.words)
    rows["said"].append(_said(one))
    if compared is not None:
        blocks = in_bytes(f"<{len(compared.blocks)}q", *compared.blocks)
        told = codec.encode(compared.terms)
        rows["compared_records"].append((own, key, compared.form, compared.row, blocks, told))
        rows["record_blocks"] += ((block, own) for block in compared.blocks)
        rows["term_counts"] += ((indexed(value), kind) for kind, value in compared.terms)


def _said(one: Contact) -> tuple[object, ...]:
    place = one.address
    return (
        one.key.source,
        one.key.external_id,
        one.given_name,
        one.family_name,
        list(one.emails),
        list(one.phones),
        *((place.street, place.city, place.postcode) if place else (None, None, None)),
        one.birth_date.isoformat() if one.birth_date else None,
    )


def compare(connection: duckdb.DuckDBPyConnection, shards: Path) -> None:
    """Make `features` of the same people."""
    connection.read_parquet(f"{shards}/said-*.parquet").create_view("said")
    connection.execute("""create table raw_people as select row_number() over () - 1 as uid,
        system, id, null::varchar as account_number, null::varchar as full_name, given_name,
        family_name, street, city, postcode, birth_date, emails, phones,
        []::varchar[] as handles, null::varchar as region, null::varchar as country,
        null::varchar as company from said""").fetchall()
    batch.prepare(connection)
