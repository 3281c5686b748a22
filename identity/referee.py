"""Settles who is who: what arrives at once, and everything from time to time."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from importlib import import_module

from domain.customer import CanonicalIdentifier, Link, LinkEvidence
from domain.live import Desk
from domain.ports import Clock, IdentityStore, RecordStore, Resolution
from domain.records import Contact
from identity import explain
from identity.clusters import Policy
from identity.index import raw_person
from identity.judgement import DUCKDB, EngineLimits, Resolved, Terms
from identity.live import Live
from identity.model import Model
from identity.neighbourhood import IDENTIFIERS
from identity.normalise import Person, normalise
from identity.rows import row_of


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
        self._terms = Terms(
            model=model,
            policy=Policy(link_weight=auto_link_weight, prior_weight=model.prior_weight),
            review_weight=review_weight,
            regions=regions,
            unique_sources=frozenset(unique_sources),
            clock=clock,
            limits=limits or EngineLimits(),
        )

    def judge(self, desk: Desk) -> Resolution:
        """Who is who among what arrived, see identity.live."""
        return self._live.judge(desk)

    def warm(self) -> None:
        """Build now what judging needs, which takes some tenths of a second."""
        self._live.warm()

    @cached_property
    def _live(self) -> Live:
        """Built when first needed."""
        terms = self._terms
        return Live(
            terms.model,
            terms.policy,
            review_weight=terms.review_weight,
            unique_sources=terms.unique_sources,
            clock=terms.clock,
        )

    async def resolve(
        self, records: RecordStore, store: IdentityStore, engine_name: str = DUCKDB
    ) -> Resolved:
        """Everything that is stored, published in one step. `engine_name` is that of run.ENGINES on
        which pairs are scored. Raises ClusterConflict where others kept publishing while it was
        worked out, InputError for an engine that is not there.
        """
        everything = await asyncio.to_thread(import_module, "identity.everything")
        resolved: Resolved = await everything.resolve(self._terms, records, store, engine_name)
        return resolved

    def explain(
        self, links: Sequence[tuple[Link, Contact | None, Contact | None]]
    ) -> list[tuple[LinkEvidence, ...]]:
        """No evidence for links of another model, or decided by a person without one."""
        model = self._terms.model
        return [
            explain.evidence(link.levels, model, self._person(left), self._person(right))
            if link.model_version == model.version
            else ()
            for link, left, right in links
        ]

    def _person(self, contact: Contact | None) -> Person | None:
        if contact is None:
            return None
        return normalise(raw_person(contact), self._terms.regions.get(contact.key.source))

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
            person = normalise(raw_person(contact), self._terms.regions.get(contact.key.source))
            rows[contact.key] = row_of(person, contact.key.source, contact.verification)
        return self._live.compare(rows, uses)
