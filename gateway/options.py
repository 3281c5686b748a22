"""The options of the configuration as a list: what docs/configuration.md shows."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from connectors.auth import Secret
from gateway.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One key. `default` is as TOML would write it, empty where it must or need not be set."""

    key: str
    default: str
    meaning: str


def options() -> list[Option]:
    """Every option, in the order of the file."""
    return list(_of(Config, ""))


def _of(model: type[BaseModel], place: str) -> Iterator[Option]:
    for name, field in model.model_fields.items():
        inner, many = _model(field)
        if inner is not None:
            yield from _of(inner, f"{place}{name}{many}.")
        else:
            yield Option(
                key=f"{place}{name}", default=_default(field), meaning=field.description or ""
            )


def _model(field: FieldInfo) -> tuple[type[BaseModel] | None, str]:
    """The table a field holds, and how its place is written: `[]` for a list, `.<name>` by name."""
    annotation = field.annotation
    for kind, many in _candidates(annotation):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind, many
    return None, ""


def _candidates(annotation: Any) -> Iterator[tuple[Any, str]]:
    yield annotation, ""
    origin = getattr(annotation, "__origin__", None)
    many = {tuple: "[]", dict: ".<name>"}.get(origin, "") if origin else ""
    for argument in get_args(annotation):
        yield argument, many


def _default(field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True, validated_data={})
    if field.is_required() or default is None:
        return ""
    if isinstance(default, Secret):
        default = default.reveal()
    if isinstance(default, tuple):
        default = list(default)
    return json.dumps(default)
