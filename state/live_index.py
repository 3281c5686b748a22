"""Keeping what live resolution reads in step with the contacts, in the same transaction."""

from collections import Counter
from collections.abc import Iterable, Mapping
from struct import pack as in_bytes
from struct import unpack as from_bytes

from sqlalchemy import Connection, bindparam, delete, select, text

from domain.ports import Comparable
from state import bulk, codec, driver
from state.keys import indexed, number
from state.live_tables import compared_records, record_blocks, unsettled_records

Term = tuple[str, str]

_KEPT = select(compared_records.c.number, compared_records.c.blocks, compared_records.c.terms)
_KEPT_OF = _KEPT.where(bulk.among_numbers(compared_records.c.number))
_FORGET = delete(compared_records).where(bulk.among_numbers(compared_records.c.number))
_FORGET_BLOCK = delete(record_blocks).where(
    record_blocks.c.block == bindparam("one_block"), record_blocks.c.number == bindparam("own")
)
_ADD_SQLITE = """INSERT INTO term_counts (value, kind, count) VALUES (?, ?, ?)
    ON CONFLICT (value, kind) DO UPDATE SET count = term_counts.count + excluded.count"""
_ADD_POSTGRES = text("""INSERT INTO term_counts (value, kind, count)
    SELECT value, kind, count FROM json_to_recordset(CAST(:rows AS JSON))
        AS told(value text, kind text, count bigint)
    ON CONFLICT (value, kind) DO UPDATE SET count = term_counts.count + excluded.count""")


def replace(
    connection: Connection,
    written: Mapping[str, Comparable | None],
    stale: Iterable[str] = (),
    gone: Iterable[str] = (),
) -> None:
    """Take out what is kept of the records that are stale or gone, and put in what was written (by
    packed keys); all of them wait to be settled.
    """
    dead = list(gone)
    changes = _take_out(connection, {*stale, *dead})
    _put_in(connection, {key: one for key, one in written.items() if one is not None}, changes)
    wait(connection, [*written, *dead])


def renew(connection: Connection, written: Mapping[str, Comparable]) -> None:
    """Put in what was written in the place of what is kept, without a change of the records."""
    _put_in(connection, written, _take_out(connection, written))


def wait(connection: Connection, keys: Iterable[str]) -> None:
    rows = ({"key": key, "taken": False} for key in sorted(set(keys)))
    bulk.upsert(connection, unsettled_records, rows)


def _put_in(
    connection: Connection, written: Mapping[str, Comparable], changes: Counter[Term]
) -> None:
    """What is handed in is not kept yet. `changes` are counts that change besides."""
    numbered = sorted((number(key), key) for key in written)
    bulk.upsert(
        connection, compared_records, (_row(own, key, written[key]) for own, key in numbered)
    )
    pairs = sorted((block, own) for own, key in numbered for block in written[key].blocks)
    rows = ({"block": block, "number": own} for block, own in pairs)
    bulk.insert_missing(connection, record_blocks, rows)
    changes.update(term for one in written.values() for term in one.terms)
    _add(connection, changes)


def _row(own: int, key: str, one: Comparable) -> bulk.Values:
    return {
        "number": own,
        "key": key,
        "form": one.form,
        "row": one.row,
        "blocks": in_bytes(f"<{len(one.blocks)}q", *one.blocks),
        "terms": codec.encode(one.terms),
    }


def _take_out(connection: Connection, keys: Iterable[str]) -> Counter[Term]:
    """Returns what is counted no more."""
    changes: Counter[Term] = Counter()
    numbers = [number(key) for key in keys]
    pairs: list[dict[str, int]] = []
    for row in bulk.answers(connection, _KEPT_OF, numbers):
        blocks = from_bytes(f"<{len(row.blocks) // 8}q", row.blocks)
        pairs += ({"one_block": block, "own": row.number} for block in blocks)
        changes.subtract(codec.decode(row.terms, list[Term]))
    if pairs:
        bulk.run_each(connection, _FORGET_BLOCK, pairs)
        bulk.update_among(connection, _FORGET, numbers)
    return changes


def _add(connection: Connection, changes: Counter[Term]) -> None:
    """In the order of the key: two transactions then never wait for each other crosswise."""
    rows = sorted(
        (indexed(value), kind, count) for (kind, value), count in changes.items() if count
    )
    for chunk in bulk.chunks(rows):
        if connection.dialect.name == "postgresql":
            told = [{"value": value, "kind": kind, "count": count} for value, kind, count in chunk]
            connection.execute(_ADD_POSTGRES, {"rows": codec.encode(told).decode()})
        else:
            driver.run_text(connection, _ADD_SQLITE, chunk)
