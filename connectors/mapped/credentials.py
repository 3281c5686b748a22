"""`[auth]` of a mapping: how the source wants to be shown credentials."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

from connectors.auth import Auth, Authenticator, Basic, Bearer, FixedHeader, Secrets, reveal
from connectors.mapped.tables import Table
from connectors.oauth import ClientCredentials, RefreshToken
from connectors.reading import Options
from connectors.signing import HmacSigned, Signable


@dataclass(frozen=True, slots=True)
class NoCredentials:
    """A source that asks nobody who they are."""

    secrets: tuple[str, ...] = ()

    def open(self, source: str, secrets: Secrets, options: Options) -> Authenticator:
        return FixedHeader("accept", "application/json")


@dataclass(frozen=True, slots=True)
class Prefixed:
    """A header that holds the secret after a word of the source's own ("token", "Api-Key")."""

    name: str
    prefix: str = ""
    secret: str = "token"  # noqa: S105  # the name of a setting

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.secret,)

    def open(self, source: str, secrets: Secrets, options: Options) -> Authenticator:
        value = f"{self.prefix} {reveal(source, secrets, self.secret)}".strip()
        return FixedHeader(self.name.lower(), value)


def read_auth(table: Table) -> Auth:
    """Says it even where there is nothing to show, so that it cannot be forgotten."""
    own = table.table("auth")
    if own is None:
        table.wrong("auth", f'must be set, as in {{ kind = "bearer" }}; kinds: {", ".join(_KINDS)}')
        return NoCredentials()
    read = own.one_of("kind", _KINDS, _none)
    if "kind" not in own:
        own.wrong("kind", f"must be one of {', '.join(_KINDS)}")
    found = read(own)
    own.done()
    return found


def _none(_own: Table) -> Auth:
    return NoCredentials()


def _bearer(_own: Table) -> Auth:
    return Bearer()


def _basic(own: Table) -> Auth:
    user = own.needed_text("user")
    if "{" in user or "}" in user:
        own.wrong("user", "must hold no braces")
    return Basic(user.replace("{", "{{").replace("}", "}}"))


def _header(own: Table) -> Auth:
    name = own.needed_text("name")
    if not name.replace("-", "").isalnum() or not name.isascii():
        own.wrong("name", "must be the name of a header")
    return Prefixed(name, own.text("prefix"))


def _client_credentials(own: Table) -> Auth:
    return ClientCredentials(**_client(own))


def _refresh_token(own: Table) -> Auth:
    return RefreshToken(**_client(own))


def _client(own: Table) -> dict[str, Any]:
    """What both grants are told of the client."""
    return {
        "url": _as_is(own.needed_text("url")),
        "client_id": _as_is(own.needed_text("client_id")),
        "scope": _as_is(own.text("scope")),
        "in_body": own.flag("in_body"),
        "more": {name: _as_is(text) for name, text in own.texts("more").items()},
    }


def _signed(own: Table) -> Auth:
    covers = own.text("covers", "{time}\n{method}\n{target}\n{body_sha256}")
    unknown = {name for _, name, _, _ in Formatter().parse(covers) if name is not None} - _PARTS
    if unknown:
        own.wrong("covers", f"may hold {', '.join(sorted(_PARTS))} in braces")
    return HmacSigned(
        header=own.needed_text("header"),
        stamp_header=own.text("time_header"),
        key_header=own.text("key_header"),
        key_id=_as_is(own.text("key_id")),
        digest=own.one_of(
            "digest", {name: name for name in ("sha256", "sha512", "sha1")}, "sha256"
        ),
        encoding=own.one_of("encoding", {name: name for name in ("hex", "base64")}, "hex"),
        prefix=own.text("prefix"),
        covered=_covering(covers),
    )


_PARTS = {"time", "method", "target", "body", "body_sha256"}


def _covering(covers: str) -> Callable[[Signable], bytes]:
    """The text with its parts filled in, the body byte for byte."""

    def covered(request: Signable) -> bytes:
        parts = {
            "time": request.stamp,
            "method": request.method,
            "target": request.target,
            "body": request.body.decode("latin-1"),
            "body_sha256": request.body_sha256,
        }
        return covers.format_map(parts).encode("latin-1")

    return covered


def _as_is(text: str) -> str:
    """A mapping has no options to fill in."""
    return text.replace("{", "{{").replace("}", "}}")


_KINDS: Mapping[str, Callable[[Table], Auth]] = {
    "none": _none,
    "bearer": _bearer,
    "basic": _basic,
    "header": _header,
    "client_credentials": _client_credentials,
    "refresh_token": _refresh_token,
    "signed": _signed,
}
