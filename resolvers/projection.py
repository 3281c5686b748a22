"""Which attributes of a record to ask a source for."""

from dataclasses import MISSING, fields
from functools import cache, lru_cache

from domain.ids import Kind
from domain.records import RECORD_TYPES
from domain.sources import Fields

_COSTLY = {
    Kind.ORDER: frozenset({"lines", "shipments"}),
    Kind.CONVERSATION: frozenset({"last_message"}),
}
"""What a source may need more calls or many more bytes for."""
_OWNERS = frozenset({"owner_ids"})
_JUDGED = {
    Kind.ORDER: _OWNERS,
    Kind.TICKET: _OWNERS,
    Kind.CONVERSATION: _OWNERS,
    Kind.CALL: _OWNERS,
    Kind.VISIT: _OWNERS,
    Kind.MESSAGE: frozenset({"internal"}),
}
"""What says, before a record is handed out, whether this caller may see it."""


@lru_cache(maxsize=1024)  # operations are few, and each asks for the same again and again
def projection(kind: Kind, wanted: Fields, *, keepable: bool = False) -> Fields:
    """What is read, what a record cannot be without and, for a list that will be kept for others
    to see, everything cheap.
    """
    if wanted is None:
        return None
    always = _required(kind) | _JUDGED.get(kind, frozenset())
    return (wanted & _declared(kind)) | always | (_cheap(kind) if keepable else frozenset())


@cache
def _declared(kind: Kind) -> frozenset[str]:
    return frozenset(one.name for one in fields(RECORD_TYPES[kind]))


@cache
def _required(kind: Kind) -> frozenset[str]:
    declared = fields(RECORD_TYPES[kind])
    return frozenset(
        one.name for one in declared if one.default is MISSING and one.default_factory is MISSING
    )


@cache
def _cheap(kind: Kind) -> frozenset[str]:
    return _declared(kind) - _COSTLY.get(kind, frozenset())
