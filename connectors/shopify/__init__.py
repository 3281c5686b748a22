"""Shopify: buyers and their orders."""

from connectors.shopify.connector import SPEC

__all__ = ["SPEC"]
