"""Rows of a mailbox (rows.py) as records."""

from connectors.reading import Reading, Row, RowError, identifier, required, rfc3339, text
from domain.ids import Kind
from domain.records import Actor, Conversation, Message
from domain.vocabulary import ActorKind, Channel

AUTHOR = {
    "customer": ActorKind.CUSTOMER,
    "agent": ActorKind.HUMAN,
    "system": ActorKind.SYSTEM,
}


def conversation(row: Row, at: Reading) -> Conversation:
    """One thread. Mails know no open and closed: its state is not known."""
    external_id = identifier(row["id"])
    return Conversation(
        key=at.key(Kind.CONVERSATION, external_id),
        provenance=at.provenance(external_id, updated_at=rfc3339(row.get("arrived"))),
        occurred_at=required(rfc3339(row["at"])),
        channel=Channel.EMAIL,
        last_message=message(row["last"], at),
    )


def message(row: Row, at: Reading) -> Message:
    """One mail."""
    external_id = identifier(row["id"])
    return Message(
        key=at.key(Kind.MESSAGE, external_id),
        provenance=at.provenance(external_id, updated_at=rfc3339(row.get("arrived"))),
        at=required(rfc3339(row["at"])),
        author=_author(row["author"]),
        body=text(row.get("body")),
    )


def _author(row: Row) -> Actor:
    kind = AUTHOR.get(identifier(row["kind"]))
    if kind is None:
        raise RowError("an author of no kind")
    return Actor(kind=kind, id=identifier(row["id"]), name=text(row.get("name")))
