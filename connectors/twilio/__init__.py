"""Twilio: calls, and text messages as threads."""

from connectors.twilio.connector import SPEC

__all__ = ["SPEC"]
