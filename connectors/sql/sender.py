"""The way to a database, as a `Sender`: a statement's name and parameters in, rows as JSON out.

So deadline, retries, breaker, limits and de-duplication are those of every other source. Nothing
can be written: every connection is set to read only, beside the check of the statements.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from sqlalchemy import (
    URL,
    BindParameter,
    Connection,
    Engine,
    TextClause,
    bindparam,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.types import NullType

from connectors.sender import Incoming, Outgoing, SendFailed, TooLarge
from connectors.settings import SourceSettings
from connectors.sql.statements import binds
from domain.errors import ConfigError

PLACE = "http://database"
"""Stands where others have an address; the one of the database is a secret."""
THREADS = 8
_LISTS = ("ids", "parents")
_OPEN = {
    "since": datetime(1970, 1, 1, tzinfo=UTC),
    "until": datetime(9000, 1, 1, tzinfo=UTC),
}
"""Times that leave nothing out."""
_JSON = {"content-type": "application/json"}
_LOCKED_OUT = ("28", "42501")
"""SQLSTATE: invalid authorization, insufficient privilege."""
_PASSING = ("08", "53", "57")
"""SQLSTATE: no connection, no resources, stopped by an operator or a timeout."""
_SQLITE_REFUSES = ("no such", "near ", "ambiguous", "wrong number", "unrecognized", "incomplete")
_STEPS = 10_000
"""Instructions of SQLite between two looks at the clock: about a millisecond."""
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


class DatabaseSender:
    """`Sender` over an SQLAlchemy engine, in threads of its own. A statement that outlives its
    deadline is cut by the database's own timeout, or interrupted where it has none.
    """

    def __init__(
        self, engine: Engine, statements: Mapping[str, str], zone: ZoneInfo, timeout_s: float
    ) -> None:
        self._engine = engine
        self._statements = {name: _prepared(sql) for name, sql in statements.items()}
        self._zone = zone
        self._timeout_s = timeout_s
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="sql")

    def __repr__(self) -> str:
        return f"DatabaseSender({self._engine.dialect.name})"

    async def send(self, outgoing: Outgoing) -> Incoming:
        name = urlsplit(outgoing.url).path.lstrip("/")
        values = self._values(orjson.loads(outgoing.body or b"{}"))
        loop = asyncio.get_running_loop()
        left_s = min(max(0.001, outgoing.deadline - loop.time()), self._timeout_s)
        work = partial(self._rows, self._statements[name], values, left_s, outgoing.max_bytes)
        try:
            body = await loop.run_in_executor(self._pool, work)
        except DBAPIError as error:
            return _refused(error)
        except SQLAlchemyError as error:
            raise SendFailed(type(error).__name__) from None
        return Incoming(status=200, headers=_JSON, body=body)

    async def close(self) -> None:
        await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)
        self._engine.dispose()

    def _rows(
        self, statement: TextClause, values: Mapping[str, Any], left_s: float, max_bytes: int
    ) -> bytes:
        with self._engine.connect() as connection, _limited(connection, left_s):
            found = connection.execute(statement, values)
            names = list(found.keys())
            rows: list[bytes] = []
            size = 0
            for row in found:
                one = orjson.dumps(dict(zip(names, row, strict=True)), default=_shown)
                size += len(one) + 1
                if size > max_bytes:
                    raise TooLarge
                rows.append(one)
            return b"[" + b",".join(rows) + b"]"

    def _values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Times as the database compares them: with their zone where it has such times, else as it
        stores them, in the zone of the source.
        """
        values = dict(given)
        for name in ("since", "until"):
            written = given.get(name)
            if name not in given:
                continue
            moment = datetime.fromisoformat(written) if written else _OPEN[name]
            values[name] = self._compared(moment)
            values[f"{name}_unix"] = int(moment.timestamp())
        return values

    def _compared(self, moment: datetime) -> datetime | str:
        if self._engine.dialect.name == "postgresql":
            return moment
        local = moment.astimezone(self._zone).replace(tzinfo=None)
        return local.isoformat(" ") if self._engine.dialect.name == "sqlite" else local


