"""Requests that are signed one by one, with an HMAC over what the vendor wants covered."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from connectors.auth import Means, Secret, Secrets, filled, reveal
from connectors.reading import Options
from connectors.sealing import fingerprint
from domain.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Signable:
    """A request as it goes out. `target` is path and query; `stamp` the time as the vendor writes
    it.
    """

    method: str
    target: str
    body: bytes = field(repr=False)
    stamp: str

    @property
    def body_sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def four_lines(request: Signable) -> bytes:
    """Time, method, target, hash of the body: covers what can be changed on the way."""
    parts = (request.stamp, request.method, request.target, request.body_sha256)
    return "\n".join(parts).encode()


def unix_time(at: datetime) -> str:
    return str(int(at.timestamp()))


@dataclass(frozen=True, slots=True, kw_only=True)
class HmacSigned:
    """`header` holds prefix and signature, `stamp_header` the time that is signed, `key_header` the
    key's public name (`key_id`, with options in braces), where the vendor has such.
    """

    header: str
    stamp_header: str = ""
    key_header: str = ""
    key_id: str = ""
    secret: str = "signing_secret"  # noqa: S105  # the name of a setting
    digest: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""
    covered: Callable[[Signable], bytes] = four_lines
    stamp: Callable[[datetime], str] = unix_time

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.secret,)

    def open(self, source: str, secrets: Secrets, options: Options) -> "Signer":
        key = Secret(reveal(source, secrets, self.secret))
        key_id = filled(source, self.key_id, options)
        return Signer(source, self, key, key_id)


class Signer:
    """Signs the requests of one source."""

    def __init__(self, source: str, form: HmacSigned, key: Secret, key_id: str) -> None:
        self.fingerprint = fingerprint(form.header, key_id, key.reveal())
        self._source = source
        self._form = form
        self._key = key
        self._fixed = {form.key_header.lower(): key_id} if form.key_header else {}
        self._means: Means | None = None

    def __repr__(self) -> str:
        return f"Signer({self.fingerprint})"

    def equip(self, means: Means) -> None:
        self._means = means

    async def headers(self) -> Mapping[str, str]:
        return self._fixed

    def refused(self, shown: Mapping[str, str] | None = None) -> bool:
        return False

    def sign(self, method: str, target: str, body: bytes | None) -> Mapping[str, str]:
        if self._means is None:
            raise ConfigError(f"sources.{self._source}: opened without a clock to sign by")
        form, stamp = self._form, self._form.stamp(self._means.clock.now())
        request = Signable(method=method, target=target, body=body or b"", stamp=stamp)
        digest = getattr(hashlib, form.digest)
        mac = hmac.new(self._key.reveal().encode(), form.covered(request), digest).digest()
        text = mac.hex() if form.encoding == "hex" else base64.b64encode(mac).decode()
        signed = {form.header.lower(): f"{form.prefix}{text}"}
        return {**signed, form.stamp_header.lower(): stamp} if form.stamp_header else signed
