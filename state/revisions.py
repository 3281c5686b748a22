"""Migrations, run by Alembic: 10 MB that are loaded only where a migration is missing."""

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from domain.errors import ConfigError
from state.schema import MIGRATIONS


def upgrade(connection: Connection) -> None:
    """Run those that are missing. Raises ConfigError for a database whose revision this release
    does not know.
    """
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
