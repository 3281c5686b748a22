"""People that come, change and go one by one: into the record store, then into identity.

The store remembers who has not been settled since they last changed, so that a fall between the two
is mended by doing it again.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.customer import IdentityEvent
from domain.errors import IdentityError
from domain.ids import CustomerId, SourceKey
from domain.inbox import Farewell, Intake, Received
from domain.ports import IdentityStore, IndexedContact, Resolution
from domain.records import Actor, Contact
from domain.vocabulary import ActorKind, IdentityEventKind
from resolvers.services import Services

BY_SOURCE = Actor(kind=ActorKind.SYSTEM, id="inbox")

Index = Callable[[Contact], IndexedContact]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What became of people. `failed`: those whose place among the others could not be found, and
    why; they are stored all the same.
    """

    received: Received
    failed: dict[SourceKey, IdentityError]


class Arrivals:
    """Over both stores."""

    def __init__(
        self, services: Services, intake: Intake, identities: IdentityStore, index: Index
    ) -> None:
        self._services = services
        self._intake = intake
        self._identities = identities
        self._index = index

    async def place(
        self, contacts: Sequence[Contact], farewells: Sequence[Farewell], read_at: datetime
    ) -> Placed:
        """Store, bury, and settle who is new, changed, gone, or was left unsettled before."""
        # Normalising takes longer than the event loop may be held.
        indexed = await asyncio.to_thread(lambda: [self._index(one) for one in contacts])
        received = await self._intake.receive(indexed, farewells, read_at)
        owners = await self._owners(received.gone)
        failed = await self._settle(sorted(received.gone | received.kept | received.beside))
        await self._tell({key: one for key, one in owners.items() if key not in failed})
        return Placed(received=received, failed=failed)

    async def _owners(self, keys: Collection[SourceKey]) -> dict[SourceKey, CustomerId]:
        ordered = sorted(keys)
        owners = await self._identities.of_records(ordered)
        return {key: one for key, one in zip(ordered, owners, strict=True) if one is not None}

    async def _settle(self, keys: Sequence[SourceKey]) -> dict[SourceKey, IdentityError]:
        try:
            await self._services.identity.settle(keys)
        except IdentityError as error:
            if len(keys) <= 1:
                return dict.fromkeys(keys, error)
            # One of them is the trouble: let the others not wait for it.
            failed: dict[SourceKey, IdentityError] = {}
            for key in keys:
                failed |= await self._settle([key])
            return failed
        return {}

    async def _tell(self, left: Mapping[SourceKey, CustomerId]) -> None:
        """Let the history say that records went from their customers."""
        ids = sorted(set(left.values()))
        if not ids:
            return
        clusters = await self._identities.clusters(ids)
        events = [
            IdentityEvent(
                sequence=0,
                kind=IdentityEventKind.UNLINKED,
                before=(one,),
                after=(now.id,) if now is not None and now.members else (),
                by=BY_SOURCE,
                at=self._services.clock.now(),
            )
            for one, now in zip(ids, clusters, strict=True)
        ]
        nothing = Resolution(assignments=[], redirects={}, scope=frozenset(), events=events)
        await self._identities.publish(nothing)
