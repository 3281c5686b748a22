"""Who is who among stored records: scored, clustered, compared with what stands."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import duckdb

from domain.customer import CanonicalIdentifier, IdentityEvent, Link, LinkEvidence
from domain.errors import ClusterConflict, StaleVersion
from domain.live import Desk
from domain.ports import Census, Clock, IdentityStore, RecordStore, Resolution
from domain.records import Contact
from domain.vocabulary import LinkStatus
from identity import batch, census, components, explain
from identity.clusters import Constraints, Identities, Policy
from identity.engine import EngineLimits, aside, engine, widen
from identity.graph import ATTEMPTS
from identity.index import raw_person
from identity.live import Live
from identity.model import Model
from identity.neighbourhood import IDENTIFIERS
from identity.normalise import Person, normalise
from identity.rows import row_of
from identity.run import DUCKDB, predictor
from identity.sharing import PUBLIC_USERS
from identity.signature import BY_MODEL
from identity.steps import Steps
from identity.tables import count
from identity.workers import workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a resolution of everything came to. `pending` links wait for review."""

    version: int
    records: int
    customers: int
    changed: int
    links: int
    pending: int
    steps: Mapping[str, float] = field(default_factory=dict)
    """Seconds."""
    processor_steps: Mapping[str, float] = field(default_factory=dict)
    """Seconds of processors of this process."""


class Referee:
    """Settles by one model and two weights (log2): `auto_link` joins, from `review` on is kept."""

    def __init__(
        self,
        model: Model,
        *,
        auto_link_weight: float,
        review_weight: float,
        regions: Mapping[str, str | None],
        clock: Clock,
        limits: EngineLimits | None = None,
        unique_sources: Collection[str] = (),
    ) -> None:
        """`unique_sources` guarantee one record a person."""
        self._model = model
        self._policy = Policy(link_weight=auto_link_weight, prior_weight=model.prior_weight)
        self._review_weight = review_weight
        self._regions = regions
        self._clock = clock
        self._limits = limits or EngineLimits()
        self._unique = frozenset(unique_sources)

    def judge(self, desk: Desk) -> Resolution:
        """Who is who among what arrived, see identity.live."""
        return self._live.judge(desk)

    def warm(self) -> None:
        """Build now what judging needs, which takes some tenths of a second."""
        self._live.warm()

    @cached_property
    def _live(self) -> Live:
        """Built when first needed."""
        return Live(
            self._model,
            self._policy,
            review_weight=self._review_weight,
            unique_sources=self._unique,
            clock=self._clock,
        )

    async def resolve(
        self, records: RecordStore, store: IdentityStore, engine_name: str = DUCKDB
    ) -> Resolved:
        """Everything that is stored, published in one step. `engine_name` is that of run.ENGINES on
        which pairs are scored. Raises ClusterConflict where others kept publishing while it was
        worked out, InputError for an engine that is not there.
        """
        predict = predictor(engine_name)
        for _ in range(ATTEMPTS):
            version, decisions = await store.version(), await store.decisions()
            steps = Steps()
            with engine(self._limits) as connection:
                with steps.step("read"):
                    found = await census.read(connection, records, store)
                    widen(connection, found, self._limits)
                    rules = census.constraints(connection, decisions, self._unique)
                resolution = await aside(
                    connection, partial(self._resolve, connection, rules, steps, predict)
                )
                taken = self._census(connection, replace(resolution, based_on=version))
                try:
                    with steps.step("publish"):
                        published = await store.publish_census(taken)
                except StaleVersion:
                    continue
                return _resolved(connection, published, found, resolution, steps)
        raise ClusterConflict("identities kept changing while they were resolved; run it again")

    def _resolve(
        self,
        connection: duckdb.DuckDBPyConnection,
        rules: Constraints[int],
        steps: Steps,
        predict: batch.Predictor,
    ) -> Resolution:
        """Works out every table that is published, and says what became of known customers."""
        with workers() as processes:
            batch.prepare(connection, self._known_regions(), steps=steps, workers=processes)
            batch.forget_people(connection)
            with steps.step("score"):
                batch.score(
                    connection,
                    self._model,
                    min(self._review_weight, self._policy.link_weight),
                    link_weight=self._policy.link_weight,
                    explained=self._review_weight,
                    predictor=predict,
                )
                batch.forget_pairs(connection)
            with steps.step("cluster"), census.doubts(connection):
                components.connect(connection, self._policy.link_weight, rules)
                components.settle(connection, self._policy, processes, rules)
        with steps.step("compare"):
            census.keep_links(connection, self._review_weight)
            census.compare(connection)
            return self._outcome(connection)

    def _outcome(self, connection: duckdb.DuckDBPyConnection) -> Resolution:
        changed = census.changed(connection)
        users = _users(connection, census.platforms(connection))
        return Resolution(
            assignments=changed.assignments,
            redirects=changed.identities.redirects,
            retired=changed.identities.retired,
            shared=frozenset(users),
            public=frozenset(one for one, count in users.items() if count >= PUBLIC_USERS),
            events=self._events(changed.identities),
        )

    def _census(self, connection: duckdb.DuckDBPyConnection, resolution: Resolution) -> Census:
        return Census(
            resolution=resolution,
            created=census.created(connection),
            members=census.members(connection),
            links=census.links(connection),
            decided_by=BY_MODEL,
            decided_at=self._clock.now(),
            prior_weight=self._model.prior_weight,
            model_version=self._model.version,
        )

    def explain(
        self, links: Sequence[tuple[Link, Contact | None, Contact | None]]
    ) -> list[tuple[LinkEvidence, ...]]:
        """No evidence for links of another model, or decided by a person without one."""
        return [
            explain.evidence(link.levels, self._model, self._person(left), self._person(right))
            if link.model_version == self._model.version
            else ()
            for link, left, right in links
        ]

    def _person(self, contact: Contact | None) -> Person | None:
        if contact is None:
            return None
        return normalise(raw_person(contact), self._regions.get(contact.key.source))

    async def weigh(
        self, left: Contact, right: Contact, shared: frozenset[CanonicalIdentifier]
    ) -> Link:
        """Two records as a link that nobody keeps; `shared` of their identifiers are known to be
        used by several people. How frequent a name is says nothing here.
        """
        return await asyncio.to_thread(self._weigh, left, right, shared)

    def _weigh(self, left: Contact, right: Contact, shared: frozenset[CanonicalIdentifier]) -> Link:
        names = {kind: name for name, kind in IDENTIFIERS.items()}
        uses = {(names[one.kind], one.value): 2 for one in shared if one.kind in names}
        rows = {}
        for contact in (left, right):
            person = normalise(raw_person(contact), self._regions.get(contact.key.source))
            rows[contact.key] = row_of(person, contact.key.source, contact.verification)
        return self._live.compare(rows, uses)

    def _known_regions(self) -> dict[str, str]:
        return {source: region for source, region in self._regions.items() if region}

    def _events(self, identities: Identities[Any]) -> list[IdentityEvent]:
        at = self._clock.now()
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
