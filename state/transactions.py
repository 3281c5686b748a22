"""Where the synchronous database meets the event loop: threads, transactions, errors."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from domain.errors import StoreError

T = TypeVar("T")
P = ParamSpec("P")
Work = Callable[[Connection], T]

WRITES = {"writes": True}
"""Execution options of a transaction that writes; SQLite takes its lock at once for it."""

ATTEMPTS = 6
_CLASHES = frozenset({"40001", "40P01"})
"""PostgreSQL, appendix A: serialization_failure and deadlock_detected. Both say: again."""


@dataclass(frozen=True, slots=True)
class Lane:
    """An engine and the threads that may use it."""

    engine: Engine
    threads: ThreadPoolExecutor


class Transactions:
    """Runs work as one transaction in a bounded number of threads.

    Readers have threads of their own: writers that wait for each other must not keep them waiting.
    """

    def __init__(self, reading: Lane, writing: Lane) -> None:
        self._reading = reading
        self._writing = writing
        self.changes = 0
        """Rises with every write of this process that others may have read before."""

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """One snapshot, however many statements."""
        running = _submit(self._reading, lambda connection: work(connection, *args, **kwargs))
        return await asyncio.wrap_future(running)

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """All of it or none. `work` may run more than once and must not change anything else.

        Cancelled, it ends before the caller goes on: what the caller does next comes after it.
        """
        try:
            return await self.write_apart(work, *args, **kwargs)
        finally:
            self.changes += 1

    async def write_apart(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """`write`, for what nobody remembers a reading of."""
        running = _submit(self._writing, lambda connection: work(connection, *args, **kwargs))
        waiting = asyncio.wrap_future(running)
        try:
            return await asyncio.shield(waiting)
        except asyncio.CancelledError:
            if not running.cancel():
                await asyncio.wait({waiting})
            raise

    async def close(self) -> None:
        """Waits for what is running; nothing can be asked afterwards."""
        for lane in (self._reading, self._writing):
            await asyncio.to_thread(lane.threads.shutdown)
            lane.engine.dispose()


def _submit(lane: Lane, work: Work[T]) -> "Future[T]":
    try:
        return lane.threads.submit(partial(transact, lane.engine, work))
    except RuntimeError as error:
        raise StoreError("the state store is closed") from error


def transact(engine: Engine, work: Work[T]) -> T:
    """Run work in a transaction, again where it clashed with another or its connection was found
    dead. Raises only our own errors for what the database says.
    """
    for attempt in range(1, ATTEMPTS + 1):
        committing = False
        try:
            with engine.begin() as connection:
                result = work(connection)
                committing = True
            return result
        except SQLAlchemyError as error:
            again = _is_clash(error) or (_is_dead(error) and not committing)
            if attempt == ATTEMPTS or not again:
                raise StoreError(f"the state store failed: {_told(error)}") from error
        time.sleep(_pause_s(attempt))
    raise AssertionError("the last attempt returns or raises")


def _is_clash(error: SQLAlchemyError) -> bool:
    return _sqlstate(error) in _CLASHES


def _is_dead(error: SQLAlchemyError) -> bool:
    """The server went away while the connection lay in the pool, which has been emptied of its
    like. That is cheaper than asking each connection whether it lives before using it.
    """
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _pause_s(attempt: int) -> float:
    """Longer each time, and different per thread, so that those who clashed do not meet again."""
    return float(0.01 * 2**attempt) * (1 + threading.get_ident() % 97 / 97)


def _told(error: SQLAlchemyError) -> str:
    """What may be shown: no address, statement or value. PostgreSQL's DETAIL quotes rows and its
    connection errors name hosts, so only the primary message of a coded error is taken.
    """
    if not isinstance(error, DBAPIError):
        return type(error).__name__
    code = _sqlstate(error)
    if code is None:
        return str(error.orig) if _is_sqlite(error) else "it cannot be reached"
    message = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    return f"{code} {message}"


def _sqlstate(error: SQLAlchemyError) -> str | None:
    code = getattr(getattr(error, "orig", None), "sqlstate", None)
    return code if isinstance(code, str) else None


def _is_sqlite(error: DBAPIError) -> bool:
    return type(error.orig).__module__.startswith("sqlite3")
