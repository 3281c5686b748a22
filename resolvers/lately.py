"""Which pages this process has kept a moment ago, and that nobody has told otherwise since."""

from collections.abc import Iterable, Sequence

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


class KeptLately:
    """Spots by when they were kept, in seconds of a clock that only moves forward. It answers for
    most requests what other processes say through the shared cache.
    """

    def __init__(self) -> None:
        self._shelves: dict[tuple[Kind, str, ParentBy], Shelf] = {}
        self._told: dict[tuple[Kind, str], float] = {}

    def due(
        self, kind: Kind, source: str, read: Sequence[tuple[Parent, object]], now: float
    ) -> list[int]:
        """The places of those, by their parents, that are to be kept now."""
        told = self._told.get((kind, source))
        shelf: Shelf = {}
        by: ParentBy | None = None
        found: list[int] = []
        for i, (parent, _) in enumerate(read):
            if parent.by is not by:  # those of one source go by the same
                by = parent.by
                shelf = self._shelves.get((kind, source, by), {})
            kept = shelf.get(parent.value)
            is_kept = kept is not None and now - kept < REWRITE_AFTER_S
            if not is_kept or (told is not None and _is_outdated(parent, kept, told)):
                found.append(i)
        return found

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
