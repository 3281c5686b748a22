"""What the use cases ask of identity, state and the rest of the world; adapters elsewhere answer.

Every port raises only `GatewayError`s.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.customer import (
    CanonicalIdentifier,
    Cluster,
    IdentityEvent,
    Link,
    LinkEvidence,
    LookupKey,
)
from domain.ids import CustomerId, Kind, SourceKey
from domain.records import Actor, Contact, Record
from domain.sources import ChildPage, Parent
from domain.vocabulary import LinkStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Who a key leads to: nobody, one, or several. `shared` says the key is known to be used by
    many.
    """

    customers: tuple[CustomerId, ...]
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """Who keys lead to, and what the store holds of those who are the only ones."""

    found: list[Found]
    """Of each key, in order."""
    clusters: Mapping[CustomerId, Cluster]
    """By the id asked for, or found."""
    contacts: Mapping[SourceKey, Contact]


class IdentityGraph(Protocol):
    """Which records are one person. Batch first: one call, however many are asked for."""

    async def find(self, keys: Sequence[LookupKey]) -> list[Found]:
        """One entry per key, in order; ids are current ones (redirects followed). ORDER_NUMBER
        leads to nobody here.
        """
        ...

    async def clusters(self, ids: Sequence[CustomerId]) -> list[Cluster | None]:
        """One entry per id, in order, redirects followed; None where nobody has or had the id."""
        ...

    async def of_records(self, keys: Sequence[SourceKey]) -> list[CustomerId | None]:
        """The customer each record belongs to."""
        ...

    async def links(
        self, ids: Sequence[CustomerId], status: Collection[LinkStatus] | None = None
    ) -> list[tuple[Link, ...]]:
        """The links that touch a member of each customer, strongest first."""
        ...

    async def explain(
        self, links: Sequence[tuple[Link, Contact | None, Contact | None]]
    ) -> list[tuple[LinkEvidence, ...]]:
        """The evidence of each link; prior plus its weights is the weight of the link."""
        ...

    async def adopt(self, contacts: Sequence[Contact]) -> list[CustomerId | None]:
        """Resolve records that were just found at their source and store them, in one transaction;
        one id per contact, None for one that is known to be gone, whatever was found.
        """
        ...

    async def settle(self, keys: Sequence[SourceKey]) -> None:
        """Resolve records that are stored, or were, and have not been since they last changed."""
        ...

    async def search(self, text: str, first: int) -> list[CustomerId]:
        """Customers of whom every word of the text begins a word of a name, or an e-mail, phone,
        handle or account number.
        """
        ...

    def canonical(self, contact: Contact) -> tuple[CanonicalIdentifier, ...]:
        """The identifiers of a record in comparable form, placeholders left out."""
        ...

    async def shared(self, identifiers: Sequence[CanonicalIdentifier]) -> list[bool]:
        """Whether each identifier is used by too many different people to prove anything."""
        ...


