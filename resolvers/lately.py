"""Which pages this process has kept a moment ago, and that nobody has told otherwise since."""

from collections.abc import Iterable

from domain.ids import Kind
from domain.sources import Parent, ParentBy

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
        self._told: dict[tuple[Kind, str], float] = {}

    def is_due(self, spot: tuple[Kind, Spot], now: float) -> bool:
        kept = self._kept.get(spot)
        return kept is None or now - kept >= REWRITE_AFTER_S or self.is_outdated(spot)

    def is_outdated(self, spot: tuple[Kind, Spot]) -> bool:
        """Whether something may be on it that has changed since it was kept. What is known by the
        source's own ids was forgotten by them.
        """
        kind, (source, parent) = spot
        told = self._told.get((kind, source))
        if told is None or parent.by is ParentBy.OWN:
            return False
        return self._kept.get(spot, told) <= told

    def note(self, spots: Iterable[tuple[Kind, Spot]], now: float) -> None:
        if len(self._kept) > MOST:
            self._kept.clear()
        for spot in spots:
            self._kept[spot] = now

    def forget(self, kind: Kind, source: str, parents: Iterable[Parent], now: float) -> None:
        """Something that hangs on these has changed; and on whom the source knows by an address or
        number, which the thing does not say.
        """
        self._told[kind, source] = now
        for parent in parents:
            self._kept.pop((kind, (source, parent)), None)
