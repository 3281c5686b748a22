"""`knownas.toml` from disk: read, checked, and what is wrong with it said with its place."""

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain.errors import ConfigError
from gateway.config import Config
from gateway.secrets import Surroundings
from gateway.source_settings import unknown

MAX_PROBLEMS = 5
_WORDS = {
    "tuple_type": "must be a list",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
}


def load(
    path: Path,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> Config:
    """The configuration in `path`. `overrides` (by table and key, as in "server.port") come from
    the command line. Raises ConfigError, which names file and place.
    """
    data = _parsed(path)
    for key, value in (overrides or {}).items():
        table, _, name = key.partition(".")
        data.setdefault(table, {})[name] = value
    return checked(data, environ, path)


def checked(
    data: object, environ: Mapping[str, str] | None = None, path: Path | None = None
) -> Config:
    """The configuration that `data` spells. Raises ConfigError."""
    folder = path.parent if path else Path()
    where = Surroundings(os.environ if environ is None else environ, folder)
    try:
        return Config.model_validate(data, context=where)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = [problem for detail in details for problem in _worded(detail)]
        raise ConfigError(_summed(problems, path)) from None


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not text in UTF-8 (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error


def _summed(problems: Sequence[str], path: Path | None) -> str:
    shown = "; ".join(problems[:MAX_PROBLEMS])
    more = len(problems) - MAX_PROBLEMS
    return f"{path or 'configuration'}: {shown}" + (f"; and {more} more" if more > 0 else "")


def _worded(detail: ErrorDetails) -> list[str]:
    place = placed(detail["loc"])
    if detail["type"] == "unfit":
        return [f"{place}.{key}: {what}" for key, what in detail["ctx"]["problems"]]
    if detail["type"] == "extra_forbidden":
        *tables, key = detail["loc"]
        return [f"{place}: {unknown(str(key), known_keys(tables))}"]
    if detail["type"] == "missing":
        return [f"{place}: must be set"]
    message = _WORDS.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
    message = message.replace("Input should be", "must be", 1)
    return [f"{place}: {message}" if place else message]


def placed(loc: Sequence[int | str]) -> str:
    """`("auth", "tokens", 0, "name")` -> `auth.tokens[0].name`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def known_keys(tables: Sequence[int | str]) -> list[str]:
    """The keys a table may hold; empty where there is no such table."""
    model: type[BaseModel] | None = Config
    names = iter(tables)
    for name in names:
        model = _inner(model, str(name), names) if model else None
    return sorted(model.model_fields) if model else []


def _inner(model: type[BaseModel], name: str, rest: Iterator[int | str]) -> type[BaseModel] | None:
    """The model of a field; for lists and tables by name, of one entry (whose name is skipped)."""
    found = model.model_fields.get(name)
    if found is None or found.annotation is None:
        return None
    for kind in (found.annotation, *_arguments(found.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            if kind is not found.annotation and type(None) not in get_args(found.annotation):
                next(rest, None)
            return kind
    return None


def _arguments(annotation: object) -> Iterator[object]:
    for argument in get_args(annotation):
        yield argument
        yield from _arguments(argument)
