"""What only the live record knows: interactions no source hands out by id, and their messages."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from domain.events import Interaction
from domain.ids import Kind, SourceKey
from domain.records import Message, Record
from domain.sources import ChildPage
from resolvers.cursors import place
from resolvers.pages import Cut, Found

if TYPE_CHECKING:
    from resolvers.operation import Operation

TOLD = frozenset({Kind.TICKET, Kind.CONVERSATION, Kind.CALL, Kind.VISIT})
"""What events tell of."""


async def records(operation: "Operation", keys: Sequence[SourceKey]) -> list[Record | None]:
    """One entry per key, in order; None where no event tells of it."""
    found = await _interactions(operation, keys)
    return [None if one is None else one.record for one in found]


async def message(operation: "Operation", key: SourceKey) -> Message | None:
    """A message, wherever it was said."""
    found = await _interactions(operation, _threads(key))
    said = (one for thread in found if thread is not None for one in thread.messages or ())
    return next((one for one in said if one.key == key), None)


async def contacts(operation: "Operation", key: SourceKey) -> tuple[SourceKey, ...]:
    """The records of those who took part in what the key names, or in what its message was said."""
    found = await _interactions(operation, _threads(key) if key.kind is Kind.MESSAGE else [key])
    return tuple(contact for one in found if one is not None for contact in one.contacts)


def _threads(message: SourceKey) -> list[SourceKey]:
    """What a message may belong to: its id is `<parent id>/<message id>`."""
    parent = message.external_id.rpartition("/")[0]
    return [SourceKey(message.source, kind, parent) for kind in sorted(TOLD)]


async def messages(
    operation: "Operation", threads: Sequence[SourceKey], cut: Cut
) -> dict[SourceKey, Found]:
    """The page of each thread that events tell of; others are left out."""
    found = await _interactions(operation, threads)
    return {one.key: Found(_page(one.messages or (), cut), ()) for one in found if one is not None}


async def _interactions(
    operation: "Operation", keys: Sequence[SourceKey]
) -> list[Interaction | None]:
    asked = list(dict.fromkeys(key for key in keys if key.kind in TOLD))
    if not asked:
        return [None] * len(keys)
    found = await operation.services.events.interactions(asked)
    known = dict(zip(asked, found, strict=True))
    return [known.get(key) for key in keys]


def _page(told: Sequence[Message], cut: Cut) -> ChildPage[Record]:
    older = [one for one in told if cut.after is None or place(one) < cut.after]
    ordered = sorted(older, key=place, reverse=True)
    return ChildPage(items=tuple(ordered[: cut.first]), has_more=len(ordered) > cut.first)
