"""Twilio rows as records.

Sources: the published description of the 2010 API (github.com/twilio/twilio-oai) and twilio.com/
docs/voice/api/call-resource (call status values), twilio.com/docs/messaging/api/message-resource.
"""

from connectors.reading import Reading, Row, identifier, known, text
from connectors.twilio.threads import ends, inbound, seal
from connectors.twilio.times import moment, rfc2822
from domain.ids import Kind
from domain.records import Actor, Call, Conversation, Message
from domain.vocabulary import ActorKind, Channel, InteractionState

# The last four end without anybody having spoken: the callee was busy, did not answer, could not be
# reached, or the caller hung up first.
STATE = {
    "queued": InteractionState.QUEUED,
    "ringing": InteractionState.QUEUED,
    "in-progress": InteractionState.IN_PROGRESS,
    "completed": InteractionState.ENDED,
    "busy": InteractionState.ABANDONED,
    "no-answer": InteractionState.ABANDONED,
    "failed": InteractionState.ABANDONED,
    "canceled": InteractionState.ABANDONED,
}


def call(row: Row, at: Reading) -> Call:
    """One call. How long the customer waited is not in its row: `queue_time` is the wait of an
    outbound call before it is dialled.
    """
    external_id = identifier(row["sid"])
    state, raw = known(STATE, row.get("status"), InteractionState.UNKNOWN)
    return Call(
        key=at.key(Kind.CALL, external_id),
        provenance=at.provenance(external_id, updated_at=rfc2822(row.get("date_updated"))),
        occurred_at=moment(row),
        state=state,
        raw_state=raw,
        ended_at=rfc2822(row.get("end_time")),
        duration_seconds=_seconds(row.get("duration")),
    )


def conversation(row: Row, at: Reading) -> Conversation:
    """One thread, as `threads.gathered` puts it together. Text messages know no open or closed."""
    external_id = identifier(row["id"])
    last = message(row["last"], at)
    return Conversation(
        key=at.key(Kind.CONVERSATION, external_id),
        provenance=at.provenance(external_id, updated_at=last.provenance.source_updated_at),
        occurred_at=moment(row["first"]),
        channel=Channel.SMS,
        last_message=last,
    )


def message(row: Row, at: Reading) -> Message:
    """One text message. Whether a person or a program wrote what we sent, its row does not say."""
    between = ends(row)
    thread = seal(at.option("account_sid"), between)
    external_id = f"{thread}/{identifier(row['sid'])}"
    return Message(
        key=at.key(Kind.MESSAGE, external_id),
        provenance=at.provenance(external_id, updated_at=rfc2822(row.get("date_updated"))),
        at=moment(row),
        author=_author(row, thread),
        body=text(row.get("body")),
    )


def _author(row: Row, thread: str) -> Actor:
    """Named by the thread, never by number: ids are shown to those who may not see numbers."""
    if inbound(row):
        return Actor(kind=ActorKind.CUSTOMER, id=thread)
    return Actor(kind=ActorKind.SYSTEM, id="twilio")


def _seconds(value: object) -> int | None:
    found = text(value)
    return int(found) if found is not None else None
