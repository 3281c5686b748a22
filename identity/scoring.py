"""Pairs scored in hand: the comparisons and weights of batch, over two rows instead of a table."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from identity.comparisons import COMPARISONS, Comparison
from identity.expressions import Writer, compiled, unset
from identity.model import Model
from identity.rows import Frequencies, Row, pair_column
from identity.trees import Node, parse

CONDITIONS = [level.sql for one in COMPARISONS for level in one.levels if level.sql != "ELSE"]
NOTHING = -1
"""The place of a level that says nothing."""


@dataclass(slots=True)
class Score:
    """`told` is of every comparison that says something: name, place of its level, and the
    term-frequency part.
    """

    weight: float
    told: list[tuple[str, int, float]]

    @property
    def levels(self) -> str:
        """As explain reads them; few pairs of all that are weighed are kept."""
        return ";".join(
            [f"{name}={place}~{round(tf, 9)}" if tf else f"{name}={place}"
             for name, place, tf in self.told]
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Graded:
    """A level of a comparison: its weight, and the column whose frequencies sharpen it."""

    weight: float
    u: float
    tf: str | None


class Scorer:
    """Weighs pairs by one model."""

    def __init__(self, model: Model) -> None:
        self._prior = model.prior_weight
        self._grades = [_graded(comparison, model) for comparison in COMPARISONS]
        self._names = [comparison.name for comparison in COMPARISONS]
        self._places = places()

    def weight(self, left: Row, right: Row, frequencies: Frequencies) -> float:
        total = self._prior
        for grades, place in zip(self._grades, self._places(left, right), strict=True):
            if place != NOTHING:
                grade = grades[place]
                total += grade.weight
                if grade.tf is not None:
                    total += _sharpening(grade, left, frequencies)
        return total

    def score(self, left: Row, right: Row, frequencies: Frequencies) -> Score:
        total, told = self._prior, list[tuple[str, int, float]]()
        found = zip(self._names, self._grades, self._places(left, right), strict=True)
        for name, grades, place in found:
            if place == NOTHING:
                continue
            grade = grades[place]
            tf = 0.0 if grade.tf is None else _sharpening(grade, left, frequencies)
            total += grade.weight
            total += tf
            told.append((name, place, tf))
        return Score(total, told)


def _sharpening(grade: _Graded, row: Row, frequencies: Frequencies) -> float:
    """The term-frequency part of a level at which both rows have one value in the column."""
    value = getattr(row, grade.tf or "")
    return math.log2(grade.u) - math.log2(frequencies.share(grade.tf or "", value, grade.u))


def _graded(comparison: Comparison, model: Model) -> list[_Graded]:
    return [
        _Graded(
            model.level_weight(comparison.name, level.name),
            model.weights[comparison.name][level.name][1],
            level.tf,
        )
        for level in comparison.graded
    ]


@cache
def places() -> Callable[[Row, Row], tuple[int, ...]]:
    """Of each comparison the place of the level that fires, NOTHING where it says nothing. The
    first level whose condition holds decides, as in Splink.
    """
    trees = dict(zip(CONDITIONS, parse(CONDITIONS), strict=True))
    writer = Writer(pair_column)
    writer.count([trees[condition] for condition in CONDITIONS])
    written = ", ".join(_chain(comparison, trees, writer) for comparison in COMPARISONS)
    return compiled("places", f"def places(l, r):\n{unset(writer)}    return ({written})\n")


def _chain(comparison: Comparison, trees: Mapping[str, Node], writer: Writer) -> str:
    graded = {level.name: place for place, level in enumerate(comparison.graded)}
    written = str(NOTHING)
    for level in reversed(comparison.levels):
        place = str(graded.get(level.name, NOTHING))
        if level.sql == "ELSE":
            written = place
        else:
            written = f"{place} if {writer.true(trees[level.sql])} else {written}"
    return written