# ---------------------------------------------------------------- state


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparable:
    """A record as identity compares it: `row` is identity's own, in the form of this number.
    `blocks` are the numbers of its blocking keys; `terms` (kind, value) are counted over all
    records.
    """

    form: int
    row: bytes = field(repr=False)
    blocks: tuple[int, ...]
    terms: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedContact:
    """A contact with what it can be found by: canonical identifiers and folded words (of names,
    lower case), and with the form in which it is compared.
    """

    contact: Contact
    identifiers: tuple[CanonicalIdentifier, ...]
    words: tuple[str, ...]
    comparable: Comparable | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPage:
    """What storing a page did, in records. `unsettled` are those that are new, changed or gone,
    or used a value together with one of these.
    """

    changed: int
    unchanged: int
    deleted: int
    unsettled: tuple[SourceKey, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncCursor:
    """Where a source's sync stands. `scan_started_at` is set while a full scan is under way."""

    cursor: str | None
    scan_started_at: datetime | None = None
    scan_finished_at: datetime | None = None
    updated_at: datetime | None = None


class RecordStore(Protocol):
    """People synced whole, and last-good rows of what hangs on them. Every method is one
    transaction.
    """

    async def cursor(self, source: str, kind: Kind) -> SyncCursor: ...

    async def put_page(
        self,
        source: str,
        kind: Kind,
        contacts: Sequence[IndexedContact],
        deleted: Sequence[SourceKey],
        cursor: SyncCursor,
    ) -> StoredPage:
        """Store a page and its cursor together. An older `source_updated_at` never overwrites a
        newer one; what was read before and reads the same is unchanged (only its `fetched_at`
        moves). `merged_ids` of a contact are deleted with it.
        """
        ...

    async def finish_scan(self, source: str, kind: Kind, cursor: SyncCursor) -> int:
        """End a full scan: rows not seen since `cursor.scan_started_at` are deleted, and the cursor
        is kept without it. Returns how many were deleted.
        """
        ...

    async def contacts(self, keys: Sequence[SourceKey]) -> list[Contact | None]:
        """One entry per key, in order."""
        ...

    def every_contact(self, batch: int = 5_000) -> AsyncIterator[list[Contact]]:
        """All contacts, ordered by key."""
        ...

    def every_body(self, batch: int = 20_000) -> AsyncIterator[list[tuple[str, bytes]]]:
        """All contacts, ordered by key, unread: the store's own text for the key, which sorts as
        the key does, and the contact as JSON by the names of its attributes.
        """
        ...

    async def find(self, identifiers: Sequence[CanonicalIdentifier]) -> list[tuple[SourceKey, ...]]:
        """The contacts that carry each identifier, sorted."""
        ...

    async def find_words(self, words: Sequence[str], limit: int) -> list[SourceKey]:
        """Contacts of which every word (folded, lower case) begins a stored word or identifier;
        ordered by key.
        """
        ...

    async def keep_children(
        self, kind: Kind, pages: Mapping[tuple[str, Parent], ChildPage[Record]]
    ) -> None:
        """Remember the first page of children per (source, parent), replacing the one before."""
        ...

    async def kept_children(
        self, kind: Kind, parents: Sequence[tuple[str, Parent]]
    ) -> list[ChildPage[Record] | None]:
        """The remembered pages: `served_from` STALE_CACHE, `fetched_at` as it was."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One cluster as a resolution leaves it."""

    id: CustomerId
    members: tuple[SourceKey, ...]
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """A new state of who is who, published in one step. Clusters not named keep standing;
    `redirects` lead retired ids on.
    """

    assignments: Sequence[Assignment]
    redirects: Mapping[CustomerId, CustomerId]
    retired: Sequence[CustomerId] = ()
    """Ids left without records and without a successor."""
    links: Sequence[Link] = ()
    """Links of `scope`: they replace every undecided link that touches a record of it."""
    scope: frozenset[SourceKey] | None = None
    """Records the resolution looked at; None for all."""
    shared: frozenset[CanonicalIdentifier] | None = None
    """The identifiers found to be shared; None where the resolution did not judge them."""
    public: frozenset[CanonicalIdentifier] = frozenset()
    """Those of `shared` that are used by so many that they are nobody's."""
    unshared: frozenset[CanonicalIdentifier] = frozenset()
    """Identifiers found to be one person's again. Of handles the scope does not matter here."""
    events: Sequence[IdentityEvent] = ()
    """`sequence` is set by the store."""
    contacts: Sequence[IndexedContact] = ()
    """Records found on the way, stored in the same transaction by the rules of `put_page`."""
    based_on: int | None = None
    """The version it was worked out from: where the store has moved on since, publishing raises
    StaleVersion and nothing is changed. None publishes whatever stands."""


Rows = Callable[[], Iterator[Sequence[tuple[object, ...]]]]
"""Rows of one form in chunks, in the order of their keys, from the beginning at each call. Records
are named by the store's own text for their keys (see `RecordStore.every_body`).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """A resolution of everything, as it is worked out from millions of records: what is new or
    replaced as a whole comes as rows, and only the customers that were known and are not as they
    stand come as objects.
    """

    resolution: Resolution
    """Without links and without scope."""
    created: Rows
    """Customers of records nobody had: (id, confidence)."""
    members: Rows
    """The records of the created ones: (record, id)."""
    links: Rows
    """Every undecided link: (left, right, status, match weight, match probability, levels)."""
    decided_by: Actor
    decided_at: datetime
    prior_weight: float
    model_version: str


@dataclass(frozen=True, slots=True)
class Carriers:
    """Who carries an identifier (sorted), and whether it is known to be used by many."""

    records: tuple[SourceKey, ...]
    is_shared: bool


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What one snapshot says of identifiers, records and customers that were asked for."""

    carriers: Sequence[Carriers]
    """Of each identifier, in order."""
    owners: Mapping[SourceKey, CustomerId]
    """Of the records asked for, and those that carry something."""
    clusters: Mapping[CustomerId, Cluster]
    """Of the customers asked for, redirects followed, and of who is the only one that an identifier
    or a record leads to.
    """
    contacts: Mapping[SourceKey, Contact]
    """The members of `clusters`, as they are stored."""


class IdentityStore(Protocol):
    """Memberships, links and redirects. Every method is one transaction."""

    async def version(self) -> int:
        """Rises with every publication: the validity of what a process keeps in memory."""
        ...

    async def publish(self, resolution: Resolution) -> int:
        """Make it so and return the new version. A cluster's own version rises where its set of
        members changed. Raises StaleVersion (see `based_on`), and ClusterConflict for a resolution
        that contradicts itself.
        """
        ...

    async def publish_census(self, census: Census) -> int:
        """`publish`, for a resolution of everything. Each created customer gets its event, and each
        link is scored by the model named. Decided pairs must not be among the links.
        """
        ...

    async def memberships(self) -> Mapping[CustomerId, tuple[SourceKey, ...]]:
        """Every standing cluster."""
        ...

    def every_membership(self, batch: int = 50_000) -> AsyncIterator[list[tuple[str, str]]]:
        """All (record, customer), ordered by record; a record is the store's own text for a key."""
        ...

    async def clusters(self, ids: Sequence[CustomerId]) -> list[Cluster | None]: ...

    async def of_records(self, keys: Sequence[SourceKey]) -> list[CustomerId | None]: ...

    async def links(
        self, keys: Collection[SourceKey], status: Collection[LinkStatus] | None = None
    ) -> list[Link]:
        """Links with an end among `keys`, strongest first."""
        ...

    async def decisions(self) -> list[Link]:
        """CONFIRMED and REJECTED links: what no re-run may undo."""
        ...

    async def shared(self, identifiers: Sequence[CanonicalIdentifier]) -> list[bool]: ...

    async def look_up(
        self,
        identifiers: Sequence[CanonicalIdentifier],
        keys: Collection[SourceKey],
        ids: Collection[CustomerId],
    ) -> LookedUp: ...

    async def history(
        self, customer: CustomerId, first: int, after: int | None
    ) -> list[IdentityEvent]:
        """Events naming the customer or an alias, newest first; `after` is a sequence."""
        ...


class IdentityIndex(IdentityGraph, Protocol):
    """A graph that answers out of the store."""

    async def look_up(self, keys: Sequence[LookupKey]) -> Finding:
        """`find`, and what the same snapshot says of who was found."""
        ...


# ---------------------------------------------------------------- the rest


class Cache(Protocol):
    """Bytes by key. A cache that fails answers as an empty one: it never raises."""

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]: ...

    async def set_many(self, items: Mapping[str, bytes], ttl_s: float) -> None: ...

    async def delete_many(self, keys: Sequence[str]) -> None: ...

    async def close(self) -> None: ...


class Clock(Protocol):
    def now(self) -> datetime:
        """UTC, aware."""
        ...


class Telemetry(Protocol):
    """One hook for counters and timings; labels never hold personal data."""

    def count(self, name: str, labels: Mapping[str, str], amount: float = 1.0) -> None: ...

    def observe(self, name: str, labels: Mapping[str, str], value: float) -> None: ...
