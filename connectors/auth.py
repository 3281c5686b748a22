"""Credentials: how they are declared, applied, and kept out of every text."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn, Protocol, runtime_checkable

from connectors.reading import Options
from connectors.sender import Sender
from domain.errors import ConfigError
from domain.ports import Clock
from domain.tokens import TokenShelf


class Secret:
    """A secret value that no repr, str, format, log, copy or pickle shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, _form: str) -> str:
        return repr(self)

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, _memo: object) -> "Secret":
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret stays in this process")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)


Secrets = Mapping[str, Secret]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What credentials that renew or sign themselves work with, handed over where their source is
    opened. The sender is the source's own.
    """

    base_url: str = field(repr=False)
    sender: Sender
    clock: Clock
    tokens: TokenShelf


class Authenticator(Protocol):
    """Live credentials of one source: a place for tokens that expire and are renewed. One that
    needs means, or signs each request, is an `Equippable`, or a `Signing`, as well.
    """

    @property
    def fingerprint(self) -> str:
        """Tells credentials apart in keys of caches; gives nothing of them away."""
        ...

    async def headers(self) -> Mapping[str, str]: ...

    def refused(self, shown: Mapping[str, str] | None = None) -> bool:
        """The headers `shown` were refused. True where asking again, with what there is by then, is
        worth it.
        """
        ...


@runtime_checkable
class Equippable(Protocol):
    def equip(self, means: Means) -> None:
        """Called once, before anything is asked of it."""
        ...


@runtime_checkable
class Signing(Protocol):
    def sign(self, method: str, target: str, body: bytes | None) -> Mapping[str, str]:
        """Headers that prove this one request; `target` is path and query, as sent."""
        ...


class Auth(Protocol):
    """How a vendor wants to be shown credentials, as a connector declares it."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the secrets it needs."""
        ...

    def open(self, source: str, secrets: Secrets, options: Options) -> Authenticator:
        """Raises ConfigError where a secret or option is missing."""
        ...


class FixedHeader:
    """Credentials that are one header and do not change."""

    __slots__ = ("_headers", "fingerprint")

    def __init__(self, name: str, value: str) -> None:
        self._headers = {name: value}
        self.fingerprint = hashlib.sha256(f"{name}\0{value}".encode()).hexdigest()[:16]

    async def headers(self) -> Mapping[str, str]:
        return self._headers

    def refused(self, shown: Mapping[str, str] | None = None) -> bool:
        return False

    def __repr__(self) -> str:
        return f"FixedHeader({self.fingerprint})"


@dataclass(frozen=True, slots=True)
class Bearer:
    """`Authorization: Bearer <secret>`."""

    secret: str = "token"  # noqa: S105  # the name of a setting

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.secret,)

    def open(self, source: str, secrets: Secrets, options: Options) -> Authenticator:
        return FixedHeader("authorization", f"Bearer {reveal(source, secrets, self.secret)}")


@dataclass(frozen=True, slots=True)
class Header:
    """A header of the vendor's own that holds the secret."""

    name: str
    secret: str = "token"  # noqa: S105  # the name of a setting

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.secret,)

    def open(self, source: str, secrets: Secrets, options: Options) -> Authenticator:
        return FixedHeader(self.name.lower(), reveal(source, secrets, self.secret))


@dataclass(frozen=True, slots=True)
class Basic:
    """`Authorization: Basic`; `user` may hold option names in braces ("{email}/token")."""

    user: str
    secret: str = "token"  # noqa: S105  # the name of a setting

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.secret,)

    def open(self, source: str, secrets: Secrets, options: Options) -> Authenticator:
        pair = f"{filled(source, self.user, options)}:{reveal(source, secrets, self.secret)}"
        return FixedHeader("authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Several ways to be shown credentials: the one whose secrets are all given; of several, the
    one that needs the most.
    """

    ways: tuple[Auth, ...]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Those of every way. Which are needed together: `secret_sets`."""
        return tuple(dict.fromkeys(name for way in self.ways for name in way.secrets))

    def open(self, source: str, secrets: Secrets, options: Options) -> Authenticator:
        ready = [way for way in self.ways if all(secrets.get(name) for name in way.secrets)]
        if not ready:
            wanted = " or ".join(" and ".join(names) for names in secret_sets(self))
            raise ConfigError(f"sources.{source}: needs the secrets {wanted} (env or file)")
        return max(ready, key=lambda way: len(way.secrets)).open(source, secrets, options)


def secret_sets(auth: Auth) -> list[tuple[str, ...]]:
    """The sets of secrets of which one has to be given."""
    return [way.secrets for way in auth.ways] if isinstance(auth, AnyOf) else [auth.secrets]


def reveal(source: str, secrets: Secrets, name: str) -> str:
    """The secret's text. Raises ConfigError where it is missing or cannot stand in a header."""
    secret = secrets.get(name)
    if not secret:
        raise ConfigError(f"sources.{source}.{name}: a secret is needed (env or file)")
    value = secret.reveal().strip()
    if not value.isascii() or not value.isprintable():
        raise ConfigError(f"sources.{source}.{name}: holds characters no header can carry")
    return value


def filled(source: str, form: str, options: Options) -> str:
    """`form` with option names in braces replaced. Raises ConfigError where one is not set."""
    try:
        return form.format_map(_Texts(options))
    except KeyError as error:
        raise ConfigError(f"sources.{source}.{error.args[0]}: must be set") from None


class _Texts(dict[str, str]):
    def __init__(self, options: Options) -> None:
        super().__init__({k: v for k, v in options.items() if isinstance(v, str) and v})
