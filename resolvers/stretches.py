"""A stretch of the timelines of several people: what their sources and the live record have from a
place on, as far as nothing can be missing between.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from domain.events import Interaction, InteractionRecord
from domain.ids import Kind, SourceKey
from domain.provenance import Freshness
from domain.records import RECORD_TYPES, Order
from domain.sources import ChildPage, Fields, Parent, Position, Source
from domain.vocabulary import Channel, InteractionState
from resolvers.blends import blended
from resolvers.lately import Spot
from resolvers.ledger import Outcome
from resolvers.moments import Item, Moment
from resolvers.pages import Cut, Found, read
from resolvers.parents import Parents, parents_in
from resolvers.people import Person, contact_keys

if TYPE_CHECKING:
    from resolvers.operation import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What is wanted of a timeline: from `since` on, and before `until`."""

    channels: frozenset[Channel] = frozenset()
    states: frozenset[InteractionState] = frozenset()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def picks(self) -> bool:
        """Whether a page of what there is may hold less than a page of what is wanted."""
        return bool(self.channels or self.states)

    def may_hold(self, kind: Kind) -> bool:
        """An order is no interaction: it has no state."""
        return kind is not Kind.ORDER or not self.states

    def takes(self, item: Item) -> bool:
        if self.channels and item.channel not in self.channels:
            return False
        if self.states and (isinstance(item, Order) or item.state not in self.states):
            return False
        return (self.since is None or item.occurred_at >= self.since) and (
            self.until is None or item.occurred_at < self.until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is read of each source and of the live record."""

    kinds: tuple[Kind, ...]
    size: int
    freshness: Freshness
    where: Where
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose timeline, and as whom each source knows them."""

    person: Person
    parents: Mapping[str, Parents] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Everything from the place asked for down to `end`; None where that is all there is."""

    items: Mapping[Moment, Item] = field(repr=False)
    end: Moment | None
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class _Told:
    """What the live record has of a person, after one place and as far as another."""

    items: tuple[Interaction, ...]
    after: Moment | None
    end: Moment | None


async def asked(
    operation: "Operation", sources: Sequence[Source], people: Sequence[Person]
) -> list[Asked]:
    found = await asyncio.gather(
        *(parents_in(operation.services, source, people) for source in sources)
    )
    names = [source.name for source in sources]
    return [
        Asked(person=person, parents=dict(zip(names, (some[i] for some in found), strict=True)))
        for i, person in enumerate(people)
    ]


async def stretches(
    operation: "Operation", group: Sequence[Asked], reading: Reading, after: Moment | None
) -> list[Stretch]:
    """One for each of the group, in order."""
    live, told = await asyncio.gather(
        _live(operation, group, reading, after),
        asyncio.gather(*(_told(operation, one, reading.size, after) for one in group)),
    )
    own = [_own(one, live) for one in group]
    known = await _known_elsewhere(operation, [pages for pages, _ in own], told)
    return [
        _joined(one, listed, some, known)
        for one, listed, some in zip(group, own, told, strict=True)
    ]


# ---------------------------------------------------------------- reading

_Live = Mapping[Kind, Mapping[Spot, Found]]


async def _live(
    operation: "Operation", group: Sequence[Asked], reading: Reading, after: Moment | None
) -> _Live:
    found = await asyncio.gather(
        *(
            read(operation, _parents(operation, group, kind), _cut(operation, kind, reading, after))
            for kind in reading.kinds
        )
    )
    return dict(zip(reading.kinds, found, strict=True))


def _parents(operation: "Operation", group: Sequence[Asked], kind: Kind) -> dict[str, list[Parent]]:
    return {
        source.name: [parent for one in group for parent in one.parents[source.name].parents]
        for source in operation.services.holding(kind)
    }


def _cut(operation: "Operation", kind: Kind, reading: Reading, after: Moment | None) -> Cut:
    return Cut(
        kind=kind,
        first=reading.size,
        after=None if after is None else after.place(kind),
        freshness=reading.freshness,
        fields=_fields(operation, kind, reading),
    )


def _fields(operation: "Operation", kind: Kind, reading: Reading) -> Fields:
    wanted = operation.fields(RECORD_TYPES[kind].__name__)
    judged = {"channel"} if reading.where.channels else set()
    judged |= {"state"} if reading.where.states else set()
    return None if wanted is None else wanted | judged | reading.needs


async def _told(operation: "Operation", one: Asked, size: int, after: Moment | None) -> _Told:
    """The store knows places by time and id alone: what shares both with the end of a page is left
    to the next one, whole.
    """
    contacts = contact_keys(one.person.cluster)
    if not contacts:
        return _Told((), after, None)
    position = None if after is None else after.position
    asked_for = size + 1
    while True:
        found = await operation.services.events.of_contacts(
            contacts, first=asked_for, after=position
        )
        if len(found) < asked_for:
            return _Told(tuple(found), after, None)
        last = _position(found[-1])
        whole = tuple(one for one in found if _position(one) > last)
        if any(after is None or Moment.of(one.record) < after for one in whole):
            return _Told(whole, after, min(Moment.of(one.record) for one in whole))
        asked_for *= 2


def _position(told: Interaction) -> Position:
    return Position(told.record.occurred_at, told.key.external_id)


def _own(one: Asked, live: _Live) -> tuple[list[ChildPage[Item]], list[Outcome]]:
    """The pages of one person, and the outcome of everything that could hold more."""
    pages: list[ChildPage[Item]] = []
    outcomes: list[Outcome] = []
    for found in live.values():
        for name, answer in one.parents.items():
            for parent in answer.parents:
                some = found.get((name, parent))
                if some is not None:
                    outcomes.extend(some.outcomes)
                    if some.page is not None:
                        pages.append(some.page)  # type: ignore[arg-type]  # of kinds with a place
    withheld = {name: answer.withheld for name, answer in one.parents.items() if answer.withheld}
    outcomes += [Outcome(source=name, answered=False, note=why) for name, why in withheld.items()]
    return pages, outcomes


# ---------------------------------------------------------------- joining


async def _known_elsewhere(
    operation: "Operation", pages: Sequence[Iterable[ChildPage[Item]]], told: Sequence[_Told]
) -> dict[SourceKey, Interaction]:
    """What the live record knows of interactions that sources listed and it did not."""
    listed = [{one.key for one in some.items} for some in told]
    keys = {
        item.key: None
        for own, here in zip(pages, listed, strict=True)
        for page in own
        for item in page.items
        if not isinstance(item, Order) and item.key not in here
    }
    if not keys:
        return {}
    found = await operation.services.events.interactions(list(keys))
    return {one.key: one for one in found if one is not None}


def _joined(
    one: Asked,
    live: tuple[Sequence[ChildPage[Item]], Sequence[Outcome]],
    told: _Told,
    known: Mapping[SourceKey, Interaction],
) -> Stretch:
    pages, outcomes = live
    items: dict[SourceKey, Item] = {one.key: one.record for one in told.items}
    events = {one.key: one for one in told.items}
    contacts = frozenset(contact_keys(one.person.cluster))
    both_know = events.keys() | known.keys()
    for item in (item for page in pages for item in page.items):
        if isinstance(item, Order) or item.key not in both_know:
            items[item.key] = item
        elif item.key in events:
            items[item.key] = blended(item, events[item.key])
        elif not _has_its_place(contacts, item, known[item.key]):
            both = blended(item, known[item.key])
            items[item.key] = replace(both, occurred_at=item.occurred_at)
    ends = [Moment.of(page.items[-1]) for page in pages if page.has_more and page.items]
    end = max([*ends, *([told.end] if told.end else [])], default=None)
    placed = {Moment.of(item): item for item in items.values()}
    chosen = {
        place: item
        for place, item in placed.items()
        if (told.after is None or place < told.after) and (end is None or place >= end)
    }
    return Stretch(items=chosen, end=end, outcomes=tuple(outcomes))


def _has_its_place(contacts: Set[SourceKey], item: InteractionRecord, known: Interaction) -> bool:
    """Whether the live record lists it for this person at another place than its source does: an
    event may tell of another beginning. There it is handed out, and nowhere else.
    """
    return known.record.occurred_at != item.occurred_at and not contacts.isdisjoint(known.contacts)
