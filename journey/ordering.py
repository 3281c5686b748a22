"""Events of one interaction in the order in which they happened, however they came in."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from domain.events import InteractionEvent

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def ordered(events: Iterable[InteractionEvent]) -> list[InteractionEvent]:
    """The source's own sequence decides where it has one, whatever its clock says; an event without
    one is placed among the others by its time. Each is taken once.
    """
    unique = {(event.system, event.event_id): event for event in events}.values()
    numbered = sorted(
        (one for one in unique if one.sequence is not None),
        key=lambda one: (one.sequence, one.occurred_at, one.event_id),
    )
    loose = [one for one in unique if one.sequence is None]
    if not numbered or not loose:
        return numbered or sorted(loose, key=lambda one: (one.occurred_at, one.event_id))
    placed = [
        *(((at, 0), one) for at, one in zip(_never_back(numbered), numbered, strict=True)),
        *(((one.occurred_at, 1), one) for one in sorted(loose, key=lambda one: one.event_id)),
    ]
    return [one for _, one in sorted(placed, key=lambda each: each[0])]


def _never_back(numbered: Sequence[InteractionEvent]) -> list[datetime]:
    """Times that rise with the sequence, for clocks that do not."""
    latest, times = _LONG_AGO, []
    for one in numbered:
        latest = max(latest, one.occurred_at)
        times.append(latest)
    return times
