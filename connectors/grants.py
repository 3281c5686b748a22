"""Asking a token endpoint: OAuth 2.0 client credentials and refresh token (RFC 6749, 4.4 and 6).

Errors name the source and the word of the standard, never an address, a body or a token.
"""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from connectors.answers import retry_after_s
from connectors.auth import Secret
from connectors.sender import Incoming, Outgoing, Sender, SendFailed, TooLarge
from domain.errors import (
    SourceAuthError,
    SourceError,
    SourceProtocolError,
    SourceRateLimited,
    SourceTimeout,
    SourceUnavailable,
)
from domain.ports import Clock
from domain.sources import Deadline

TIMEOUT_S = 10.0
MAX_BYTES = 64 * 1024
_REFUSALS = {
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "access_denied",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """`expires_at` is None where the endpoint did not say; `refresh` where it gave none."""

    access: Secret
    made_at: datetime
    expires_at: datetime | None = None
    refresh: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who asks. `in_body`: id and secret stand in the form instead of the header (RFC 6749, 2.3.1).
    `more` are further fields of the form ("audience").
    """

    url: str = field(repr=False)
    client_id: str
    secret: Secret
    scope: str = ""
    in_body: bool = False
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenEndpoint:
    """One source's."""

    source: str
    client: Client
    sender: Sender
    clock: Clock

    async def ask(self, refresh: Secret | None) -> Token:
        """A new token: by refresh token where there is one, else by client credentials. Raises
        SourceError.
        """
        form = {"grant_type": "client_credentials"}
        if refresh is not None:
            form = {"grant_type": "refresh_token", "refresh_token": refresh.reveal()}
        incoming = await self._sent({**form, **self._about()})
        if incoming.status != 200:
            raise self._refusal(incoming)
        return self._token(_decoded(incoming), refresh)

    def _about(self) -> dict[str, str]:
        client = self.client
        about = {"scope": client.scope} if client.scope else {}
        if client.in_body:
            about |= {"client_id": client.client_id, "client_secret": client.secret.reveal()}
        return {**about, **client.more}

    def _headers(self) -> dict[str, str]:
        headers = {
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded",
            "user-agent": "knownas",
        }
        if not self.client.in_body:
            pair = f"{quote(self.client.client_id, '')}:{quote(self.client.secret.reveal(), '')}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers

    async def _sent(self, form: Mapping[str, str]) -> Incoming:
        deadline = Deadline(asyncio.get_running_loop().time() + TIMEOUT_S)
        outgoing = Outgoing(
            method="POST",
            url=self.client.url,
            headers=self._headers(),
            body=urlencode(form).encode(),
            deadline=deadline,
            max_bytes=MAX_BYTES,
        )
        try:
            async with asyncio.timeout_at(deadline):
                return await self.sender.send(outgoing)
        except TimeoutError:
            raise SourceTimeout(self.source, "no whole answer of the token endpoint") from None
        except TooLarge:
            raise SourceProtocolError(self.source, "a token of more than 64 KiB") from None
        except SendFailed as error:
            raise SourceUnavailable(self.source, f"no answer for a token ({error})") from None

    def _refusal(self, incoming: Incoming) -> SourceError:
        status = incoming.status
        if status == 429:
            wait_s = retry_after_s(incoming.headers, self.clock.now())
            return SourceRateLimited(self.source, "the token endpoint answered 429", wait_s)
        if status >= 500 or status == 408:
            return SourceUnavailable(self.source, f"the token endpoint answered {status}")
        word = _decoded(incoming).get("error")
        if word in _REFUSALS or status in (401, 403):
            why = f" ({word})" if word in _REFUSALS else ""
            return SourceAuthError(self.source, f"the token endpoint answered {status}{why}")
        return SourceProtocolError(self.source, f"the token endpoint answered {status}")

    def _token(self, said: Mapping[str, Any], before: Secret | None) -> Token:
        access, kind = said.get("access_token"), str(said.get("token_type", "bearer"))
        if not isinstance(access, str) or not access.isascii() or not access.isprintable():
            raise SourceProtocolError(self.source, "the token endpoint gave no token")
        if kind.lower() != "bearer":
            raise SourceProtocolError(self.source, "the token endpoint gave another kind of token")
        now, lives_s, refresh = self.clock.now(), _seconds(said), said.get("refresh_token")
        return Token(
            access=Secret(access),
            made_at=now,
            expires_at=None if lives_s is None else now + timedelta(seconds=lives_s),
            refresh=Secret(refresh) if isinstance(refresh, str) and refresh else before,
        )


def _decoded(incoming: Incoming) -> Mapping[str, Any]:
    try:
        data = orjson.loads(incoming.body)
    except orjson.JSONDecodeError:
        return {}
    return data if isinstance(data, dict) else {}


def _seconds(said: Mapping[str, Any]) -> float | None:
    """Some endpoints write the number as text."""
    try:
        lives_s = float(said["expires_in"])
    except (KeyError, TypeError, ValueError):
        return None
    return lives_s if 0 < lives_s < 10**9 else None
