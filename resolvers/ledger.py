"""What each source came to in one operation, for each customer it was asked about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.errors import SourceError, SourceProtocolError, SourceRateLimited
from domain.ids import CustomerId
from domain.provenance import SourceStatus, completeness
from domain.slots import quick
from domain.sources import Source
from domain.vocabulary import Completeness, SourceState

_WHOLE: Final = Completeness.COMPLETE


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


OUTCOME: Final = quick(Outcome)


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
    """What outcomes come to, worked out once: what fifty customers have of one answer shares it.
    Told apart by identity.
    """

    __slots__ = ("_statuses", "asked", "completeness", "failures", "outcomes")

    def __init__(self, asked: Sequence[Source], outcomes: Sequence[Outcome]) -> None:
        self.asked = asked
        """The sources that could hold something."""
        self.outcomes = outcomes
        self.completeness = _WHOLE
        self.failures: tuple[SourceError, ...] = ()
        self._statuses: tuple[SourceStatus, ...] | None = None
        for one in outcomes:
            if one.stale or not one.answered:
                self.completeness, self.failures = judge(outcomes), failures(outcomes)
                break

    @property
    def statuses(self) -> tuple[SourceStatus, ...]:
        if self._statuses is None:
            self._statuses = statuses(self.asked, self.outcomes)
        return self._statuses


class Ledger:
    """The outcomes of one operation. They are put to customers when somebody asks what they come
    to; customers with the same ones share a verdict.
    """

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self._sources = sources
        self._unasked: Verdict | None = None
        self._noted: list[tuple[tuple[CustomerId, ...], tuple[Outcome, ...]]] = []
        self._verdicts: dict[CustomerId, Verdict] = {}

    def note(self, customers: Iterable[CustomerId], outcomes: Iterable[Outcome]) -> None:
        """Once for all who have them of one answer."""
        self._noted.append((tuple(customers), tuple(outcomes)))

    @property
    def was_misread(self) -> bool:
        """Whether an answer was refused or could not be read, for which one of those asked about
        may be the reason.
        """
        return any(
            isinstance(one.error, SourceProtocolError)
            for verdict in set(self._judged().values())
            for one in verdict.outcomes
        )

    def statuses(self, customer: CustomerId) -> tuple[SourceStatus, ...]:
        """Every configured source, in order."""
        return self._verdict(customer).statuses

    def completeness(self, customer: CustomerId) -> Completeness:
        return self._verdict(customer).completeness

    def completeness_of(self, customers: Iterable[CustomerId]) -> list[Completeness]:
        """One for each, in order."""
        verdicts = self._judged()
        found: list[Completeness] = []
        for customer in customers:
            known = verdicts.get(customer)
            found.append(_WHOLE if known is None else known.completeness)
        return found

    def _verdict(self, customer: CustomerId) -> Verdict:
        found = self._judged().get(customer)
        if found is None:
            found = self._unasked = self._unasked or Verdict(tuple(self._sources.values()), ())
        return found

    def _judged(self) -> Mapping[CustomerId, Verdict]:
        """With what was noted since it was last asked for."""
        if not self._noted:
            return self._verdicts
        noted, self._noted = self._noted, []
        told: dict[tuple[CustomerId, ...], tuple[Outcome, ...]] = {}
        for customers, outcomes in noted:  # the lists of fifty are of the same fifty
            told[customers] = (*told.get(customers, ()), *outcomes)
        verdicts, sources = self._verdicts, tuple(self._sources.values())
        for customers, outcomes in told.items():
            after: dict[Verdict | None, Verdict] = {}
            for customer in customers:
                before = verdicts.get(customer)
                found = after.get(before)
                if found is None:
                    earlier = () if before is None else before.outcomes
                    found = after[before] = Verdict(sources, (*earlier, *outcomes))
                verdicts[customer] = found
        return verdicts
