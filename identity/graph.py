"""The identity graph as the use cases see it: keys to people, people to records, and why."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from domain.customer import CanonicalIdentifier, Cluster, KeyKind, Link, LinkEvidence, LookupKey
from domain.errors import ClusterConflict
from domain.events import stands_in
from domain.ids import CustomerId, Kind, SourceKey
from domain.live import Arrivals, Judge
from domain.ports import Found, IdentityStore, IndexedContact, RecordStore
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
        by_form = await self._carriers(keys)
        named = {key: _named_record(key) for key in keys if key.kind is KeyKind.EXTERNAL}
        records = {key for carried, _ in by_form.values() for key in carried} | set(named.values())
        owners = await self._owners(records)
        standing = await self._standing([key for key in keys if key.kind is KeyKind.ID])
        return [self._found(key, by_form, named, owners, standing) for key in keys]

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

    async def _carriers(
        self, keys: Sequence[LookupKey]
    ) -> dict[CanonicalIdentifier, tuple[tuple[SourceKey, ...], bool]]:
        """The records that carry each form of the keys, and whether the form is shared."""
        regions = sorted(set(self._regions.values()), key=str) or [None]
        wanted = list(dict.fromkeys(form for key in keys for form in forms(key, regions)))
        if not wanted:
            return {}
        carried = await self._records.find(wanted)
        shared = await self._store.shared(wanted)
        return dict(zip(wanted, zip(carried, shared, strict=True), strict=True))

    async def _owners(self, records: Collection[SourceKey]) -> dict[SourceKey, CustomerId]:
        keys = sorted(records)
        owners = await self.of_records(keys)
        return {key: owner for key, owner in zip(keys, owners, strict=True) if owner is not None}

    async def _standing(self, keys: Sequence[LookupKey]) -> dict[str, CustomerId]:
        clusters = await self.clusters([CustomerId(key.value) for key in keys])
        found = zip(keys, clusters, strict=True)
        return {key.value: cluster.id for key, cluster in found if cluster is not None}

    def _found(
        self,
        key: LookupKey,
        by_form: Mapping[CanonicalIdentifier, tuple[tuple[SourceKey, ...], bool]],
        named: Mapping[LookupKey, SourceKey],
        owners: Mapping[SourceKey, CustomerId],
        standing: Mapping[str, CustomerId],
    ) -> Found:
        if key.kind is KeyKind.ID:
            return Found(customers=(standing[key.value],) if key.value in standing else ())
        if key in named:
            owner = owners.get(named[key])
            return Found(customers=(owner,) if owner else ())
        regions = sorted(set(self._regions.values()), key=str) or [None]
        hits = [by_form[form] for form in forms(key, regions)]
        carriers = {record for carried, _ in hits for record in carried if record in owners}
        known = {record for record in carriers if not stands_in(record)}
        people = {owners[record] for record in known or carriers}
        return Found(customers=tuple(sorted(people)), shared=any(shared for _, shared in hits))


def _named_record(key: LookupKey) -> SourceKey:
    return SourceKey(key.scope, Kind.CONTACT, key.value)
