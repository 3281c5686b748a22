"""A resolution as one page that a person can read: no script, nothing loaded, nobody's data."""

import html
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from domain.errors import InputError
from identity.explain import evidence
from identity.model import Model

BINS = 40
CURVE_POINTS = 25

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2.5rem}table{border-collapse:collapse}th{font-weight:500}
td,th{padding:.15rem .8rem .15rem 0;text-align:left;vertical-align:middle}
td.n{text-align:right;font-variant-numeric:tabular-nums}.track{width:22rem}
.bar{height:.8rem;background:#2f6fb2}.against{background:#b2472f}p{color:#4a5568}
h3{font-weight:500;font-size:1rem;margin:1.5rem 0 .3rem}.step{height:.8rem;position:relative}
.step .bar{position:absolute}.total{background:#2d3748}
svg{width:100%;height:auto}svg text{font-size:11px;fill:#4a5568}
.axis{stroke:#cbd5e0}.precision{stroke:#2f6fb2}.recall{stroke:#b2472f}
polyline{fill:none;stroke-width:2}svg .precision-name{fill:#2f6fb2}svg .recall-name{fill:#b2472f}"""

Row = tuple[str, float]

WIDTH, HEIGHT, LEFT, BOTTOM = 640, 240, 36, 24
"""Of the drawn curve, and the room for its axes, in its own units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A scored pair, by what it stands for; its levels are explained by the model."""

    name: str
    weight: float
    levels: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """`weights` are those of scored pairs, `sizes` of clusters. `judged` is None without truth,
    else each pair's weight with whether it is one person, and `true_pairs` counts those there are.
    `examples` are pairs whose weights are shown step by step, without their values.
    """

    figures: Mapping[str, str]
    model: Model
    weights: Sequence[float]
    sizes: Sequence[int]
    judged: Sequence[tuple[float, bool]] | None = None
    true_pairs: int = 0
    examples: Sequence[Example] = ()


def examples(pairs: Sequence[tuple[float, str]], link_weight: float) -> list[Example]:
    """The strongest pair, those next to the linking weight on either side, and the weakest."""
    ordered = sorted(pairs)
    above = next((one for one in ordered if one[0] >= link_weight), None)
    below = next((one for one in reversed(ordered) if one[0] < link_weight), None)
    chosen = [
        ("The strongest pair", ordered[-1] if ordered else None),
        ("The weakest that reaches the linking weight", above),
        ("The strongest that does not", below),
        ("The weakest that was kept", ordered[0] if ordered else None),
    ]
    found = {
        pair: Example(name=name, weight=pair[0], levels=pair[1]) for name, pair in chosen if pair
    }
    return list(found.values())


def write(directory: Path, findings: Findings) -> Path:
    """`directory/index.html`, made whole or not at all. Raises InputError."""
    target = directory / "index.html"
    partial = directory / ".index.html.partial"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        partial.write_text(page(findings), "utf-8")
        partial.replace(target)
    except OSError as error:
        raise InputError(f"{directory}: the report cannot be written") from error
    return target


def page(findings: Findings) -> str:
    sections = [
        _section("Figures", "", _figures(findings.figures)),
        _section(
            "Cluster sizes",
            "How many customers have so many records.",
            _bars(_sizes(findings.sizes)),
        ),
        _section(
            "Match weights of pairs",
            "log2 Bayes factors of all pairs that were scored; above the linking weight they join.",
            _bars(_histogram(findings.weights)),
        ),
        _section(
            "What a comparison is worth",
            "The weight of each level, before the frequency of the value; red ones speak against.",
            _bars(_levels(findings.model)),
        ),
    ]
    if findings.examples:
        note = "From the prior through every comparison to the weight of the pair."
        shown = "".join(_waterfall(one, findings.model) for one in findings.examples)
        sections.append(_section("How a weight comes about", note, shown))
    if findings.judged is not None:
        note = "Of pairs, by the weight from which they count as links, before clustering."
        sections.append(_section("Precision and recall", note, _curve(findings)))
    body = "\n".join(sections)
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Who is who</title>
<style>{STYLE}</style><h1>Who is who</h1>
{body}</html>
"""


def precision_recall(
    judged: Iterable[tuple[float, bool]], true_pairs: int, points: int = CURVE_POINTS
) -> list[tuple[float, float, float]]:
    """(weight, precision, recall) of the pairs at or above each weight, strongest first."""
    ordered = sorted(judged, key=lambda one: -one[0])
    step = max(1, math.ceil(len(ordered) / points))
    found, right = [], 0
    for place, (weight, same) in enumerate(ordered, start=1):
        right += same
        if place % step == 0 or place == len(ordered):
            found.append((weight, right / place, right / true_pairs if true_pairs else 0.0))
    return found


def _section(title: str, note: str, content: str) -> str:
    return f"<h2>{html.escape(title)}</h2><p>{html.escape(note)}</p>{content}"


def _figures(figures: Mapping[str, str]) -> str:
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in figures.items()
    )
    return f"<table>{rows}</table>"


def _bars(rows: Sequence[Row]) -> str:
    most = max((abs(value) for _, value in rows), default=0.0) or 1.0
    return "<table>" + "".join(_bar(name, value, most) for name, value in rows) + "</table>"


def _bar(name: str, value: float, most: float) -> str:
    width = 100 * abs(value) / most
    style = "bar against" if value < 0 else "bar"
    shown = f"{value:,.0f}" if float(value).is_integer() else f"{value:.2f}"
    return (
        f'<tr><th>{html.escape(name)}</th><td class="n">{shown}</td><td class="track">'
        f'<div class="{style}" style="width:{width:.1f}%"></div></td></tr>'
    )


def _sizes(sizes: Sequence[int]) -> list[Row]:
    return [(str(size), count) for size, count in sorted(Counter(sizes).items())]


def _histogram(weights: Sequence[float]) -> list[Row]:
    if not weights:
        return []
    low, high = math.floor(min(weights)), math.ceil(max(weights))
    width = max(1, math.ceil((high - low) / BINS))
    counts = Counter(int((weight - low) // width) for weight in weights)
    return [
        (f"{low + number * width} to {low + (number + 1) * width}", counts.get(number, 0))
        for number in range(max(counts) + 1)
    ]


def _levels(model: Model) -> list[Row]:
    return [
        (f"{comparison}: {level}", model.level_weight(comparison, level))
        for comparison, levels in model.weights.items()
        for level in levels
    ]


def _waterfall(example: Example, model: Model) -> str:
    found = sorted(evidence(example.levels, model), key=lambda one: -one.match_weight)
    steps = [("prior", model.prior_weight)]
    steps += [(f"{one.comparison}: {one.level}", one.match_weight) for one in found]
    reached = [0.0, *accumulate(weight for _, weight in steps)]
    low, high = min(reached), max(reached)
    rows = [
        _step(name, weight, start, (low, high))
        for (name, weight), start in zip(steps, reached, strict=False)
    ]
    rows.append(_step("total", reached[-1], 0.0, (low, high), style="total"))
    return f"<h3>{html.escape(example.name)}</h3><table>{''.join(rows)}</table>"


def _step(
    name: str, weight: float, start: float, span: tuple[float, float], style: str = ""
) -> str:
    low, high = span
    scale = 100 / ((high - low) or 1.0)
    left, width = (min(start, start + weight) - low) * scale, abs(weight) * scale
    style = style or ("against" if weight < 0 else "")
    return (
        f'<tr><th>{html.escape(name)}</th><td class="n">{weight:+.2f}</td><td class="track">'
        f'<div class="step"><div class="bar {style}" style="left:{left:.1f}%;width:{width:.1f}%">'
        "</div></div></td></tr>"
    )


def _curve(findings: Findings) -> str:
    points = precision_recall(findings.judged or (), findings.true_pairs)
    rows = "".join(
        f'<tr><td class="n">{weight:.1f}</td><td class="n">{precision:.4f}</td>'
        f'<td class="n">{recall:.4f}</td></tr>'
        for weight, precision, recall in points
    )
    table = f"<table><tr><th>weight</th><th>precision</th><th>recall</th></tr>{rows}</table>"
    return _drawn(points) + table


def _drawn(points: Sequence[tuple[float, float, float]]) -> str:
    """Both shares over the weight, from 0 to 1; the table below says the same in numbers."""
    weights = [weight for weight, _, _ in points]
    low, high = min(weights, default=0.0), max(weights, default=1.0)

    def place(weight: float, share: float) -> str:
        x = LEFT + (WIDTH - LEFT - 8) * (weight - low) / ((high - low) or 1.0)
        return f"{x:.1f},{8 + (HEIGHT - BOTTOM - 8) * (1 - share):.1f}"

    lines = ""
    for column, name in ((1, "precision"), (2, "recall")):
        way = " ".join(place(one[0], one[column]) for one in points)
        lines += f'<polyline class="{name}" points="{way}"/>'
    axes = "".join(
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - 8}" y1="{y}" y2="{y}"/>'
        f'<text x="4" y="{y + 4}">{share:.2f}</text>'
        for share in (0.0, 0.25, 0.5, 0.75, 1.0)
        for y in (round(8 + (HEIGHT - BOTTOM - 8) * (1 - share)),)
    )
    names = (
        f'<text x="{LEFT}" y="{HEIGHT - 4}">{low:.1f}</text>'
        f'<text x="{WIDTH - 8}" y="{HEIGHT - 4}" text-anchor="end">{high:.1f} (log2 weight)</text>'
        f'<text class="precision-name" x="{WIDTH // 2 - 70}" y="{HEIGHT - 4}">precision</text>'
        f'<text class="recall-name" x="{WIDTH // 2 + 10}" y="{HEIGHT - 4}">recall</text>'
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' aria-label="Precision and recall by weight">{axes}{lines}{names}</svg>'
    )
