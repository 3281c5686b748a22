"""What was asked of an emulator: counted for ever, kept in full for the latest requests."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from dataclasses import dataclass

_KEPT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it came in: `path` decoded and without its query, `query` still encoded."""

    method: str
    path: str
    query: str
    body: bytes


class CallLog:
    """Counts of calls by (method, path), and the latest 2,000 calls in order of arrival."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.recent: deque[Call] = deque(maxlen=_KEPT)
        self._came = asyncio.Event()

    def add(self, call: Call) -> None:
        self.counts[call.method, call.path] += 1
        self.recent.append(call)
        self._came.set()
        self._came = asyncio.Event()

    async def until(self, number: int) -> None:
        """Return once so many calls have come since the last clearing."""
        while self.counts.total() < number:
            await self._came.wait()

    def count(self, method: str | None = None, prefix: str = "/") -> int:
        """How many calls had this method (None: any) and a path that starts with `prefix`."""
        return sum(
            number
            for (called, path), number in self.counts.items()
            if method in (None, called) and path.startswith(prefix)
        )

    def clear(self) -> None:
        self.counts.clear()
        self.recent.clear()
