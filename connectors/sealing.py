"""Tokens at rest: sealed with a key made of the source's own secrets, which are in no database.

Who can read the store but not the configuration sees bytes. Every process of the deployment has the
same configuration and can open them. When the secret that seals is changed, what was sealed with it
can no longer be opened, and counts as absent. (HKDF: RFC 5869; Fernet: AES-128-CBC with
HMAC-SHA256.)
"""

import base64
import hashlib

import orjson
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Seal:
    """Opens what a seal of the same secrets and purpose has closed."""

    __slots__ = ("_fernet",)

    def __init__(self, secrets: tuple[str, ...], purpose: str) -> None:
        ikm = "\0".join(secrets).encode()
        key = HKDF(SHA256(), length=32, salt=None, info=f"knownas {purpose}".encode()).derive(ikm)
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def close(self, values: dict[str, str]) -> bytes:
        return self._fernet.encrypt(orjson.dumps(values))

    def open(self, sealed: bytes) -> dict[str, str] | None:
        """None for what was sealed otherwise, or tampered with."""
        try:
            return dict(orjson.loads(self._fernet.decrypt(sealed)))
        except InvalidToken:
            return None

    def __repr__(self) -> str:
        return "Seal(***)"


def fingerprint(*texts: str) -> str:
    """Tells values apart and gives nothing of them away."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
