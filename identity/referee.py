"""Who is who among stored records: scored, clustered, compared with what stands."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import duckdb
import pyarrow as pa

from domain.customer import CanonicalIdentifier, IdentityEvent, Link, LinkEvidence
from domain.errors import ClusterConflict, StaleVersion
from domain.ids import SourceKey
from domain.ports import Assignment, Census, Clock, IdentityStore, RecordStore, Resolution
from domain.records import Actor, Contact
from domain.vocabulary import ActorKind, IdentifierKind, LinkMethod, LinkStatus
from identity import batch, census, components, explain, features, live, profile, sharing
from identity.clusters import Clustering, Constraints, Edge, Identities, Policy, assign_ids, cluster
from identity.engine import EngineLimits, engine
from identity.graph import ATTEMPTS, Standing
from identity.index import raw_person
from identity.minting import mint
from identity.model import Model
from identity.normalise import LISTS, TEXTS, BatchNormaliser, Person, normalise
from identity.run import probability
from identity.steps import Steps
from identity.tables import count
from identity.workers import workers

BY_MODEL = Actor(kind=ActorKind.SYSTEM, id="identity")
_KINDS = {
    "email": IdentifierKind.EMAIL,
    "phone": IdentifierKind.PHONE,
    "handle": IdentifierKind.HANDLE,
    "account": IdentifierKind.ACCOUNT_NUMBER,
}


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    clustering: Clustering[int]
    edges: Sequence[tuple[int, int, float, str]]


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
    ) -> None:
        self._model = model
        self._policy = Policy(link_weight=auto_link_weight, prior_weight=model.prior_weight)
        self._review_weight = review_weight
        self._regions = regions
        self._clock = clock
        self._limits = limits or EngineLimits()

    async def settle(self, contacts: Sequence[Contact], standing: Standing) -> Resolution:
        """Among whole clusters and the records beside them; runs in a thread."""
        return await asyncio.to_thread(self._settle, contacts, standing)

    async def resolve(self, records: RecordStore, store: IdentityStore) -> Resolved:
        """Everything that is stored, published in one step. Raises ClusterConflict where others
        kept publishing while it was worked out.
        """
        for _ in range(ATTEMPTS):
            version, decisions = await store.version(), await store.decisions()
            steps = Steps()
            with engine(self._limits) as connection:
                with steps.step("read"):
                    found = await census.read(connection, records, store)
                    rules = census.constraints(connection, decisions)
                resolution = await asyncio.to_thread(self._resolve, connection, rules, steps)
                taken = self._census(connection, replace(resolution, based_on=version))
                try:
                    with steps.step("publish"):
                        published = await store.publish_census(taken)
                except StaleVersion:
                    continue
                return _resolved(connection, published, found, resolution, steps)
        raise ClusterConflict("identities kept changing while they were resolved; run it again")

    def _resolve(
        self, connection: duckdb.DuckDBPyConnection, rules: Constraints[int], steps: Steps
    ) -> Resolution:
        """Works out every table that is published, and says what became of known customers."""
        with workers() as processes:
            batch.prepare(connection, self._known_regions(), steps=steps, workers=processes)
            with steps.step("score"):
                batch.score(
                    connection,
                    self._model,
                    min(self._review_weight, self._policy.link_weight),
                    link_weight=self._policy.link_weight,
                    explained=self._review_weight,
                )
            with steps.step("cluster"):
                components.connect(connection, self._policy.link_weight, rules)
                components.settle(connection, self._policy, processes, rules)
        with steps.step("compare"):
            census.keep_links(connection, self._review_weight)
            census.compare(connection)
            return self._outcome(connection)

    def _outcome(self, connection: duckdb.DuckDBPyConnection) -> Resolution:
        changed = census.changed(connection)
        return Resolution(
            assignments=changed.assignments,
            redirects=changed.identities.redirects,
            retired=changed.identities.retired,
            shared=_shared(connection, census.platforms(connection)),
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

    def _settle(self, contacts: Sequence[Contact], standing: Standing) -> Resolution:
        verdict = self._judge(contacts, standing)
        keys = [contact.key for contact in contacts]
        groups = [tuple(keys[uid] for uid in one.members) for one in verdict.clustering.clusters]
        identities = assign_ids(standing.memberships, groups, mint)
        return Resolution(
            assignments=_assignments(verdict.clustering, groups, identities, standing),
            redirects=identities.redirects,
            retired=identities.retired,
            links=self._links(verdict, keys),
            scope=frozenset(keys),
            events=self._events(identities),
        )

    def _judge(self, contacts: Sequence[Contact], standing: Standing) -> _Verdict:
        with engine(self._limits) as connection:
            _load(connection, contacts)
            BatchNormaliser(connection, self._known_regions()).run()
            sharing.judge(connection)
            _add_shared(connection, standing.shared)
            features.build(connection)
            live.score(connection, self._model)
            edges = connection.execute("select uid_l, uid_r, weight, levels from edges").fetchall()
        clustering = cluster(
            range(len(contacts)),
            (
                Edge(left, right, weight, profile.parts(levels, self._model))
                for left, right, weight, levels in edges
            ),
            self._policy,
            _constraints(contacts, standing.decisions),
        )
        return _Verdict(clustering=clustering, edges=edges)

    def _known_regions(self) -> dict[str, str]:
        return {source: region for source, region in self._regions.items() if region}

    def _links(self, verdict: _Verdict, keys: Sequence[SourceKey]) -> list[Link]:
        """Every pair from the review weight on; a pair that did not join waits for review."""
        place = {
            uid: number
            for number, one in enumerate(verdict.clustering.clusters)
            for uid in one.members
        }
        at = self._clock.now()
        links = []
        for uid_l, uid_r, weight, levels in verdict.edges:
            if weight < self._review_weight:
                continue
            left, right = sorted((keys[uid_l], keys[uid_r]))
            joined = place[uid_l] == place[uid_r]
            links.append(
                Link(
                    left=left,
                    right=right,
                    method=LinkMethod.PROBABILISTIC,
                    status=LinkStatus.AUTO if joined else LinkStatus.PENDING,
                    match_weight=weight,
                    match_probability=probability(weight),
                    prior_weight=self._model.prior_weight,
                    model_version=self._model.version,
                    decided_by=BY_MODEL,
                    decided_at=at,
                    levels=levels,
                )
            )
        return links

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


def _assignments(
    clustering: Clustering[int],
    groups: Sequence[tuple[SourceKey, ...]],
    identities: Identities[SourceKey],
    standing: Standing,
) -> list[Assignment]:
    """Only clusters that are not as they stand."""
    found = []
    for one, members, id_ in zip(clustering.clusters, groups, identities.ids, strict=True):
        if tuple(sorted(members)) != tuple(sorted(standing.memberships.get(id_, ()))):
            sure = 1.0 if one.weakest is None else probability(one.weakest)
            found.append(Assignment(id=id_, members=tuple(sorted(members)), confidence=sure))
    return found


def _constraints(contacts: Sequence[Contact], decisions: Sequence[Link]) -> Constraints[int]:
    uid = {contact.key: number for number, contact in enumerate(contacts)}

    def pairs(status: LinkStatus) -> list[tuple[int, int]]:
        return [
            (uid[link.left], uid[link.right])
            for link in decisions
            if link.status is status and link.left in uid and link.right in uid
        ]

    return Constraints(confirmed=pairs(LinkStatus.CONFIRMED), rejected=pairs(LinkStatus.REJECTED))


def _load(connection: duckdb.DuckDBPyConnection, contacts: Sequence[Contact]) -> None:
    """`raw_people`, in the order handed in."""
    raws = [raw_person(contact) for contact in contacts]
    text, many = pa.string(), pa.list_(pa.string())
    columns = {
        "uid": pa.array(range(len(contacts)), pa.int64()),
        "system": pa.array([contact.key.source for contact in contacts], text),
        "id": pa.array([contact.key.external_id for contact in contacts], text),
        "region": pa.nulls(len(contacts), text),
        **{name: pa.array([getattr(raw, name) for raw in raws], text) for name in TEXTS},
        **{name: pa.array([list(getattr(raw, name)) for raw in raws], many) for name in LISTS},
    }
    connection.register("loading_people", pa.table(columns))
    connection.execute("create table raw_people as select * from loading_people").fetchall()
    connection.unregister("loading_people")


def _add_shared(
    connection: duckdb.DuckDBPyConnection, shared: frozenset[CanonicalIdentifier]
) -> None:
    """What the last resolution of everything found to be shared stays so among a handful."""
    names = {kind: name for name, kind in _KINDS.items()}
    rows = [(names[one.kind], one.value) for one in shared if one.kind in names]
    for kind, value in sorted(set(rows)):
        connection.execute(
            """insert into value_users select $1, $2, 2 where not exists
            (select 1 from value_users where kind = $1 and value = $2)""",
            [kind, value],
        ).fetchall()


def _shared(
    connection: duckdb.DuckDBPyConnection, platforms: Sequence[str]
) -> frozenset[CanonicalIdentifier]:
    rows = connection.execute(
        "select kind, value from value_users where value is not null"
    ).fetchall()
    return frozenset(
        CanonicalIdentifier(_KINDS[kind], value, scope)
        for kind, value in rows
        for scope in (platforms if kind == "handle" else ("",))
    )


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
