"""What a caller sees in place of personal data it has no scope for.

Which attributes are personal is said once, on the records (`domain.pii`); here is what a mask looks
like. A record is masked once for each request, on its way out; what is kept and what is worked
with is whole.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from functools import cache, lru_cache
from typing import Any, TypeVar, get_args, get_type_hints

from domain.customer import AttributeValue
from domain.pii import Pii, pii_fields
from domain.records import Address, Conversation, Handle
from domain.vocabulary import MaskStyle, PiiClass
from resolvers.caller import STAFF, Caller
from resolvers.survivorship import ATTRIBUTES

R = TypeVar("R")

HIDDEN = "***"

_HASH_KEY = secrets.token_bytes(32)
"""Of this process: an unkeyed hash of an e-mail is found by trying e-mails. Equal values look equal
until the next start, and in no other place.
"""


_EVERY = frozenset(PiiClass)


@lru_cache(maxsize=256)
def _visible(scopes: frozenset[str]) -> frozenset[PiiClass]:
    """As `Caller.visible` says it; tokens are few, and each request of one has its scopes."""
    return Caller(name="", scopes=scopes).visible


class Masks:
    """The masks of one caller."""

    def __init__(self, caller: Caller) -> None:
        self._visible = _visible(caller.scopes)
        self._staff = STAFF in caller.scopes
        self._sees_all = self._visible == _EVERY
        self.hide_nothing = self._sees_all and self._staff
        """Whether every record is handed out as it is."""

    def apply(self, record: R) -> R:
        """The record as the caller may see it: the same object where nothing is hidden from it."""
        if self._sees_all and (self._staff or not isinstance(record, Conversation)):
            return record
        masked: R = self._dataclass(record)
        return masked

    def _dataclass(self, record: Any) -> Any:
        if isinstance(record, AttributeValue):
            return self._attribute(record)
        kind: Any = type(record)
        changes = {
            name: self._value(getattr(record, name), said) for name, said in _personal(kind).items()
        }
        if isinstance(record, Conversation) and self._hides(record):
            changes["last_message"] = None
        return replace(record, **changes) if changes else record

    def _hides(self, record: Conversation) -> bool:
        return bool(record.last_message and record.last_message.internal and not self._staff)

    def _value(self, value: Any, said: Pii | None) -> Any:
        if value is None:
            return None
        if said is not None:
            return value if said.cls in self._visible else mask(value, said)
        if isinstance(value, tuple):
            return tuple(self._dataclass(one) for one in value)
        return self._dataclass(value)

    def _attribute(self, value: AttributeValue) -> AttributeValue:
        """Masked by what the attribute holds, which its type cannot say."""
        known = ATTRIBUTES.get(value.name)
        cls = known.pii if known else PiiClass.IDENTITY
        if cls is None or cls in self._visible or value.value is None:
            return value
        others = tuple(self._attribute(other) for other in value.alternatives)
        return replace(value, value=mask(value.value, Pii(cls)), alternatives=others)


@cache
def _personal(record: type[Any]) -> dict[str, Pii | None]:
    """The attributes of a record that are personal or hold records which are (those without a
    class of their own).
    """
    said: dict[str, Pii | None] = dict(pii_fields(record))
    hints = get_type_hints(record)
    for one in fields(record):
        inner = _records_in(hints[one.name]) if one.name not in said else []
        if any(kind is AttributeValue or _personal(kind) for kind in inner):
            said[one.name] = None
    return said


def _records_in(hint: Any) -> list[type]:
    if isinstance(hint, type) and is_dataclass(hint):
        return [hint]
    return [found for inner in get_args(hint) for found in _records_in(inner)]


def mask(value: Any, said: Pii) -> Any:
    """What stands for the value. What has no text to hide a part of is None: unknown."""
    if said.mask is MaskStyle.REDACT:
        return None
    if isinstance(value, tuple):
        return tuple(mask(one, said) for one in value)
    if isinstance(value, Handle):
        return Handle(value.platform, _text(value.name, said))
    if isinstance(value, Address):
        return Address(country=value.country)
    if not isinstance(value, str) or value.startswith(("http://", "https://")):
        return None
    return _text(value, said)


def _text(value: str, said: Pii) -> str:
    if said.mask is MaskStyle.HASH:
        return hmac.new(_HASH_KEY, value.encode(), hashlib.sha256).hexdigest()[:16]
    return _PARTIAL.get(said.cls, _hidden)(value)


def _initials(value: str) -> str:
    return " ".join(f"{word[0]}." for word in value.split()) or HIDDEN


def _address_of(value: str) -> str:
    """`a***@e***.com`: who knows the address recognises it."""
    user, _, domain = value.partition("@")
    name, _, top = domain.rpartition(".")
    return f"{user[:1]}{HIDDEN}@{name[:1]}{HIDDEN}.{top}" if name else f"{user[:1]}{HIDDEN}"


def _reachable(value: str) -> str:
    if "@" in value:
        return _address_of(value)
    digits = [character for character in value if character.isdigit()]
    return f"{HIDDEN}{''.join(digits[-2:])}" if len(digits) >= 7 else f"{value[:1]}{HIDDEN}"


def _hidden(_value: str) -> str:
    return HIDDEN


_PARTIAL: dict[PiiClass, Callable[[str], str]] = {
    PiiClass.IDENTITY: _initials,
    PiiClass.CONTACT: _reachable,
}
