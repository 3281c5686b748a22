"""Clusters as a table, from scored pairs as a table.

Two groups only ever join where some pair across them reaches the link weight, so records that such
pairs do not connect are settled apart: most are alone or in twos, which SQL settles, and the others
are agglomerated component by component. The answer is that of clusters.cluster, which a test holds.
"""

from array import array
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeVar

import duckdb
import pyarrow as pa

from identity.agglomeration import Job, Settled, agglomerate
from identity.clusters import Constraints
from identity.groups import UNIT, Policy
from identity.tables import count, load, run
from identity.workers import Workers

T = TypeVar("T", int, float)
PAIRS_A_JOB = 40_000
WORTHWHILE = 150_000
"""Pairs from which on it is quicker to start processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the size guard kept apart: two groups, named by their least records, and the average
    weight across them; strongest first.
    """

    guarded: tuple[tuple[int, int, float], ...]


def connect(
    connection: duckdb.DuckDBPyConnection,
    link_weight: float,
    constraints: Constraints[int] | None = None,
) -> None:
    """Writes `components` (uid, component) of `edges`, for every record that may join another:
    component is its least record.
    """
    confirmed = constraints.confirmed if constraints else ()
    _load_pairs(connection, "confirmed", confirmed)
    for statement in (
        f"""create or replace temp table ties as
            select uid_l as a, uid_r as b from edges where weight >= {link_weight!r}
            union select a, b from confirmed""",
        """create or replace table components as select uid, uid as component from (
            select a as uid from ties union select b from ties)""",
    ):
        run(connection, statement)
    while count(connection, "ties"):
        _contract(connection)


def _contract(connection: duckdb.DuckDBPyConnection) -> None:
    """Each end of a tie goes to its least neighbour, and on to where that one goes; left are the
    ties between those that stayed.
    """
    for statement in (
        """create or replace temp table leads as
            select a as uid, min(b) as lead from (
                select a, b from ties union all select b, a from ties)
            group by a having min(b) < a""",
        """create or replace temp table leads as
            select l.uid, coalesce(n.lead, l.lead) as lead
            from leads as l left join leads as n on n.uid = l.lead""",
        """create or replace table components as
            select c.uid, coalesce(lead, component) as component
            from components as c left join leads as l on l.uid = c.component""",
        """create or replace temp table ties as
            select distinct least(x, y) as a, greatest(x, y) as b from (
                select coalesce(l.lead, a) as x, coalesce(r.lead, b) as y from ties
                left join leads as l on l.uid = a left join leads as r on r.uid = b)
            where x <> y""",
    ):
        run(connection, statement)


def settle(
    connection: duckdb.DuckDBPyConnection,
    policy: Policy,
    workers: Workers,
    constraints: Constraints[int] | None = None,
) -> Kept:
    """Writes `places` (uid, cluster, weakest) for every record of `raw_people`, from `edges` and
    `components`: the least record of its cluster, and the weakest join that made it (null where
    there was none).
    """
    rules = constraints or Constraints()
    ruled = {uid for pair in (*rules.confirmed, *rules.rejected) for uid in pair}
    ruled.update(rules.unique_in)
    load(connection, "ruled", uid=pa.array(sorted(ruled), pa.int64()))
    for statement in (
        """create or replace temp table involved as
            select component, count(*) > 2 or count(r.uid) > 0 as hard
            from components left join ruled as r using (uid) group by component""",
        """create or replace temp table within as
            select l.component, uid_l, uid_r, weight, parts, hard from edges
            join components as l on l.uid = uid_l join components as r on r.uid = uid_r
            join involved on involved.component = l.component
            where l.component = r.component""",
    ):
        run(connection, statement)
    found = _hard(connection, policy, workers, rules)
    load(
        connection,
        "agglomerated",
        uid=pa.array(found.uids, pa.int64()),
        cluster=pa.array(found.clusters, pa.int64()),
        weakest=pa.array(found.weakest, pa.float64()),
    )
    run(connection, f"""create or replace table places as
        with pair as (
            select unnest([uid_l, uid_r]) as uid, component as cluster,
                round(least(weight, {policy.most_weight!r}) * {UNIT}) / {UNIT} as weakest
            from within where not hard),
        settled as (
            from pair union all
            select uid, cluster, case when not isnan(weakest) then weakest end from agglomerated)
        select p.uid, coalesce(s.cluster, p.uid) as cluster, s.weakest
        from raw_people as p left join settled as s on s.uid = p.uid""")  # fmt: skip
    return Kept(guarded=tuple(sorted(found.guarded, key=lambda one: (-one[2], *one[:2]))))


