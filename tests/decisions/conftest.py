"""A steward at a desk: the real use cases over a real state store and the real referee."""

import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.customer import Cluster, Link
from domain.ids import CustomerId, Kind, SourceKey
from domain.ports import Assignment, Resolution, SyncCursor
from domain.provenance import Provenance, System
from domain.records import Actor, Contact
from domain.vocabulary import ActorKind, LinkMethod, LinkStatus, SystemKind
from identity.graph import People
from identity.minting import mint
from identity.model import bundled
from identity.referee import Referee
from resolvers import decisions
from resolvers.caller import Caller
from resolvers.decisions import IdentityPayload, Merge, Split, Version
from resolvers.operation import Operation
from resolvers.services import Services
from state.engine import State, open_state

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SOURCES = ("crm", "chat", "shop", "desk")
REGIONS: dict[str, str | None] = dict.fromkeys(SOURCES, "GB")
STEWARD = Caller(name="steward", scopes=frozenset({"customer:any", "staff", "pii:identity"}))


class Silent:
    """Telemetry nobody reads."""

    def count(self, *_: object) -> None: ...

    def observe(self, *_: object) -> None: ...


class Desk:
    """Short ways to set a scene and to decide on it."""

    def __init__(self, state: State, clock: Any, first_key: int = 1) -> None:
        self.state = state
        self.clock = clock
        self.referee = Referee(
            bundled(), auto_link_weight=9.0, review_weight=3.0, regions=REGIONS, clock=clock
        )
        self.people = People(
            state.records,
            state.identities,
            state.arrivals,
            judge=self.referee.judge,
            explain=self.referee.explain,
            regions=REGIONS,
        )
        self._keys = itertools.count(first_key)

    def operation(self, caller: Caller = STEWARD, *, read_only: bool = False) -> Operation:
        services = Services(
            sources={},
            identity=self.people,
            decisions=self.state.decisions,
            mint=mint,
            records=self.state.records,
            cache=None,  # type: ignore[arg-type]  # no source is asked, so nothing is cached
            clock=self.clock,
            telemetry=Silent(),
        )
        return Operation.start(services, caller, 60.0, read_only)

    # ------------------------------------------------------------ the scene

    def key(self, text: str) -> SourceKey:
        """`crm:1`, or `1` of the CRM."""
        source, _, external_id = text.rpartition(":")
        return SourceKey(source or "crm", Kind.CONTACT, external_id)

    def contact(self, text: str, **said: Any) -> Contact:
        key = self.key(text)
        system = System(name=key.source, kind=SystemKind.CRM, connector="test")
        said.setdefault("full_name", f"Person {key.external_id}")
        return Contact(
            key=key,
            provenance=Provenance(system=system, external_id=key.external_id, fetched_at=AT),
            **said,
        )

    async def store(self, contacts: Sequence[Contact], *, full: bool = False) -> None:
        """What a sync of the sources brings; a full one deletes what they have no more."""
        self.clock.advance(timedelta(minutes=1))
        for source in SOURCES:
            own = [
                self.people.index(self._read_now(one))
                for one in contacts
                if one.key.source == source
            ]
            began = self.clock.now() if full else None
            stand = SyncCursor(cursor="end", scan_started_at=began, updated_at=self.clock.now())
            records = self.state.records
            await records.put_page(source, Kind.CONTACT, own, [], stand)
            if full:
                await records.finish_scan(source, Kind.CONTACT, stand)

    def _read_now(self, contact: Contact) -> Contact:
        """As a source hands it out: what a scan read was read after the scan began."""
        at = replace(contact.provenance, fetched_at=self.clock.now())
        return replace(contact, provenance=at)

    async def resolve(self) -> None:
        await self.referee.resolve(self.state.records, self.state.identities)

    async def stand(self, **groups: str) -> None:
        """`stand(cus_a="1 2", cus_b="3")`: contacts of these keys, held to be these people; one
        publication each, in order.
        """
        for id, members in groups.items():
            own = [self.people.index(self.contact(text)) for text in members.split()]
            await self.publish({id: members}, contacts=own)

    async def publish(self, groups: dict[str, str], **more: Any) -> None:
        """Records of these keys, held to be these people, in one publication."""
        members = {id: tuple(map(self.key, some.split())) for id, some in groups.items()}
        await self.state.identities.publish(
            Resolution(
                assignments=[
                    Assignment(id=CustomerId(id), members=keys, confidence=0.9)
                    for id, keys in members.items()
                ],
                redirects=more.pop("redirects", {}),
                scope=frozenset(),
                **more,
            )
        )

    async def link(self, left: str, right: str, status: LinkStatus, weight: float | None) -> Link:
        """A scored link between two records, put beside those that are there."""
        ends = sorted((self.key(left), self.key(right)))
        link = Link(
            left=ends[0],
            right=ends[1],
            method=LinkMethod.PROBABILISTIC,
            status=status,
            match_weight=weight,
            match_probability=None if weight is None else 1 - 2 ** -(weight + 1),
            decided_by=Actor(kind=ActorKind.SYSTEM, id="identity"),
            decided_at=AT,
        )
        await self.state.identities.publish(
            Resolution(assignments=[], redirects={}, links=[link], scope=frozenset())
        )
        return link

    # ------------------------------------------------------------ what stands

    async def cluster(self, id: str) -> Cluster:
        (found,) = await self.people.clusters([CustomerId(id)])
        assert found is not None
        return found

    async def members(self, id: str) -> str:
        return " ".join(key.external_id for key in (await self.cluster(id)).members)

    async def owner(self, text: str) -> str | None:
        (owner,) = await self.people.of_records([self.key(text)])
        return owner

    async def statuses(self, *pairs: str) -> list[LinkStatus | None]:
        """Of the links between `1-2`, ..."""
        ends = [tuple(sorted(map(self.key, pair.split("-")))) for pair in pairs]
        links = await self.state.identities.links([key for pair in ends for key in pair])
        known = {(link.left, link.right): link.status for link in links}
        return [known.get(pair) for pair in ends]  # type: ignore[arg-type]

    async def snapshot(self) -> dict[str, tuple[SourceKey, ...]]:
        return dict(await self.state.identities.memberships())

    # ------------------------------------------------------------ deciding

    async def seen(self, id: str) -> Version:
        return Version(CustomerId(id), (await self.cluster(id)).version)

    def new_key(self) -> str:
        return f"key-{next(self._keys)}"

    async def merge(self, keep: str, *absorb: str, **more: Any) -> IdentityPayload:
        wish = Merge(
            keep=await self.seen(keep),
            absorb=tuple([await self.seen(one) for one in absorb]),
            reason=more.pop("reason", "one person"),
            idempotency_key=more.pop("key", None) or self.new_key(),
        )
        return await self.ask(wish, **more)

    async def split(
        self, id: str, records: str, *, never_relink: bool = True, **more: Any
    ) -> IdentityPayload:
        wish = Split(
            customer=await self.seen(id),
            records=tuple(self.key(text).node_id for text in records.split()),
            reason=more.pop("reason", "two people"),
            never_relink=never_relink,
            idempotency_key=more.pop("key", None) or self.new_key(),
        )
        return await self.ask(wish, **more)

    async def ask(self, wish: Merge | Split, caller: Caller = STEWARD) -> IdentityPayload:
        operation = self.operation(caller)
        if isinstance(wish, Merge):
            return await decisions.merge(operation, wish)
        return await decisions.split(operation, wish)

    async def confirm(self, link: Link) -> IdentityPayload:
        return await decisions.confirm(self.operation(), link.id, "the same")

    async def reject(self, link: Link) -> IdentityPayload:
        return await decisions.reject(self.operation(), link.id, "not the same")


@pytest.fixture
async def desk(state_url: str, clock: Any) -> AsyncIterator[Desk]:
    state = open_state(state_url, clock=clock)
    yield Desk(state, clock)
    await state.close()


@pytest.fixture
async def quick_desk(sqlite_state: str, clock: Any) -> AsyncIterator[Desk]:
    """On a store of its own, for what does not depend on the database."""
    state = open_state(sqlite_state, clock=clock)
    yield Desk(state, clock)
    await state.close()
