import asyncio
import os
import stat
import traceback

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from domain.errors import ConfigError, GatewayError, StoreError
from domain.ids import Kind
from state import tables
from state.engine import open_state

PASSWORD = "s3cr3t-Passw0rd"


def driver_url(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://")


@pytest.fixture(params=["sqlite", "postgresql"])
def state_url(request, tmp_path):
    """Without a table: these tests are about what makes them, and one drops one."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres_url")
    return f"sqlite:///{tmp_path}/state.db"


@pytest.fixture
async def state(state_url, clock):
    state = open_state(state_url, clock=clock)
    await state.upgrade()
    yield state
    await state.close()


@pytest.fixture
def database(state_url):
    """A plain connection to the same database."""
    engine = create_engine(driver_url(state_url))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


# ---------------------------------------------------------------- the schema


async def test_the_migrations_make_the_tables_the_code_knows(state, database):
    context = MigrationContext.configure(database, opts={"compare_type": True})
    assert compare_metadata(context, tables.metadata) == []


async def test_every_key_has_the_same_columns_and_bytewise_order_in_the_database(state, database):
    """What autogeneration does not compare: primary keys, and the collation of their columns."""
    look = inspect(database)
    for table in tables.metadata.sorted_tables:
        key = look.get_pk_constraint(table.name)["constrained_columns"]
        assert key == [column.name for column in table.primary_key]
        if database.dialect.name == "postgresql":
            found = {column["name"]: column["type"] for column in look.get_columns(table.name)}
            collations = {
                found[column.name].collation for column in table.c if column.type is tables.ByteText
            }
            assert collations <= {"C"}, table.name


async def test_upgrading_again_keeps_what_is_there(state, put, contact, key):
    await put(contact("1"))
    await state.upgrade()
    assert await state.records.contacts([key("1")]) == [contact("1").contact]


async def test_several_processes_may_upgrade_at_once(state_url):
    states = [open_state(state_url) for _ in range(4)]
    await asyncio.gather(*(state.upgrade() for state in states))
    assert await states[0].identities.version() == 0
    await asyncio.gather(*(state.close() for state in states))


async def test_a_database_of_a_newer_release_is_refused(state, database):
    database.execute(text("UPDATE alembic_version SET version_num = 'fe01'"))
    database.commit()
    with pytest.raises(ConfigError, match="revision fe01, which a newer release has written"):
        await state.upgrade()


async def test_a_database_that_was_not_upgraded_says_which_table_is_missing(state_url):
    state = open_state(state_url)
    with pytest.raises(StoreError, match="identity_state"):
        await state.identities.version()
    await state.close()


# ---------------------------------------------------------------- opening and closing


async def test_a_store_in_memory_works_and_is_gone_when_closed(contact, key):
    state = open_state("sqlite://")
    await state.upgrade()
    await asyncio.gather(*(state.records.cursor("crm", Kind.CONTACT) for _ in range(20)))
    assert await state.identities.version() == 0
    await state.close()
    again = open_state("sqlite://")
    with pytest.raises(StoreError):
        await again.identities.version()
    await again.close()


async def test_an_open_store_answers_a_ping(state):
    await state.ping()


async def test_a_closed_store_says_so(state):
    await state.close()
    with pytest.raises(StoreError, match="closed"):
        await state.ping()


async def test_a_new_file_is_nobody_elses_to_read(tmp_path):
    before = os.umask(0)
    try:
        state = open_state(f"sqlite:///{tmp_path}/own.db")
        await state.upgrade()
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
        assert modes == {"own.db": 0o600, "own.db-wal": 0o600, "own.db-shm": 0o600}
        await state.close()
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://root@localhost/x",
        "sqlite:////nowhere/at/all/state.db",
        "sqlite:///",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_its_place(url, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if url == "sqlite:///":
        url = f"sqlite:///{tmp_path}"
    with pytest.raises(ConfigError, match=r"state\.url"):
        open_state(url)


# ---------------------------------------------------------------- secrets


def told(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.mark.parametrize(
    "url",
    [
        f"oracle://knownas:{PASSWORD}@localhost/x",
        f"postgresql://knownas:{PASSWORD}@local host:99x/y",
        f"postgresql://knownas:12/{PASSWORD}@h:{PASSWORD}/x",
        f"knownas:{PASSWORD}@h",
    ],
)
def test_a_refused_url_shows_no_password(url):
    with pytest.raises(ConfigError) as caught:
        open_state(url)
    assert PASSWORD not in told(caught.value)


async def test_no_error_repr_or_log_of_a_store_out_of_reach_shows_the_password(caplog):
    caplog.set_level("DEBUG")
    state = open_state(f"postgresql://knownas:{PASSWORD}@127.0.0.1:1/x?password={PASSWORD}")
    assert repr(state) == "State(postgresql)"
    for ask in (state.ping, state.upgrade, state.identities.version):
        with pytest.raises(StoreError, match="cannot be reached") as caught:
            await ask()
        assert PASSWORD not in told(caught.value)
    assert PASSWORD not in caplog.text
    await state.close()


async def test_an_error_of_the_database_quotes_no_row(state, database, put, contact):
    database.execute(text("DROP TABLE sync_cursors"))
    database.commit()
    email = "@".join(("anna", "example.com"))  # not as it stands in this file's own line
    with pytest.raises(GatewayError) as caught:
        await put(contact("1", email=email))
    assert "sync_cursors" in str(caught.value)
    assert email not in told(caught.value)
