"""Places in the lists a steward reads, in the opaque form in which they travel."""

from math import isfinite

from domain.customer import Link
from domain.decisions import WaitingPlace
from domain.errors import InputError
from domain.ids import Kind, MalformedNodeId, SourceKey, decode_node_id, encode_node_id

_EVENT, _WAITING = "event", "waiting"
_LAST_SEQUENCE = 2**63 - 1


def event_cursor(sequence: int) -> str:
    return encode_node_id(_EVENT, str(sequence))


def event_place(cursor: str) -> int:
    """Raises InputError."""
    try:
        prefix, (text,) = decode_node_id(cursor)
        sequence = int(text)
        if prefix != _EVENT or not 0 < sequence <= _LAST_SEQUENCE:
            raise ValueError
    except (MalformedNodeId, ValueError) as error:
        raise InputError("after: not a cursor of a history") from error
    return sequence


def waiting_cursor(link: Link) -> str:
    weight = "" if link.match_weight is None else repr(link.match_weight)
    left, right = link.left, link.right
    ends = (left.source, left.external_id, right.source, right.external_id)
    return encode_node_id(_WAITING, weight, *ends)


def waiting_place(cursor: str) -> WaitingPlace:
    """Raises InputError."""
    try:
        prefix, (text, *ends) = decode_node_id(cursor)
        weight = float(text) if text else None
        if prefix != _WAITING or len(ends) != 4 or (weight is not None and not isfinite(weight)):
            raise ValueError
    except (MalformedNodeId, ValueError) as error:
        raise InputError("after: not a cursor of the review queue") from error
    return WaitingPlace(
        weight=weight,
        left=SourceKey(ends[0], Kind.CONTACT, ends[1]),
        right=SourceKey(ends[2], Kind.CONTACT, ends[3]),
    )
