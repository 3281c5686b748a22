"""What was said in an interaction: messages as they were written, changed and taken back."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.events import EventType, InteractionEvent
from domain.ids import Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import Actor, Message
from domain.vocabulary import ActorKind, ServedFrom

NOBODY = Actor(kind=ActorKind.SYSTEM, id="unknown")
"""Of an event that does not say who did it."""

_OF_MESSAGES = frozenset(
    {EventType.MESSAGE_CREATED, EventType.MESSAGE_UPDATED, EventType.MESSAGE_DELETED}
)


@dataclass(slots=True)
class _Draft:
    """A message on its way through its events. Without `told`, only its deletion is known."""

    at: datetime
    author: Actor = NOBODY
    body: str | None = field(default=None, repr=False)
    internal: bool = False
    created: bool = False
    told: bool = False
    edited_at: datetime | None = None
    deleted: bool = False


def messages(
    subject: SourceKey, events: Iterable[InteractionEvent], system: System
) -> tuple[Message, ...]:
    """In order of time. The events are in their order; but an edit or a deletion that is numbered
    before the message it is about still changes it, and what was deleted stays so.
    """
    drafts: dict[str, _Draft] = {}
    for event in events:
        if event.type in _OF_MESSAGES:
            name = message_id(event)
            _change(drafts.setdefault(name, _Draft(event.occurred_at)), event)
    told = ((name, one) for name, one in drafts.items() if one.told)
    made = [_message(subject, name, one, system) for name, one in told]
    return tuple(sorted(made, key=lambda one: (one.at, one.key.external_id)))


def message_key(event: InteractionEvent) -> SourceKey:
    subject = event.subject
    return SourceKey(subject.source, Kind.MESSAGE, f"{subject.external_id}/{message_id(event)}")


def message_id(event: InteractionEvent) -> str:
    """A message whose system has no name for it goes by that of its event. What it belongs to is
    read off a key as all before the last slash.
    """
    return (event.data.message_id or event.event_id).replace("/", "%2F")


def last_word(said: Sequence[Message]) -> Message | None:
    """The newest that stands and is not a note among colleagues."""
    return next(_standing(reversed(said)), None)


def _standing(said: Iterable[Message]) -> Iterator[Message]:
    return (one for one in said if not one.deleted and not one.internal)


def _change(draft: _Draft, event: InteractionEvent) -> None:
    data = event.data
    if event.type is EventType.MESSAGE_DELETED:
        draft.deleted = True
        return
    if event.type is EventType.MESSAGE_CREATED and not draft.created:
        draft.at, draft.created = event.occurred_at, True
        draft.author = data.actor or draft.author
        draft.internal = draft.internal or data.internal
        if draft.edited_at is None:
            draft.body = data.text
    elif event.type is EventType.MESSAGE_UPDATED:
        draft.edited_at = event.occurred_at
        draft.body = draft.body if data.text is None else data.text
        draft.internal = draft.internal or data.internal
        draft.author = draft.author if draft.created else data.actor or draft.author
    draft.told = True


def _message(subject: SourceKey, name: str, draft: _Draft, system: System) -> Message:
    external_id = f"{subject.external_id}/{name}"
    return Message(
        key=SourceKey(subject.source, Kind.MESSAGE, external_id),
        provenance=Provenance(
            system=system,
            external_id=external_id,
            fetched_at=draft.edited_at or draft.at,
            served_from=ServedFrom.EVENT_STORE,
        ),
        at=draft.at,
        author=draft.author,
        body=None if draft.deleted else draft.body,
        internal=draft.internal,
        edited_at=draft.edited_at,
        deleted=draft.deleted,
    )
