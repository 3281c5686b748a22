"""The one place where a use case calls a source."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from domain.errors import SourceError, SourceProtocolError, SourceTimeout
from domain.ids import Kind
from domain.provenance import Freshness
from domain.slots import quick
from domain.sources import Deadline, Source
from domain.waiting import before
from resolvers.ledger import OUTCOME, Outcome

if TYPE_CHECKING:
    from resolvers.operation import Operation

T = TypeVar("T")

GRACE_S = 0.05
"""How long a connector that minds its deadline by itself is given to say so in its own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Generic[T]):
    """What a batch call came to: one entry for each thing asked, in order."""

    source: str
    at: datetime
    latency_ms: int
    entries: Sequence[T | SourceError]

    def outcome(self, error: SourceError | None = None, *, stale: bool = False) -> Outcome:
        """`stale` says that something kept stands in for what the error took away."""
        return OUTCOME(
            source=self.source,
            answered=error is None or stale,
            stale=stale,
            at=self.at,
            latency_ms=self.latency_ms,
            error=error,
        )


_REPLY: Final = quick(Reply)


async def ask(
    operation: "Operation",
    source: Source,
    *,
    kind: Kind,
    count: int,
    freshness: Freshness,
    call: Callable[[Deadline], Awaitable[Sequence[T | SourceError]]],
) -> Reply[T]:
    """Call a source for `count` things. Never raises a SourceError: a call that failed as a whole
    is that error in every entry.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    patience_s = min(source.timeout_s, freshness.deadline_ms / 1000)
    deadline = Deadline(min(operation.deadline, started + patience_s))
    try:
        with before(deadline + GRACE_S):
            entries = await call(deadline)
        if len(entries) != count:
            raise SourceProtocolError(source.name, f"{len(entries)} answers to {count} questions")
    except SourceError as error:
        entries = [error] * count
    except TimeoutError:
        entries = [SourceTimeout(source.name, "no answer before the deadline")] * count
    took_s = loop.time() - started
    _observe(operation, source, kind, entries, took_s=took_s)
    return _REPLY(
        source=source.name,
        at=operation.services.clock.now(),
        latency_ms=round(took_s * 1000),
        entries=entries,
    )


def at_hand(operation: "Operation", source: Source, entries: Sequence[T]) -> Reply[T]:
    """As `ask`, of what was at hand: nobody was called, and nothing is waited for or timed."""
    return _REPLY(
        source=source.name, at=operation.services.clock.now(), latency_ms=0, entries=entries
    )


def _observe(
    operation: "Operation",
    source: Source,
    kind: Kind,
    entries: Sequence[object],
    *,
    took_s: float,
) -> None:
    labels, good, bad = _labels(source.name, kind)
    failed = 0
    for entry in entries:
        if isinstance(entry, SourceError):
            failed += 1
    telemetry = operation.services.telemetry
    telemetry.observe("source_batch_seconds", labels, took_s)
    telemetry.count("source_batch_entries", good, len(entries) - failed)
    if failed:
        telemetry.count("source_batch_entries", bad, failed)


@cache
def _labels(
    source: str, kind: Kind
) -> tuple[Mapping[str, str], Mapping[str, str], Mapping[str, str]]:
    """Of the call, of its good entries, and of those that failed."""
    labels = {"source": source, "kind": kind.value}
    return labels, {**labels, "failed": "no"}, {**labels, "failed": "yes"}
