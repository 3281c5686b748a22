"""The leaky bucket of query costs: one for each app and shop.

Source: GraphQL Admin API rate limits; the restore rate depends on the shop's plan, and the bucket
holds twenty seconds of it (2,000 at 100 a second in a published answer of a standard shop).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Plan:
    """What a shop pays for: points restored each second, and the most that can be saved up."""

    restore_rate: float
    maximum: float


STANDARD: Final = Plan(100.0, 2_000.0)
ADVANCED: Final = Plan(200.0, 4_000.0)
PLUS: Final = Plan(1_000.0, 20_000.0)
# Far above any plan, so that a demo or benchmark never meets it.
PLENTY: Final = Plan(100_000.0, 2_000_000.0)


class Bucket:
    """Points left, restored by the clock."""

    def __init__(self, plan: Plan, now: Callable[[], datetime]) -> None:
        self.plan = plan
        self._now = now
        self._left = plan.maximum
        self._at = now()

    def left(self) -> float:
        now = self._now()
        restored = (now - self._at).total_seconds() * self.plan.restore_rate
        self._left = min(self.plan.maximum, self._left + max(0.0, restored))
        self._at = now
        return self._left

    def allows(self, cost: int) -> bool:
        return cost <= self.left()

    def spend(self, cost: int) -> None:
        self._left = max(0.0, self.left() - cost)

    def status(self) -> dict[str, float]:
        """As `extensions.cost.throttleStatus` shows it."""
        return {
            "maximumAvailable": self.plan.maximum,
            "currentlyAvailable": int(self.left()),
            "restoreRate": self.plan.restore_rate,
        }
