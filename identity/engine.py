"""The DuckDB that Splink works on: its own connection, in memory, spilling where it must."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import duckdb

from domain.errors import InputError
from identity.judgement import EngineLimits

R = TypeVar("R")
INTERRUPT_S = 0.1


@contextmanager
def engine(limits: EngineLimits | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A fresh connection that nobody else uses: Splink names its tables in it as it likes."""
    bounds = limits or EngineLimits()
    with tempfile.TemporaryDirectory(prefix="knownas-identity-") as spill:
        connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{bounds.memory_mb}MB",
                "threads": bounds.threads,
                "temp_directory": spill,
                "preserve_insertion_order": False,
            },
        )
        try:
            connection.execute("set enable_progress_bar = false").fetchall()
            yield connection
        except duckdb.OutOfMemoryException as error:
            raise InputError(f"identity: needs more than {bounds.memory_mb} MB") from error
        finally:
            connection.close()


async def aside(connection: duckdb.DuckDBPyConnection, work: Callable[[], R]) -> R:
    """Run what takes long on the connection in a thread. Cancelled, it ends first: a connection in
    use cannot be closed.
    """
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        while not running.done():
            connection.interrupt()  # of the statement at hand: more may follow it
            await asyncio.wait({running}, timeout=INTERRUPT_S)
        running.exception()  # it was interrupted, and nobody waits for why
        raise


def widen(
    connection: duckdb.DuckDBPyConnection, records: int, limits: EngineLimits | None = None
) -> None:
    """Room for so many records, once their number is known."""
    bounds = limits or EngineLimits()
    memory_mb = max(bounds.memory_mb, records * bounds.bytes_a_record // 1_000_000)
    connection.execute(f"set memory_limit = '{memory_mb}MB'").fetchall()
