"""Who calls: static bearer tokens, known by their hash, compared in constant time."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.config import Auth, Config, Token
from gateway.hosts import host_of, is_loopback
from gateway.refusals import NotAllowed, Unauthenticated
from gateway.scopes import SCOPES
from resolvers.caller import Caller

ANONYMOUS = "anonymous"
_MAX_TOKEN_CHARS = 512


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token as it is shown once, and what a configuration knows of it."""

    token: str = field(repr=False)
    name: str
    scopes: tuple[str, ...]

    @property
    def table(self) -> dict[str, object]:
        return {"name": self.name, "sha256": fingerprint(self.token), "scopes": list(self.scopes)}

    @property
    def lines(self) -> str:
        """The table as the configuration has it."""
        pairs = (f"{key} = {json.dumps(value)}" for key, value in self.table.items())
        return "\n".join(("[[auth.tokens]]", *pairs))


class Doorkeeper:
    """Knows callers by their tokens.

    Without a token a caller is anonymous where the server listens on a loopback address and the
    configuration says what such callers may (everything, where it has no [auth]).
    """

    def __init__(self, tokens: Iterable[Token], anonymous: frozenset[str] | None) -> None:
        self._known = [
            (bytes.fromhex(token.sha256), Caller(name=token.name, scopes=frozenset(token.scopes)))
            for token in tokens
        ]
        self._anonymous = None if anonymous is None else Caller(name=ANONYMOUS, scopes=anonymous)

    def identify(self, authorization: str | None, host: str | None) -> Caller:
        """The caller of a request with these headers. Raises Unauthenticated, or NotAllowed where a
        name that is not of this machine leads here (DNS rebinding).
        """
        if authorization is not None:
            return self._by_token(authorization)
        if self._anonymous is None:
            raise Unauthenticated("a bearer token is needed")
        if not is_loopback(host_of(host or "")):
            raise NotAllowed("without a token, call by a loopback name such as 127.0.0.1")
        return self._anonymous

    @property
    def knows_anonymous(self) -> bool:
        """Whether somebody on this machine may call without a token."""
        return self._anonymous is not None

    def recognise(self, known_fingerprint: str) -> Caller | None:
        """The caller whose token has this fingerprint; None where nobody's has it any more."""
        presented = bytes.fromhex(known_fingerprint)
        return next((caller for known, caller in self._known if known == presented), None)

    def _by_token(self, authorization: str) -> Caller:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token.strip()) <= _MAX_TOKEN_CHARS:
            raise Unauthenticated("the authorization must be a bearer token")
        presented = _digest(token.strip())
        found = None
        for known, caller in self._known:  # all of them, so that the time tells nothing
            if hmac.compare_digest(known, presented):
                found = caller
        if found is None:
            raise Unauthenticated("the token is not known")
        return found


def doorkeeper(config: Config) -> Doorkeeper:
    auth = config.auth
    return Doorkeeper(auth.tokens if auth else (), _anonymous_scopes(auth, config.server.host))


def _anonymous_scopes(auth: Auth | None, host: str) -> frozenset[str] | None:
    if not is_loopback(host):
        return None
    if auth is None:
        return SCOPES
    return frozenset(auth.anonymous_scopes) or None


def new_token(name: str, scopes: Iterable[str]) -> NewToken:
    """256 random bits."""
    return NewToken(f"kn_{secrets.token_urlsafe(32)}", name, tuple(scopes))


def fingerprint(token: str) -> str:
    """By which a token is known without being kept."""
    return _digest(token).hex()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
