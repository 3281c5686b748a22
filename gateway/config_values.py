"""The values an option may have, as types the configuration is made of."""

import re
from collections.abc import Callable
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, ValidationInfo

from connectors.auth import Secret
from domain.vocabulary import SystemKind
from gateway.hosts import Origin
from gateway.scopes import SCOPES
from gateway.secrets import address_of, secret_of


class Options(BaseModel):
    """What every table has in common: nothing unknown, nothing converted, nothing changed later."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, ser_json_inf_nan="null"
    )


T = TypeVar("T")
Listed = Annotated[tuple[T, ...], Field(strict=False)]
"""A list of TOML, which has no tuples."""


def _text(valid: Callable[[str], object], otherwise: str) -> BeforeValidator:
    """A check of text; what is no text is left to the type."""

    def check(value: object) -> object:
        if isinstance(value, str) and not valid(value):
            raise ValueError(otherwise)
        return value

    return BeforeValidator(check)


def _form(pattern: str, otherwise: str) -> BeforeValidator:
    return _text(re.compile(pattern).fullmatch, otherwise)


def _known_origin(value: object) -> object:
    if isinstance(value, str):
        Origin.parse(value)
    return value


def _state_url(value: object, info: ValidationInfo) -> Secret:
    return address_of(value, info, ("sqlite", "postgresql", "postgresql+psycopg"))


def _redis_url(value: object, info: ValidationInfo) -> Secret:
    return address_of(value, info, ("redis", "rediss", "unix"))


def _is_zone(name: str) -> bool:
    try:
        return bool(ZoneInfo(name).key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


AllowedOrigin = Annotated[str, BeforeValidator(_known_origin)]
StateUrl = Annotated[InstanceOf[Secret], BeforeValidator(_state_url)]
RedisUrl = Annotated[InstanceOf[Secret], BeforeValidator(_redis_url)]
SecretOption = Annotated[InstanceOf[Secret], BeforeValidator(secret_of)]
Scope = Annotated[
    str, _text(SCOPES.__contains__, f"no such scope; known are {', '.join(sorted(SCOPES))}")
]
PublicUrl = Annotated[
    str,
    _form(
        r"(https?://[^\s/?#@]+/?)?",
        "must be empty or scheme and host, as in https://graph.example.com",
    ),
]
BaseUrl = Annotated[
    str,
    _form(
        r"https?://[^\s?#@]+", "must be an http or https address without user, query or fragment"
    ),
]
Sha256 = Annotated[
    str,
    _form(r"[0-9a-f]{64}", "must be 64 hexadecimal digits: the hash of the token, never the token"),
]
SystemName = Annotated[
    str,
    _text(
        set(SystemKind).__contains__, f"must be a kind of system: one of {', '.join(SystemKind)}"
    ),
]
PhoneRegion = Annotated[
    str, _form(r"[A-Z]{2}", 'must be a country of two capital letters, as in "GB"')
]
TimeZone = Annotated[str, _text(_is_zone, 'must be an IANA zone, as in "Europe/Berlin"')]
