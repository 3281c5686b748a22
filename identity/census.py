"""Who is who among all stored records, from store to store in tables: a million objects would take
longer than the comparing.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

import duckdb
import pyarrow as pa

from domain.customer import Link
from domain.ids import CustomerId, Kind, SourceKey
from domain.ports import Assignment, IdentityStore, RecordStore, Rows
from domain.vocabulary import LinkStatus, Verification
from identity import profile
from identity.clusters import Constraints, Identities, assign_ids
from identity.engine import aside
from identity.minting import mint, mint_many
from identity.model import probability
from identity.normaliser import RAW_COLUMNS
from identity.tables import count, load, run

V = TypeVar("V")
CHUNK = 20_000
_FORM = """'{"key": {"source": "VARCHAR", "external_id": "VARCHAR"}, "account_number": "VARCHAR",
    "full_name": "VARCHAR", "given_name": "VARCHAR", "family_name": "VARCHAR",
    "emails": ["VARCHAR"], "phones": ["VARCHAR"],
    "handles": [{"platform": "VARCHAR", "name": "VARCHAR"}],
    "address": {"street": "VARCHAR", "city": "VARCHAR", "postcode": "VARCHAR",
        "country": "VARCHAR"}, "birth_date": "VARCHAR", "company": "VARCHAR",
    "verification": "VARCHAR"}'"""
"""The attributes of a Contact that identity compares (see index.raw_person)."""


async def read(
    connection: duckdb.DuckDBPyConnection, records: RecordStore, store: IdentityStore
) -> int:
    """Writes `raw_people` (see normalise; numbered in the order of keys), `stored` (uid, key),
    `platforms` (platform), `asserted` (uid) and `standing` (key, customer). Returns how many
    records there are.
    """
    for statement in (
        f"create table raw_people ({RAW_COLUMNS})",
        "create table stored (uid bigint, key varchar)",
        "create table platforms (platform varchar)",
        "create table asserted (uid bigint)",
        "create table standing (key varchar, customer varchar)",
    ):
        run(connection, statement)
    found = 0
    async for page in _ahead(records.every_body(CHUNK)):
        await aside(connection, partial(_unfold, connection, page, found))
        found += len(page)
    async for rows in _ahead(store.every_membership(CHUNK)):
        await aside(connection, partial(_stand, connection, rows))
    return found


async def _ahead(pages: AsyncIterator[list[tuple[str, V]]]) -> AsyncIterator[list[tuple[str, V]]]:
    """The pages, each asked for while the one before is worked on."""

    async def following() -> list[tuple[str, V]] | None:
        return await anext(pages, None)

    pending = asyncio.create_task(following())
    try:
        while (page := await pending) is not None:
            pending = asyncio.create_task(following())
            yield page
    finally:
        pending.cancel()


def _unfold(
    connection: duckdb.DuckDBPyConnection, page: Sequence[tuple[str, bytes]], first: int
) -> None:
    keys, bodies = zip(*page, strict=True)
    load(
        connection,
        "bodies",
        uid=pa.array(range(first, first + len(page)), pa.int64()),
        key=pa.array(keys, pa.string()),
        body=pa.array(bodies, pa.string()),
    )
    for statement in (
        f"""create or replace temp table unfolded as
            select uid, key, from_json(body, {_FORM}) as said from bodies""",
        "insert into stored select uid, key from unfolded",
        f"""insert into asserted select uid from unfolded
            where said.verification = '{Verification.ASSERTED.value}'""",
        """insert into platforms select distinct lower(handle.platform)
            from (select unnest(said.handles) as handle from unfolded)""",
        """insert into raw_people by name select uid, said.key.source as system,
            said.key.external_id as id, said.account_number, said.full_name, said.given_name,
            said.family_name, said.emails, said.phones,
            list_transform(said.handles, lambda handle: handle.name) as handles,
            said.address.street, said.address.city, said.address.postcode, said.address.country,
            said.birth_date, said.company from unfolded""",
    ):
        run(connection, statement)


