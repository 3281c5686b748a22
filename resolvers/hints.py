"""What events and a re-read say together about one row: that it lives, or that it is gone."""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import SourceError
from domain.ids import SourceKey
from domain.inbox import Farewell
from domain.records import Record
from domain.sources import ChangeKind, SourceEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is to be done about a row. A record beside a farewell is the last sight of who is gone,
    or who absorbed it.
    """

    record: Record | None = None
    farewell: Farewell | None = None


Read = Record | SourceError | None


def judge(key: SourceKey, events: Sequence[SourceEvent], read: Record | None) -> Finding:
    """An event is a hint, the source's answer the truth, with two exceptions: what was redacted is
    gone whatever is still shown, and so is what was deleted after the last change of the row that
    is shown (an index that lags behind).
    """
    into = _into(key, events)
    if any(event.change is ChangeKind.REDACTED for event in events):
        return Finding(farewell=Farewell(key=key, into=into, redacted=True))
    if read is None:
        return Finding(farewell=Farewell(key=key, into=into))
    if read.key != key:
        return Finding(record=read, farewell=Farewell(key=key, into=read.key))
    if any(_outlives(event, read) for event in events):
        return Finding(record=read, farewell=Farewell(key=key, into=into))
    return Finding(record=read)


def _into(key: SourceKey, events: Sequence[SourceEvent]) -> SourceKey | None:
    found = [event.into for event in events if event.change is ChangeKind.MERGED and event.into]
    return SourceKey(key.source, key.kind, found[-1]) if found else None


def _outlives(event: SourceEvent, read: Record) -> bool:
    """Whether the end that the event tells of came after all that is shown."""
    if event.change not in (ChangeKind.DELETED, ChangeKind.MERGED) or event.occurred_at is None:
        return False
    changed_at = read.provenance.source_updated_at
    return changed_at is not None and changed_at <= event.occurred_at
