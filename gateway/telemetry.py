"""Figures: the Telemetry port over Prometheus."""

import logging
from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

logger = logging.getLogger(__name__)

NAMESPACE: Final = "knownas"
SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
HELP: Final = {
    "graphql_requests": "Requests to /graphql, by kind of operation and HTTP status.",
    "graphql_seconds": "From request to answer, by kind of operation.",
    "source_calls": "Calls to a source, by what came of them.",
    "source_call_seconds": "Time of one call to a source, retries and waiting included.",
    "source_retries": "Calls to a source that were made again.",
    "source_deduplicated": "Reads that shared the call of another one under way.",
    "source_dropped_rows": "Rows of a source without id or time, which were left out.",
    "source_batch_seconds": "Time of one batch of a loader.",
    "source_batch_entries": "Keys a loader asked for, by whether the source failed on them.",
    "webhook_events": "What vendors delivered, by what became of it at the door.",
    "inbox_events": "Events of the inbox that were looked at, by what came of them.",
    "inbox_wait_seconds": "From the arrival of an event until it was applied.",
    "inbox_waiting": "Events that wait to be applied.",
    "inbox_dead": "Events that were put aside for a person to look at.",
    "inbox_oldest_seconds": "How long the oldest waiting event has waited.",
    "identity_disagreement": "1 less the B-cubed F1 of live resolution against everything at once.",
    "identity_moved_records": "Records that live resolution had put among others.",
    "reconciles": "Searches for what no webhook told, by whether they came to an end.",
}


class PrometheusTelemetry:
    """Counters and histograms by name, made when they are first told.

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
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        # By name and labels as they were told: to look one up by its labels takes 3 us.
        self._bound_counters: dict[tuple[object, ...], Counter] = {}
        self._bound_histograms: dict[tuple[object, ...], Histogram] = {}
        self._gauges: dict[str, Gauge] = {}
        self._labels: dict[str, frozenset[str]] = {}
        self._dropped: set[str] = set()

    def count(self, name: str, labels: Mapping[str, str], amount: float = 1.0) -> None:
        known = self._bound_counters.get((name, *labels.items()))
        if known is None and self._is_fitting(name, labels):
            counter = self._counters.get(name) or self._new_counter(name, labels)
            known = counter.labels(**labels) if labels else counter
            self._bound_counters[name, *labels.items()] = known
        if known is not None:
            known.inc(amount)

    def observe(self, name: str, labels: Mapping[str, str], value: float) -> None:
        known = self._bound_histograms.get((name, *labels.items()))
        if known is None and self._is_fitting(name, labels):
            histogram = self._histograms.get(name) or self._new_histogram(name, labels)
            known = histogram.labels(**labels) if labels else histogram
            self._bound_histograms[name, *labels.items()] = known
        if known is not None:
            known.observe(value)

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

    def _new_counter(self, name: str, labels: Mapping[str, str]) -> Counter:
        counter = Counter(
            name, HELP.get(name, name), sorted(labels), NAMESPACE, registry=self._registry
        )
        self._counters[name] = counter
        return counter

    def _new_histogram(self, name: str, labels: Mapping[str, str]) -> Histogram:
        histogram = Histogram(
            name,
            HELP.get(name, name),
            sorted(labels),
            NAMESPACE,
            registry=self._registry,
            buckets=SECONDS,
        )
        self._histograms[name] = histogram
        return histogram

    def _is_fitting(self, name: str, labels: Mapping[str, str]) -> bool:
        names = frozenset(labels)
        if self._labels.setdefault(name, names) == names:
            return True
        if name not in self._dropped:
            self._dropped.add(name)
            logger.warning("figure_dropped name=%s labels=%s", name, ",".join(sorted(names)))
        return False
