"""HubSpot CRM: the people."""

from connectors.hubspot.connector import SPEC

__all__ = ["SPEC"]
