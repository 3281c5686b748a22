"""What a source can do: the ports a connector fills.

Deadlines are absolute, in seconds of the running event loop's clock (`loop.time()`). `fields` are
attribute names of the record that the caller will read, None for all; a source may return more,
never less. Every port raises only `GatewayError`s.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, NamedTuple, NewType, Protocol, TypeVar

from domain.customer import LookupKey
from domain.errors import SourceError
from domain.ids import Kind, SourceKey
from domain.provenance import Freshness, SourceStatus, System
from domain.records import Contact, Record
from domain.vocabulary import OrderStatus, ServedFrom, TicketStatus

Deadline = NewType("Deadline", float)
Fields = frozenset[str] | None
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Position(NamedTuple):
    """A place in a list that runs newest first, then by external id descending: the last item
    already handed out.
    """

    at: datetime
    external_id: str


class PageRequest(NamedTuple):
    """The `first` newest items strictly after `after` (that is, older)."""

    first: int
    after: Position | None = None


class ChildFilter(NamedTuple):
    """What children must satisfy; empty means all. A source that cannot filter by itself has its
    rows filtered by the shared layer. A tuple, as what is asked for together is: requests are put
    together by it.
    """

    order_status: frozenset[OrderStatus] = frozenset()
    ticket_status: frozenset[TicketStatus] = frozenset()
    text: str | None = None
    around: datetime | None = None


class ParentBy(StrEnum):
    """How a source knows whose things it holds (`customer_key` of the configuration)."""

    OWN = "own"
    EMAIL = "email"
    PHONE = "phone"
    FOREIGN = "foreign"


class Parent(NamedTuple):
    """Whose children are asked for. `value` is the source's own contact id, an e-mail, a phone
    (E.164), another source's id; for messages it is the external id of the ticket or conversation
    (by OWN). A tuple, as LookupKey is.
    """

    by: ParentBy
    value: str

    def __repr__(self) -> str:
        return f"Parent(by={self.by!r})"  # never whom it is about


@dataclass(frozen=True, slots=True)
class ChildPage(Generic[R]):
    """Newest first, ordered as `Position`. `dropped` rows could not be placed (no id or time) and
    were left out.
    """

    items: tuple[R, ...]
    has_more: bool = False
    dropped: int = 0
    served_from: ServedFrom = ServedFrom.LIVE
    fetched_at: datetime | None = None
    """When the source said so, of a page that was kept; None where it has just said so."""


class BatchGet(Protocol[R_co]):
    async def get_many(
        self, external_ids: Sequence[str], fields: Fields, deadline: Deadline
    ) -> Sequence[R_co | SourceError | None]:
        """One entry per id, in order; None where the source has no such row. Duplicates allowed; no
        ids, no call.

        Entries of a chunk that failed are its SourceError: the other chunks stay whole.
        """
        ...


class ChildrenOf(Protocol[R]):
    async def children_of(
        self,
        parents: Sequence[Parent],
        page: PageRequest,
        where: ChildFilter,
        fields: Fields,
        deadline: Deadline,
    ) -> Sequence[ChildPage[R] | SourceError]:
        """One page per parent, in order; entries of a batch or fan-out call that failed are its
        SourceError.
        """
        ...


class KeySearch(Protocol):
    async def search(self, key: LookupKey, deadline: Deadline) -> list[Contact]:
        """Contacts that carry the key now. Raises NotSupported for kinds of key the source cannot
        search.
        """
        ...


class AtHand(Protocol):
    """What is kept of a source and may be handed out without a wait: what its ports would answer,
    one entry per thing asked, in order. None where they have to be asked.
    """

    def rows(
        self, kind: Kind, external_ids: Sequence[str], fields: Fields
    ) -> Sequence[Record | None] | None: ...

    def pages(
        self,
        kind: Kind,
        parents: Sequence[Parent],
        page: PageRequest,
        where: ChildFilter,
        fields: Fields,
    ) -> Sequence[ChildPage[Record]] | None: ...


class CursorKind(StrEnum):
    TIMESTAMP = "timestamp"
    OPAQUE = "opaque"


@dataclass(frozen=True, slots=True, kw_only=True)
class CursorPolicy:
    """What a changed-since cursor can be trusted with."""

    kind: CursorKind
    resolution: timedelta
    """Two changes closer than this cannot be told apart."""
    overlap: timedelta
    """How far a resumed read steps back, for writes the source indexes late."""
    covers: frozenset[Kind]
    """Kinds whose changes move the cursor of the parent."""
    full_scan_every: timedelta
    """The net below: how often everything is read although nothing said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes(Generic[R]):
    """A page of changes. `cursor` is saved once the page is stored; `more` says whether to ask
    again at once.
    """

    records: tuple[R, ...]
    deleted: tuple[SourceKey, ...]
    cursor: str
    more: bool
    dropped: int = 0


class ChangedSince(Protocol[R]):
    policy: CursorPolicy

    async def changed_since(self, cursor: str | None, deadline: Deadline) -> Changes[R]:
        """The next page of what changed; None starts a full scan."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookRequest:
    """A delivery as received. Header names are in lower case; `url` is the public one the vendor
    called.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime


class ChangeKind(StrEnum):
    CHANGED = "changed"
    DELETED = "deleted"
    MERGED = "merged"
    REDACTED = "redacted"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEvent:
    """A hint that a row changed. `event_id` is the vendor's, for de-duplication; `into` is set for
    MERGED.
    """

    event_id: str
    key: SourceKey
    change: ChangeKind
    occurred_at: datetime | None = None
    into: str | None = None


class Webhooks(Protocol):
    def verify(self, request: WebhookRequest) -> None:
        """Raises BadSignature or TooOld."""
        ...

    def parse(self, request: WebhookRequest) -> tuple[SourceEvent, ...]:
        """Events this product has a use for, in the delivery's order. Raises SourceProtocolError
        for a body of another form.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One configured system with what it can do. A capability that is absent is NOT_SUPPORTED."""

    system: System
    gets: Mapping[Kind, BatchGet[Record]]
    children: Mapping[Kind, ChildrenOf[Record]]
    search: KeySearch | None
    changes: Mapping[Kind, ChangedSince[Record]]
    webhooks: Webhooks | None
    status: Callable[[], SourceStatus]
    """What its last calls came to."""
    customer_key: str = "own"
    """How its orders, tickets and conversations name their customer: "own", "email", "phone", or
    another source's name.
    """
    credential: str = ""
    """A fingerprint of the credentials, for keys of shared caches; never the credentials."""
    timeout_s: float = 3.0
    close: Callable[[], Awaitable[None]] | None = None
    within: Callable[[Freshness], "Source"] | None = None
    """The same source behind a cache, for callers who take answers as old as that; None where
    nothing is kept.
    """
    at_hand: AtHand | None = None
    """Of a source behind a cache: what it holds."""
    name: str = field(init=False)
    """The system's."""
    holds_people: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.system.name)
        object.__setattr__(self, "holds_people", Kind.CONTACT in self.gets)

    def fresh(self, freshness: Freshness) -> "Source":
        """The source to ask on behalf of a caller; this one itself always answers live."""
        return self if self.within is None else self.within(freshness)
