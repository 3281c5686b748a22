"""Source records: one row in one system, in our words.

None is unknown and an empty tuple is none. An attribute has the name of its field in the public
graph; a value the mapping does not know is UNKNOWN and keeps the source's text beside it. Times are
aware and UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from domain.ids import Kind, SourceKey
from domain.money import Money
from domain.pii import pii
from domain.provenance import Provenance
from domain.vocabulary import (
    ActorKind,
    Channel,
    InteractionState,
    MaskStyle,
    OrderStatus,
    PiiClass,
    TicketStatus,
    Verification,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    street: str | None = None
    city: str | None = None
    region: str | None = None
    postcode: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Handle:
    """A name on a platform (`platform` in lower case: "twitter", "whatsapp")."""

    platform: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who said or did something; `id` is the source's own."""

    kind: ActorKind
    id: str
    name: str | None = field(default=None, metadata=pii(PiiClass.IDENTITY))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A person as one system has them. Identifiers are kept as the source wrote them; identity
    makes them canonical.

    `merged_ids` are ids this row has absorbed at its source; `foreign_ids` are (source or system
    name, id) pairs the row carries for other systems; `raw` is the row as received, for
    `SourceRecord.raw`.
    """

    key: SourceKey
    provenance: Provenance = field(repr=False)
    full_name: str | None = field(default=None, repr=False, metadata=pii(PiiClass.IDENTITY))
    given_name: str | None = field(default=None, repr=False, metadata=pii(PiiClass.IDENTITY))
    family_name: str | None = field(default=None, repr=False, metadata=pii(PiiClass.IDENTITY))
    emails: tuple[str, ...] = field(default=(), repr=False, metadata=pii(PiiClass.CONTACT))
    phones: tuple[str, ...] = field(default=(), repr=False, metadata=pii(PiiClass.CONTACT))
    handles: tuple[Handle, ...] = field(default=(), repr=False, metadata=pii(PiiClass.CONTACT))
    account_number: str | None = field(default=None, repr=False, metadata=pii(PiiClass.CONTACT))
    address: Address | None = field(default=None, repr=False, metadata=pii(PiiClass.LOCATION))
    birth_date: date | None = field(default=None, repr=False, metadata=pii(PiiClass.SPECIAL))
    company: str | None = field(default=None, repr=False)
    created_at: datetime | None = None
    verification: Verification = Verification.OBSERVED
    merged_ids: tuple[str, ...] = ()
    foreign_ids: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    raw: Mapping[str, Any] | None = field(
        default=None, repr=False, metadata=pii(PiiClass.SPECIAL, MaskStyle.REDACT)
    )

    @property
    def id(self) -> str:
        return self.key.node_id


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    sku: str | None = None
    title: str | None = None
    quantity: int | None = None
    price: Money | None = None
    """Of one unit."""
    warranty_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    carrier: str | None = None
    tracking_number: str | None = field(default=None, repr=False, metadata=pii(PiiClass.CONTACT))
    tracking_url: str | None = field(default=None, repr=False, metadata=pii(PiiClass.CONTACT))
    status: str | None = None
    eta: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`occurred_at` is when it was placed and never moves: pages are cut by it."""

    key: SourceKey
    provenance: Provenance = field(repr=False)
    occurred_at: datetime
    number: str | None = None
    status: OrderStatus = OrderStatus.UNKNOWN
    raw_status: str | None = None
    channel: Channel = Channel.UNKNOWN
    total: Money | None = field(default=None, repr=False, metadata=pii(PiiClass.FINANCIAL))
    lines: tuple[OrderLine, ...] | None = None
    shipments: tuple[Shipment, ...] | None = field(default=None, repr=False)
    owner_ids: tuple[str, ...] = ()
    """External ids, in this source, of the contacts it belongs to."""

    @property
    def id(self) -> str:
        return self.key.node_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`key.external_id` is `<parent id>/<message id>`: a message is read through what it belongs
    to.
    """

    key: SourceKey
    provenance: Provenance = field(repr=False)
    at: datetime
    author: Actor = field(repr=False)
    body: str | None = field(default=None, repr=False, metadata=pii(PiiClass.CONTENT))
    internal: bool = False
    edited_at: datetime | None = None
    deleted: bool = False

    @property
    def id(self) -> str:
        return self.key.node_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A case and the interaction behind it. `occurred_at`: when it was opened; never moves."""

    key: SourceKey
    provenance: Provenance = field(repr=False)
    occurred_at: datetime
    channel: Channel = Channel.UNKNOWN
    state: InteractionState = InteractionState.UNKNOWN
    raw_state: str | None = None
    ended_at: datetime | None = None
    owner: Actor | None = field(default=None, repr=False)
    number: str | None = None
    subject: str | None = field(default=None, repr=False, metadata=pii(PiiClass.CONTENT))
    status: TicketStatus = TicketStatus.UNKNOWN
    raw_status: str | None = None
    priority: str | None = None
    category: str | None = None
    owner_ids: tuple[str, ...] = ()
    """External ids, in this source, of the contacts it belongs to."""

    @property
    def id(self) -> str:
        return self.key.node_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A thread on some channel. `occurred_at` is when it began and never moves."""

    key: SourceKey
    provenance: Provenance = field(repr=False)
    occurred_at: datetime
    channel: Channel = Channel.UNKNOWN
    state: InteractionState = InteractionState.UNKNOWN
    raw_state: str | None = None
    ended_at: datetime | None = None
    owner: Actor | None = field(default=None, repr=False)
    last_message: Message | None = field(default=None, repr=False)
    owner_ids: tuple[str, ...] = ()
    """External ids, in this source, of the contacts it belongs to."""

    @property
    def id(self) -> str:
        return self.key.node_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One spoken contact. `occurred_at`: when it began; `duration_seconds`: how long was spoken;
    `wait_seconds`: how long the customer waited before that.
    """

    key: SourceKey
    provenance: Provenance = field(repr=False)
    occurred_at: datetime
    channel: Channel = Channel.VOICE
    state: InteractionState = InteractionState.UNKNOWN
    raw_state: str | None = None
    ended_at: datetime | None = None
    owner: Actor | None = field(default=None, repr=False)
    duration_seconds: int | None = None
    wait_seconds: int | None = None
    owner_ids: tuple[str, ...] = ()
    """External ids, in this source, of the contacts it belongs to."""

    @property
    def id(self) -> str:
        return self.key.node_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A stay on a site or in an app. `occurred_at`: when it began; `pages`: how many were seen."""

    key: SourceKey
    provenance: Provenance = field(repr=False)
    occurred_at: datetime
    channel: Channel = Channel.SELF_SERVICE
    state: InteractionState = InteractionState.UNKNOWN
    raw_state: str | None = None
    ended_at: datetime | None = None
    owner: Actor | None = field(default=None, repr=False)
    pages: int | None = None
    referrer: str | None = field(default=None, repr=False, metadata=pii(PiiClass.CONTENT))
    owner_ids: tuple[str, ...] = ()
    """External ids, in this source, of the contacts it belongs to."""

    @property
    def id(self) -> str:
        return self.key.node_id


Record = Contact | Order | Ticket | Conversation | Call | Visit | Message

RECORD_TYPES: dict[Kind, type[Contact | Order | Ticket | Conversation | Call | Visit | Message]] = {
    Kind.CONTACT: Contact,
    Kind.ORDER: Order,
    Kind.TICKET: Ticket,
    Kind.CONVERSATION: Conversation,
    Kind.CALL: Call,
    Kind.VISIT: Visit,
    Kind.MESSAGE: Message,
}
