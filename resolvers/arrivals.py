"""People that come, change and go one by one: into the record store, then into identity."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.customer import IdentityEvent
from domain.errors import IdentityError, StaleVersion
from domain.ids import CustomerId, SourceKey
from domain.inbox import Farewell, Intake, Received
from domain.ports import IdentityStore, IndexedContact, Resolution
from domain.records import Actor, Contact
from domain.vocabulary import ActorKind, IdentityEventKind
from resolvers.services import Services

BY_SOURCE = Actor(kind=ActorKind.SYSTEM, id="inbox")
ATTEMPTS = 5
"""How often a departure is worked out anew when somebody else's decision was published first."""

Index = Callable[[Contact], IndexedContact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What became of people. `failed`: those whose place among the others could not be found, and
    why; they are stored all the same.
    """

    received: Received
    failed: dict[SourceKey, IdentityError]


class Arrivals:
    """Both stores, in the order in which a fall between them is mended by doing it again."""

    def __init__(
        self, services: Services, intake: Intake, identities: IdentityStore, index: Index
    ) -> None:
        self._services = services
        self._intake = intake
        self._identities = identities
        self._index = index

    async def place(
        self,
        contacts: Sequence[Contact],
        farewells: Sequence[Farewell],
        read_at: datetime,
        pressing: Collection[SourceKey],
    ) -> Placed:
        """Store, bury, and resolve who is new or changed; of `pressing` ones also who is not."""
        indexed = [self._index(contact) for contact in contacts]
        received = await self._intake.receive(indexed, farewells, read_at)
        due = (received.changed | set(pressing)) & received.kept
        left = await self._say_farewell(received.gone)
        failed = await self._resolve(sorted(due | left))
        return Placed(received=received, failed=failed)

    async def _resolve(self, keys: Sequence[SourceKey]) -> dict[SourceKey, IdentityError]:
        stored = await self._services.records.contacts(keys) if keys else []
        contacts = [contact for contact in stored if contact is not None]
        try:
            await self._services.identity.adopt(contacts)
        except IdentityError as error:
            if len(contacts) <= 1:
                return {contact.key: error for contact in contacts}
            # One of them is the trouble: let the others not wait for it.
            failed: dict[SourceKey, IdentityError] = {}
            for contact in contacts:
                failed |= await self._resolve([contact.key])
            return failed
        return {}

    async def _say_farewell(self, gone: Iterable[SourceKey]) -> set[SourceKey]:
        """Take records out of their customers. Returns those that stay behind: without the one that
        went they may no longer be one person.
        """
        keys = sorted(gone)
        for _ in range(ATTEMPTS):
            try:
                return await self._depart(keys) if keys else set()
            except StaleVersion:
                continue
        raise StaleVersion("identities kept changing while records were taken out of them")

    async def _depart(self, keys: Sequence[SourceKey]) -> set[SourceKey]:
        version = await self._identities.version()
        owners = await self._identities.of_records(keys)
        own = {key: owner for key, owner in zip(keys, owners, strict=True) if owner is not None}
        if not own:
            return set()
        clusters = await self._identities.clusters(sorted(set(own.values())))
        members = {one.id: one.members for one in clusters if one is not None}
        others = sorted({key for keys in members.values() for key in keys} - own.keys())
        kept = await self._services.records.contacts(others)
        living = {contact.key for contact in kept if contact is not None}
        empty = [one for one, keys in members.items() if not living.intersection(keys)]
        await self._identities.publish(
            Resolution(
                assignments=[],
                redirects={},
                retired=empty,
                scope=frozenset(own),
                events=self._events(members, empty),
                based_on=version,
            )
        )
        return living

    def _events(
        self, customers: Iterable[CustomerId], empty: Collection[CustomerId]
    ) -> list[IdentityEvent]:
        return [
            IdentityEvent(
                sequence=0,
                kind=IdentityEventKind.UNLINKED,
                before=(one,),
                after=() if one in empty else (one,),
                by=BY_SOURCE,
                at=self._services.clock.now(),
            )
            for one in customers
        ]
