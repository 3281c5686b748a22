"""What the driver measured, as one JSON document and as tables to read."""

import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

MEASURE: Final = "mercurius"
FIGURES: Final = {
    "cpu_ms": "cpu_ms_per_query",
    "p50_ms": "p50_ms",
    "p99_ms": "p99_ms",
    "upstream_per_query": "upstream_per_query",
    "upstream_per_query_loaded": "upstream_per_query_loaded",
    "rss_mb": "rss_mb",
    "rps_spread": "rps_spread",
    "correct": "correct",
    "failed": "failed",
}
COLUMNS: Final = (
    *("target", "CPU ms", f"vs {MEASURE}", "p50 ms", "p99 ms", "calls", "calls under load"),
    *("RSS MB", "spread", "failed"),
)

Row = Mapping[str, Any]
Told = dict[str, dict[str, dict[str, dict[str, Any]]]]


def told(rows: Sequence[Row]) -> Told:
    """By latency, query and target; the ratio is None in a run without the measure."""
    found: Told = {}
    for row in rows:
        query = found.setdefault(f"{row['latency_ms']}ms", {}).setdefault(row["query"], {})
        query[row["target"]] = {name: row[key] for name, key in FIGURES.items()}
    for queries in found.values():
        for targets in queries.values():
            measure = targets.get(MEASURE, {}).get("cpu_ms")
            for figures in targets.values():
                figures["vs_mercurius"] = _ratio(figures["cpu_ms"], measure)
    return found


def surroundings(driver: Mapping[str, Any]) -> dict[str, Any]:
    """What the figures depend on beside the code. `driver` is what it wrote."""
    kept = ("node", "cpus", "pinned", "connections", "rounds", "seconds", "warmup", "tool")
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "load_average": [round(one, 2) for one in os.getloadavg()],
        **{name: driver[name] for name in kept},
    }


def markdown(figures: Told) -> str:
    """Of each latency everybody at a glance, then each query in full."""
    lines: list[str] = []
    for latency, queries in figures.items():
        lines += _glance(f"CPU ms per query and its ratio, upstream delay {latency}", queries)
        for query, targets in queries.items():
            lines += _table(f"{query}, upstream delay {latency}", targets)
    return "\n".join(lines)


def _glance(title: str, queries: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Memory is the most that was seen."""
    yield f"\n{title}\n"
    yield f"| target | {' | '.join(queries)} | p50 ms | calls | RSS MB |"
    yield f"|---|{'--:|' * (len(queries) + 3)}"
    for name in next(iter(queries.values())):
        told = [targets[name] for targets in queries.values()]
        cpu = " | ".join(f"{one['cpu_ms']} ({_shown(one['vs_mercurius'])})" for one in told)
        p50, calls = (
            ", ".join(str(one[key]) for one in told) for key in ("p50_ms", "upstream_per_query")
        )
        yield f"| {name} | {cpu} | {p50} | {calls} | {max(one['rss_mb'] for one in told)} |"


def _table(title: str, targets: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    yield f"\n{title}\n"
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|---|{'--:|' * (len(COLUMNS) - 1)}"
    for name, told in sorted(targets.items(), key=lambda item: _cpu(item[1])):
        shown = name if told["correct"] else f"{name} (WRONG ANSWER)"
        ratio = _shown(told["vs_mercurius"])
        cells = (shown, told["cpu_ms"], ratio, told["p50_ms"], told["p99_ms"])
        calls = told["upstream_per_query"], told["upstream_per_query_loaded"]
        rest = (*calls, told["rss_mb"], told["rps_spread"], told["failed"])
        yield f"| {' | '.join(str(cell) for cell in (*cells, *rest))} |"


def _shown(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio}x"


def _cpu(told: Mapping[str, Any]) -> float:
    """The driver writes null where no query was completed."""
    return float("inf") if told["cpu_ms"] is None else float(told["cpu_ms"])


def _ratio(own: float | None, measure: float | None) -> float | None:
    return round(own / measure, 2) if own is not None and measure else None
