"""The event store of a deployment that keeps no live record: nothing has happened."""

from collections.abc import Collection, Sequence
from datetime import datetime

from domain.errors import Forbidden
from domain.events import Activity, Interaction, Noted, Told
from domain.ids import SourceKey
from domain.sources import Position


class NoEvents:
    """EventStore that is always empty. Raises Forbidden where something is to be kept."""

    async def append(self, told: Sequence[Told]) -> Noted:
        raise Forbidden("the live record is not kept here")

    async def note(self, activities: Sequence[Activity]) -> tuple[Activity, ...]:
        raise Forbidden("the live record is not kept here")

    async def interactions(self, keys: Sequence[SourceKey]) -> list[Interaction | None]:
        return [None] * len(keys)

    async def of_contacts(
        self,
        contacts: Collection[SourceKey],
        *,
        first: int,
        after: Position | None = None,
        active_at: datetime | None = None,
    ) -> list[Interaction]:
        return []

    async def activities(
        self, after: int, first: int, contacts: Collection[SourceKey] | None = None
    ) -> list[Activity]:
        return []

    async def head(self) -> int:
        return 0
