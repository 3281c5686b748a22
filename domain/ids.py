"""Ids: which row of which system, and the opaque node ids of the public graph."""

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

CustomerId = NewType("CustomerId", str)
"""`cus_<ulid>`: minted, never derived from what a record says."""

CUSTOMER_PREFIX = "cus"


class Kind(StrEnum):
    """What a source holds. The value is also the prefix of a node id."""

    CONTACT = "record"
    ORDER = "order"
    TICKET = "ticket"
    CONVERSATION = "conversation"
    MESSAGE = "message"
    CALL = "call"
    VISIT = "visit"


@dataclass(frozen=True, slots=True, order=True)
class SourceKey:
    """One row in one system. `source` is the source's name in the configuration."""

    source: str
    kind: Kind
    external_id: str

    def __hash__(self) -> int:
        # Of all three it takes six times as long, since enumerations hash in Python.
        return hash(self.external_id)

    @property
    def node_id(self) -> str:
        return encode_node_id(self.kind.value, self.source, self.external_id)


class MalformedNodeId(ValueError):
    """The text is not a node id of ours."""


def encode_node_id(prefix: str, *parts: str) -> str:
    """`<prefix>_<base64url of the parts>`; parts may hold any character but NUL."""
    packed = "\0".join(parts).encode()
    return f"{prefix}_{base64.urlsafe_b64encode(packed).decode().rstrip('=')}"


def decode_node_id(node_id: str) -> tuple[str, tuple[str, ...]]:
    """Prefix and parts. Raises MalformedNodeId; the one part of a customer id is its ULID."""
    prefix, found, packed = node_id.partition("_")
    if not (prefix and found and packed):
        raise MalformedNodeId(node_id[:80])
    if prefix == CUSTOMER_PREFIX:
        return prefix, (packed,)
    try:
        raw = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        return prefix, tuple(raw.decode().split("\0"))
    except (binascii.Error, UnicodeDecodeError) as error:
        raise MalformedNodeId(node_id[:80]) from error


def source_key(node_id: str) -> SourceKey:
    """The row a node id of a source's record stands for. Raises MalformedNodeId."""
    prefix, parts = decode_node_id(node_id)
    try:
        source, external_id = parts
        return SourceKey(source, Kind(prefix), external_id)
    except ValueError as error:
        raise MalformedNodeId(node_id[:80]) from error
