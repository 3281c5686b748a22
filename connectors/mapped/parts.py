"""What generated mappings call for the parts of a record that are records themselves."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from connectors.reading import RowError
from domain.ids import Kind, SourceKey
from domain.provenance import Provenance
from domain.records import Actor, Address, Handle, Message
from domain.vocabulary import ActorKind


def or_none(address: Address) -> Address | None:
    return None if address == Address() else address


def as_handles(pairs: Sequence[tuple[str, str]]) -> tuple[Handle, ...]:
    return tuple(Handle(platform, name) for platform, name in pairs)


def each(value: Any, at: Any, one: Callable[[Any, Any], Any]) -> tuple[Any, ...] | None:
    """None is unknown, an empty list is none."""
    if value is None:
        return None
    if not isinstance(value, list):
        raise RowError("list expected")
    return tuple([one(row, at) for row in value])


def actor_or_none(kind: ActorKind, actor_id: str | None, name: str | None) -> Actor | None:
    return None if actor_id is None else Actor(kind=kind, id=actor_id, name=name)


@lru_cache(maxsize=1024)
def speaker(kind: ActorKind, actor_id: str | None, name: str | None) -> Actor:
    """Who has no id of their own is known by what they are."""
    return Actor(kind=kind, id=actor_id or kind.value.lower(), name=name)


def last(
    provenance: Provenance,
    body: str | None,
    message_id: str | None,
    at: Any,
    author: Callable[[], Actor],
) -> Message | None:
    if body is None:
        return None
    thread = provenance.external_id
    key = SourceKey(provenance.system.name, Kind.MESSAGE, f"{thread}/{message_id or 'last'}")
    return Message(key=key, provenance=provenance, at=at, author=author(), body=body)
