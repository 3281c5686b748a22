"""Matrix Synapse's rows as records. Times are Unix milliseconds, but for one (see `contact`).

Sources: Synapse admin API (element-hq.github.io/synapse/latest/admin_api), Users and Rooms; Matrix
client-server API v1.11 (spec.matrix.org): room events, m.replace (edits), redactions.
"""

from collections.abc import Sequence
from datetime import datetime

from connectors.reading import (
    Reading,
    Row,
    RowError,
    identifier,
    required,
    text,
    texts,
    unix_milliseconds,
    unix_seconds,
)
from domain.ids import Kind
from domain.records import Actor, Contact, Conversation, Handle, Message
from domain.vocabulary import ActorKind, Channel, InteractionState, Verification

MATRIX = "matrix"
LEFT = {"leave", "ban"}


def contact(row: Row, at: Reading) -> Contact:
    """One account. `creation_ts` is in seconds here and in milliseconds in the list of accounts; a
    later change of the profile is not told with a time.
    """
    external_id = identifier(row["name"])
    created = required(unix_seconds(row.get("creation_ts")))
    bound: Sequence[Row] = row.get("threepids") or ()
    return Contact(
        key=at.key(Kind.CONTACT, external_id),
        provenance=at.provenance(external_id, updated_at=created),
        full_name=_name(row, external_id),
        emails=texts(*(one.get("address") for one in bound if one.get("medium") == "email")),
        phones=tuple(
            f"+{number}"
            for number in texts(*(one.get("address") for one in bound if _is_phone(one)))
        ),
        handles=(Handle(MATRIX, external_id),),
        created_at=created,
        verification=Verification.OBSERVED,
        raw=row,
    )


def conversation(row: Row, at: Reading) -> Conversation:
    """One room of the desk, as the reader put it together: its `state` events, the `last` message
    and who is of the `desk`.
    """
    external_id = identifier(row["room_id"])
    state: Sequence[Row] = row["state"]
    began = required(_when(_only(state, "m.room.create")))
    last = message(row["last"], at) if row.get("last") else None
    ended = _ended(state, row["desk"])
    changed = max(
        [began, *([last.edited_at or last.at] if last else []), *([ended] if ended else [])]
    )
    return Conversation(
        key=at.key(Kind.CONVERSATION, external_id),
        provenance=at.provenance(external_id, updated_at=changed),
        occurred_at=began,
        channel=Channel.WEB_CHAT,
        state=InteractionState.ENDED if ended else InteractionState.IN_PROGRESS,
        ended_at=ended,
        last_message=last,
        owner_ids=texts(*(one.get("state_key") for one in _customers(state, row["desk"]))),
    )


def message(row: Row, at: Reading) -> Message:
    """One message as it reads now: an edit stands in its place, a redacted one has no words. With
    the `desk` put beside it by the reader.
    """
    external_id = f"{identifier(row['room_id'])}/{identifier(row['event_id'])}"
    sent = required(_when(row))
    unsigned = row.get("unsigned") or {}
    edit = (unsigned.get("m.relations") or {}).get("m.replace")
    deleted = bool(unsigned.get("redacted_because"))
    edited = _when(edit) if edit else None
    content = (edit["content"].get("m.new_content") if edit else None) or row.get("content") or {}
    return Message(
        key=at.key(Kind.MESSAGE, external_id),
        provenance=at.provenance(external_id, updated_at=edited or sent),
        at=sent,
        author=_author(row),
        body=None if deleted else text(content.get("body")),
        edited_at=edited,
        deleted=deleted,
    )


def _name(row: Row, mxid: str) -> str | None:
    """None where the display name is the one the server makes of the account's."""
    name = text(row.get("displayname"))
    return None if name == mxid[1:].partition(":")[0] else name


def _is_phone(bound: Row) -> bool:
    return bound.get("medium") == "msisdn"


def _author(row: Row) -> Actor:
    sender = identifier(row["sender"])
    kind = ActorKind.HUMAN if sender in row["desk"] else ActorKind.CUSTOMER
    return Actor(kind=kind, id=sender)


def _when(event: Row) -> datetime | None:
    return unix_milliseconds(event.get("origin_server_ts"))


def _only(state: Sequence[Row], kind: str) -> Row:
    """The state event of this type. Raises RowError where there is none."""
    for event in state:
        if event.get("type") == kind:
            return event
    raise RowError(f"no {kind}")


def _customers(state: Sequence[Row], desk: Sequence[str]) -> list[Row]:
    """Membership events of everybody who is, was, or is asked to be here and is not of the desk."""
    members = [event for event in state if event.get("type") == "m.room.member"]
    return [event for event in members if event.get("state_key") not in desk]


def _ended(state: Sequence[Row], desk: Sequence[str]) -> datetime | None:
    """When the room was replaced by another, or the last of the customers left."""
    for event in state:
        if event.get("type") == "m.room.tombstone":
            return _when(event)
    customers = _customers(state, desk)
    gone = [event for event in customers if (event["content"]).get("membership") in LEFT]
    if not customers or len(gone) < len(customers):
        return None
    return max((time for event in gone if (time := _when(event))), default=None)
