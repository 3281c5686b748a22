"""Where the time of a long job goes."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Steps:
    """Seconds by the clock and of processors per step, in order; a step may be taken up again."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.seconds: dict[str, float] = {}
        self.processor_seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started, used = time.monotonic(), time.process_time()
        yield
        self._add(self.seconds, name, time.monotonic() - started)
        self._add(self.processor_seconds, name, time.process_time() - used)

    @property
    def wall_s(self) -> float:
        return round(time.monotonic() - self._started, 3)

    def _add(self, figures: dict[str, float], name: str, seconds: float) -> None:
        figures[name] = round(figures.get(name, 0.0) + seconds, 3)


def peak_mb() -> float:
    """The most memory this process ever held; Linux counts in KiB, macOS in bytes. Those it started
    are left out: the system tells of them at least what this one held when they began.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)
