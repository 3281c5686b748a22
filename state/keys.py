"""Source keys as one text column.

The parts are joined by the unit separator, which is lower than any printable character: packed keys
sort as the keys themselves do, in databases that compare text byte by byte.
"""

from collections.abc import Iterable
from hashlib import blake2b

from sqlalchemy import ColumnElement, and_
from sqlalchemy.sql.elements import KeyedColumnElement

from domain.ids import Kind, SourceKey
from state.codec import storable

SEPARATOR = "\x1f"
INDEXED_CHARACTERS = 200


def pack(key: SourceKey) -> str:
    return SEPARATOR.join((key.source, key.kind.value, storable(key.external_id)))


def unpack(packed: str) -> SourceKey:
    source, kind, external_id = packed.split(SEPARATOR, 2)
    return SourceKey(source, Kind(kind), external_id)


def pack_all(keys: Iterable[SourceKey]) -> list[str]:
    return [pack(key) for key in keys]


def number(packed: str) -> int:
    """A packed key as a number of 64 bits, for tables with many rows a record. Two of ten million
    keys are one number in one store of 400,000; live then finds the later of the two records only.
    """
    return int.from_bytes(blake2b(packed.encode(), digest_size=8).digest(), signed=True)


def all_of(source: str, kind: Kind) -> str:
    """What every packed key of the source and kind begins with."""
    return pack(SourceKey(source, kind, ""))


def indexed(text: str) -> str:
    """Text as an index can hold it: PostgreSQL refuses entries above 2.7 KB, and no word or address
    comes near it. The beginning of longer text can still be found, and the whole of it.
    """
    text = storable(text)
    if len(text) <= INDEXED_CHARACTERS:
        return text
    return text[:INDEXED_CHARACTERS] + blake2b(text.encode(), digest_size=16).hexdigest()


def begins(column: KeyedColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Whether the text begins with the prefix (not empty), as a range that an index answers.

    LIKE is none: SQLite folds case in it, and the indexes of both answer it in few collations only.
    """
    return and_(column >= prefix, column < _after(prefix))


def _after(prefix: str) -> str:
    """The lowest text above every text that begins with the prefix."""
    head, last = prefix[:-1], ord(prefix[-1])
    if last >= 0x10FFFF:
        return _after(head) if head else prefix + chr(0x10FFFF)
    following = 0xE000 if last == 0xD7FF else last + 1  # no half of a surrogate pair
    return head + chr(following)
