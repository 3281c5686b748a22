"""Contacts by key: kept rows while they are young enough, else the source, else kept rows again."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.errors import SourceError
from domain.ids import Kind, SourceKey
from domain.provenance import Freshness
from domain.records import Contact, Record
from domain.sources import Fields
from domain.vocabulary import ServedFrom
from domain.waiting import together
from resolvers.calls import Reply, ask, at_hand
from resolvers.ledger import OUTCOME, Outcome
from resolvers.projection import projection

if TYPE_CHECKING:
    from resolvers.operation import Operation


_LIVE: Final = ServedFrom.LIVE
_KEPT: Final = ServedFrom.CACHE
_CONTACT: Final = Kind.CONTACT


class Reading(NamedTuple):
    """A contact as it could be had. None without a failed outcome: the source has it no more."""

    contact: Contact | None
    outcome: Outcome | None = None
    """None where the source cannot be asked for contacts, so that what is kept is all there is."""


Read = tuple[Contact | None, Outcome | None]
"""A `Reading` as a list of people needs it: to make a named one takes thrice as long."""
_MISSING: Final = Reading(None)


async def read(
    operation: "Operation", keys: Iterable[SourceKey], freshness: Freshness, fields: Fields
) -> dict[SourceKey, Reading]:
    """A reading for each key."""
    wanted = list(dict.fromkeys(keys))
    found = await readings(operation, wanted, freshness, fields)
    return dict(zip(wanted, map(Reading._make, found), strict=True))


async def readings(
    operation: "Operation", keys: Sequence[SourceKey], freshness: Freshness, fields: Fields
) -> list[Read]:
    """A reading for each key, in order; one call for each source, however many are asked for."""
    rows = await operation.services.records.contacts(keys)
    found, overdue = _from_store(operation, keys, rows, freshness)
    if len(overdue) == 1:
        (due,) = overdue.values()
        if len(due) == len(keys):  # as most that is overdue: nothing has to be put together
            return await _live(operation, keys, rows, freshness, fields)
    calls = [
        _live(operation, [keys[i] for i in due], [rows[i] for i in due], freshness, fields)
        for due in overdue.values()
    ]
    for due, some in zip(overdue.values(), await together(calls), strict=True):
        for i, one in zip(due, some, strict=True):
            found[i] = one
    return found


def _from_store(
    operation: "Operation",
    keys: Sequence[SourceKey],
    rows: Sequence[Contact | None],
    freshness: Freshness,
) -> tuple[list[Read], dict[str, list[int]]]:
    """What is young enough, and by source the places of those it has to be asked for. Rows that
    were read at one time share their outcome.
    """
    sources = operation.services.sources
    since = operation.started_at - timedelta(milliseconds=freshness.max_age_ms)
    found: list[Read] = []
    overdue: dict[str, list[int]] = {}
    outcomes: dict[tuple[str, datetime], Outcome] = {}
    for i, (key, row) in enumerate(zip(keys, rows, strict=True)):
        name, outcome = key.source, None
        source = sources.get(name)
        if source is not None and source.holds_people:
            if row is None or row.provenance.fetched_at < since:
                overdue.setdefault(name, []).append(i)
                found.append(_MISSING)
                continue
            at = row.provenance.fetched_at
            outcome = outcomes.get((name, at))
            if outcome is None:
                outcome = outcomes[name, at] = OUTCOME(source=name, at=at)
        if row is None or row.provenance.served_from is _KEPT:  # as the store hands it out
            found.append((row, outcome))
        else:
            found.append((_served(row, _KEPT), outcome))
    return found, overdue


async def _live(
    operation: "Operation",
    keys: Sequence[SourceKey],
    kept: Sequence[Contact | None],
    freshness: Freshness,
    fields: Fields,
) -> list[Read]:
    """Of one source; `kept` are the rows in the store, by key."""
    source = operation.services.sources[keys[0].source]
    ids = [key.external_id for key in keys]
    wanted = projection(_CONTACT, fields)
    behind = source if source.within is None else source.within(freshness)
    young = None if behind.at_hand is None else behind.at_hand.rows(_CONTACT, ids, wanted)
    reply: Reply[Record | None]
    if young is not None:
        reply = at_hand(operation, source, young)
    else:
        reply = await ask(
            operation,
            source,
            kind=_CONTACT,
            count=len(ids),
            freshness=freshness,
            call=partial(behind.gets[_CONTACT].get_many, ids, wanted),
        )
    found: list[Read] = []
    told: dict[tuple[ServedFrom, datetime | None], Outcome] = {}
    for entry, row in zip(reply.entries, kept, strict=True):
        if not isinstance(entry, Contact):
            found.append(_reading(reply, entry, row, freshness))
            continue
        origin = entry.provenance
        is_live = origin.served_from is _LIVE
        said = origin.served_from, None if is_live else origin.fetched_at
        if said not in told:
            told[said] = reply.outcome() if is_live else _kept(entry)
        found.append((entry, told[said]))
    return found


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


def _kept(row: Contact) -> Outcome:
    """Of a row that a cache gave in place of its source."""
    said = row.provenance
    stale = said.served_from is ServedFrom.STALE_CACHE
    return OUTCOME(source=said.system.name, stale=stale, at=said.fetched_at)


def _served(row: Contact, served_from: ServedFrom) -> Contact:
    return replace(row, provenance=replace(row.provenance, served_from=served_from))
