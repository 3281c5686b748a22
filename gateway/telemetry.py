"""Figures: the Telemetry port over Prometheus."""

import logging
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

NAMESPACE: Final = "knownas"
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
HELP: Final = {
    "graphql_requests": "Requests to /graphql, by kind of operation and HTTP status.",
    "graphql_seconds": "From request to answer, by kind of operation.",
    "graphql_shared_requests": "Requests that shared a run with others of the same turn.",
    "source_calls": "Calls to a source, by what came of them.",
    "source_call_seconds": "Time of one call to a source, retries and waiting included.",
    "source_retries": "Calls to a source that were made again.",
    "source_deduplicated": "Reads that shared the call of another one under way.",
    "source_merged_reads": "Reads that went along in the call of another one of the same turn.",
    "source_dropped_rows": "Rows of a source without id or time, which were left out.",
    "source_batch_seconds": "Time of one batch of a loader.",
    "source_batch_entries": "Keys a loader asked for, by whether the source failed on them.",
    "cache_answers": "Keys asked of the cache of records, by what came of them.",
    "webhook_events": "What vendors delivered, by what became of it at the door.",
    "inbox_events": "Events of the inbox that were looked at, by what came of them.",
    "inbox_wait_seconds": "From the arrival of an event until it was applied.",
    "inbox_waiting": "Events that wait to be applied.",
    "inbox_dead": "Events that were put aside for a person to look at.",
    "inbox_oldest_seconds": "How long the oldest waiting event has waited.",
    "identity_disagreement": "1 less the B-cubed F1 of live resolution against everything at once.",
    "identity_moved_records": "Records that live resolution had put among others.",
    "timeline_crossings": "Pages of timelines whose customer has changed since the page before.",
    "questions": "Slots that callers said they were about to ask for, and nobody knew.",
    "questions_avoided": "Slots that were known when somebody was about to ask for them.",
    "extraction_fallbacks": "Texts that the rules read because the model did not, by why.",
    "reconciles": "Searches for what no webhook told, by whether they came to an end.",
    "resolves": "Resolutions of everything by a worker, by whether they came to an end.",
}


_LE: Final = (*(str(float(edge)) for edge in SECONDS), "+Inf")
Labels = tuple[tuple[str, str], ...]
"""As they were told; sorted where they are shown."""


class _Times:
    """How many took how long; each in the first bucket it fits."""

    __slots__ = ("buckets", "total")

    def __init__(self) -> None:
        self.buckets = [0] * len(_LE)
        self.total = 0.0


class PrometheusTelemetry(Collector):
    """Counters and histograms by name, made when they are first told, from the event loop's thread.

    A request tells two dozen figures. The library's own take a lock and go through all buckets for
    each, so they are added up here and handed to it when it asks.

    A name keeps the label names it was first told with; a figure that comes with others is dropped,
    and the log says so once.
    """

    def __init__(self, version: str) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(namespace=NAMESPACE, registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        info = Gauge("info", "What runs.", ["version"], NAMESPACE, registry=self._registry)
        info.labels(version).set(1)
        self._registry.register(self)
        self._counts: dict[tuple[str, Labels], float] = {}
        self._times: dict[tuple[str, Labels], _Times] = {}
        self._gauges: dict[str, Gauge] = {}
        self._labels: dict[str, frozenset[str]] = {}
        self._dropped: set[str] = set()

    def count(self, name: str, labels: Mapping[str, str], amount: float = 1.0) -> None:
        key = (name, tuple(labels.items()))
        known = self._counts.get(key)
        if known is not None:
            self._counts[key] = known + amount
        elif self._is_fitting(name, labels):
            self._counts[key] = amount

    def observe(self, name: str, labels: Mapping[str, str], value: float) -> None:
        key = (name, tuple(labels.items()))
        known = self._times.get(key)
        if known is None:
            if not self._is_fitting(name, labels):
                return
            known = self._times[key] = _Times()
        known.buckets[bisect_left(SECONDS, value)] += 1
        known.total += value

    def gauge(self, name: str, value: float) -> None:
        """What stands at this moment, without labels."""
        if name not in self._gauges:
            self._gauges[name] = Gauge(
                name, HELP.get(name, name), namespace=NAMESPACE, registry=self._registry
            )
        self._gauges[name].set(value)

    def exposition(self) -> bytes:
        """All figures in the text format of Prometheus."""
        return generate_latest(self._registry)

    def describe(self) -> list[CounterMetricFamily]:
        """Nothing that is known beforehand: names come as they are told."""
        return []

    def collect(self) -> Iterator[CounterMetricFamily | HistogramMetricFamily]:
        counters: dict[str, dict[Labels, float]] = {}
        for (name, labels), amount in self._counts.items():
            same = counters.setdefault(name, {})
            shown = tuple(sorted(labels))
            same[shown] = same.get(shown, 0.0) + amount
        for name, some in counters.items():
            yield self._counter(name, some)
        histograms: dict[str, dict[Labels, list[_Times]]] = {}
        for (name, labels), times in self._times.items():
            histograms.setdefault(name, {}).setdefault(tuple(sorted(labels)), []).append(times)
        for name, many in histograms.items():
            yield self._histogram(name, many)

    def _counter(self, name: str, some: Mapping[Labels, float]) -> CounterMetricFamily:
        family = CounterMetricFamily(
            f"{NAMESPACE}_{name}", HELP.get(name, name), labels=sorted(self._labels[name])
        )
        for labels, amount in some.items():
            family.add_metric([value for _, value in labels], amount)
        return family

    def _histogram(self, name: str, many: Mapping[Labels, list[_Times]]) -> HistogramMetricFamily:
        family = HistogramMetricFamily(
            f"{NAMESPACE}_{name}", HELP.get(name, name), labels=sorted(self._labels[name])
        )
        for labels, same in many.items():
            counts = map(sum, zip(*(times.buckets for times in same), strict=True))
            below = list(zip(_LE, map(float, accumulate(counts)), strict=True))
            family.add_metric(
                [value for _, value in labels], below, sum(times.total for times in same)
            )
        return family

    def _is_fitting(self, name: str, labels: Mapping[str, str]) -> bool:
        names = frozenset(labels)
        if self._labels.setdefault(name, names) == names:
            return True
        if name not in self._dropped:
            self._dropped.add(name)
            logger.warning("figure_dropped name=%s labels=%s", name, ",".join(sorted(names)))
        return False
