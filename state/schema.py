"""The schema of the database, brought along by migrations."""

from importlib import import_module
from pathlib import Path

from sqlalchemy import Connection, inspect, text

MIGRATIONS = Path(__file__).parent / "migrations"
_UPGRADE_LOCK = 7_238_405_961
"""Any number, the same for ever: processes that start together upgrade one after the other."""


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, in the transaction at hand. Raises ConfigError for a
    database whose revision this release does not know.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})"))
    if _standing(connection) != {newest()}:
        import_module("state.revisions").upgrade(connection)


def newest() -> str:
    """The revision that this release needs; migrations are one chain, and named by it."""
    names = (path.name for path in (MIGRATIONS / "versions").glob("r[0-9]*.py"))
    return max(name.removeprefix("r").partition("_")[0] for name in names)


def _standing(connection: Connection) -> set[str]:
    """The revision the database is at; none where it is new."""
    if not inspect(connection).has_table("alembic_version"):
        return set()
    return set(connection.scalars(text("SELECT version_num FROM alembic_version")))
