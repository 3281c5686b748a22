"""Webhook deliveries: proved by an HMAC over what the vendor signs, then read into events."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson

from connectors.auth import Secret
from connectors.reading import UNREADABLE, rfc3339, unix_milliseconds, unix_seconds
from domain.errors import BadSignature, SourceProtocolError, TooOld
from domain.sources import SourceEvent, WebhookRequest


class Stamp(StrEnum):
    """How a vendor writes the time it signs."""

    RFC3339 = "rfc3339"
    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"


_STAMPS: dict[Stamp, Callable[[object], datetime | None]] = {
    Stamp.RFC3339: rfc3339,
    Stamp.SECONDS: unix_seconds,
    Stamp.MILLISECONDS: unix_milliseconds,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamp:
    """A signed time, and how far it may lie from now in either direction."""

    header: str
    form: Stamp
    max_age: timedelta = timedelta(minutes=5)


def raw_body(request: WebhookRequest) -> bytes:
    return request.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Hmac:
    """How deliveries are signed. Header names in lower case; `signed` is what the HMAC covers, or
    each form of it where the vendor is not of one mind about it.
    """

    header: str
    document: str
    digest: str = "sha256"
    encoding: str = "base64"
    prefix: str = ""
    signed: Callable[[WebhookRequest], bytes | tuple[bytes, ...]] = raw_body
    timestamp: Timestamp | None = None


Parse = Callable[[Any, WebhookRequest, str], Sequence[SourceEvent]]
"""(decoded body, delivery, source name) -> events. What it does not know it leaves out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSpec:
    """`secret` names the secret that signs; `<secret>_previous` is taken too during rotation.
    `decode` raises ValueError for a body of another form.
    """

    signature: Hmac
    parse: Parse
    secret: str = "webhook_secret"  # noqa: S105  # the name of a setting
    decode: Callable[[bytes], Any] = orjson.loads


@dataclass(frozen=True, slots=True)
class SignedWebhooks:
    """The `Webhooks` port of one source. `secrets`: the current one first; at least one."""

    source: str
    spec: WebhookSpec
    secrets: tuple[Secret, ...]

    def verify(self, request: WebhookRequest) -> None:
        verify(self.spec.signature, self.secrets, request)

    def parse(self, request: WebhookRequest) -> tuple[SourceEvent, ...]:
        try:
            return tuple(self.spec.parse(self.spec.decode(request.body), request, self.source))
        except UNREADABLE:
            raise SourceProtocolError(self.source, "a delivery of another form") from None


def verify(form: Hmac, secrets: Sequence[Secret], request: WebhookRequest) -> None:
    """Raises BadSignature, then TooOld: age is judged only of what is proved to be the vendor's."""
    given = request.headers.get(form.header, "")
    if not given.startswith(form.prefix) or not _matches(form, secrets, request, given):
        raise BadSignature("the delivery is not signed with a secret we know")
    if form.timestamp is not None:
        _check_age(form.timestamp, request)


def _matches(form: Hmac, secrets: Sequence[Secret], request: WebhookRequest, given: str) -> bool:
    try:
        claimed = _decode(given.removeprefix(form.prefix), form.encoding)
        covered = form.signed(request)
    except (binascii.Error, ValueError, KeyError):
        return False
    # Every secret is tried, so that the time taken does not tell which one fits.
    found = [
        hmac.compare_digest(
            hmac.new(secret.reveal().encode(), each, getattr(hashlib, form.digest)).digest(),
            claimed,
        )
        for secret in secrets
        for each in (covered if isinstance(covered, tuple) else (covered,))
    ]
    return any(found)


def _decode(given: str, encoding: str) -> bytes:
    return bytes.fromhex(given) if encoding == "hex" else base64.b64decode(given, validate=True)


def _check_age(stamp: Timestamp, request: WebhookRequest) -> None:
    try:
        signed_at = _STAMPS[stamp.form](request.headers.get(stamp.header))
    except ValueError:
        signed_at = None
    if signed_at is None or abs(request.received_at.astimezone(UTC) - signed_at) > stamp.max_age:
        raise TooOld("the delivery was signed outside the time window")
