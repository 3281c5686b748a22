"""Ids that lead back to what they were made of, and show it to nobody who reads them.

Where a vendor has no id for a thing (a thread of text messages, of mails), its id is made of what
finds it again: numbers, names of messages. Ids are shown to callers who may not see those. They are
therefore veiled with a key of the source: who can ask it can lift the veil, nobody else can.
"""

import hashlib
import hmac
import re

_VEILED = re.compile("(?:[0-9a-f]{2})+")
_TAG_BYTES = 8


def veil(key: str, plain: bytes) -> str:
    """The same text always has the same id. Its tag keys the cipher, and proves on the way back
    that nobody made the id up.
    """
    tag = _mac(key, b"tag", plain)[:_TAG_BYTES]
    return (tag + _mixed(key, tag, plain)).hex()


def unveil(key: str, external_id: str) -> bytes | None:
    """None for an id that was not made with this key."""
    packed = bytes.fromhex(external_id) if _VEILED.fullmatch(external_id) else b""
    tag, plain = packed[:_TAG_BYTES], _mixed(key, packed[:_TAG_BYTES], packed[_TAG_BYTES:])
    if not hmac.compare_digest(_mac(key, b"tag", plain)[:_TAG_BYTES], tag):
        return None
    return plain


def mark(key: str, plain: bytes) -> str:
    """A short name for what need not be found again."""
    return _mac(key, b"mark", plain)[:_TAG_BYTES].hex()


def _mixed(key: str, tag: bytes, data: bytes) -> bytes:
    """Mixed with a key stream of the tag; the same again undoes it."""
    blocks = range(-(-len(data) // 32))
    stream = b"".join(_mac(key, b"key", tag + bytes([block])) for block in blocks)
    return bytes(one ^ other for one, other in zip(data, stream, strict=False))


def _mac(key: str, purpose: bytes, data: bytes) -> bytes:
    return hmac.new(key.encode(), purpose + data, hashlib.sha256).digest()
