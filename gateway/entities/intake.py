"""What a vendor told has changed is thrown out of the cache, once the store has it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from domain.ids import SourceKey
from domain.inbox import Farewell, Intake, Received
from domain.ports import IndexedContact
from domain.records import Record
from gateway.entities import shelves
from gateway.entities.cache import EntityCache
from gateway.entities.shelves import Tag


class DroppingIntake:
    """Intake in front of another one. `fingerprints` are the sources' names in the cache."""

    def __init__(self, intake: Intake, cache: EntityCache, fingerprints: Mapping[str, str]) -> None:
        self._intake = intake
        self._cache = cache
        self._fingerprints = fingerprints

    async def receive(
        self, contacts: Sequence[IndexedContact], farewells: Sequence[Farewell], read_at: datetime
    ) -> Received:
        received = await self._intake.receive(contacts, farewells, read_at)
        people = [key for one in farewells for key in (one.key, one.into) if key is not None]
        await self._drop(
            *(shelves.of_contact(self._of(one.contact.key), one.contact) for one in contacts),
            *(shelves.of_person(self._of(key), key) for key in people),
        )
        return received

    async def refresh(self, records: Sequence[Record]) -> None:
        await self._intake.refresh(records)
        await self._drop(*(shelves.of_changed(self._of(one.key), one) for one in records))

    async def remove(self, keys: Sequence[SourceKey]) -> None:
        await self._intake.remove(keys)
        await self._drop(*(shelves.of_gone(self._of(key), key) for key in keys))

    def _of(self, key: SourceKey) -> str:
        return self._fingerprints.get(key.source, key.source)

    async def _drop(self, *dropped: Iterable[Tag]) -> None:
        await self._cache.drop(set().union(*dropped))
