"""A link's weight as steps: from the prior, through every comparison, to the total."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from domain.customer import Link, LinkEvidence
from resolvers.links import label

WIDTH = 1_000
"""Of the drawing, in its own units."""
MARGIN = 0.5
"""Room on either side, in weight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One step. `x` and `width` are places in the drawing; `text` says what the bar shows."""

    name: str
    level: str
    weight: float
    x: float
    width: float
    left: str | None = field(default=None, repr=False)
    right: str | None = field(default=None, repr=False)
    rarity: float | None = None
    is_total: bool = False

    @property
    def side(self) -> str:
        if self.is_total:
            return "total"
        return "for" if self.weight >= 0 else "against"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """`marks` are places of the weights from which a pair is reviewed and from which it joins."""

    bars: tuple[Bar, ...]
    zero: float
    marks: tuple[float, ...]


def waterfall(
    link: Link, evidence: Sequence[LinkEvidence], thresholds: Sequence[float]
) -> Waterfall | None:
    """None where the model has said nothing of the pair, or its evidence is another model's."""
    if link.prior_weight is None or link.match_weight is None or not evidence:
        return None
    ordered = sorted(evidence, key=lambda one: -one.match_weight)
    steps = [link.prior_weight, *(one.match_weight for one in ordered)]
    reached = [0.0, *accumulate(steps)]
    scale = _Scale(min(*reached, 0.0), max(*reached, *thresholds))
    bars = [_bar(one, reached[place + 1], scale) for place, one in enumerate(ordered)]
    return Waterfall(
        bars=(
            scale.bar("prior", "of any two records", 0.0, link.prior_weight),
            *bars,
            scale.bar("total", "", 0.0, link.match_weight, is_total=True),
        ),
        zero=scale.place(0.0),
        marks=tuple(scale.place(one) for one in thresholds),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float

    def place(self, weight: float) -> float:
        span = self.high - self.low + 2 * MARGIN
        return round(WIDTH * (weight - self.low + MARGIN) / span, 1)

    def bar(
        self,
        name: str,
        level: str,
        start: float,
        weight: float,
        *,
        left: str | None = None,
        right: str | None = None,
        rarity: float | None = None,
        is_total: bool = False,
    ) -> Bar:
        edges = sorted((self.place(start), self.place(start + weight)))
        return Bar(
            name=name,
            level=level,
            weight=weight,
            x=edges[0],
            width=max(2.0, round(edges[1] - edges[0], 1)),
            left=left,
            right=right,
            rarity=rarity,
            is_total=is_total,
        )


def _bar(one: LinkEvidence, start: float, scale: _Scale) -> Bar:
    return scale.bar(
        label(one.comparison),
        one.level,
        start,
        one.match_weight,
        left=one.left,
        right=one.right,
        rarity=one.term_frequency_weight,
    )