def _hard(
    connection: duckdb.DuckDBPyConnection,
    policy: Policy,
    workers: Workers,
    rules: Constraints[int],
) -> Settled:
    """The components that take more than a comparison, in as many jobs as are worthwhile."""
    run(
        connection,
        """create or replace temp table hard_pairs as
        select component, uid_l, uid_r, weight, parts from within where hard order by component""",
    )
    pairs = count(connection, "hard_pairs")
    parts = 1 + pairs // PAIRS_A_JOB
    jobs = [_job(connection, policy, rules, part, parts) for part in range(parts)]
    found = Settled()
    for one in workers.map(agglomerate, jobs, worthwhile=pairs > WORTHWHILE):
        found.add(one)
    return found


def _job(
    connection: duckdb.DuckDBPyConnection,
    policy: Policy,
    rules: Constraints[int],
    part: int,
    parts: int,
) -> Job:
    chosen = f"component % {parts} = {part}"
    # Arrow of execute() comes in any order where insertion order is not preserved.
    rows = connection.sql(f"""select component, uid_l, uid_r, weight, parts from hard_pairs
        where {chosen} order by component, uid_l, uid_r""").to_arrow_table()
    named = connection.execute(
        f"select uid, component from components semi join ruled using (uid) where {chosen}"
    ).fetchall()
    component = dict(named)
    return Job(
        policy=policy,
        components=_filled(array("q"), rows, "component"),
        lefts=_filled(array("q"), rows, "uid_l"),
        rights=_filled(array("q"), rows, "uid_r"),
        weights=_filled(array("d"), rows, "weight"),
        parts=_parts(rows),
        confirmed=_inside(rules.confirmed, component),
        rejected=_inside(rules.rejected, component),
        unique_in={uid: rules.unique_in[uid] for uid in component if uid in rules.unique_in},
        component=component,
    )


def _inside(
    pairs: Iterable[tuple[int, int]], component: dict[int, int]
) -> tuple[tuple[int, int], ...]:
    """The pairs of which both ends are in one component of the job."""
    return tuple(
        pair for pair in pairs
        if pair[0] in component and component[pair[0]] == component.get(pair[1])
    )  # fmt: skip


def _filled(values: "array[T]", rows: pa.Table, name: str) -> "array[T]":
    """The array with a column of 64-bit numbers."""
    column = rows.column(name).combine_chunks()
    if len(column):
        values.frombytes(memoryview(column.buffers()[1])[: 8 * len(column)])
    return values


def _parts(rows: pa.Table) -> "array[int]":
    """The parts of all pairs, one after the other."""
    values = array("i")
    column = rows.column("parts").combine_chunks().flatten()
    if len(column):
        start = column.offset * values.itemsize
        end = start + len(column) * values.itemsize
        values.frombytes(memoryview(column.buffers()[1])[start:end])
    return values


def _load_pairs(
    connection: duckdb.DuckDBPyConnection, table: str, pairs: Collection[tuple[int, int]]
) -> None:
    a = pa.array([min(pair) for pair in pairs], pa.int64())
    b = pa.array([max(pair) for pair in pairs], pa.int64())
    load(connection, table, a=a, b=b)
