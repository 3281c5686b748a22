"""Which failed reads are asked again, when, and how often in all."""

import asyncio
from random import Random

from connectors.request import Request
from domain.errors import CircuitOpen, SourceError, SourceRateLimited, SourceUnavailable
from domain.sources import Deadline

# The loop that uses this is three lines in http.py: tenacity's would cost 96 us on every call that
# succeeds at once (measured), and knows neither deadlines nor a budget shared between calls.

ATTEMPTS = 3
FIRST_WAIT_S = 0.05
SHARE = 0.1
RESERVE = 10.0


class Retries:
    """One source's retries. Every first attempt earns SHARE of a retry, up to RESERVE in store: a
    source that is down is asked at most a tenth more often than one that is well.
    """

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._budget = RESERVE

    def earn(self) -> None:
        self._budget = min(RESERVE, self._budget + SHARE)

    def wait_s(
        self, request: Request, error: SourceError, attempt: int, deadline: Deadline
    ) -> float | None:
        """Seconds until the next attempt, None for none. `attempt` counts from 1.

        A wait that the source named is kept by the gate (limits.py), for every caller alike.
        """
        if attempt >= ATTEMPTS or not request.read or not _passing(error):
            return None
        wait_s = self._backoff_s(error, attempt)
        if asyncio.get_running_loop().time() + wait_s >= deadline or self._budget < 1:
            return None
        self._budget -= 1
        return wait_s

    def _backoff_s(self, error: SourceError, attempt: int) -> float:
        """Full jitter: anything up to a bound that doubles."""
        if isinstance(error, SourceRateLimited) and error.retry_after_s is not None:
            return 0.0
        return self._dice.uniform(0, FIRST_WAIT_S * 2**attempt)


def _passing(error: SourceError) -> bool:
    if isinstance(error, CircuitOpen):
        return False
    return isinstance(error, SourceUnavailable | SourceRateLimited)
