"""How many bytes a record takes in memory, about: for caches that are bounded by bytes."""

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from sys import getsizeof
from typing import Any, Final

ENTRY: Final = 200
"""What a cache keeps of each entry beside its key and value."""
_SHARED: Final = (Enum, int, type(None))
"""There is one of each, or as good as one."""


def weight(value: object) -> int:
    """Of a value with all it holds. Takes some microseconds: what is looked up takes hundreds."""
    total, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, _SHARED):
            total += getsizeof(one)
            waiting.extend(_parts(one))
    return total


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return (*value, *value.values())
    if isinstance(value, tuple | list | set | frozenset):
        return value
    kind: Any = type(value)
    return [getattr(value, name) for name in _fields(kind)]


@cache
def _fields(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
