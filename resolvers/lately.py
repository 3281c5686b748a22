"""Which pages this process has kept a moment ago."""

from collections.abc import Iterable

from domain.ids import Kind
from domain.sources import Parent

Spot = tuple[str, Parent]
"""Which source, and whose children."""

REWRITE_AFTER_S = 30.0
"""A page kept less long ago is not written again: a desk that asks for the same person all day
would else cost a write each time.
"""
MOST = 100_000


class KeptLately:
    """Spots by when they were kept, in seconds of a clock that only moves forward. It answers for
    most requests what other processes say through the shared cache.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[Kind, Spot], float] = {}

    def is_due(self, spot: tuple[Kind, Spot], now: float) -> bool:
        kept = self._kept.get(spot)
        return kept is None or now - kept >= REWRITE_AFTER_S

    def note(self, spots: Iterable[tuple[Kind, Spot]], now: float) -> None:
        if len(self._kept) > MOST:
            self._kept.clear()
        for spot in spots:
            self._kept[spot] = now
