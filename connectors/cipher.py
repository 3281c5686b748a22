"""The cipher of sealing.py. Loaded by sources that have something to seal: it takes 8 MB."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class Cipher:
    """Opens what a cipher of the same secrets and purpose has closed."""

    __slots__ = ("_fernet",)

    def __init__(self, secrets: tuple[str, ...], purpose: str) -> None:
        ikm = "\0".join(secrets).encode()
        key = HKDF(SHA256(), length=32, salt=None, info=f"knownas {purpose}".encode()).derive(ikm)
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def close(self, text: bytes) -> bytes:
        return self._fernet.encrypt(text)

    def open(self, sealed: bytes) -> bytes | None:
        """None for what was sealed otherwise, or tampered with."""
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            return None

    def __repr__(self) -> str:
        return "Cipher(***)"
