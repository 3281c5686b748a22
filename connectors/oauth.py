"""OAuth 2.0: tokens that are renewed before they end, once for everybody who waits.

    headers() > in memory, good       > that one
              > else one renewal      > the shelf has a good one (another process made it)
                                      > our turn: ask the endpoint, keep it durably, then use it

What is kept is sealed (sealing.py). A refresh token that the endpoint replaces is kept before it is
used: were it lost, somebody would have to authorise again. ADR 13.
"""

import asyncio
import secrets as randomness
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from connectors.auth import Authenticator, Means, Secret, Secrets, filled, reveal
from connectors.grants import Client, Token, TokenEndpoint
from connectors.reading import Options, rfc3339
from connectors.sealing import Seal, fingerprint
from domain.errors import ConfigError, SourceRateLimited, SourceTimeout, SourceUnavailable
from domain.tokens import TokenShelf

AHEAD = timedelta(seconds=60)
"""How long before its end a token is renewed, or a tenth of its life where that is less."""
YOUNG = timedelta(seconds=10)
"""A token that is refused so soon after it was made would be refused again."""
TURN_S = 30.0
"""For how long one process may be about renewing before another one tries."""
LOOK_AGAIN_S = 0.2
PASSING = (SourceUnavailable, SourceTimeout, SourceRateLimited)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """`url` is the token endpoint: a path below the source's address, or an address of its own,
    with options in braces, as `client_id` may have. `secret` names the client's secret.
    """

    url: str
    client_id: str = "{client_id}"
    secret: str = "client_secret"  # noqa: S105  # the name of a setting
    scope: str = ""
    in_body: bool = False
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.secret,)

    def open(self, source: str, secrets: Secrets, options: Options) -> Authenticator:
        return Renewed(source, _client(self, source, secrets, options), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken(ClientCredentials):
    """As ClientCredentials, beginning with the refresh token that authorising gave (the secret
    named by `refresh`). A new one in the configuration puts aside what was kept after the old one.
    """

    refresh: str = "refresh_token"

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.secret, self.refresh)

    def open(self, source: str, secrets: Secrets, options: Options) -> Authenticator:
        first = Secret(reveal(source, secrets, self.refresh))
        return Renewed(source, _client(self, source, secrets, options), first)


