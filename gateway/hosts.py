"""Addresses: which are of this machine, and which origins may call."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Self
from urllib.parse import urlsplit

_LOOPBACK_NAMES = frozenset({"localhost", "localhost."})


@lru_cache(maxsize=1_024)
def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach the address. Names other than `localhost` cannot be
    trusted to stay what they are.
    """
    host = host.strip("[]").lower()
    if host in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@lru_cache(maxsize=1_024)
def host_of(authority: str) -> str:
    """The host of a Host header: "[::1]:8000" -> "::1". Empty for what is no authority."""
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True)
class Origin:
    """An origin as a browser names it. `port` "*" stands for every port of a loopback host."""

    scheme: str
    host: str
    port: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError for what is not an origin."""
        found = re.fullmatch(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}|\*))?", text)
        if found is None:
            raise ValueError('must be an origin: scheme, host and port, as in "https://a.example"')
        origin = cls(found[1], found[2], found[3] or "")
        if origin.port == "*" and not is_loopback(origin.host):
            raise ValueError('port "*" is for loopback hosts only')
        return origin

    @property
    def pattern(self) -> str:
        """A regular expression of the Origin headers it stands for."""
        port = {"": "", "*": r"(:\d{1,5})?"}.get(self.port, f":{self.port}")
        return re.escape(f"{self.scheme}://{self.host}") + port
