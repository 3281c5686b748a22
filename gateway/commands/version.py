"""`knownas version`."""

from gateway.release import release
from gateway.terminal import say


def command() -> None:
    """Print the version."""
    say(f"knownas {release()}")
