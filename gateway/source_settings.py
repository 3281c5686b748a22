"""A source's table, held against what its connector takes."""

import difflib
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from connectors.auth import Secret, secret_sets
from connectors.mapped.tables import MappingError
from connectors.reading import OptionValue
from connectors.registry import Connector, connector_names, load_connector
from connectors.spec import Option
from domain.errors import ConfigError
from gateway.secrets import LITERAL, Surroundings, is_reference, resolved

MAPPING = "mapping"
"""The key that describes a source to a connector that knows none by itself."""
Problem = tuple[str, str]
"""A key and what is wrong with it."""


class Unfit(Exception):
    """What a connector does not take, or misses: a ConfigError once its place is known."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{key}: {what}" for key, what in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """The connector's own keys: secrets read, options checked."""

    secrets: Mapping[str, Secret] = field(default_factory=dict)
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    mapping: Mapping[str, Any] = field(default_factory=dict, repr=False)


def fitted(
    name: str, given: Mapping[str, object], common: Collection[str], where: Surroundings
) -> Fitted:
    """The keys `given` beside the `common` ones, as connector `name` takes them. Raises Unfit."""
    connector, mapping = _described(_connector(name), given, where)
    options = {option.name: option for option in connector.options}
    own = [*connector.secrets, *options, *([MAPPING] if connector.compose else [])]
    problems = [(key, unknown(key, [*common, *own])) for key in given if key not in own]
    secrets = {key: given[key] for key in connector.secrets if key in given}
    problems += [*_wrong_secrets(secrets, where), *_wrong_options(options, given)]
    problems += _missing(connector, given)
    if problems:
        raise Unfit(problems)
    return Fitted(
        secrets={key: _secret(value, where) for key, value in secrets.items()},
        options={key: _option(given[key]) for key in options if key in given},
        mapping=mapping,
    )


def _described(
    connector: Connector, given: Mapping[str, object], where: Surroundings
) -> tuple[Connector, Mapping[str, Any]]:
    """A connector that is described by the source's own mapping, with what that makes of it."""
    if connector.compose is None:
        return connector, {}
    mapping, place = mapping_of(given.get(MAPPING), where.folder)
    try:
        return replace(connector, spec=connector.compose(mapping).spec), mapping
    except MappingError as error:
        told = "; ".join(f"{key}: {what}" if key else what for key, what in error.problems)
        raise Unfit([(MAPPING, f"{place}{told}")]) from None


def mapping_of(value: object, folder: Path) -> tuple[Mapping[str, Any], str]:
    """The mapping a source names, by a file or in its place; and how its problems begin. Raises
    Unfit.
    """
    if isinstance(value, dict):
        return value, ""
    if not isinstance(value, str):
        raise Unfit([(MAPPING, "must be set: the file of the mapping, or the mapping as a table")])
    try:
        return tomllib.loads((folder / value).read_text(encoding="utf-8")), f"{value}: "
    except OSError as error:
        raise Unfit([(MAPPING, f"{value}: cannot be read: {error.strerror}")]) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Unfit([(MAPPING, f"{value}: is not TOML: {error}")]) from error


def unknown(name: str, known: Collection[str], what: str = "unknown key") -> str:
    """What is said of a name nobody knows."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(known))}"
    return f"{what}; {hint}"


def _connector(name: str) -> Connector:
    known = connector_names()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}? There are" if near else "there are"
        raise Unfit([("connector", f"no such connector; {hint} {', '.join(known)}")])
    try:
        return load_connector(name)
    except ConfigError as error:
        raise Unfit([("connector", str(error))]) from error


def _wrong_secrets(secrets: Mapping[str, object], where: Surroundings) -> Iterator[Problem]:
    for key, value in secrets.items():
        try:
            _secret(value, where)
        except ValueError as error:
            yield key, str(error)


def _secret(value: object, where: Surroundings) -> Secret:
    if not isinstance(value, dict) or not is_reference(value):
        raise ValueError(LITERAL)
    return resolved(value, where)


def _wrong_options(options: Mapping[str, Option], given: Mapping[str, object]) -> Iterator[Problem]:
    for key, option in options.items():
        if key not in given:
            continue
        is_table = isinstance(option.default, Mapping)
        if is_table and not _is_table_of_text(given[key]):
            yield key, "must be a table of text"
        if not is_table and not isinstance(given[key], str):
            yield key, "must be text in quotes"


def _is_table_of_text(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


def _option(value: object) -> OptionValue:
    if isinstance(value, dict):
        return {str(key): str(text) for key, text in value.items()}
    return str(value)


def _missing_secrets(
    sets: Sequence[Sequence[str]], given: Mapping[str, object]
) -> Iterator[Problem]:
    """One of the sets has to be there as a whole."""
    if any(all(name in given for name in names) for names in sets):
        return
    if len(sets) > 1:
        ways = " or ".join(" and ".join(names) for names in sets)
        yield sets[0][0], f'must be set, or another way: {ways}; each as {{ env = "NAME" }}'
        return
    for name in sets[0]:
        if name not in given:
            yield name, 'must be set, as { env = "NAME" } or { file = "PATH" }'


def _missing(connector: Connector, given: Mapping[str, object]) -> Iterator[Problem]:
    yield from _missing_secrets(secret_sets(connector.spec.auth), given)
    for option in connector.options:
        if option.default is None and not given.get(option.name):
            yield option.name, f"must be set: {option.help}"
