"""Tryton: the parties of its party module, as people."""

from connectors.tryton.connector import SPEC

__all__ = ["SPEC"]
