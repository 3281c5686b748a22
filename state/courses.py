"""Interactions as they are kept: the record, its course, and what was said, each in bytes of its
own, since lists are read without the last.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from domain.events import Asked, Interaction, InteractionRecord, Transfer, Tried
from domain.ids import SourceKey
from domain.records import Message
from state import bulk, codec
from state.keys import pack


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """What an Interaction has beside its record and its messages."""

    attempts: tuple[Tried, ...] = ()
    asked: tuple[Asked, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    reason: str | None = None
    case_id: str | None = None
    order_number: str | None = None
    last_at: datetime | None = None
    leased_until: datetime | None = None
    consent: bool | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    messages: tuple[Message, ...] = field(default=(), repr=False)


def row(key: SourceKey, one: Interaction | None) -> bulk.Values:
    place = {"key": pack(key), "external_id": codec.storable(key.external_id)}
    place["source"] = key.source
    if one is None:
        empty = dict.fromkeys(("began_at", "until", "record", "course", "messages"))
        return {**place, **empty}
    return {
        **place,
        "began_at": one.record.occurred_at,
        "until": one.leased_until if one.goes_on else one.record.ended_at,
        "record": codec.encode(one.record),
        "course": codec.encode(_course(one)),
        "messages": codec.encode(_Said(one.messages or ())),
    }


def read(key: SourceKey, record: bytes, course: bytes, messages: bytes | None) -> Interaction:
    """Without messages they are None: not read."""
    kept = codec.decode(course, _Course)
    said = None if messages is None else codec.decode(messages, _Said).messages
    rest = {name: getattr(kept, name) for name in _Course.__slots__}
    return Interaction(
        record=cast(InteractionRecord, codec.decode_record(key.kind, record)),
        messages=said,
        **rest,
    )


def _course(one: Interaction) -> _Course:
    return _Course(**{name: getattr(one, name) for name in _Course.__slots__})
