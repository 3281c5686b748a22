"""From what a caller knows of a person to who that is. No authorisation here: see access."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from domain.customer import KeyKind, LookupKey
from domain.errors import NotSupported, SourceError
from domain.ids import CustomerId, Kind
from domain.ports import IdentityGraph
from domain.provenance import Freshness
from domain.records import Contact
from domain.sources import Deadline, Source
from resolvers import visitors
from resolvers.calls import ask
from resolvers.ledger import Outcome

if TYPE_CHECKING:
    from resolvers.operation import Operation


class Lead(NamedTuple):
    """Who a key leads to, and what was heard where it had to be searched for."""

    customers: tuple[CustomerId, ...] = ()
    outcomes: tuple[Outcome, ...] = ()

    @property
    def certain(self) -> bool:
        """Every source that could know the key said what it knows."""
        return all(outcome.answered for outcome in self.outcomes)


_LEAD = partial(tuple.__new__, Lead)
"""Of its parts, without a call of ours."""
_customers: Final = attrgetter("customers")
_ID: Final = KeyKind.ID
_VISITOR: Final = KeyKind.VISITOR_ID


async def known(identity: IdentityGraph, keys: Sequence[LookupKey]) -> list[tuple[CustomerId, ...]]:
    """Who the identity graph has for each key; an id leads to whom it stands for today."""
    for key in keys:
        if key.kind is _ID:
            return await _known_by_id(identity, keys)
    return [*map(_customers, await identity.find(keys))] if keys else []


async def _known_by_id(
    identity: IdentityGraph, keys: Sequence[LookupKey]
) -> list[tuple[CustomerId, ...]]:
    """The same where some are ids."""
    others = [key for key in keys if key.kind is not _ID]
    found = await identity.find(others) if others else []
    ids = [key for key in keys if key.kind is _ID]
    clusters = await identity.clusters([CustomerId(key.value) for key in ids])
    leads: dict[LookupKey, tuple[CustomerId, ...]] = {
        key: (cluster.id,) if cluster else () for key, cluster in zip(ids, clusters, strict=True)
    }
    leads |= {key: one.customers for key, one in zip(others, found, strict=True)}
    return [leads[key] for key in keys]


async def follow(
    operation: "Operation", keys: Sequence[LookupKey], freshness: Freshness
) -> list[Lead]:
    """One lead per key, in order. A key nobody knows is searched at the sources that may know it,
    and who is found there is resolved and kept; a GET request does not search, nor do several that
    share an operation.
    """
    named: Sequence[LookupKey] = keys
    for key in keys:
        if key.kind is _VISITOR:
            named = await visitors.named(operation.services, keys)
            break
    standing = await known(operation.services.identity, named)
    made = map(_LEAD, zip(standing, repeat(())))
    if all(standing):
        return list(made)
    unique = dict(zip(keys, standing, strict=True))
    unknown = [key for key, customers in unique.items() if not customers and key.kind is not _ID]
    leads: dict[LookupKey, Lead] = dict(zip(keys, made, strict=True))
    if unknown and operation.read_only:
        leads |= {key: Lead(outcomes=_left_alone(operation, key)) for key in unknown}
    elif unknown and not operation.is_shared:
        leads |= await _search(operation, unknown, freshness)
    return [leads[key] for key in keys]


def _sources(operation: "Operation", key: LookupKey) -> list[Source]:
    """Who could know the key: an external id its own system, an order number those that hold
    orders, anything else those that hold people.
    """
    sources = operation.services.sources
    if key.kind is KeyKind.EXTERNAL:
        one = sources.get(key.scope)
        return [one] if one is not None and one.holds_people else []
    kind = Kind.ORDER if key.kind is KeyKind.ORDER_NUMBER else Kind.CONTACT
    return [source for source in sources.values() if source.search and _holds(source, kind)]


def _holds(source: Source, kind: Kind) -> bool:
    return kind in source.gets or kind in source.children


def _left_alone(operation: "Operation", key: LookupKey) -> tuple[Outcome, ...]:
    note = "not searched: a GET request changes nothing"
    return tuple(
        Outcome(source=source.name, answered=False, note=note)
        for source in _sources(operation, key)
    )


@dataclass(frozen=True, slots=True)
class _Heard:
    """What one source said to one key. No outcome where it cannot search that kind of key."""

    contacts: tuple[Contact, ...]
    outcome: Outcome | None


async def _search(
    operation: "Operation", keys: Sequence[LookupKey], freshness: Freshness
) -> dict[LookupKey, Lead]:
    heard = await _listen(operation, keys, freshness)
    contacts = {one.key: one for said in heard.values() for each in said for one in each.contacts}
    identity = operation.services.identity
    adopted = await identity.adopt(list(contacts.values())) if contacts else []
    ids = {key: one for key, one in zip(contacts, adopted, strict=True) if one is not None}
    # A vendor's search may be looser than it says: who carries the key is identity's to judge.
    judged = dict(zip(keys, await known(identity, keys) if ids else [()] * len(keys), strict=True))
    leads = {}
    for key in keys:
        own = (ids[one.key] for each in heard[key] for one in each.contacts if one.key in ids)
        customers = judged[key] or tuple(dict.fromkeys(own))
        outcomes = tuple(each.outcome for each in heard[key] if each.outcome is not None)
        leads[key] = Lead(customers=customers, outcomes=outcomes)
        operation.ledger.note(customers, outcomes)
    return leads


async def _listen(
    operation: "Operation", keys: Sequence[LookupKey], freshness: Freshness
) -> dict[LookupKey, list[_Heard]]:
    """All keys at all sources at once; external ids in one batch for each source."""
    external: Mapping[str, list[LookupKey]] = defaultdict(list)
    calls = []
    for key in keys:
        for source in _sources(operation, key):
            if key.kind is KeyKind.EXTERNAL:
                external[source.name].append(key)
            else:
                calls.append(_ask_about(operation, source, key, freshness))
    calls.extend(_read(operation, batch, freshness) for batch in external.values())
    heard: dict[LookupKey, list[_Heard]] = {key: [] for key in keys}
    for answers in await asyncio.gather(*calls):
        for key, answer in answers.items():
            heard[key].append(answer)
    return heard


async def _ask_about(
    operation: "Operation", source: Source, key: LookupKey, freshness: Freshness
) -> dict[LookupKey, _Heard]:
    search = source.search
    if search is None:
        return {}

    async def call(deadline: Deadline) -> list[list[Contact] | SourceError]:
        return [await search.search(key, deadline)]

    reply = await ask(operation, source, kind=Kind.CONTACT, count=1, freshness=freshness, call=call)
    entry = reply.entries[0]
    if isinstance(entry, NotSupported):
        return {key: _Heard((), None)}
    if isinstance(entry, SourceError):
        return {key: _Heard((), reply.outcome(entry))}
    return {key: _Heard(tuple(entry), reply.outcome())}


async def _read(
    operation: "Operation", keys: Sequence[LookupKey], freshness: Freshness
) -> dict[LookupKey, _Heard]:
    """External ids of one system, read rather than searched."""
    source = operation.services.sources[keys[0].scope]
    ids = [key.value for key in keys]
    reply = await ask(
        operation,
        source,
        kind=Kind.CONTACT,
        count=len(ids),
        freshness=freshness,
        call=lambda deadline: source.gets[Kind.CONTACT].get_many(ids, None, deadline),
    )
    answers = {}
    for key, entry in zip(keys, reply.entries, strict=True):
        error = entry if isinstance(entry, SourceError) else None
        contacts = (entry,) if isinstance(entry, Contact) else ()
        answers[key] = _Heard(contacts, reply.outcome(error))
    return answers
