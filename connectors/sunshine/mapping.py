"""Sunshine Conversations' rows as records. Times are RFC 3339, UTC.

Source: the published description of the API, version 2: conversation, message, author, source; the
names of channels are those of its clients.
"""

from collections.abc import Sequence

from connectors.reading import Reading, Row, RowError, identifier, known, required, rfc3339, text
from domain.ids import Kind
from domain.records import Actor, Conversation, Message
from domain.vocabulary import ActorKind, Channel

_SOCIAL = (
    "apple gbm googlercs instagram kakao line messenger telegram twitter twitterdm viber wechat"
)
CHANNEL = {
    **dict.fromkeys(_SOCIAL.split(), Channel.SOCIAL),
    "whatsapp": Channel.WHATSAPP,
    "twilio": Channel.SMS,
    "messagebird": Channel.SMS,
    "mailgun": Channel.EMAIL,
    "web": Channel.WEB_CHAT,
    "ios": Channel.IN_APP,
    "android": Channel.IN_APP,
    "sdk": Channel.IN_APP,
}
# Where people who answer sit. Anything else that speaks for the business is a program.
DESKS = {"zd:agentworkspace", "zendesk", "slack", "slackconnect"}
AI, ACTIVITY = "AI", "activity"


def conversation(row: Row, at: Reading) -> Conversation:
    """One conversation beside its latest messages. It knows no open and closed: its state is not
    known. When it began is when it was made.
    """
    own, said = row["conversation"], row["messages"]
    external_id = identifier(own["id"])
    began = required(rfc3339(own.get("createdAt")))
    last = said[-1] if said else None
    return Conversation(
        key=at.key(Kind.CONVERSATION, external_id),
        provenance=at.provenance(
            external_id, updated_at=rfc3339(own.get("lastUpdatedAt")) or began
        ),
        occurred_at=began,
        channel=_channel(said),
        last_message=message({**last, "conversation_id": external_id}, at) if last else None,
    )


def message(row: Row, at: Reading) -> Message:
    """One thing said, with `conversation_id` put beside it by the reader."""
    external_id = f"{identifier(row['conversation_id'])}/{identifier(row['id'])}"
    received = required(rfc3339(row.get("received")))
    deleted = row.get("deleted") is True
    return Message(
        key=at.key(Kind.MESSAGE, external_id),
        provenance=at.provenance(external_id, updated_at=received),
        at=received,
        author=_author(row),
        body=None if deleted else _body(row.get("content") or {}),
        deleted=deleted,
    )


def _channel(said: Sequence[Row]) -> Channel:
    """That of the latest message of the customer: people change over."""
    for row in reversed(said):
        if (row.get("author") or {}).get("type") == "user":
            return known(CHANNEL, (row.get("source") or {}).get("type"), Channel.UNKNOWN)[0]
    return Channel.UNKNOWN


def _author(row: Row) -> Actor:
    """Raises RowError for an author of an unknown type: no message gets a wrong speaker."""
    author = row["author"]
    name = text(author.get("displayName"))
    if author.get("type") == "user":
        return Actor(kind=ActorKind.CUSTOMER, id=identifier(author.get("userId")), name=name)
    if author.get("type") != "business":
        raise RowError("the author's type is not known")
    subtypes = author.get("subtypes") or ()
    kind = ActorKind.SYSTEM
    if AI in subtypes:
        kind = ActorKind.AI
    elif ACTIVITY not in subtypes and _place(row) in DESKS:
        kind = ActorKind.HUMAN
    return Actor(kind=kind, id=name or "business", name=name)


def _place(row: Row) -> str:
    return (text((row.get("source") or {}).get("type")) or "").lower()


def _body(content: Row) -> str | None:
    """Its words; of what has none (an image, a place) what it is."""
    words = text(content.get("text")) or text(content.get("textFallback"))
    kind = text(content.get("altText")) or text(content.get("type"))
    return words or (f"[{kind}]" if kind else None)
