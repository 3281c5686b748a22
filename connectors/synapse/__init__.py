"""Matrix Synapse: accounts, and the rooms they share with the desk."""

from connectors.synapse.connector import SPEC

__all__ = ["SPEC"]
