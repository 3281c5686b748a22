"""Whether migrations are missing is told without Alembic, by the names of their files."""

import sqlite3
from contextlib import closing

from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

from state import revisions, schema
from state.engine import open_state


def test_the_newest_migration_is_the_one_with_the_highest_number():
    assert ScriptDirectory(str(schema.MIGRATIONS)).get_heads() == [schema.newest()]


def test_what_is_up_to_date_is_not_handed_to_alembic(monkeypatch):
    handed = []
    upgrade = revisions.upgrade
    monkeypatch.setattr(revisions, "upgrade", lambda one: (handed.append(one), upgrade(one)))
    with create_engine("sqlite://").begin() as connection:
        schema.upgrade(connection)
        assert inspect(connection).has_table("identity_state")
        schema.upgrade(connection)
        assert len(handed) == 1
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        monkeypatch.setattr(revisions, "upgrade", handed.append)
        schema.upgrade(connection)
        assert len(handed) == 2


async def test_the_caches_of_all_connections_to_a_file_are_bounded_together(tmp_path):
    """Each has its own, and a store larger than all of them would fill each to its brim."""
    state = open_state(f"sqlite:///{tmp_path}/state.db")
    await state.ping()
    with closing(sqlite3.connect(":memory:")) as other:
        assert other.execute("PRAGMA soft_heap_limit").fetchone() == (32 * 2**20,)
    await state.close()
