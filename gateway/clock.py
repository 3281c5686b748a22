"""The time of day, from the system."""

from datetime import UTC, datetime
from functools import partial


class SystemClock:
    """The Clock port over the system's clock."""

    # Asked a hundred times for a large answer, so there is no function of ours between.
    now = staticmethod(partial(datetime.now, UTC))
