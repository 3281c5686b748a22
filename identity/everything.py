"""Who is who among all stored records: scored, clustered, compared with what stands.

It needs Splink, DuckDB and Arrow, 80 MB of them: a process that answers does not load this module.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import duckdb

from domain.customer import CanonicalIdentifier, IdentityEvent
from domain.errors import ClusterConflict, StaleVersion
from domain.ports import Census, IdentityStore, RecordStore, Resolution
from domain.vocabulary import LinkStatus
from identity import batch, census, components
from identity.clusters import Constraints, Identities
from identity.engine import aside, engine, widen
from identity.graph import ATTEMPTS
from identity.judgement import Resolved, Terms
from identity.neighbourhood import IDENTIFIERS
from identity.run import predictor
from identity.sharing import PUBLIC_USERS
from identity.signature import BY_MODEL
from identity.steps import Steps
from identity.tables import count
from identity.workers import workers


async def resolve(
    terms: Terms, records: RecordStore, store: IdentityStore, engine_name: str
) -> Resolved:
    """Publish it in one step, see Referee.resolve."""
    predict = predictor(engine_name)
    for _ in range(ATTEMPTS):
        version, decisions = await store.version(), await store.decisions()
        steps = Steps()
        with engine(terms.limits) as connection:
            with steps.step("read"):
                found = await census.read(connection, records, store)
                widen(connection, found, terms.limits)
                rules = census.constraints(connection, decisions, terms.unique_sources)
            resolution = await aside(
                connection, partial(_resolve, terms, connection, rules, steps, predict)
            )
            taken = _census(terms, connection, replace(resolution, based_on=version))
            try:
                with steps.step("publish"):
                    published = await store.publish_census(taken)
            except StaleVersion:
                continue
            return _resolved(connection, published, found, resolution, steps)
    raise ClusterConflict("identities kept changing while they were resolved; run it again")


def _resolve(
    terms: Terms,
    connection: duckdb.DuckDBPyConnection,
    rules: Constraints[int],
    steps: Steps,
    predict: batch.Predictor,
) -> Resolution:
    """Works out every table that is published, and says what became of known customers."""
    policy = terms.policy
    with workers() as processes:
        regions = {source: region for source, region in terms.regions.items() if region}
        batch.prepare(connection, regions, steps=steps, workers=processes)
        batch.forget_people(connection)
        with steps.step("score"):
            batch.score(
                connection,
                terms.model,
                min(terms.review_weight, policy.link_weight),
                link_weight=policy.link_weight,
                explained=terms.review_weight,
                predictor=predict,
            )
            batch.forget_pairs(connection)
        with steps.step("cluster"), census.doubts(connection):
            components.connect(connection, policy.link_weight, rules)
            components.settle(connection, policy, processes, rules)
    with steps.step("compare"):
        census.keep_links(connection, terms.review_weight)
        census.compare(connection)
        return _outcome(terms, connection)


def _outcome(terms: Terms, connection: duckdb.DuckDBPyConnection) -> Resolution:
    changed = census.changed(connection)
    users = _users(connection, census.platforms(connection))
    return Resolution(
        assignments=changed.assignments,
        redirects=changed.identities.redirects,
        retired=changed.identities.retired,
        shared=frozenset(users),
        public=frozenset(one for one, count in users.items() if count >= PUBLIC_USERS),
        events=_events(terms, changed.identities),
    )


def _census(terms: Terms, connection: duckdb.DuckDBPyConnection, resolution: Resolution) -> Census:
    return Census(
        resolution=resolution,
        created=census.created(connection),
        members=census.members(connection),
        links=census.links(connection),
        decided_by=BY_MODEL,
        decided_at=terms.clock.now(),
        prior_weight=terms.model.prior_weight,
        model_version=terms.model.version,
    )


def _events(terms: Terms, identities: Identities[Any]) -> list[IdentityEvent]:
    at = terms.clock.now()
    return [
        IdentityEvent(
            sequence=0,
            kind=change.kind,
            before=change.before,
            after=change.after,
            by=BY_MODEL,
            at=at,
        )
        for change in identities.changes
    ]


def _users(
    connection: duckdb.DuckDBPyConnection, platforms: Sequence[str]
) -> dict[CanonicalIdentifier, int]:
    """How many people use the identifiers that several use."""
    rows = connection.execute(
        "select kind, value, users from value_users where value is not null"
    ).fetchall()
    return {
        CanonicalIdentifier(IDENTIFIERS[kind], value, scope): users
        for kind, value, users in rows
        for scope in (platforms if kind == "handle" else ("",))
    }


def _resolved(
    connection: duckdb.DuckDBPyConnection,
    version: int,
    records: int,
    resolution: Resolution,
    steps: Steps,
) -> Resolved:
    ((customers, links, pending),) = connection.execute(f"""select
        (select count(distinct cluster) from places), count(*),
        count(*) filter (status = '{LinkStatus.PENDING.value}') from kept_links""").fetchall()
    return Resolved(
        version=version,
        records=records,
        customers=customers,
        changed=count(connection, "created") + len(resolution.assignments),
        links=links,
        pending=pending,
        steps=steps.seconds,
        processor_steps=steps.processor_seconds,
    )
