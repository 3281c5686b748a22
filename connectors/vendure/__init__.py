"""Vendure: customers and their orders."""

from connectors.vendure.connector import SPEC

__all__ = ["SPEC"]
