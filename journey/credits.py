"""How the value of an outcome is put down to the touchpoints before it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from domain.issues import Credit, Journey, Touchpoint
from domain.money import Money
from domain.records import Order
from domain.vocabulary import AttributionModel

HALF_LIFE: Final = timedelta(days=7)
"""TIME_DECAY: a touchpoint so long before the outcome counts half of one at it."""
ENDS: Final = 0.4
"""POSITION: what the first and the last touchpoint have each; those between share the rest."""


def credits_of(journey: Journey, model: AttributionModel) -> tuple[Credit, ...]:
    """One for each touchpoint, in order. The values add up to the outcome's to the minor unit; an
    outcome without a value has none.
    """
    value = journey.outcome_value
    if value is None:
        return ()
    weights = _WEIGHTS[model](journey)
    shares = [weight / sum(weights) for weight in weights]
    return tuple(
        Credit(touchpoint=touchpoint, value=Money(minor, value.currency), share=share)
        for touchpoint, minor, share in zip(
            journey.touchpoints, _parts(value.minor, shares), shares, strict=True
        )
    )


def _parts(minor: int, shares: Sequence[float]) -> list[int]:
    """Whole units that add up, by largest remainder; of equal ones the earlier has it."""
    exact = [minor * share for share in shares]
    parts = [int(one // 1) for one in exact]
    order = sorted(range(len(exact)), key=lambda i: (parts[i] - exact[i], i))
    for i in order[: minor - sum(parts)]:
        parts[i] += 1
    return parts


def _first(journey: Journey) -> list[float]:
    return [float(i == 0) for i in range(len(journey.touchpoints))]


def _last(journey: Journey) -> list[float]:
    return _first(journey)[::-1]


def _linear(journey: Journey) -> list[float]:
    return [1.0] * len(journey.touchpoints)


def _time_decay(journey: Journey) -> list[float]:
    end = journey.ended_at or _at(journey.touchpoints[-1])
    return [0.5 ** ((end - _at(one)) / HALF_LIFE) for one in journey.touchpoints]


def _position(journey: Journey) -> list[float]:
    count = len(journey.touchpoints)
    if count <= 2:
        return _linear(journey)
    between = (1 - 2 * ENDS) / (count - 2)
    return [ENDS, *[between] * (count - 2), ENDS]


def _at(touchpoint: Touchpoint) -> datetime:
    record = touchpoint if isinstance(touchpoint, Order) else touchpoint.record
    return record.occurred_at


_WEIGHTS: Mapping[AttributionModel, Callable[[Journey], list[float]]] = {
    AttributionModel.FIRST: _first,
    AttributionModel.LAST: _last,
    AttributionModel.LINEAR: _linear,
    AttributionModel.TIME_DECAY: _time_decay,
    AttributionModel.POSITION: _position,
}
