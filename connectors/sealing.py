"""Tokens at rest: sealed with a key made of the source's own secrets, which are in no database.

Who can read the store but not the configuration sees bytes. Every process of the deployment has the
same configuration and can open them. When the secret that seals is changed, what was sealed with it
can no longer be opened, and counts as absent. (HKDF: RFC 5869; Fernet: AES-128-CBC with
HMAC-SHA256.)
"""

import hashlib
from importlib import import_module

import orjson


class Seal:
    """Opens what a seal of the same secrets and purpose has closed."""

    __slots__ = ("_cipher",)

    def __init__(self, secrets: tuple[str, ...], purpose: str) -> None:
        self._cipher = import_module("connectors.cipher").Cipher(secrets, purpose)

    def close(self, values: dict[str, str]) -> bytes:
        sealed: bytes = self._cipher.close(orjson.dumps(values))
        return sealed

    def open(self, sealed: bytes) -> dict[str, str] | None:
        """None for what was sealed otherwise, or tampered with."""
        opened = self._cipher.open(sealed)
        return None if opened is None else dict(orjson.loads(opened))

    def __repr__(self) -> str:
        return "Seal(***)"


def fingerprint(*texts: str) -> str:
    """Tells values apart and gives nothing of them away."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