class Renewed:
    """The live tokens of one source in one process. `first` is the refresh token to begin with."""

    def __init__(self, source: str, client: Client, first: Secret | None) -> None:
        held = (client.secret.reveal(), first.reveal() if first else "")
        self.fingerprint = fingerprint(client.client_id, *held)
        self._source = source
        self._client = client
        self._first = first
        self._seal = Seal(held, f"token of {source}")
        self._name = f"{source}/{self.fingerprint}"
        self._holder = randomness.token_hex(8)
        self._means: Means | None = None
        self._token: Token | None = None
        self._refused: Secret | None = None
        self._renewal: asyncio.Task[Token] | None = None

    def __repr__(self) -> str:
        return f"Renewed({self._name})"

    def equip(self, means: Means) -> None:
        self._means = means

    async def headers(self) -> Mapping[str, str]:
        """Raises SourceError where there is no token to be had."""
        token = await self._good_one()
        return {"authorization": _shown(token)}

    def refused(self, shown: Mapping[str, str] | None = None) -> bool:
        """Only the token that was shown is given up: meanwhile there may be another one."""
        token = self._token
        if token is None or (shown is not None and shown.get("authorization") != _shown(token)):
            return True
        if self._equipped.clock.now() - token.made_at < YOUNG:
            return False
        self._token, self._refused = None, token.access
        return True

    # ------------------------------------------------------------ one renewal at a time

    @property
    def _equipped(self) -> Means:
        if self._means is None:
            raise ConfigError(f"sources.{self._source}: opened without a way to ask for tokens")
        return self._means

    async def _good_one(self) -> Token:
        token = self._token
        if token is not None and not self._is_due(token):
            return token
        try:
            return await self._renewed()
        except PASSING:
            # Still good for a while: the endpoint has that long to come back.
            if token is not None and self._is_alive(token):
                return token
            raise

    async def _renewed(self) -> Token:
        """The renewal under way, or a new one; who gives up waiting does not end it for others."""
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew())
            self._renewal.add_done_callback(_looked_at)
        return await asyncio.shield(self._renewal)

    async def _renew(self) -> Token:
        shelf = self._equipped.tokens
        kept = await self._awaited(shelf)
        if kept is not None and self._is_fresh(kept):
            self._token = kept
            return kept
        try:
            token = await self._endpoint().ask(self._refresh_of(kept))
            await shelf.put(self._name, self._sealed(token), self._holder)
        except BaseException:
            await shelf.release(self._name, self._holder)
            raise
        self._token, self._refused = token, None
        return token

    async def _awaited(self, shelf: TokenShelf) -> Token | None:
        """What is kept: a fresh one, or, once it is our turn to renew, whatever there is."""
        loop = asyncio.get_running_loop()
        patience = loop.time() + TURN_S
        while True:
            kept = await self._kept(shelf)
            if kept is not None and self._is_fresh(kept):
                return kept
            if await shelf.lease(self._name, self._holder, TURN_S):
                break
            if loop.time() >= patience:
                raise SourceUnavailable(self._source, "another process is renewing the token")
            await asyncio.sleep(LOOK_AGAIN_S)
        kept = await self._kept(shelf)  # it may have been renewed just before it was our turn
        if kept is not None and self._is_fresh(kept):
            await shelf.release(self._name, self._holder)
        return kept

    def _refresh_of(self, kept: Token | None) -> Secret | None:
        return kept.refresh if kept is not None and kept.refresh is not None else self._first

    def _endpoint(self) -> TokenEndpoint:
        means, client = self._equipped, self._client
        url = client.url if "://" in client.url else means.base_url + client.url
        addressed = Client(
            url=url,
            client_id=client.client_id,
            secret=client.secret,
            scope=client.scope,
            in_body=client.in_body,
            more=client.more,
        )
        return TokenEndpoint(
            source=self._source, client=addressed, sender=means.sender, clock=means.clock
        )

    # ------------------------------------------------------------ what a token is good for

    def _is_fresh(self, token: Token) -> bool:
        return token.access != self._refused and not self._is_due(token)

    def _is_due(self, token: Token) -> bool:
        if token.expires_at is None:
            return False
        ahead = min(AHEAD, (token.expires_at - token.made_at) / 10)
        return self._equipped.clock.now() >= token.expires_at - ahead

    def _is_alive(self, token: Token) -> bool:
        now = self._equipped.clock.now()
        is_refused = token.access == self._refused
        return not is_refused and (token.expires_at is None or now < token.expires_at)

    # ------------------------------------------------------------ at rest

    async def _kept(self, shelf: TokenShelf) -> Token | None:
        found = await shelf.get(self._name)
        values = self._seal.open(found.sealed) if found is not None else None
        if values is None:
            return None
        made_at = rfc3339(values["made_at"])
        assert made_at is not None  # noqa: S101  # written below, and sealed since
        return Token(
            access=Secret(values["access"]),
            made_at=made_at,
            expires_at=rfc3339(values.get("expires_at")),
            refresh=Secret(values["refresh"]) if values.get("refresh") else None,
        )

    def _sealed(self, token: Token) -> bytes:
        values = {"access": token.access.reveal(), "made_at": token.made_at.isoformat()}
        if token.expires_at is not None:
            values["expires_at"] = token.expires_at.isoformat()
        # Without a first one there is nothing a refresh token was ever asked with.
        if self._first is not None and token.refresh is not None:
            values["refresh"] = token.refresh.reveal()
        return self._seal.close(values)


def _client(auth: ClientCredentials, source: str, secrets: Secrets, options: Options) -> Client:
    url = filled(source, auth.url, options)
    if "://" in url and not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise ConfigError(f"sources.{source}: a token endpoint is asked by https only")
    return Client(
        url=url,
        client_id=filled(source, auth.client_id, options),
        secret=Secret(reveal(source, secrets, auth.secret)),
        scope=filled(source, auth.scope, options),
        in_body=auth.in_body,
        more={name: filled(source, text, options) for name, text in auth.more.items()},
    )


def _shown(token: Token) -> str:
    return f"Bearer {token.access.reveal()}"


def _looked_at(renewal: "asyncio.Task[Token]") -> None:
    """Its error is told to who waits; where nobody does any more, it is no news."""
    with suppress(asyncio.CancelledError):
        renewal.exception()
