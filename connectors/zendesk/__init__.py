"""Zendesk Support: people who ask, and their tickets."""

from connectors.zendesk.connector import SPEC

__all__ = ["SPEC"]