def _stand(connection: duckdb.DuckDBPyConnection, rows: Sequence[tuple[str, str]]) -> None:
    keys, customers = zip(*rows, strict=True)
    load(
        connection,
        "standing_page",
        key=pa.array(keys, pa.string()),
        customer=pa.array(customers, pa.string()),
    )
    run(connection, "insert into standing from standing_page")


def platforms(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute("select distinct platform from platforms order by 1").fetchall()
    return [platform for (platform,) in rows]


def constraints(
    connection: duckdb.DuckDBPyConnection,
    decisions: Sequence[Link],
    unique_sources: Collection[str] = (),
) -> Constraints[int]:
    """What people decided, by uid; writes `decided` (uid_l, uid_r). `unique_sources` guarantee one
    record a person.
    """
    ends = sorted({key for link in decisions for key in (link.left, link.right)})
    load(
        connection,
        "named",
        system=pa.array([key.source for key in ends], pa.string()),
        id=pa.array([key.external_id for key in ends], pa.string()),
    )
    rows = connection.execute(
        "select system, id, uid from named join raw_people using (system, id)"
    ).fetchall()
    uid = {SourceKey(system, Kind.CONTACT, id_): number for system, id_, number in rows}
    known = [link for link in decisions if link.left in uid and link.right in uid]
    pairs = {
        status: sorted((uid[link.left], uid[link.right]) for link in known if link.status is status)
        for status in (LinkStatus.CONFIRMED, LinkStatus.REJECTED)
    }
    decided = [pair for found in pairs.values() for pair in found]
    load(
        connection,
        "decided",
        uid_l=pa.array([min(pair) for pair in decided], pa.int64()),
        uid_r=pa.array([max(pair) for pair in decided], pa.int64()),
    )
    labels = connection.execute(
        "select uid, system from raw_people where list_contains($1::varchar[], system)",
        [sorted(unique_sources)],
    ).fetchall()
    return Constraints(
        confirmed=pairs[LinkStatus.CONFIRMED],
        rejected=pairs[LinkStatus.REJECTED],
        unique_in=dict(labels),
    )


@contextmanager
def doubts(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """While it lasts, `edges` of records that only assert their identifiers are without what these
    speak for.
    """
    rows = connection.execute("""select uid_l, uid_r, weight, parts from edges
        where uid_l in (from asserted) or uid_r in (from asserted)""").fetchall()
    changed = [
        (left, right, *profile.doubted(weight, parts)) for left, right, weight, parts in rows
    ]
    _put(connection, changed)
    yield
    _put(connection, rows)


def _put(
    connection: duckdb.DuckDBPyConnection, rows: Sequence[tuple[int, int, float, Sequence[int]]]
) -> None:
    if not rows:
        return
    columns = [list(column) for column in zip(*rows, strict=True)]
    run(
        connection,
        """create or replace temp table put
            (uid_l bigint, uid_r bigint, weight double, parts integer[])""",
    )
    connection.execute(
        "insert into put select unnest($1), unnest($2), unnest($3), unnest($4)", columns
    ).fetchall()
    run(
        connection,
        """update edges set weight = put.weight, parts = put.parts from put
        where edges.uid_l = put.uid_l and edges.uid_r = put.uid_r""",
    )


# ---------------------------------------------------------------- ids


def compare(connection: duckdb.DuckDBPyConnection) -> None:
    """From `places` and `standing`: `created` (cluster, id, confidence), the clusters of records
    nobody had, and `changed` (cluster), those that are neither new nor as they stand.
    """
    for statement in (
        """create or replace table owners as
            select uid, customer from standing join stored using (key)""",
        """create or replace temp table fates as
            select cluster, count(*) as members, count(customer) as owned, min(weakest) as weakest,
                count(distinct customer) as customers, any_value(customer) as customer
            from places left join owners using (uid) group by cluster""",
        """create or replace table kept as
            select cluster, customer from fates join
                (select customer, count(*) as size from standing group by customer) using (customer)
            where customers = 1 and owned = members and size = members""",
        """create or replace table changed as
            select cluster from fates anti join kept using (cluster) where owned > 0""",
        """create or replace temp table unowned as
            select cluster, weakest, row_number() over (order by cluster) as number
            from fates where owned = 0""",
    ):
        run(connection, statement)
    ids = mint_many(count(connection, "unowned"))
    load(
        connection,
        "minted",
        number=pa.array(range(1, len(ids) + 1), pa.int64()),
        id=pa.array(ids, pa.string()),
    )
    run(
        connection,
        f"""create or replace table created as
        select cluster, id, {confidence_sql("weakest")} as confidence
        from unowned join minted using (number)""",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The clusters that are not as they stand, and what became of the customers that had any of
    their records or have none left.
    """

    assignments: list[Assignment]
    identities: Identities[str]


def changed(connection: duckdb.DuckDBPyConnection) -> Changed:
    rows = connection.execute("""select cluster, key, system, id, weakest from changed
        join places using (cluster) join stored using (uid) join raw_people using (uid)
        order by cluster, uid""").fetchall()
    standing = connection.execute("""select customer, key from standing
        anti join kept using (customer) order by customer, key""").fetchall()
    previous = {
        CustomerId(customer): tuple(key for _, key in found)
        for customer, found in groupby(standing, key=itemgetter(0))
    }
    clusters = [list(found) for _, found in groupby(rows, key=itemgetter(0))]
    identities = assign_ids(previous, [tuple(row[1] for row in found) for found in clusters], mint)
    return Changed(
        assignments=[
            _assignment(id_, found) for id_, found in zip(identities.ids, clusters, strict=True)
        ],
        identities=identities,
    )


def _assignment(
    id_: CustomerId, rows: Sequence[tuple[int, str, str, str, float | None]]
) -> Assignment:
    weakest = rows[0][-1]
    return Assignment(
        id=id_,
        members=tuple(SourceKey(system, Kind.CONTACT, id) for _, _, system, id, _ in rows),
        confidence=1.0 if weakest is None else probability(weakest),
    )


# ---------------------------------------------------------------- what is published


def created(connection: duckdb.DuckDBPyConnection) -> Rows:
    return _rows(connection, "select id, confidence from created order by id")


def members(connection: duckdb.DuckDBPyConnection) -> Rows:
    return _rows(
        connection,
        """select key, id from created join places using (cluster)
        join stored using (uid) order by uid""",
    )


def links(connection: duckdb.DuckDBPyConnection) -> Rows:
    """From `kept_links` (see keep_links)."""
    probability = confidence_sql("weight")
    return _rows(
        connection,
        f"""select l.key, r.key, status, weight, {probability}, levels
        from kept_links join stored as l on l.uid = uid_l join stored as r on r.uid = uid_r
        order by uid_l, uid_r""",
    )


def keep_links(connection: duckdb.DuckDBPyConnection, review_weight: float) -> None:
    """Writes `kept_links`: every pair from the review weight on that nobody decided. One that did
    not join waits for review.
    """
    run(
        connection,
        f"""create or replace table kept_links as
        select uid_l, uid_r, weight, levels, case when l.cluster = r.cluster
            then '{LinkStatus.AUTO.value}' else '{LinkStatus.PENDING.value}' end as status
        from edges anti join decided using (uid_l, uid_r)
        join places as l on l.uid = uid_l join places as r on r.uid = uid_r
        where weight >= {review_weight!r}""",
    )


def confidence_sql(weight: str) -> str:
    """The probability of a weight; a cluster without a weakest join is sure."""
    return f"case when {weight} is null then 1.0 else 1 / (1 + pow(2.0::double, -{weight})) end"


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> Rows:
    def chunks() -> Iterator[Sequence[tuple[object, ...]]]:
        own = connection.cursor()
        try:
            found = own.execute(query)
            while chunk := found.fetchmany(CHUNK):
                yield chunk
        finally:
            own.close()

    return chunks