def open_sender(settings: SourceSettings, statements: Mapping[str, str]) -> DatabaseSender:
    """Opens no connection. Raises ConfigError for a URL that cannot be used, without quoting it."""
    secret = settings.secrets.get("url")
    if not secret:
        raise ConfigError("url: a secret is needed (env or file), an SQLAlchemy URL")
    try:
        url = make_url(secret.reveal().strip())
        url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
        engine = _engine(url)
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
        # The cause is left out: it may quote a password.
        raise ConfigError("url: not an SQLAlchemy URL, or its driver is not installed") from None
    try:
        zone = ZoneInfo(settings.time_zone)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise ConfigError(f"time_zone: no such time zone: {settings.time_zone}") from error
    event.listen(engine, "connect", partial(_read_only, engine, settings.time_zone))
    return DatabaseSender(engine, statements, zone, settings.timeout_s)


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        if url.database in (None, "", ":memory:"):
            raise ValueError("a database in memory is nobody's system")
        # Opened to be read: a file that is not there is not made.
        url = url.set(database=f"file:{quote(str(url.database))}")
        url = url.update_query_dict({"mode": "ro", "uri": "true"})
    return create_engine(
        url, pool_size=THREADS, max_overflow=0, pool_recycle=1800, hide_parameters=True
    )


def _read_only(engine: Engine, zone: str, connection: Any, _record: Any) -> None:
    """Once a connection. Databases other than these are held to the check of the statement."""
    settings = {
        "postgresql": (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            f"SET TIME ZONE '{zone}'",
        ),
        "sqlite": ("PRAGMA query_only = ON",),
        "mysql": ("SET SESSION TRANSACTION READ ONLY",),
        "mariadb": ("SET SESSION TRANSACTION READ ONLY",),
    }
    cursor = connection.cursor()
    for setting in settings.get(engine.dialect.name, ()):
        cursor.execute(setting)
    cursor.close()
    connection.commit()


@contextmanager
def _limited(connection: Connection, left_s: float) -> Iterator[None]:
    """Ends a statement that takes longer, at the database itself."""
    milliseconds, name = max(1, int(left_s * 1000)), connection.dialect.name
    if name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
    elif name == "mysql":
        connection.exec_driver_sql(f"SET SESSION max_execution_time = {milliseconds}")
    elif name == "mariadb":
        connection.exec_driver_sql(f"SET SESSION max_statement_time = {left_s:.3f}")
    raw = connection.connection.dbapi_connection if name == "sqlite" else None
    if raw is None:
        yield
        return
    end = time.monotonic() + left_s
    raw.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        yield
    finally:
        raw.set_progress_handler(None, 0)


def _prepared(sql: str) -> TextClause:
    """Lists expand to as many values as there are; no parameter is cast to a type of ours."""
    parameters: list[BindParameter[Any]] = [
        bindparam(name, type_=NullType(), expanding=name in _LISTS) for name in binds(sql)
    ]
    return text(sql.strip().removesuffix(";")).bindparams(*parameters)


def _refused(error: DBAPIError) -> Incoming:
    """A no of the database as a status, or SendFailed where there was no answer at all."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    told = str(error.orig)
    if state.startswith(_LOCKED_OUT) or "authentication failed" in told:
        return Incoming(status=401, headers=_JSON, body=b"null")
    passing = isinstance(error, OperationalError) and (not state or state.startswith(_PASSING))
    if error.connection_invalidated or (passing and not told.startswith(_SQLITE_REFUSES)):
        raise SendFailed(type(error.orig).__name__) from None
    return Incoming(status=400, headers=_JSON, body=b"null")


def _shown(value: object) -> str:
    """What JSON has no form for: decimals keep every digit."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    return str(value)
