"""The `data` of an event, read: what has a name here by its type, anything else as it came."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from domain.events import EventData
from domain.records import Actor
from domain.vocabulary import ActorKind, Channel
from resolvers.refused import Code, UserError

MOST_CHARS: Final = 100_000
MOST_SECONDS: Final = 366 * 24 * 3600


class Unfit(Exception):
    """A value of another form than its name asks for."""


def event_data(said: object, path: tuple[str, ...]) -> EventData | list[UserError]:
    """The data, or what is wrong with it and where."""
    if not isinstance(said, Mapping):
        return [UserError(Code.INVALID, "data must be an object", path)]
    values: dict[str, Any] = {}
    problems = []
    for key, (name, read) in _READ.items():
        if said.get(key) is None:
            continue
        try:
            values[name] = read(said[key])
        except Unfit as unfit:
            problems.append(UserError(Code.INVALID, f"{key}: {unfit}", (*path, key)))
    more = {key: value for key, value in said.items() if key not in _READ}
    return problems or EventData(**values, more=more)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Unfit("must be text")
    if len(value) > MOST_CHARS:
        raise Unfit(f"at most {MOST_CHARS} characters")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise Unfit("must be true or false")
    return value


def _seconds(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit("must be a number of seconds")
    if not 0 <= value <= MOST_SECONDS:
        raise Unfit(f"must be between 0 and {MOST_SECONDS}")
    return round(value)


def _channel(value: object) -> Channel:
    """One we do not know is UNKNOWN: the event is worth having all the same."""
    return Channel(str(value)) if value in set(Channel) else Channel.UNKNOWN


def _actor(value: object) -> Actor:
    said = value if isinstance(value, Mapping) else {}
    kind, one, name = (said.get(key) for key in ("kind", "id", "name"))
    if kind not in set(ActorKind):
        raise Unfit(f"kind must be one of {', '.join(ActorKind)}")
    if not isinstance(one, str) or not one.strip():
        raise Unfit("id must be text")
    return Actor(kind=ActorKind(str(kind)), id=one, name=name if isinstance(name, str) else None)


_READ: Mapping[str, tuple[str, Callable[[object], Any]]] = {
    "channel": ("channel", _channel),
    "actor": ("actor", _actor),
    "text": ("text", _text),
    "messageId": ("message_id", _text),
    "internal": ("internal", _flag),
    "reason": ("reason", _text),
    "caseId": ("case_id", _text),
    "orderNumber": ("order_number", _text),
    "waitSeconds": ("wait_seconds", _seconds),
    "durationSeconds": ("duration_seconds", _seconds),
    "slot": ("slot", _text),
    "step": ("step", _text),
    "outcome": ("outcome", _text),
    "leaseSeconds": ("lease_seconds", _seconds),
    "consent": ("consent", _flag),
}
