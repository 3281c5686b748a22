"""One interaction that both its source and the live record know: the newer state wins."""

from dataclasses import fields, replace
from datetime import datetime
from typing import Any, TypeVar

from domain.events import Interaction, InteractionRecord

R = TypeVar("R", bound=InteractionRecord)

_TOGETHER = {"state": ("raw_state", "ended_at"), "status": ("raw_status",)}
"""What says nothing without the value it stands beside."""
_OWN = frozenset({"key", "provenance", "occurred_at", "last_message", "owner_ids"})
"""What an older record does not fill in. A last message that is older is not the last."""


def blended(live: R, told: Interaction) -> R:
    """What is known of an interaction, where it has its place in the live record.

    Attributes come from whichever said so last, and from the other one where that has none.
    """
    record = told.record
    if type(record) is not type(live):  # a key says its kind, and a kind has one type of record
        return live
    newer, older = (record, live) if _told_at(told) > _said_at(live) else (live, record)
    return replace(newer, **_gaps(newer, older), occurred_at=record.occurred_at)


def _gaps(newer: InteractionRecord, older: InteractionRecord) -> dict[str, Any]:
    names = [one.name for one in fields(newer)]
    filled: dict[str, Any] = {}
    beside = {name for others in _TOGETHER.values() for name in others}
    for name in names:
        if name in _OWN or name in beside or not _is_unknown(getattr(newer, name)):
            continue
        filled |= {one: getattr(older, one) for one in (name, *_TOGETHER.get(name, ()))}
    return filled


def _is_unknown(value: object) -> bool:
    return value is None or value == "UNKNOWN"


def _told_at(told: Interaction) -> datetime:
    return told.last_at or told.record.provenance.source_updated_at or told.record.occurred_at


def _said_at(live: InteractionRecord) -> datetime:
    """A source that does not say when a row last changed had it so when it was read."""
    return live.provenance.source_updated_at or live.provenance.fetched_at
