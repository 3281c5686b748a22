"""How a source has been doing of late: its status, its two log lines and its figures."""

import logging
from datetime import datetime

from domain.errors import SourceAuthError, SourceError, SourceRateLimited
from domain.ids import Kind
from domain.ports import Clock, Telemetry
from domain.provenance import SourceStatus, System
from domain.vocabulary import SourceState

logger = logging.getLogger(__name__)

LOST_AFTER = 3
"""Failed calls in a row after which a source is said to be lost; refused credentials at once."""


class Monitor:
    """Told of every call, asked by `sources`, `/readyz` and `knownas check`.

    Telemetry: `source_calls` {source, outcome}, `source_call_seconds` {source}, `source_retries`,
    `source_deduplicated`, `source_merged_reads`, `source_dropped_rows` {source, kind},
    `source_filter_ignored` {source, kind, question}.
    """

    def __init__(self, system: System, clock: Clock, telemetry: Telemetry) -> None:
        self._system = system
        self._clock = clock
        self._telemetry = telemetry
        self._labels = {"source": system.name}
        self._state = SourceState.NOT_ASKED
        self._checked_at: datetime | None = None
        self._last_success_at: datetime | None = None
        self._latency_ms: int | None = None
        self._retry_after_ms: int | None = None
        self._failures = 0
        self._lost = False
        self._dropped: dict[Kind, int] = {}
        self._ignored: set[tuple[Kind, str]] = set()

    def succeeded(self, seconds: float) -> None:
        self._note(SourceState.OK, seconds)
        self._last_success_at = self._checked_at
        self._retry_after_ms = None
        self._failures = 0
        if self._lost:
            self._lost = False
            logger.info("source_recovered source=%s", self._system.name)

    def failed(self, error: SourceError, seconds: float, retry_after_s: float | None) -> None:
        """`retry_after_s`: how long the source is left alone, where that is known."""
        self._note(error.state, seconds)
        wait_s = error.retry_after_s if isinstance(error, SourceRateLimited) else retry_after_s
        self._retry_after_ms = round(wait_s * 1000) if wait_s else None
        self._failures += 1
        if not self._lost and (self._failures >= LOST_AFTER or isinstance(error, SourceAuthError)):
            self._lost = True
            logger.warning("source_lost source=%s state=%s", self._system.name, error.state.value)

    def retried(self) -> None:
        self._telemetry.count("source_retries", self._labels)

    def deduplicated(self) -> None:
        self._telemetry.count("source_deduplicated", self._labels)

    def merged(self, reads: int) -> None:
        """So many reads went along in the call of another one."""
        self._telemetry.count("source_merged_reads", self._labels, reads)

    def mapped(self, kind: Kind, dropped: int) -> None:
        """Rows of an answer were made into records, all but `dropped`."""
        if dropped:
            labels = {**self._labels, "kind": kind.value}
            self._telemetry.count("source_dropped_rows", labels, dropped)
            self._dropped[kind] = dropped
        else:
            self._dropped.pop(kind, None)

    def ignored(self, kind: Kind, question: str, rows: int) -> None:
        """The source answered a question with rows nobody asked for: logged at the first time."""
        labels = {**self._labels, "kind": kind.value, "question": question}
        self._telemetry.count("source_filter_ignored", labels, rows)
        if (kind, question) not in self._ignored:
            self._ignored.add((kind, question))
            place = (self._system.name, kind.name, question, rows)
            logger.warning("source_filter_ignored source=%s kind=%s question=%s rows=%d", *place)

    def status(self) -> SourceStatus:
        """As the last call left it. Rows that could not be read make a source that answers
        PROTOCOL_ERROR, until an answer of that kind is whole again.
        """
        state, message = self._state, None
        if state is SourceState.OK and self._dropped:
            state = SourceState.PROTOCOL_ERROR
            message = ", ".join(
                f"{count} of {kind.name} unreadable" for kind, count in self._dropped.items()
            )
        return SourceStatus(
            system=self._system,
            state=state,
            checked_at=self._checked_at,
            last_success_at=self._last_success_at,
            latency_ms=self._latency_ms,
            retry_after_ms=self._retry_after_ms,
            message=message,
        )

    def _note(self, state: SourceState, seconds: float) -> None:
        self._state = state
        self._checked_at = self._clock.now()
        self._latency_ms = round(seconds * 1000)
        self._telemetry.count("source_calls", {**self._labels, "outcome": state.value})
        self._telemetry.observe("source_call_seconds", self._labels, seconds)
