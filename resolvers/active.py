"""What goes on around a person now: what was told, and what chats and telephones have in progress.

Each once; of one that both know, the newer state counts.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from domain.errors import SourceError
from domain.events import ONGOING, Interaction, InteractionRecord
from domain.ids import Kind, SourceKey
from domain.provenance import Freshness
from domain.records import Call, Conversation
from domain.sources import Parent, Source
from domain.vocabulary import SystemKind
from resolvers.blends import blended
from resolvers.ledger import Outcome, failures
from resolvers.pages import Cut, Found, read_each
from resolvers.parents import Parents, parents_in
from resolvers.people import Person, contact_keys
from resolvers.trails import Trail

if TYPE_CHECKING:
    from resolvers.operation import Operation

MOST_TOLD: Final = 50
NEWEST: Final = 20
"""How many of the latest of a source are looked through."""
KINDS: Final = (Kind.CONVERSATION, Kind.CALL)
SYSTEMS: Final = frozenset({SystemKind.CHAT, SystemKind.VOICE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Active:
    """`items` is None where nothing is known to go on and a source that could know did not say."""

    items: tuple[InteractionRecord, ...] | None = field(repr=False)
    failures: tuple[SourceError, ...] = ()


async def of_customers(
    operation: "Operation", people: Sequence[Person], freshness: Freshness
) -> list[Active]:
    """One entry per person, in order, as the caller may see it. Raises CapabilityDisabled."""
    operation.services.require("live_record")
    told, live = await asyncio.gather(
        asyncio.gather(*(_told(operation, one) for one in people)),
        _live(operation, people, freshness),
    )
    listed = {one.key for some, _ in live for one in some}
    known = await _known(operation, listed - {one.key for some in told for one in some})
    found = []
    for person, some, (records, outcomes) in zip(people, told, live, strict=True):
        customer = person.cluster.id
        operation.ledger.note((customer,), outcomes)
        items = _joined(some, records, known)
        operation.follow(items, Trail(customers=frozenset({customer}), freshness=freshness))
        found.append(_active(operation, items, outcomes))
    return found


def _active(
    operation: "Operation", items: Sequence[InteractionRecord], outcomes: Sequence[Outcome]
) -> Active:
    unknown = not items and any(not one.answered for one in outcomes)
    mask = operation.masks.apply
    shown = None if unknown else tuple(mask(one) for one in items)
    return Active(items=shown, failures=failures(outcomes))


async def _told(operation: "Operation", person: Person) -> list[Interaction]:
    contacts = contact_keys(person.cluster)
    if not contacts:
        return []
    now = operation.services.clock.now()
    store = operation.services.events
    return await store.of_contacts(contacts, first=MOST_TOLD, active_at=now)


async def _known(operation: "Operation", keys: "set[SourceKey]") -> dict[SourceKey, Interaction]:
    """What was told of others that sources list."""
    found = await operation.services.events.interactions(sorted(keys)) if keys else []
    return {one.key: one for one in found if one is not None}


def _joined(
    told: Sequence[Interaction],
    live: Sequence[InteractionRecord],
    known: Mapping[SourceKey, Interaction],
) -> list[InteractionRecord]:
    """What goes on, the latest begun first."""
    events = {one.key: one for one in told}
    found = {key: one.record for key, one in events.items()}
    for record in live:
        event = events.get(record.key) or known.get(record.key)
        found[record.key] = record if event is None else blended(record, event)
    going = [one for one in found.values() if one.state in ONGOING]
    return sorted(going, key=lambda one: (one.occurred_at, one.key), reverse=True)


# ---------------------------------------------------------------- at the sources


async def _live(
    operation: "Operation", people: Sequence[Person], freshness: Freshness
) -> list[tuple[list[InteractionRecord], list[Outcome]]]:
    """By person: what chats and telephones list, and what became of asking them."""
    services = operation.services
    sources = [one for one in services.sources.values() if _may_know(one)]
    asked = await asyncio.gather(*(parents_in(services, one, people) for one in sources))
    found: list[tuple[list[InteractionRecord], list[Outcome]]] = [([], []) for _ in people]
    for kind in KINDS:
        holders = [
            (source, answers)
            for source, answers in zip(sources, asked, strict=True)
            if kind in source.children
        ]
        pages = await read_each(operation, _parents(holders), _cut(operation, kind, freshness))
        for source, answers in holders:
            rest = iter(pages.get(source.name, ()))
            for (records, outcomes), answer in zip(found, answers, strict=True):
                for _ in answer.parents:
                    _add(next(rest), records, outcomes)
                if answer.withheld is not None:
                    outcomes.append(
                        Outcome(source=source.name, answered=False, note=answer.withheld)
                    )
    return found


def _may_know(source: Source) -> bool:
    return source.system.kind in SYSTEMS and any(kind in source.children for kind in KINDS)


def _parents(holders: Sequence[tuple[Source, Sequence[Parents]]]) -> dict[str, list[Parent]]:
    return {
        source.name: [parent for answer in answers for parent in answer.parents]
        for source, answers in holders
    }


def _cut(operation: "Operation", kind: Kind, freshness: Freshness) -> Cut:
    fields = operation.fields("Call" if kind is Kind.CALL else "Conversation")
    wanted = None if fields is None else fields | {"state", "channel"}
    return Cut(kind=kind, first=NEWEST, freshness=freshness, fields=wanted)


def _add(found: Found, records: list[InteractionRecord], outcomes: list[Outcome]) -> None:
    outcomes.extend(found.outcomes)
    if found.page is not None:
        records.extend(one for one in found.page.items if isinstance(one, Conversation | Call))
