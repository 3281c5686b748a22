"""Zendesk rows as records. Times are UTC in the source.

Sources: Users, Tickets, Ticket Comments and User Identities (developer.zendesk.com/api-reference/
ticketing), Via types (developer.zendesk.com/documentation/ticketing/reference-guides/via-types).
"""

from collections.abc import Iterable
from urllib.parse import urlsplit

from connectors.reading import (
    Reading,
    Row,
    RowError,
    identifier,
    known,
    required,
    text,
    texts,
)
from domain.ids import Kind
from domain.records import Actor, Contact, Handle, Message, Ticket
from domain.vocabulary import ActorKind, Channel, InteractionState, TicketStatus, Verification

# "hold" waits for a third party, "pending" for the requester; "deleted" is told by exports alone.
STATUS = {
    "new": TicketStatus.NEW,
    "open": TicketStatus.OPEN,
    "pending": TicketStatus.PENDING,
    "hold": TicketStatus.ON_HOLD,
    "solved": TicketStatus.RESOLVED,
    "closed": TicketStatus.CLOSED,
    "deleted": TicketStatus.CLOSED,
}
STATE = {
    "new": InteractionState.QUEUED,
    "open": InteractionState.IN_PROGRESS,
    "pending": InteractionState.WAITING,
    "hold": InteractionState.WAITING,
    "solved": InteractionState.ENDED,
    "closed": InteractionState.ENDED,
    "deleted": InteractionState.ENDED,
}
# Via types without an entry say how a ticket was made and not where it was spoken: api, rule,
# batch, merge, closed_ticket (a follow-up), any_channel, side_conversation...
CHANNEL = {
    "email": Channel.EMAIL,
    "web": Channel.SELF_SERVICE,
    "forum": Channel.SELF_SERVICE,
    "help_center": Channel.SELF_SERVICE,
    "chat": Channel.WEB_CHAT,
    "chat_transcript": Channel.WEB_CHAT,
    "native_messaging": Channel.WEB_CHAT,
    "web_messaging": Channel.WEB_CHAT,
    "answer_bot_for_web_widget": Channel.WEB_CHAT,
    "mobile_sdk": Channel.IN_APP,
    "answer_bot_for_sdk": Channel.IN_APP,
    "voice": Channel.VOICE,
    "sms": Channel.SMS,
    "text_message": Channel.SMS,
    "twilio_sms": Channel.SMS,
    "messagebird_sms": Channel.SMS,
    "whatsapp": Channel.WHATSAPP,
    "facebook": Channel.SOCIAL,
    "twitter": Channel.SOCIAL,
    "twitter_dm": Channel.SOCIAL,
    "instagram_dm": Channel.SOCIAL,
    "sunshine_conversations_facebook_messenger": Channel.SOCIAL,
    "sunshine_conversations_twitter_dm": Channel.SOCIAL,
    "telegram": Channel.SOCIAL,
    "line": Channel.SOCIAL,
    "viber": Channel.SOCIAL,
    "wechat": Channel.SOCIAL,
    "kakaotalk": Channel.SOCIAL,
}
ROLE = {"end-user": ActorKind.CUSTOMER, "agent": ActorKind.HUMAN, "admin": ActorKind.HUMAN}
SYSTEM_AUTHOR = "-1"
# Kinds of identity that are names on a platform.
_HANDLES = ("twitter", "facebook")


def contact(row: Row, at: Reading) -> Contact:
    """One end user. `external_id` is the company's own number of the person, or the id of the
    source that the configuration names.
    """
    external_id = identifier(row["id"])
    foreign = at.foreign(row.get("external_id"))
    identities = row.get("identities") or ()
    return Contact(
        key=at.key(Kind.CONTACT, external_id),
        provenance=at.provenance(
            external_id,
            updated_at=at.instant(row.get("updated_at")),
            url=_page(row, "users", external_id),
        ),
        full_name=text(row.get("name")),
        emails=texts(row.get("email"), *_values(identities, "email")),
        phones=texts(row.get("phone"), *_values(identities, "phone_number")),
        handles=tuple(
            Handle(platform, name)
            for platform in _HANDLES
            for name in texts(*_values(identities, platform))
        ),
        account_number=None if foreign else text(row.get("external_id")),
        created_at=at.instant(row.get("created_at")),
        verification=_verification(identities),
        foreign_ids=foreign,
        raw=row,
    )


