"""Which pages this process has kept a moment ago, and that nobody has told otherwise since."""

from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import itemgetter

from domain.ids import Kind
from domain.sources import Parent, ParentBy

Spot = tuple[str, Parent]
"""Which source, and whose children."""
Shelf = dict[str, float]
"""By what one source calls its parents, when their pages were kept."""

REWRITE_AFTER_S = 30.0
"""A page kept less long ago is not written again: a desk that asks for the same person all day
would else cost a write each time.
"""
MOST = 100_000
_BY, _VALUE = itemgetter(0), itemgetter(1)
"""The parts of a Parent."""


class KeptLately:
    """Spots by when they were kept, in seconds of a clock that only moves forward. It answers for
    most requests what other processes say through the shared cache.
    """

    def __init__(self) -> None:
        self._shelves: dict[tuple[Kind, str, ParentBy], Shelf] = {}
        self._told: dict[tuple[Kind, str], float] = {}

    def due(self, kind: Kind, source: str, parents: Sequence[Parent], now: float) -> list[int]:
        """The places of those whose pages are to be kept now. Mostly of nobody, which is seen
        without a look at each.
        """
        if not parents:
            return []
        told, by, before = self._told.get((kind, source)), parents[0].by, now - REWRITE_AFTER_S
        shelf = self._shelves.get((kind, source, by))
        if shelf is not None and list(map(_BY, parents)).count(by) == len(parents):
            kept = list(map(shelf.get, map(_VALUE, parents), repeat(before)))
            oldest = min(kept)
            if oldest > before and (told is None or by is ParentBy.OWN or oldest > told):
                return []
        return [i for i, one in enumerate(parents) if self._is_due(kind, source, one, told, now)]

    def _is_due(
        self, kind: Kind, source: str, parent: Parent, told: float | None, now: float
    ) -> bool:
        kept = self._shelves.get((kind, source, parent.by), {}).get(parent.value)
        is_kept = kept is not None and now - kept < REWRITE_AFTER_S
        return not is_kept or _is_outdated(parent, kept, told)

    def is_outdated(self, spot: tuple[Kind, Spot]) -> bool:
        """Whether something may be on it that has changed since it was kept. What is known by the
        source's own ids was forgotten by them.
        """
        kind, (source, parent) = spot
        kept = self._shelf(kind, source, parent.by).get(parent.value)
        return _is_outdated(parent, kept, self._told.get((kind, source)))

    def note(self, spots: Iterable[tuple[Kind, Spot]], now: float) -> None:
        if sum(map(len, self._shelves.values())) > MOST:
            self._shelves.clear()
        for kind, (source, parent) in spots:
            self._shelf(kind, source, parent.by)[parent.value] = now

    def forget(self, kind: Kind, source: str, parents: Iterable[Parent], now: float) -> None:
        """Something that hangs on these has changed; and on whom the source knows by an address or
        number, which the thing does not say.
        """
        self._told[kind, source] = now
        for parent in parents:
            self._shelf(kind, source, parent.by).pop(parent.value, None)

    def _shelf(self, kind: Kind, source: str, by: ParentBy) -> Shelf:
        return self._shelves.setdefault((kind, source, by), {})


def _is_outdated(parent: Parent, kept: float | None, told: float | None) -> bool:
    if told is None or parent.by is ParentBy.OWN:
        return False
    return kept is None or kept <= told
