"""Where answers are kept: the port of the cache, and its form in the process."""

from collections import OrderedDict, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from gateway.entities.entry import Entry
from gateway.entities.shelves import Key, Tag, tags

MOST_DROPPED: Final = 10_000
"""Tags remembered as thrown away. An answer that was asked for before the oldest of them is not
kept.
"""


@dataclass(frozen=True, slots=True)
class Stamp:
    """When it was looked: what was thrown away since then may not come back by a slow answer."""

    drops: int = 0
    tokens: Mapping[Tag, str] = field(default_factory=dict)


class Look(NamedTuple):
    """One entry per key, in order; None where nothing is kept."""

    entries: Sequence[Entry | None]
    stamp: Stamp


class Entries(Protocol):
    """Kept answers. None of it raises; what cannot be kept is not."""

    def at_hand(self, keys: Sequence[Key]) -> list[Entry] | None:
        """One entry per key, in order, where all can be had without waiting; else None."""
        ...

    async def look(self, keys: Sequence[Key]) -> Look: ...

    async def put(self, entries: Mapping[Key, Entry], stamp: Stamp) -> None:
        """Keep what was asked for after the stamp was given."""
        ...

    async def drop(self, dropped: Collection[Tag]) -> None:
        """Throw away everything with one of the tags, and what is on its way."""
        ...


MOST_CHANCES: Final = 64
"""How many entries that were used are passed over for one that is put; then the next one goes."""


class MemoryEntries:
    """In the process, bounded by bytes; the least used goes first. What is used is only marked: it
    gets another turn when its own comes to go, so that a look costs next to nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._tagged: defaultdict[Tag, set[Key]] = defaultdict(set)
        self._bytes = 0
        self._drops = 0
        self._dropped: OrderedDict[Tag, int] = OrderedDict()
        self._floor = 0

    @property
    def size_bytes(self) -> int:
        return self._bytes

    @property
    def stamp(self) -> Stamp:
        return Stamp(self._drops)

    def at_hand(self, keys: Sequence[Key]) -> list[Entry] | None:
        found = list(map(self._entries.get, keys))
        for entry in found:
            if entry is None:
                return None
            entry.is_used = True
        return found  # type: ignore[return-value]  # nothing is missing

    async def look(self, keys: Sequence[Key]) -> Look:
        return Look([self._used(key) for key in keys], self.stamp)

    async def put(self, entries: Mapping[Key, Entry], stamp: Stamp) -> None:
        if stamp.drops < self._floor:
            return
        for key, entry in entries.items():
            if all(self._dropped.get(tag, 0) <= stamp.drops for tag in tags(key)):
                self._put(key, entry)

    async def drop(self, dropped: Collection[Tag]) -> None:
        self._drops += 1
        for tag in dropped:
            self._dropped[tag] = self._drops
            self._dropped.move_to_end(tag)
            for key in list(self._tagged.get(tag, ())):
                self._remove(key)
        while len(self._dropped) > MOST_DROPPED:
            self._floor = self._dropped.popitem(last=False)[1]

    def clear(self) -> None:
        if self._entries:
            self._entries.clear()
            self._tagged.clear()
            self._bytes = 0

    def _used(self, key: Key) -> Entry | None:
        known = self._entries.get(key)
        if known is not None:
            known.is_used = True
        return known

    def _put(self, key: Key, entry: Entry) -> None:
        self._remove(key)
        size = entry.size() + len(key[1])
        if size > self._max_bytes:
            return
        if self._bytes + size > self._max_bytes:
            self._make_room(size)
        entry.bytes = size
        self._entries[key] = entry
        for tag in tags(key):
            self._tagged[tag].add(key)
        self._bytes += size

    def _make_room(self, size: int) -> None:
        entries, chances = self._entries, MOST_CHANCES
        while self._bytes + size > self._max_bytes:
            key, entry = next(iter(entries.items()))
            if entry.is_used and chances:
                entry.is_used = False
                entries.move_to_end(key)
                chances -= 1
            else:
                self._remove(key)

    def _remove(self, key: Key) -> None:
        known = self._entries.pop(key, None)
        if known is None:
            return
        self._bytes -= known.bytes
        for tag in tags(key):
            keys = self._tagged[tag]
            keys.discard(key)
            if not keys:
                del self._tagged[tag]
