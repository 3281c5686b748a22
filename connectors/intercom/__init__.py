"""Intercom: people who chat, and their conversations."""

from connectors.intercom.connector import SPEC

__all__ = ["SPEC"]