def ticket(row: Row, at: Reading) -> Ticket:
    """One ticket. With custom statuses `status` is the category, which is what is mapped."""
    external_id = identifier(row["id"])
    status, raw = known(STATUS, row.get("status"), TicketStatus.UNKNOWN)
    state, _ = known(STATE, row.get("status"), InteractionState.UNKNOWN)
    return Ticket(
        key=at.key(Kind.TICKET, external_id),
        provenance=at.provenance(
            external_id,
            updated_at=at.instant(row.get("updated_at")),
            url=_page(row, "tickets", external_id),
        ),
        occurred_at=required(at.instant(row.get("created_at"))),
        channel=_channel(row),
        state=state,
        raw_state=raw,
        owner=_owner(row),
        number=external_id,
        subject=text(row.get("subject")),
        status=status,
        raw_status=raw,
        priority=text(row.get("priority")),
        category=text(row.get("type")),
        owner_ids=texts(row.get("requester_id")),
    )


def message(row: Row, at: Reading) -> Message:
    """One comment, with `ticket_id` and its `author` (a user) put beside it by the reader.

    A redacted comment keeps its place with its words blacked out; the source does not flag it.
    """
    external_id = f"{identifier(row['ticket_id'])}/{identifier(row['id'])}"
    created_at = required(at.instant(row.get("created_at")))
    return Message(
        key=at.key(Kind.MESSAGE, external_id),
        provenance=at.provenance(external_id, updated_at=created_at),
        at=created_at,
        author=_author(row),
        body=text(row.get("body")),
        # Only what the source calls public is shown to everybody.
        internal=row.get("public") is not True,
    )


def _values(identities: Iterable[Row], kind: str) -> list[object]:
    """Values of one kind of identity, the primary one first."""
    found = [identity for identity in identities if identity.get("type") == kind]
    return [one.get("value") for one in sorted(found, key=lambda one: not one.get("primary"))]


def _verification(identities: Iterable[Row]) -> Verification:
    """VERIFIED where every address of the user is: the user's own flag speaks for any one."""
    flags = [identity.get("verified") is True for identity in identities]
    return Verification.VERIFIED if flags and all(flags) else Verification.OBSERVED


def _channel(row: Row) -> Channel:
    """Where it began; not known for "web" tickets that an agent wrote for somebody."""
    channel, raw = known(CHANNEL, (row.get("via") or {}).get("channel"), Channel.UNKNOWN)
    by_agent = row.get("submitter_id") not in {None, row.get("requester_id")}
    return Channel.UNKNOWN if raw == "web" and by_agent else channel


def _owner(row: Row) -> Actor | None:
    assignee = text(row.get("assignee_id"))
    if assignee is None:
        return None
    name = text((row.get("assignee") or {}).get("name"))
    return Actor(kind=ActorKind.HUMAN, id=assignee, name=name)


def _author(row: Row) -> Actor:
    """Raises RowError for an author whose role is not known: no message gets a wrong speaker."""
    author_id = identifier(row["author_id"])
    if author_id == SYSTEM_AUTHOR:
        return Actor(kind=ActorKind.SYSTEM, id=author_id)
    user = row.get("author") or {}
    kind = ROLE.get(user.get("role", ""))
    if kind is None:
        raise RowError("the author's role is not known")
    return Actor(kind=kind, id=author_id, name=text(user.get("name")))


def _page(row: Row, kind: str, external_id: str) -> str | None:
    """Where an agent reads it; the row's own `url` is the API's."""
    parts = urlsplit(text(row.get("url")) or "")
    return f"{parts.scheme}://{parts.netloc}/agent/{kind}/{external_id}" if parts.netloc else None
