"""The closed lists of the public graph. Every member's value is its name in the SDL."""

from enum import StrEnum


class SystemKind(StrEnum):
    CRM = "CRM"
    OMS = "OMS"
    ERP = "ERP"
    TICKETING = "TICKETING"
    CHAT = "CHAT"
    VOICE = "VOICE"
    EMAIL = "EMAIL"
    SOCIAL = "SOCIAL"
    WEB = "WEB"
    STORE = "STORE"
    KNOWLEDGE = "KNOWLEDGE"
    SURVEY = "SURVEY"


class Channel(StrEnum):
    WEB_CHAT = "WEB_CHAT"
    IN_APP = "IN_APP"
    VOICE = "VOICE"
    EMAIL = "EMAIL"
    SMS = "SMS"
    WHATSAPP = "WHATSAPP"
    SOCIAL = "SOCIAL"
    SELF_SERVICE = "SELF_SERVICE"
    STORE = "STORE"
    UNKNOWN = "UNKNOWN"


class PiiClass(StrEnum):
    IDENTITY = "IDENTITY"
    CONTACT = "CONTACT"
    FINANCIAL = "FINANCIAL"
    LOCATION = "LOCATION"
    CONTENT = "CONTENT"
    SPECIAL = "SPECIAL"


class MaskStyle(StrEnum):
    PARTIAL = "PARTIAL"
    HASH = "HASH"
    REDACT = "REDACT"


class Completeness(StrEnum):
    COMPLETE = "COMPLETE"
    STALE = "STALE"
    PARTIAL = "PARTIAL"
    UNKNOWN = "UNKNOWN"


class ServedFrom(StrEnum):
    LIVE = "LIVE"
    CACHE = "CACHE"
    STALE_CACHE = "STALE_CACHE"
    EVENT_STORE = "EVENT_STORE"
    DERIVED = "DERIVED"


class SourceState(StrEnum):
    OK = "OK"
    NOT_ASKED = "NOT_ASKED"
    TIMEOUT = "TIMEOUT"
    RATE_LIMITED = "RATE_LIMITED"
    UNAUTHORIZED = "UNAUTHORIZED"
    UNAVAILABLE = "UNAVAILABLE"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    PROTOCOL_ERROR = "PROTOCOL_ERROR"
    NOT_SUPPORTED = "NOT_SUPPORTED"
    DISABLED = "DISABLED"


class Verification(StrEnum):
    """How an identifier came to be trusted, weakest first: `strength` orders them."""

    ASSERTED = "ASSERTED"
    OBSERVED = "OBSERVED"
    VERIFIED = "VERIFIED"
    AUTHENTICATED = "AUTHENTICATED"

    @property
    def strength(self) -> int:
        return list(Verification).index(self)


class LinkStatus(StrEnum):
    AUTO = "AUTO"
    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    SUPERSEDED = "SUPERSEDED"


class LinkMethod(StrEnum):
    DETERMINISTIC = "DETERMINISTIC"
    PROBABILISTIC = "PROBABILISTIC"
    MANUAL = "MANUAL"


class ActorKind(StrEnum):
    CUSTOMER = "CUSTOMER"
    AI = "AI"
    HUMAN = "HUMAN"
    POLICY = "POLICY"
    SYSTEM = "SYSTEM"


class InteractionState(StrEnum):
    SCHEDULED = "SCHEDULED"
    QUEUED = "QUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    WAITING = "WAITING"
    ENDED = "ENDED"
    ABANDONED = "ABANDONED"
    UNKNOWN = "UNKNOWN"


class IdentifierKind(StrEnum):
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    HANDLE = "HANDLE"
    ACCOUNT_NUMBER = "ACCOUNT_NUMBER"
    VISITOR_ID = "VISITOR_ID"


class OrderStatus(StrEnum):
    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    FULFILLING = "FULFILLING"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"
    RETURNED = "RETURNED"
    REFUNDED = "REFUNDED"
    UNKNOWN = "UNKNOWN"


class TicketStatus(StrEnum):
    NEW = "NEW"
    OPEN = "OPEN"
    PENDING = "PENDING"
    ON_HOLD = "ON_HOLD"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"
    UNKNOWN = "UNKNOWN"


class IdentityEventKind(StrEnum):
    CREATED = "CREATED"
    LINKED = "LINKED"
    UNLINKED = "UNLINKED"
    MERGED = "MERGED"
    SPLIT = "SPLIT"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    ERASED = "ERASED"


class IssueState(StrEnum):
    OPEN = "OPEN"
    WAITING = "WAITING"
    RESOLVED = "RESOLVED"
    REOPENED = "REOPENED"


class CommitmentState(StrEnum):
    OPEN = "OPEN"
    KEPT = "KEPT"
    OVERDUE = "OVERDUE"
    CANCELLED = "CANCELLED"


class JourneyKind(StrEnum):
    SUPPORT = "SUPPORT"
    VISITOR = "VISITOR"


class HandoffMode(StrEnum):
    MANUAL = "MANUAL"
    AUTO = "AUTO"


class AttributionModel(StrEnum):
    FIRST = "FIRST"
    LAST = "LAST"
    LINEAR = "LINEAR"
    TIME_DECAY = "TIME_DECAY"
    POSITION = "POSITION"


class ActivityKind(StrEnum):
    STARTED = "STARTED"
    UPDATED = "UPDATED"
    ENDED = "ENDED"
    MESSAGE = "MESSAGE"
    TRANSFERRED = "TRANSFERRED"
    ORDER_CHANGED = "ORDER_CHANGED"
    TICKET_CHANGED = "TICKET_CHANGED"
    COMMITMENT = "COMMITMENT"
    IDENTITY = "IDENTITY"
    HANDOFF = "HANDOFF"
