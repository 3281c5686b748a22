"""Contacts by key: kept rows while they are young enough, else the source, else kept rows again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from domain.errors import SourceError
from domain.ids import Kind, SourceKey
from domain.provenance import Freshness
from domain.records import Contact, Record
from domain.sources import Fields
from domain.vocabulary import ServedFrom
from domain.waiting import together
from resolvers.calls import Reply, ask
from resolvers.ledger import Outcome
from resolvers.projection import projection

if TYPE_CHECKING:
    from resolvers.operation import Operation


class Reading(NamedTuple):
    """A contact as it could be had. None without a failed outcome: the source has it no more."""

    contact: Contact | None
    outcome: Outcome | None = None
    """None where the source cannot be asked for contacts, so that what is kept is all there is."""


async def read(
    operation: "Operation", keys: Iterable[SourceKey], freshness: Freshness, fields: Fields
) -> dict[SourceKey, Reading]:
    """A reading for each key; one call for each source, however many are asked for."""
    wanted = list(dict.fromkeys(keys))
    rows = await operation.services.records.contacts(wanted)
    kept = {key: row for key, row in zip(wanted, rows, strict=True) if row is not None}
    found: dict[SourceKey, Reading] = {}
    overdue: dict[str, list[SourceKey]] = defaultdict(list)
    for key in wanted:
        reading = _from_store(operation, key, kept.get(key), freshness)
        if reading is None:
            overdue[key.source].append(key)
        else:
            found[key] = reading
    calls = [_live(operation, due, kept, freshness, fields) for due in overdue.values()]
    for readings in await together(calls):
        found.update(readings)
    return found


def _from_store(
    operation: "Operation", key: SourceKey, row: Contact | None, freshness: Freshness
) -> Reading | None:
    """None where the source has to be asked."""
    source = operation.services.sources.get(key.source)
    if source is None or not source.holds_people:
        return Reading(row and _served(row, ServedFrom.CACHE))
    if row is None or not _young(operation, row, freshness):
        return None
    outcome = Outcome(source=source.name, at=row.provenance.fetched_at)
    return Reading(_served(row, ServedFrom.CACHE), outcome)


async def _live(
    operation: "Operation",
    keys: Sequence[SourceKey],
    kept: Mapping[SourceKey, Contact],
    freshness: Freshness,
    fields: Fields,
) -> dict[SourceKey, Reading]:
    source = operation.services.sources[keys[0].source]
    ids = [key.external_id for key in keys]
    wanted = projection(Kind.CONTACT, fields)
    readers = source.fresh(freshness).gets
    reply = await ask(
        operation,
        source,
        kind=Kind.CONTACT,
        count=len(ids),
        freshness=freshness,
        call=lambda deadline: readers[Kind.CONTACT].get_many(ids, wanted, deadline),
    )
    answered = reply.outcome()
    return {
        key: Reading(entry, answered if _is_live(entry) else _kept(entry))
        if isinstance(entry, Contact)
        else _reading(reply, entry, kept.get(key), freshness)
        for key, entry in zip(keys, reply.entries, strict=True)
    }


def _reading(
    reply: Reply[Record | None],
    entry: Record | SourceError | None,
    row: Contact | None,
    freshness: Freshness,
) -> Reading:
    if isinstance(entry, SourceError):
        stale = row is not None and freshness.allow_stale
        contact = _served(row, ServedFrom.STALE_CACHE) if row is not None and stale else None
        return Reading(contact, reply.outcome(entry, stale=stale))
    return Reading(entry if isinstance(entry, Contact) else None, reply.outcome())


def _is_live(row: Contact) -> bool:
    return row.provenance.served_from is ServedFrom.LIVE


def _kept(row: Contact) -> Outcome:
    """Of a row that a cache gave in place of its source."""
    said = row.provenance
    stale = said.served_from is ServedFrom.STALE_CACHE
    return Outcome(source=said.system.name, stale=stale, at=said.fetched_at)


def _young(operation: "Operation", row: Contact, freshness: Freshness) -> bool:
    age = operation.started_at - row.provenance.fetched_at
    return age <= timedelta(milliseconds=freshness.max_age_ms)


def _served(row: Contact, served_from: ServedFrom) -> Contact:
    if row.provenance.served_from is served_from:
        return row
    return replace(row, provenance=replace(row.provenance, served_from=served_from))
