"""Request Tracker: people who ask, and their tickets."""

from connectors.rt.connector import SPEC

__all__ = ["SPEC"]
