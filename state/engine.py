"""From a URL to a state store: engines, threads, and the schema the code needs."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, StaticPool, create_engine, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from domain.errors import ConfigError
from domain.events import Fold
from domain.ports import Clock
from state import schema
from state.arrivals import SqlArrivals
from state.commitments import SqlCommitments
from state.decisions import SqlDecisions
from state.documents import SqlDocuments
from state.events import SqlEvents
from state.guests import SqlGuests
from state.handoffs import SqlHandoffs
from state.identities import SqlIdentities
from state.inbox import SqlInbox
from state.intake import SqlIntake
from state.records import SqlRecords
from state.shelf import SqlTokenShelf
from state.transactions import WRITES, Lane, Transactions

THREADS = 8
MOST_WAITING = 100_000
"""Events that may wait in the inbox, where the configuration does not say."""
LOCK_TIMEOUT_S = 60
"""How long a writer waits for another. The publication of a million records is one transaction."""

_ALLOWED = "allowed are sqlite:///knownas.db and postgresql://user:password@host/database"
_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers do not wait for the writer
    "PRAGMA synchronous = FULL",  # what was acknowledged survives a power cut
    "PRAGMA cache_size = -32768",  # KiB, per connection, and
    "PRAGMA soft_heap_limit = 33554432",  # bytes for all of them: readers would fill nine caches
    "PRAGMA wal_autocheckpoint = 8192",  # pages: in a bulk load most are written many times
    "PRAGMA temp_store = MEMORY",
)
POSTGRES_SETTINGS = (f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'",)
READER_SETTINGS = (
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
)


class State:
    """The state store. Its text and repr hold no part of the URL but the kind of database."""

    def __init__(
        self, dialect: str, transactions: Transactions, clock: Clock, most_waiting: int
    ) -> None:
        self._dialect = dialect
        self._transactions = transactions
        self._clock = clock
        self.records = SqlRecords(transactions, clock)
        self.identities = SqlIdentities(transactions, clock)
        self.arrivals = SqlArrivals(transactions, clock)
        self.decisions = SqlDecisions(transactions)
        self.documents = SqlDocuments(transactions, clock)
        self.inbox = SqlInbox(transactions, clock, most_waiting)
        self.intake = SqlIntake(transactions)
        self.tokens = SqlTokenShelf(transactions, clock)
        self.guests = SqlGuests(transactions)
        self.handoffs = SqlHandoffs(transactions)
        self.commitments = SqlCommitments(transactions)
        self.changes: Callable[[], int] = partial(getattr, transactions, "changes")
        """A count that rises when this process has changed people or their records; of other
        processes it says nothing. Each request asks three times, so no function of ours is between.
        """

    def __repr__(self) -> str:
        return f"State({self._dialect})"

    def events(self, fold: Fold) -> SqlEvents:
        """The event store; `fold` says what the events of an interaction come to."""
        return SqlEvents(self._transactions, self._clock, fold)

    async def upgrade(self) -> None:
        """Bring the schema to what this release needs; harmless to repeat, and for several
        processes at once. Raises ConfigError for a database that a newer release has written.
        """
        await self._transactions.write(schema.upgrade)

    async def ping(self) -> None:
        """Raises StoreError where the store does not answer."""
        await self._transactions.read(_select_one)

    async def close(self) -> None:
        await self._transactions.close()


def open_state(
    url: str,
    *,
    clock: Clock | None = None,
    threads: int = THREADS,
    most_waiting: int = MOST_WAITING,
) -> State:
    """A state store, not yet asked anything. `sqlite://` is one in memory, gone when closed.

    Raises ConfigError for a URL it cannot use.
    """
    parsed = _parse(url)
    dialect = parsed.get_backend_name()
    opened = _open_sqlite if dialect == "sqlite" else _open_postgres
    return State(dialect, opened(parsed, threads), clock or _SystemClock(), most_waiting)


class _SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The cause is left out: it quotes the URL, or the part of a password it took for a port.
        raise ConfigError(f"state.url: not a database URL; {_ALLOWED}") from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise ConfigError(f"state.url: {parsed.drivername[:40]!r} is not supported; {_ALLOWED}")
    return parsed.set(drivername=driver)


def _open_sqlite(url: URL, threads: int) -> Transactions:
    """One thread writes: writers wait in a queue of ours, not for a lock that knows no order."""
    settings: dict[str, Any] = {"pool_size": threads + 1}
    if url.database in (None, "", ":memory:"):
        settings = {"poolclass": StaticPool}
    else:
        _create_private(Path(str(url.database)))
    arguments = {"check_same_thread": False, "timeout": LOCK_TIMEOUT_S}
    engine = create_engine(url, connect_args=arguments, hide_parameters=True, **settings)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    writing = Lane(engine.execution_options(**WRITES), _pool(1))
    reading = writing if "poolclass" in settings else Lane(engine, _pool(threads))
    return Transactions(reading, writing)


def _open_postgres(url: URL, threads: int) -> Transactions:
    """Readers have connections of their own, on which every transaction is one snapshot: to change
    that on a connection for each would cost as much as a look-up.
    """
    return Transactions(
        _postgres_lane(url, threads, READER_SETTINGS), _postgres_lane(url, threads, ())
    )


def _postgres_lane(url: URL, threads: int, settings: Sequence[str]) -> Lane:
    engine = create_engine(
        url,
        connect_args={"connect_timeout": 5, "application_name": "knownas"},
        pool_size=threads,
        max_overflow=0,
        hide_parameters=True,
    )
    event.listen(engine, "connect", partial(_set_up_postgres, (*POSTGRES_SETTINGS, *settings)))
    return Lane(engine, _pool(threads))


def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=threads, thread_name_prefix="state")


def _create_private(path: Path) -> None:
    """The file holds personal data: where it is new, nobody else may read it. SQLite gives the
    files beside it the same mode.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConfigError(f"state.url: {path} cannot be opened: {error.strerror}") from error


def _set_up_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # transactions begin where we say, not at the first INSERT
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at its beginning: turning a reader into a writer may be refused."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _set_up_postgres(
    settings: Sequence[str], connection: DBAPIConnection, _: ConnectionPoolEntry
) -> None:
    cursor = connection.cursor()
    for setting in settings:
        cursor.execute(setting)
    cursor.close()
    connection.commit()


def _select_one(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))
