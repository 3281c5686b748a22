"""Salesforce: the people, and their cases as tickets."""

from connectors.salesforce.connector import SPEC

__all__ = ["SPEC"]
