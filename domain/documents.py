"""GraphQL documents somebody has looked at, and allowed to be run."""

from collections.abc import Mapping
from typing import Protocol


class TrustedDocuments(Protocol):
    """By the SHA-256 of their text in UTF-8, in small hexadecimal letters."""

    async def add(self, documents: Mapping[str, str]) -> int:
        """All of them, in one transaction; how many were not there before."""
        ...

    async def get(self, digest: str) -> str | None: ...
