"""The ids of customers: which stand, which lead on to another, and how often each has changed."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Select, select

from domain.errors import ClusterConflict, UnknownCustomer
from state import bulk
from state.tables import customers


@dataclass(slots=True)
class Entry:
    """A row of `customers`, which see."""

    id: str
    version: int
    confidence: float
    successor: str | None
    standing: str


_NAMES = [field.name for field in fields(Entry)]
_ENTRIES = select(*(customers.c[name] for name in _NAMES))
_NAMED = _ENTRIES.where(bulk.among(customers.c.id))
_FOLLOWING = _ENTRIES.where(bulk.among(customers.c.successor))


class Register:
    """The entries one publication needs, as they come to be. Nothing is written before `save`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._entries: dict[str, Entry] = {}
        self._asked: set[str] = set()
        self._changed: set[str] = set()
        self._turned: set[str] = set()

    def load(self, ids: Iterable[str]) -> None:
        """Read the entries of these ids, where there are any, in few statements."""
        asked = set(ids) - self._asked
        self._asked |= asked
        for entry in self._read(_NAMED, asked):
            self._entries.setdefault(entry.id, entry)

    def stand(self, id: str, confidence: float) -> None:
        """Let an id stand: a new one, one that stands, or one that had been led on."""
        entry = self._entry(id)
        if entry is None:
            self._entries[id] = Entry(id, 0, confidence, None, id)
        elif (entry.confidence, entry.standing) == (confidence, id):
            return
        else:
            self._turned.update(() if entry.standing == id else (id,))
            entry.confidence, entry.successor, entry.standing = confidence, None, id
        self._changed.add(id)

    def redirect(self, successors: Mapping[str, str]) -> None:
        """Lead ids on, each to the end of its chain. Ids that now stand must have been told first.

        Raises ClusterConflict where a chain has no end, UnknownCustomer where nobody is at it.
        """
        for old, new in successors.items():
            end = self._end(old, successors)
            entry = self._entry(old) or Entry(old, 0, 1.0, new, end)
            entry.successor, entry.standing = new, end
            self._entries[old] = entry
        self._changed.update(successors)
        self._turned.update(successors)

    def retire(self, id: str) -> None:
        """Know an id that has no records and no successor."""
        if self._entry(id) is None:
            self.stand(id, 1.0)

    def touch(self, ids: Iterable[str]) -> None:
        """Raise the versions of clusters whose sets of members changed."""
        ids = set(ids)
        self.load(ids)
        for id in ids & self._entries.keys():
            self._entries[id].version += 1
            self._changed.add(id)

    def standing(self, id: str) -> str:
        """The id that stands for one that is known."""
        return self._entries[id].standing

    def save(self) -> None:
        """Write what changed, and turn those that lead on through a changed one."""
        self._turn_followers()
        rows = (self._entries[id] for id in sorted(self._changed))
        bulk.upsert(
            self._connection,
            customers,
            ({name: getattr(row, name) for name in _NAMES} for row in rows),
        )

    def _turn_followers(self) -> None:
        leaders = self._turned
        while leaders:
            followers = [
                self._entries.setdefault(entry.id, entry)
                for entry in self._read(_FOLLOWING, leaders)
            ]
            leaders = set()
            for follower in followers:
                if follower.id not in self._turned and follower.successor is not None:
                    follower.standing = self._entries[follower.successor].standing
                    leaders.add(follower.id)
            self._changed |= leaders

    def _end(self, old: str, successors: Mapping[str, str]) -> str:
        passed, here = {old}, successors[old]
        while here not in passed:
            passed.add(here)
            if here in successors:
                here = successors[here]
                continue
            entry = self._entry(here)
            if entry is None:
                raise UnknownCustomer(f"{old} is led on to {here}, which nobody has")
            if entry.standing == here:
                return here
            here = entry.standing
        raise ClusterConflict(f"redirects lead from {old} in a circle")

    def _entry(self, id: str) -> Entry | None:
        self.load((id,))
        return self._entries.get(id)

    def _read(self, statement: Select[*tuple[Any, ...]], values: Iterable[str]) -> Iterator[Entry]:
        return (Entry(*row) for row in bulk.answers(self._connection, statement, values))
