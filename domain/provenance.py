"""Where a value came from, how old it is, and how whole an answer is."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from domain.ids import encode_node_id
from domain.vocabulary import Completeness, ServedFrom, SourceState, SystemKind


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A configured source. `name` is its name in the configuration."""

    name: str
    kind: SystemKind
    connector: str
    region: str | None = None

    @property
    def id(self) -> str:
        return encode_node_id("system", self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """`fetched_at`: when the source said so; `source_updated_at`: when it last changed it."""

    system: System
    external_id: str
    fetched_at: datetime
    source_updated_at: datetime | None = None
    served_from: ServedFrom = ServedFrom.LIVE
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatus:
    """What a source did: for one operation, or, from its monitor, of late."""

    system: System
    state: SourceState
    checked_at: datetime | None = None
    last_success_at: datetime | None = None
    latency_ms: int | None = None
    retry_after_ms: int | None = None
    message: str | None = None


class Freshness(NamedTuple):
    """How old an answer may be, and how long the caller waits for it (milliseconds). A tuple, since
    customers are put together by it.
    """

    max_age_ms: int = 60_000
    deadline_ms: int = 3_000
    allow_stale: bool = True


def completeness(answers: Iterable[tuple[SourceState, bool]]) -> Completeness:
    """Of (state, was the answer older than asked for) per source that was needed.

    A source that is stale has answered, from what was kept; nobody needed is COMPLETE. NOT_ASKED,
    DISABLED and NOT_SUPPORTED sources were not needed and must not be handed in.
    """
    seen = list(answers)
    answered = [stale for state, stale in seen if state is SourceState.OK or stale]
    if seen and not answered:
        return Completeness.UNKNOWN
    if len(answered) < len(seen):
        return Completeness.PARTIAL
    return Completeness.STALE if any(answered) else Completeness.COMPLETE
