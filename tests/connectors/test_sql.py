"""The way to a database: read only, bounded, off the event loop, and right about times, on SQLite
and on a real PostgreSQL.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from connectors.auth import Secret
from connectors.mapped.example import example
from connectors.mapped.tables import MappingError
from connectors.registry import build_source
from connectors.sender import Outgoing, SendFailed
from connectors.settings import SourceSettings
from connectors.sql import compose
from connectors.sql.sender import open_sender
from connectors.sql.statements import binds, problem
from domain.customer import KeyKind, LookupKey
from domain.errors import (
    ConfigError,
    SourceAuthError,
    SourceProtocolError,
    SourceTimeout,
    SourceUnavailable,
)
from domain.ids import Kind
from domain.money import Money
from domain.sources import ChildFilter, PageRequest, Parent, ParentBy, Source

TABLES = """
CREATE TABLE customers (id {serial}, name text, email text, phone text, customer_no text,
  born date, created_at {time}, changed_at {time});
CREATE TABLE orders (no text, placed_at {time}, state text, total numeric(12, 2), currency text,
  customer_id integer);
CREATE TABLE calls (id text, opened {time}, title text, status text, priority text, phone text,
  customer_id integer);
INSERT INTO customers VALUES
  (1, 'Ann', 'Ann@example.com', '+44113496', 'A1', '1980-12-24',
   '2026-01-01 10:00:00', '2026-02-01 10:00:00'),
  (2, 'Bo', 'bo@example.com', NULL, NULL, NULL,
   '2026-01-02 10:00:00', '2026-02-02 10:00:00');
INSERT INTO orders VALUES
  ('o1', '2026-01-05 09:00:00', 'sent', 12.50, 'EUR', 1),
  ('o2', '2026-01-06 09:00:00', 'on the moon', 0.10, 'EUR', 1),
  ('o3', '2026-01-07 09:00:00', 'back', 3, 'EUR', 2);
INSERT INTO calls VALUES ('c1', '2026-01-08 09:00:00', 'Late', 'open', 'high', '+44113496', 1);
"""

Make = Callable[..., Source]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that holds two people."""
    if request.param == "sqlite":
        path = tmp_path / "erp one.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(TABLES.format(serial="integer", time="text"))
        return f"sqlite:///{path}"
    url: str = request.getfixturevalue("postgres_url")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLES.format(serial="integer", time="timestamp"))  # type: ignore[call-overload]
    return url


@pytest.fixture
async def sources(harness: Any) -> Any:
    """Makes sources, which are closed in the end."""
    made: list[Source] = []

    class Unused:
        async def close(self) -> None: ...

    def make(url: str, mapping: Any = None, **more: Any) -> Source:
        settings = SourceSettings(
            connector="sql",
            secrets={"url": Secret(url)},
            mapping=mapping or example("connectors.sql"),
            timeout_s=more.pop("timeout_s", 10.0),
            **more,
        )
        made.append(
            build_source(
                "erp",
                settings,
                Unused(),  # type: ignore[arg-type]
                clock=harness.Clock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC)),
                telemetry=harness.Tally(),
                dice=Random(7),
            )
        )
        return made[-1]

    yield make
    for source in made:
        assert source.close is not None
        await source.close()


def soon(seconds: float = 10.0) -> Any:
    return asyncio.get_running_loop().time() + seconds


async def test_people_and_their_things_are_read(database: str, sources: Make) -> None:
    source = sources(database)
    got = await source.gets[Kind.CONTACT].get_many(["2", "7", "1", "x"], None, soon())
    assert [one and one.full_name for one in got] == ["Bo", None, "Ann", None]
    assert got[2].birth_date.isoformat() == "1980-12-24"
    assert got[2].provenance.source_updated_at == datetime(2026, 2, 1, 10, tzinfo=UTC)
    assert source.search is not None
    (found,) = await source.search.search(LookupKey(KeyKind.EMAIL, "ann@EXAMPLE.com"), soon())
    assert found.key.external_id == "1"
    pages = await source.children[Kind.ORDER].children_of(
        [Parent(ParentBy.OWN, one) for one in ("1", "2", "9")],
        PageRequest(5),
        ChildFilter(),
        None,
        soon(),
    )
    assert [[item.key.external_id for item in page.items] for page in pages] == [
        ["o2", "o1"],
        ["o3"],
        [],
    ]
    assert [item.total for item in pages[0].items] == [Money(10, "EUR"), Money(1250, "EUR")]
    assert (pages[0].items[0].status, pages[0].items[0].raw_status) == ("UNKNOWN", "on the moon")
    (calls,) = await source.children[Kind.TICKET].children_of(
        [Parent(ParentBy.PHONE, "+44113496")], PageRequest(5), ChildFilter(), None, soon()
    )
    assert [item.subject for item in calls.items] == ["Late"]


