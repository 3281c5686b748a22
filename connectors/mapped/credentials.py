"""`[auth]` of a mapping: how the source wants to be shown credentials."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connectors.auth import Auth, Authenticator, Basic, Bearer, FixedHeader, Secrets, reveal
from connectors.mapped.tables import Table
from connectors.reading import Options


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


_KINDS: Mapping[str, Callable[[Table], Auth]] = {
    "none": _none,
    "bearer": _bearer,
    "basic": _basic,
    "header": _header,
}
