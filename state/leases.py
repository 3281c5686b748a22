"""Work that one process does for all: who does it, and until when nobody else may."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, or_
from sqlalchemy.dialects import postgresql, sqlite

from state.tables import leases


def take(connection: Connection, name: str, holder: str, now: datetime, lease_s: float) -> bool:
    """Whether the holder has it now: it had it, or nobody had, or whoever had did not renew it."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    until = now + timedelta(seconds=lease_s)
    statement = dialect.insert(leases).values(name=name, holder=holder, until=until)
    free = or_(leases.c.holder == holder, leases.c.until <= now)
    taken = statement.on_conflict_do_update(
        index_elements=[leases.c.name], set_={"holder": holder, "until": until}, where=free
    )
    return connection.execute(taken.returning(leases.c.name)).first() is not None


def end(connection: Connection, name: str, holder: str) -> None:
    """Let it go, unless it has gone to somebody else."""
    connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
