"""The time of day, from the system."""

from datetime import UTC, datetime


class SystemClock:
    """The Clock port over the system's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)