@pytest.mark.parametrize(("zone", "changed"), [("UTC", {"2"}), ("America/New_York", {"1", "2"})])
async def test_changes_are_compared_in_the_zone_the_columns_are_in(
    database: str, sources: Make, zone: str, changed: set[str]
) -> None:
    """10:00 of a column in New York is 15:00 UTC: after a time that 10:00 UTC is before."""
    source = sources(database, time_zone=zone)
    reader = source.changes[Kind.CONTACT]
    since = (datetime(2026, 2, 1, 12, tzinfo=UTC) + reader.policy.overlap).isoformat()
    start = "2026-02-01T12:00:00+00:00"
    cursor = (
        f'{{"since": "{since}", "start": "{start}", "begun": "{start}", "page": null, "read": 0}}'
    )
    page = await reader.changed_since(cursor, soon())
    assert {record.key.external_id for record in page.records} == changed
    everything = await reader.changed_since(None, soon())
    assert len(everything.records) == 2


def selecting(sql: str) -> dict[str, Any]:
    fields = {"id": "id", "full_name": "name"}
    return {"system": "ERP", "contact": {"fields": fields, "get": {"sql": sql, "size": 5}}}


async def test_nothing_can_be_written_even_by_a_statement_that_reads_like_a_query(
    database: str, sources: Make
) -> None:
    """The check of the text is not all there is: this one gets past it."""
    settings = SourceSettings(connector="sql", secrets={"url": Secret(database)})
    writes = {
        "postgresql": "SELECT setval('counter', 7)",
        "sqlite": "DELETE FROM customers WHERE id = 1 RETURNING id, name",
    }
    kind = make_url(database).get_backend_name()
    if kind == "postgresql":
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("CREATE SEQUENCE counter")
    sender = open_sender(settings, {"contact.get": writes[kind]})
    outgoing = Outgoing(
        method="POST",
        url="http://database/contact.get",
        headers={},
        body=b"{}",
        deadline=soon(),
        max_bytes=1000,
    )
    with suppress(SendFailed):
        assert (await sender.send(outgoing)).status == 400
    await sender.close()
    source = sources(database)
    got = await source.gets[Kind.CONTACT].get_many(["1"], None, soon())
    assert got[0].full_name == "Ann"


SLOW = {
    "postgresql": "SELECT 1 AS id, 'x' AS name FROM pg_sleep(30) WHERE 1 IN :ids",
    "sqlite": (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        " SELECT count(*) AS id, 'x' AS name FROM n WHERE i + 0 NOT IN :ids"
    ),
}


async def test_a_slow_statement_is_cut_and_leaves_the_loop_and_the_next_one_alone(
    database: str, sources: Make
) -> None:
    slow = sources(database, selecting(SLOW[make_url(database).get_backend_name()]), timeout_s=0.5)
    began, ticks = asyncio.get_running_loop().time(), 0
    asking = asyncio.ensure_future(slow.gets[Kind.CONTACT].get_many(["1"], None, soon(0.5)))
    while not asking.done():
        await asyncio.sleep(0.02)
        ticks += 1
    (got,) = asking.result()
    assert isinstance(got, SourceTimeout | SourceUnavailable)
    assert asyncio.get_running_loop().time() - began < 3
    assert ticks > 3
    quick = sources(database)
    assert (await quick.gets[Kind.CONTACT].get_many(["1"], None, soon()))[0].full_name == "Ann"


