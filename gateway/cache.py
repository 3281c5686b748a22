"""The Cache port in the process: bounded by bytes, the least used goes first, nothing outlives its
time.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Final, NamedTuple

OVERHEAD_BYTES: Final = 250
"""Memory of an entry beside its key and its value."""


class _Entry(NamedTuple):
    value: bytes
    until: float
    size: int


class MemoryCache:
    """`now_s` is a clock that only moves forward."""

    def __init__(self, max_bytes: int, now_s: Callable[[], float] = monotonic) -> None:
        self._max_bytes = max_bytes
        self._now_s = now_s
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._bytes = 0

    @property
    def size_bytes(self) -> int:
        return self._bytes

    async def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        now = self._now_s()
        return [self._get(key, now) for key in keys]

    async def set_many(self, items: Mapping[str, bytes], ttl_s: float) -> None:
        """A time to live of zero or less keeps nothing."""
        until = self._now_s() + ttl_s
        for key, value in items.items():
            self._drop(key)
            if ttl_s > 0:
                self._put(key, value, until)

    async def delete_many(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._drop(key)

    async def close(self) -> None:
        self._entries.clear()
        self._bytes = 0

    def _get(self, key: str, now: float) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.until <= now:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry.value

    def _put(self, key: str, value: bytes, until: float) -> None:
        size = len(key) + len(value) + OVERHEAD_BYTES
        if size > self._max_bytes:
            return
        self._entries[key] = _Entry(value, until, size)
        self._bytes += size
        while self._bytes > self._max_bytes:
            oldest = next(iter(self._entries))
            self._drop(oldest)

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size
