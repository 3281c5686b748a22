"""Tokens that expire and are shared: one place for all processes, which sees them sealed only."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedToken:
    """What is kept under a name. `version` rises with every change."""

    sealed: bytes = field(repr=False)
    version: int


class TokenShelf(Protocol):
    """Every method is one transaction, durable once it returns."""

    async def get(self, name: str) -> SealedToken | None: ...

    async def put(self, name: str, sealed: bytes, holder: str) -> None:
        """Keep it, and end the lease of `holder`."""
        ...

    async def lease(self, name: str, holder: str, lease_s: float) -> bool:
        """Whether it is now `holder`'s turn to renew the token."""
        ...

    async def release(self, name: str, holder: str) -> None: ...
