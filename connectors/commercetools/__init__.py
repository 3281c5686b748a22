"""commercetools: customers and their orders."""

from connectors.commercetools.connector import SPEC

__all__ = ["SPEC"]
