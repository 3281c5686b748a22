"""Tokens in this process alone: where there is no store to share them by."""

from domain.tokens import SealedToken


class MemoryShelf:
    """Implements `domain.tokens.TokenShelf`. One process needs no lease against another."""

    def __init__(self) -> None:
        self._kept: dict[str, SealedToken] = {}

    async def get(self, name: str) -> SealedToken | None:
        return self._kept.get(name)

    async def put(self, name: str, sealed: bytes, holder: str) -> None:
        known = self._kept.get(name)
        self._kept[name] = SealedToken(sealed=sealed, version=known.version + 1 if known else 1)

    async def lease(self, name: str, holder: str, lease_s: float) -> bool:
        return True

    async def release(self, name: str, holder: str) -> None:
        """Nobody waits for it."""
