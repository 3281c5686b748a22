"""Sunshine Conversations: what is said over messengers."""

from connectors.sunshine.connector import SPEC

__all__ = ["SPEC"]
