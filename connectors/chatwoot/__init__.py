"""Chatwoot: people, conversations and what was said in them."""

from connectors.chatwoot.connector import SPEC

__all__ = ["SPEC"]
