"""A resolution as one page that a person can read: no script, nothing loaded, nobody's data."""

import html
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.errors import InputError
from identity.model import Model

BINS = 40
CURVE_POINTS = 25

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2.5rem}table{border-collapse:collapse}th{font-weight:500}
td,th{padding:.15rem .8rem .15rem 0;text-align:left;vertical-align:middle}
td.n{text-align:right;font-variant-numeric:tabular-nums}.track{width:22rem}
.bar{height:.8rem;background:#2f6fb2}.against{background:#b2472f}p{color:#4a5568}"""

Row = tuple[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """`weights` are those of scored pairs, `sizes` of clusters. `judged` is None without truth,
    else each pair's weight with whether it is one person, and `true_pairs` counts those there are.
    """

    figures: Mapping[str, str]
    model: Model
    weights: Sequence[float]
    sizes: Sequence[int]
    judged: Sequence[tuple[float, bool]] | None = None
    true_pairs: int = 0


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


def _curve(findings: Findings) -> str:
    rows = "".join(
        f'<tr><td class="n">{weight:.1f}</td><td class="n">{precision:.4f}</td>'
        f'<td class="n">{recall:.4f}</td></tr>'
        for weight, precision, recall in precision_recall(
            findings.judged or (), findings.true_pairs
        )
    )
    return f"<table><tr><th>weight</th><th>precision</th><th>recall</th></tr>{rows}</table>"
