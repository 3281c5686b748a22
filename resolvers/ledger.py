"""What each source came to in one operation, for each customer it was asked about."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.errors import SourceError, SourceRateLimited
from domain.ids import CustomerId
from domain.provenance import SourceStatus, completeness
from domain.sources import Source
from domain.vocabulary import Completeness, SourceState


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One answer, or lack of one, of a source. `answered`: something usable came, live or kept;
    `stale`: it came from what was kept. An answer with rows missing is two outcomes: one that
    answered and one that did not.
    """

    source: str
    answered: bool = True
    stale: bool = False
    at: datetime | None = None
    latency_ms: int | None = None
    error: SourceError | None = None
    note: str | None = None
    """Why the source was left alone, where it was."""

    @property
    def state(self) -> SourceState:
        if self.error is not None:
            return self.error.state
        return SourceState.OK if self.answered else SourceState.NOT_ASKED

    def status(self, source: Source) -> SourceStatus:
        wait = self.error.retry_after_s if isinstance(self.error, SourceRateLimited) else None
        good = self.at if self.error is None else source.status().last_success_at
        return SourceStatus(
            system=source.system,
            state=self.state,
            checked_at=self.at,
            last_success_at=good,
            latency_ms=self.latency_ms,
            retry_after_ms=None if wait is None else round(wait * 1000),
            message=self.note if self.error is None else str(self.error),
        )


def judge(outcomes: Iterable[Outcome]) -> Completeness:
    """How whole an answer put together from these is; none needed is COMPLETE."""
    outcomes = tuple(outcomes)
    for one in outcomes:
        if one.stale or not one.answered:
            break
    else:
        return Completeness.COMPLETE
    return completeness(
        (SourceState.OK if one.answered else one.state, one.stale) for one in outcomes
    )


def failures(outcomes: Iterable[Outcome]) -> tuple[SourceError, ...]:
    """One error for each source that left something out; what was served stale left out nothing."""
    outcomes = tuple(outcomes)
    for one in outcomes:
        if not one.answered:
            break
    else:
        return ()
    lost = {one.source: one.error for one in outcomes if one.error is not None and not one.answered}
    return tuple(lost[name] for name in sorted(lost))


def statuses(sources: Iterable[Source], outcomes: Sequence[Outcome]) -> tuple[SourceStatus, ...]:
    """One status for each source, the worst of its outcomes; NOT_ASKED where it has none."""
    return tuple(_status(source, outcomes) for source in sources)


def _status(source: Source, outcomes: Sequence[Outcome]) -> SourceStatus:
    own = [outcome for outcome in outcomes if outcome.source == source.name]
    if own:
        return max(own, key=_gravity).status(source)
    last = source.status().last_success_at
    return SourceStatus(system=source.system, state=SourceState.NOT_ASKED, last_success_at=last)


def _gravity(outcome: Outcome) -> tuple[bool, bool, bool, int]:
    return (
        outcome.error is not None and not outcome.answered,
        outcome.error is not None,
        not outcome.answered,
        outcome.latency_ms or 0,
    )


class Verdict:
    """What the outcomes of a list come to, worked out where it is asked for and once: the lists of
    fifty customers come of one answer, and share it.
    """

    __slots__ = ("_completeness", "_failures", "_statuses", "asked", "outcomes")

    def __init__(self, asked: Sequence[Source], outcomes: Sequence[Outcome]) -> None:
        self.asked = asked
        """The sources that could hold something."""
        self.outcomes = outcomes
        self._completeness: Completeness | None = None
        self._failures: tuple[SourceError, ...] | None = None
        self._statuses: tuple[SourceStatus, ...] | None = None

    @property
    def completeness(self) -> Completeness:
        if self._completeness is None:
            self._completeness = judge(self.outcomes)
        return self._completeness

    @property
    def failures(self) -> tuple[SourceError, ...]:
        if self._failures is None:
            self._failures = failures(self.outcomes)
        return self._failures

    @property
    def statuses(self) -> tuple[SourceStatus, ...]:
        if self._statuses is None:
            self._statuses = statuses(self.asked, self.outcomes)
        return self._statuses


class Ledger:
    """The outcomes of one operation."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._outcomes: dict[CustomerId, list[Outcome]] = defaultdict(list)

    def note(self, customers: Iterable[CustomerId], outcomes: Iterable[Outcome]) -> None:
        noted = tuple(outcomes)
        for customer in customers:
            self._outcomes[customer] += noted

    def statuses(self, customer: CustomerId) -> tuple[SourceStatus, ...]:
        """Every configured source, in order."""
        return statuses(self._sources.values(), self._outcomes.get(customer, ()))

    def completeness(self, customer: CustomerId) -> Completeness:
        return judge(self._outcomes.get(customer, ()))
