"""The schema of the database, brought along by migrations."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from domain.errors import ConfigError

MIGRATIONS = Path(__file__).parent / "migrations"
_UPGRADE_LOCK = 7_238_405_961
"""Any number, the same for ever: processes that start together upgrade one after the other."""


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, in the transaction at hand. Raises ConfigError for a
    database whose revision this release does not know.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})"))
    config = _config(connection)
    _refuse_newer(connection, ScriptDirectory.from_config(config))
    command.upgrade(config, "head")


def _refuse_newer(connection: Connection, scripts: ScriptDirectory) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    unknown = set(MigrationContext.configure(connection).get_current_heads()) - known
    if unknown:
        raise ConfigError(
            f"state.url: the database is at revision {', '.join(sorted(unknown))}, which a newer "
            "release has written; run that release, or restore a backup made before it"
        )


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