async def test_a_statement_the_database_refuses_is_a_protocol_error(
    database: str, sources: Make
) -> None:
    source = sources(
        database, selecting("SELECT id, nonsense AS name FROM customers WHERE id IN :ids")
    )
    (got,) = await source.gets[Kind.CONTACT].get_many(["1"], None, soon())
    assert type(got) is SourceProtocolError
    assert "nonsense" not in str(got)


async def test_a_database_that_is_not_there_is_unavailable_and_not_made(
    tmp_path: Path, sources: Make
) -> None:
    for url in (f"sqlite:///{tmp_path}/nothing.db", "postgresql://a:planted@127.0.0.1:1/x"):
        (got,) = await sources(url).gets[Kind.CONTACT].get_many(["1"], None, soon())
        assert isinstance(got, SourceUnavailable)
        assert "planted" not in str(got) + repr(got)
    assert os.listdir(tmp_path) == []


async def test_a_role_without_rights_is_refused_credentials(
    postgres_url: str, sources: Make
) -> None:
    source = sources(
        postgres_url,
        selecting("SELECT 1 AS id, rolpassword AS name FROM pg_authid WHERE 1 IN :ids"),
    )
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS reader_of_nothing")
        connection.execute("CREATE ROLE reader_of_nothing LOGIN")
    other = make_url(postgres_url).set(username="reader_of_nothing")
    source = sources(
        other.render_as_string(hide_password=False),
        selecting("SELECT 1 AS id, rolpassword AS name FROM pg_authid WHERE 1 IN :ids"),
    )
    (got,) = await source.gets[Kind.CONTACT].get_many(["1"], None, soon())
    assert isinstance(got, SourceAuthError)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE customers SET name = 'x'", "must be one SELECT"),
        ("SELECT 1; DROP TABLE customers", "must be one statement"),
        ("WITH x AS (DELETE FROM customers RETURNING *) SELECT * FROM x", "must only read: DELETE"),
        ("SELECT * INTO copy FROM customers", "must only read: INTO"),
        ("-- SELECT\nDROP TABLE customers", "must be one SELECT"),
        ("", "must be one SELECT"),
        ("SELECT 'DELETE; -- x' AS \"update\" FROM t WHERE a = :ids;", ""),
        ("WITH a AS (SELECT 1) SELECT updated_at, '12:30' FROM a WHERE b::text = :value", ""),
    ],
)
def test_only_one_select_is_taken(statement: str, told: str) -> None:
    assert problem(statement).startswith(told)
    assert bool(problem(statement)) == bool(told)


def test_parameters_are_found_outside_of_texts_and_casts() -> None:
    sql = "SELECT ':no', a::text FROM t -- :no\nWHERE b IN :ids AND c = :value AND d > :value"
    assert binds(sql) == ["ids", "value"]


def test_every_mistake_in_a_statement_is_told_with_its_place() -> None:
    with pytest.raises(MappingError) as refused:
        compose(
            {
                "system": "ERP",
                "contact": {
                    "fields": {"id": "id"},
                    "get": {"sql": "DELETE FROM x WHERE id IN :idz", "size": 2},
                },
            }
        )
    assert refused.value.problems == (
        ("contact.get.sql", "must be one SELECT"),
        ("contact.get.sql", "no :idz here; did you mean id?; there are :id, :ids"),
        ("contact.get", "must ask by {id}, or by {ids} and a size"),
    )


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "sqlite://", "oracle+planted://u:planted@h/x", "postgresql://h:planted/x"],
)
def test_an_address_that_cannot_be_used_is_refused_without_being_quoted(url: str) -> None:
    secrets = {"url": Secret(url)} if url else {}
    with pytest.raises(ConfigError) as refused:
        open_sender(SourceSettings(connector="sql", secrets=secrets), {})
    assert "planted" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__cause__ is None


def test_the_overlap_is_the_mappings_own() -> None:
    spec = compose(example("connectors.sql")).spec
    changes = spec.kinds[Kind.CONTACT].changed_since
    assert changes is not None
    assert changes.policy.overlap == timedelta(minutes=1)
