"""What each emulated system keeps: one frozen dataclass per kind of row, in the vendor's words.

Ids are text in the vendor's style (an emulator whose API speaks integers converts at its border).
Times are UTC aware. `person_id` is the truth about whose row it is; no emulator may show it, and
it is None for rows made through an API and for staff.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One human being as they are, before four systems wrote them down."""

    id: str
    given_name: str
    family_name: str
    email: str
    phone: str
    street: str
    city: str
    region: str
    postcode: str
    country: str
    birth_date: date
    account_number: str
    company: str | None = None
    household: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What every row has. With `deleted_at` set it is archived or deleted: a trace stays."""

    id: str
    person_id: str | None = None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmContact(Row):
    """A HubSpot contact; field names are those of its default properties."""

    email: str | None = None
    additional_emails: tuple[str, ...] = ()
    firstname: str | None = None
    lastname: str | None = None
    phone: str | None = None
    mobilephone: str | None = None
    address: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    company: str | None = None
    date_of_birth: str | None = None
    account_number: str | None = None
    lifecyclestage: str | None = None
    merged_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopCustomer(Row):
    """A Shopify customer. `id` is the bare number of gid://shopify/Customer/<id>."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    address1: str | None = None
    city: str | None = None
    province: str | None = None
    zip: str | None = None
    country_code: str | None = None
    company: str | None = None
    note: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    id: str
    sku: str | None
    title: str
    variant_title: str | None = None
    quantity: int
    unit_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A Shopify fulfillment; `status` and `display_status` name its two enums."""

    id: str
    status: str
    display_status: str | None
    carrier: str | None
    tracking_number: str | None
    tracking_url: str | None
    created_at: datetime
    updated_at: datetime
    estimated_delivery_at: datetime | None = None
    delivered_at: datetime | None = None
    line_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(Row):
    """A Shopify order. `id` is the bare number, `name` what the buyer reads ("#1042").

    Statuses hold the names of OrderDisplayFinancialStatus, OrderDisplayFulfillmentStatus,
    OrderReturnStatus and OrderCancelReason. `source_name` is "pos" for a sale at a till, where
    `till` names the shop. Amounts are in `currency`; `shop_amount` writes them as the vendor does.
    """

    name: str
    customer_id: str | None
    email: str | None = None
    phone: str | None = None
    source_name: str = "web"
    till: str | None = None
    currency: str
    total: Decimal
    refunded: Decimal = Decimal(0)
    financial_status: str
    fulfillment_status: str
    return_status: str = "NO_RETURN"
    processed_at: datetime
    closed_at: datetime | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    lines: tuple[OrderLine, ...] = ()
    shipments: tuple[Shipment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketUser(Row):
    """A Zendesk user. `role` is end-user, agent or admin; `emails` and `phones` are identities too.

    `email` is the primary address, `other_emails` and `other_phones` further identities.
    """

    name: str
    email: str | None = None
    phone: str | None = None
    other_emails: tuple[str, ...] = ()
    other_phones: tuple[str, ...] = ()
    external_id: str | None = None
    role: str = "end-user"
    notes: str | None = None
    tags: tuple[str, ...] = ()
    time_zone: str = "London"
    locale: str = "en-GB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """One comment of a ticket; not `public` is an internal note. `kind`: Comment, VoiceComment."""

    id: str
    author_id: str
    body: str
    created_at: datetime
    public: bool = True
    channel: str = "email"
    kind: str = "Comment"
    call_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket(Row):
    """A Zendesk ticket. `channel` is via.channel (email, web, chat, voice); comments oldest first.

    `status`: new, open, pending, hold, solved, closed. `kind`: problem, incident, question, task.
    """

    requester_id: str
    submitter_id: str
    assignee_id: str | None = None
    subject: str
    status: str
    priority: str | None = None
    kind: str | None = None
    channel: str = "email"
    tags: tuple[str, ...] = ()
    external_id: str | None = None
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatContact(Row):
    """An Intercom contact. `role` is user or lead; `id` 24 hexadecimal digits."""

    role: str = "user"
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    name: str | None = None
    city: str | None = None
    region: str | None = None
    country: str | None = None
    signed_up_at: datetime | None = None
    last_seen_at: datetime | None = None
    last_replied_at: datetime | None = None
    merged_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatAdmin:
    """A teammate in Intercom: author of replies and notes."""

    id: str
    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of an Intercom conversation.

    `part_type`: comment, note (internal), assignment, close, open, snoozed. `author_type`: user,
    lead, admin, bot; `author_id` is a contact's id, an admin's id or the bot's.
    """

    id: str
    part_type: str
    author_type: str
    author_id: str
    body: str | None
    created_at: datetime
    updated_at: datetime
    assigned_to: str | None = None
    redacted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation(Row):
    """An Intercom conversation. The opening message is `source_*`; `parts` follow, oldest first.

    `state`: open, closed, snoozed. `source_type`: conversation (the messenger), email, whatsapp,
    phone_call... `source_author_type` and `source_author_id` as in Part.
    """

    contact_ids: tuple[str, ...]
    state: str
    read: bool = True
    priority: str = "none"
    title: str | None = None
    source_id: str
    source_type: str = "conversation"
    delivered_as: str = "customer_initiated"
    source_subject: str | None = None
    source_body: str
    source_author_type: str = "user"
    source_author_id: str
    admin_assignee_id: str | None = None
    waiting_since: datetime | None = None
    snoozed_until: datetime | None = None
    tags: tuple[str, ...] = ()
    parts: tuple[Part, ...] = field(default=())
