"""Leaving a source alone that fails again and again, and finding out when it is back."""

import asyncio
from enum import StrEnum
from random import Random
from types import TracebackType

from domain.errors import (
    CircuitOpen,
    SourceProtocolError,
    SourceTimeout,
    SourceUnavailable,
)

# Own code, since purgatory (3.0) measures by time.time(), which jumps with the wall clock, and lets
# every waiting call through when it half-opens, where one probe is what a struggling source needs.

THRESHOLD = 5
FIRST_REST_S = 1.0
LONGEST_REST_S = 30.0


class Phase(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """Opens after THRESHOLD failures in a row. After a rest, which doubles each time and is spread
    by up to a fifth, one probe is let through: it closes the circuit or opens it again.
    """

    def __init__(self, source: str, dice: Random) -> None:
        self._source = source
        self._dice = dice
        self._failures = 0
        self._rest_s = FIRST_REST_S
        self._opened_until: float | None = None
        self._probing = False

    @property
    def phase(self) -> Phase:
        if self._opened_until is None:
            return Phase.CLOSED
        return Phase.OPEN if self.remaining_s > 0 else Phase.HALF_OPEN

    @property
    def remaining_s(self) -> float:
        """How long the source is still left alone."""
        if self._opened_until is None:
            return 0.0
        return max(0.0, self._opened_until - asyncio.get_running_loop().time())

    def check(self) -> None:
        """Raises CircuitOpen while the source is left alone, before anybody waits for a slot."""
        if self.phase is Phase.OPEN:
            raise CircuitOpen(self._source, "left alone after repeated failures")

    def watch(self, *, fair: bool = True) -> "_Watch":
        """Around one exchange. Raises CircuitOpen. `fair` is false where the caller gives so little
        time that running out of it says nothing about the source.
        """
        return _Watch(self, self._admit(), fair)

    def ended(self, error: BaseException | None, *, probe: bool, fair: bool) -> None:
        """What an exchange that was admitted came to."""
        if probe:
            self._probing = False
        if error is None:
            self._answered()
        elif isinstance(error, SourceUnavailable | SourceProtocolError) or (
            isinstance(error, SourceTimeout) and fair
        ):
            self._failed()

    def _admit(self) -> bool:
        """Whether this exchange is the probe."""
        phase = self.phase
        if phase is Phase.OPEN or (phase is Phase.HALF_OPEN and self._probing):
            raise CircuitOpen(self._source, "left alone after repeated failures")
        self._probing = self._probing or phase is Phase.HALF_OPEN
        return phase is Phase.HALF_OPEN

    def _failed(self) -> None:
        self._failures += 1
        if self._opened_until is not None or self._failures >= THRESHOLD:
            rest_s = self._rest_s * (1 + self._dice.random() / 5)
            self._opened_until = asyncio.get_running_loop().time() + rest_s
            self._rest_s = min(self._rest_s * 2, LONGEST_REST_S)

    def _answered(self) -> None:
        self._failures = 0
        self._rest_s = FIRST_REST_S
        self._opened_until = None


class _Watch:
    """One exchange, from its admission on."""

    __slots__ = ("_breaker", "_fair", "_probe")

    def __init__(self, breaker: Breaker, probe: bool, fair: bool) -> None:
        self._breaker = breaker
        self._probe = probe
        self._fair = fair

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._breaker.ended(error, probe=self._probe, fair=self._fair)
