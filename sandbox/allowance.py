"""How many requests a client may make in a fixed window, counted by the world's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sandbox.world import Clock


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many requests in so many seconds."""

    requests: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A client's standing after one more request; `allowed` False means the request is refused."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: int


class Window:
    """Counts requests in a fixed window that starts with the first one."""

    def __init__(self, allowance: Allowance, clock: Clock) -> None:
        self._allowance = allowance
        self._clock = clock
        self._opened: datetime | None = None
        self._made = 0

    def take(self) -> Standing:
        passed_s = self._passed_s()
        if passed_s is None or passed_s >= self._allowance.window_s:
            self._opened, self._made, passed_s = self._clock(), 0, 0.0
        self._made += 1
        limit = self._allowance.requests
        return Standing(
            allowed=self._made <= limit,
            limit=limit,
            remaining=max(0, limit - self._made),
            reset_s=max(1, round(self._allowance.window_s - passed_s)),
        )

    def _passed_s(self) -> float | None:
        return None if self._opened is None else (self._clock() - self._opened).total_seconds()
