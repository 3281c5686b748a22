"""The identity graph as the use cases see it: keys to people, people to records, and why."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from domain.customer import CanonicalIdentifier, Cluster, KeyKind, Link, LinkEvidence, LookupKey
from domain.errors import ClusterConflict
from domain.events import stands_in
from domain.ids import CustomerId, Kind, SourceKey
from domain.live import Arrivals, Judge
from domain.ports import Carriers, Finding, Found, IdentityStore, IndexedContact, RecordStore
from domain.records import Contact
from domain.vocabulary import LinkStatus
from identity.index import forms, identifiers, index, words_of

ATTEMPTS = 5
"""How often a resolution of everything is worked out anew when another was published first."""
AT_ONCE = 20
"""Records settled in one transaction: others wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Who is who among the records at hand, as it was at `version`."""

    version: int
    memberships: Mapping[CustomerId, tuple[SourceKey, ...]]
    decisions: Sequence[Link] = ()


Explain = Callable[
    [Sequence[tuple[Link, Contact | None, Contact | None]]], list[tuple[LinkEvidence, ...]]
]


class People:
    """IdentityGraph over the two stores. `regions` reads numbers without a country, by source."""

    def __init__(
        self,
        records: RecordStore,
        store: IdentityStore,
        arrivals: Arrivals,
        *,
        judge: Judge,
        explain: Explain,
        regions: Mapping[str, str | None],
    ) -> None:
        self._records = records
        self._store = store
        self._arrivals = arrivals
        self._judge = judge
        self._explain = explain
        self._regions = regions

    async def find(self, keys: Sequence[LookupKey]) -> list[Found]:
        return (await self.look_up(keys)).found

    async def look_up(self, keys: Sequence[LookupKey]) -> Finding:
        regions = sorted(set(self._regions.values()), key=str) or [None]
        spoken = {key: forms(key, regions) for key in keys}
        wanted = list(dict.fromkeys(chain.from_iterable(spoken.values())))
        named = {key: _named_record(key) for key in keys if key.kind is KeyKind.EXTERNAL}
        ids = {key: CustomerId(key.value) for key in keys if key.kind is KeyKind.ID}
        if not (wanted or named or ids):
            return Finding([Found(customers=())] * len(keys), {}, {})
        known = await self._store.look_up(wanted, named.values(), ids.values())
        told = {key: known.owners[one] for key, one in named.items() if one in known.owners}
        told |= {key: known.clusters[id].id for key, id in ids.items() if id in known.clusters}
        by_form = dict(zip(wanted, known.carriers, strict=True))
        found = [
            Found(customers=(told[key],))
            if key in told
            else _found([by_form[form] for form in spoken[key]], known.owners)
            for key in keys
        ]
        return Finding(found, known.clusters, known.contacts)

    async def clusters(self, ids: Sequence[CustomerId]) -> list[Cluster | None]:
        return await self._store.clusters(ids) if ids else []

    async def of_records(self, keys: Sequence[SourceKey]) -> list[CustomerId | None]:
        return await self._store.of_records(keys) if keys else []

    async def links(
        self, ids: Sequence[CustomerId], status: Collection[LinkStatus] | None = None
    ) -> list[tuple[Link, ...]]:
        members = [
            set(cluster.members) if cluster else set() for cluster in await self.clusters(ids)
        ]
        everyone = set().union(*members)
        links = await self._store.links(everyone, status) if everyone else []
        return [
            tuple(link for link in links if link.left in own or link.right in own)
            for own in members
        ]

    async def explain(
        self, links: Sequence[tuple[Link, Contact | None, Contact | None]]
    ) -> list[tuple[LinkEvidence, ...]]:
        return self._explain(links)

    async def adopt(self, contacts: Sequence[Contact]) -> list[CustomerId | None]:
        if not contacts:
            return []
        # Normalising takes longer than the event loop may be held.
        indexed = await asyncio.to_thread(lambda: [self.index(contact) for contact in contacts])
        await self._arrivals.settle(self._judge, contacts=indexed)
        keys = [contact.key for contact in contacts]
        owners = await self._store.of_records(keys)
        unowned = [key for key, owner in zip(keys, owners, strict=True) if owner is None]
        if unowned and any(await self._records.contacts(unowned)):
            raise ClusterConflict("records that were just found could not be placed; ask again")
        return owners

    async def settle(self, keys: Sequence[SourceKey]) -> None:
        ordered = sorted(set(keys))
        for first in range(0, len(ordered), AT_ONCE):
            await self._arrivals.settle(self._judge, keys=ordered[first : first + AT_ONCE])

    async def search(self, text: str, first: int) -> list[CustomerId]:
        words = self._search_words(text)
        if not words or first < 1:
            return []
        # A person has a handful of rows, so a few times `first` rows hold `first` people.
        keys = await self._records.find_words(words, limit=first * 8)
        owners = [owner for owner in await self.of_records(keys) if owner is not None]
        return list(dict.fromkeys(owners))[:first]

    def canonical(self, contact: Contact) -> tuple[CanonicalIdentifier, ...]:
        return identifiers(contact, self._region(contact))

    def index(self, contact: Contact) -> IndexedContact:
        """What a sync stores the record under."""
        return index(contact, self._region(contact))

    async def shared(self, identifiers: Sequence[CanonicalIdentifier]) -> list[bool]:
        return await self._store.shared(identifiers) if identifiers else []

    def _region(self, contact: Contact) -> str | None:
        return self._regions.get(contact.key.source)

    def _search_words(self, text: str) -> list[str]:
        """A text that is a phone number is one word, whatever its spaces."""
        digits = "".join(character for character in text if character.isdigit())
        if len(digits) >= 4 and not any(character.isalpha() for character in text):
            number = forms(LookupKey(KeyKind.PHONE, text), self._regions.values())
            return [number[0].value if number else digits.lstrip("0")]
        return words_of(text)


def _found(hits: Sequence[Carriers], owners: Mapping[SourceKey, CustomerId]) -> Found:
    """Whose records carry a key. One that only stands in for others counts where it is alone."""
    carriers = {record for one in hits for record in one.records if record in owners}
    known = {record for record in carriers if not stands_in(record)}
    people = {owners[record] for record in known or carriers}
    return Found(customers=tuple(sorted(people)), shared=any(one.is_shared for one in hits))


def _named_record(key: LookupKey) -> SourceKey:
    return SourceKey(key.scope, Kind.CONTACT, key.value)
