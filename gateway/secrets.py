"""Secrets of the configuration: a reference is read where it is met, and only then."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationInfo

from connectors.auth import Secret

LITERAL = 'a literal secret is refused; write { env = "NAME" } or { file = "PATH" }'
_MAX_BYTES = 65_536
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where references lead: the environment, and the folder relative paths start from."""

    environ: Mapping[str, str]
    folder: Path


def surroundings(info: ValidationInfo) -> Surroundings:
    """Of a validation that config_file.py started; nobody else resolves secrets."""
    if not isinstance(info.context, Surroundings):
        raise TypeError("a configuration is built by config_file.load")
    return info.context


def is_reference(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1 and set(value) <= {"env", "file"}


def secret_of(value: object, info: ValidationInfo) -> Secret:
    """The secret a reference leads to. Raises ValueError, without any part of a value."""
    if isinstance(value, Secret):
        return value
    if not isinstance(value, dict):
        raise ValueError(LITERAL)
    if not is_reference(value):
        raise ValueError('must be { env = "NAME" } or { file = "PATH" }')
    return resolved(value, surroundings(info))


def resolved(reference: Mapping[str, object], where: Surroundings) -> Secret:
    """The secret a reference leads to. Raises ValueError where it leads nowhere."""
    (way, name), *_ = reference.items()
    if not isinstance(name, str) or not name or (way == "env" and not _VARIABLE.fullmatch(name)):
        raise ValueError(f"{way} must be the name of one")
    text = _from_env(name, where) if way == "env" else _from_file(name, where)
    if not text:
        raise ValueError(f"{_named(way, name)} is empty")
    return Secret(text)


def address_of(value: object, info: ValidationInfo, schemes: Sequence[str]) -> Secret:
    """An address, by reference or, where it holds no password, as it is."""
    address = _plain(value) if isinstance(value, str) else secret_of(value, info)
    if address and not address.reveal().startswith(tuple(f"{scheme}:" for scheme in schemes)):
        raise ValueError(f"must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    return address


def _plain(value: str) -> Secret:
    if re.search(r"://[^/?#]*:[^/?#]*@", value) or re.search(r"[?&]password=", value):
        raise ValueError(f"holds a password: {LITERAL}")
    return Secret(value)


def _from_env(name: str, where: Surroundings) -> str:
    try:
        return where.environ[name].strip()
    except KeyError:
        raise ValueError(f"{_named('env', name)} is not set") from None


def _from_file(name: str, where: Surroundings) -> str:
    path = where.folder / name
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            raise ValueError(f"{_named('file', name)} is larger than {_MAX_BYTES} bytes")
        return raw.decode().strip()
    except UnicodeDecodeError:
        raise ValueError(f"{_named('file', name)} is not text in UTF-8") from None
    except OSError as error:
        raise ValueError(f"{_named('file', name)} cannot be read: {error.strerror}") from None


def _named(way: str, name: str) -> str:
    return f"the environment variable {name}" if way == "env" else f"the file {name}"
