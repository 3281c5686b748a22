"""Records as JSON bytes and back, exactly: what the store and the caches keep.

Attributes that a record has gained since the bytes were written take their defaults, and attributes
it has lost are ignored, so that a new release reads what an older one kept.
"""

from collections.abc import Hashable
from functools import cache
from types import GenericAlias
from typing import TypeVar, cast

import msgspec

from domain.errors import StoreError
from domain.ids import Kind
from domain.records import RECORD_TYPES, Record
from domain.sources import ChildPage

T = TypeVar("T")

_encoder = msgspec.json.Encoder()


def encode(value: object) -> bytes:
    """JSON of a record, or of anything built of dataclasses, tuples, mappings, enums and times.

    Text that UTF-8 cannot carry (half of a surrogate pair, which JSON lets a source write) has the
    replacement character in that place. Raises StoreError for values that JSON does not have.
    """
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_mended(msgspec.to_builtins(value)))
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"a {type(value).__name__} holds what JSON has no form for") from error


def decode(data: bytes, form: type[T]) -> T:
    """The value that `encode` was given. Raises StoreError for bytes that are not such a value."""
    return cast(T, _decode(data, cast(Hashable, form)))


def decode_record(kind: Kind, data: bytes) -> Record:
    return decode(data, RECORD_TYPES[kind])


def decode_page(kind: Kind, data: bytes) -> ChildPage[Record]:
    """A page of children of one kind."""
    return cast(ChildPage[Record], _decode(data, GenericAlias(ChildPage, RECORD_TYPES[kind])))


def _decode(data: bytes, form: Hashable) -> object:
    try:
        return _decoder(form).decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise StoreError(f"what is kept is not a {form}") from error


@cache
def _decoder(form: Hashable) -> "msgspec.json.Decoder[object]":
    return msgspec.json.Decoder(form)


def _mended(value: object) -> object:
    match value:
        case str():
            return _whole(value)
        case dict():
            return {_whole(str(key)): _mended(item) for key, item in value.items()}
        case list() | tuple():
            return [_mended(item) for item in value]
    return value


def storable(text: str) -> str:
    """Text as every database can keep it: NUL (PostgreSQL) and halves of surrogate pairs (UTF-8)
    become the replacement character. What is looked up must go through the same.
    """
    return _whole(text.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in text else text)


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\N{REPLACEMENT CHARACTER}" if _is_half(mark) else mark for mark in text)
    return text


def _is_half(mark: str) -> bool:
    return "\ud800" <= mark <= "\udfff"
