"""`manifest.toml`: what a connector says about itself, for people and for tests that hold the code
to it.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from connectors.spec import Spec
from domain.customer import KeyKind
from domain.errors import ConfigError
from domain.ids import Kind
from domain.records import Contact
from domain.vocabulary import SystemKind


class Tier(StrEnum):
    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"
    PLATINUM = "platinum"


class Worth(StrEnum):
    STRONG = "strong"
    MEDIUM = "medium"
    WEAK = "weak"


class Capability(StrEnum):
    GET_MANY = "get_many"
    CHILDREN_OF = "children_of"
    SEARCH = "search"
    CHANGED_SINCE = "changed_since"


RULES: Mapping[Tier, Sequence[str]] = {
    Tier.BRONZE: ("contract_suite", "errors_mapped", "secrets_hidden", "readme"),
    Tier.SILVER: (
        "deadlines",
        "retry_budget",
        "rate_limits",
        "expired_auth",
        "webhook_signatures",
        "loss_and_recovery_logged",
    ),
    Tier.GOLD: ("resumable_changes", "webhook_replay", "identity_measured", "known_limitations"),
    Tier.PLATINUM: ("strict_types", "vendor_description", "batch_measured"),
}
"""What each tier adds; docs/connectors.md says what each rule asks for."""

IDENTITY_FIELDS = frozenset(f.name for f in fields(Contact)) - {"key", "provenance", "raw"}


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityField:
    """How much one attribute of a contact proves. `unique`: the source guarantees that no two of
    its contacts share a value.
    """

    worth: Worth
    unique: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    connector: str
    title: str
    system: SystemKind
    api_version: str
    documentation: str
    read_on: date
    owner: str
    tier: Tier
    webhooks: bool
    capabilities: Mapping[Kind, frozenset[Capability]]
    search: frozenset[KeyKind]
    identity: Mapping[str, IdentityField]
    quality: Mapping[str, str]


def parse_manifest(text: str, place: str) -> Manifest:
    """Raises ConfigError with the place and what is allowed."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{place}: {error}") from error
    _check_keys(table, [f.name for f in fields(Manifest)], place)
    manifest = Manifest(
        **{name: _text(table, name, place) for name in _TEXTS},
        system=_member(SystemKind, table["system"], f"{place}: system"),
        tier=_member(Tier, table["tier"], f"{place}: tier"),
        read_on=_typed(date, table["read_on"], f"{place}: read_on"),
        webhooks=_typed(bool, table["webhooks"], f"{place}: webhooks"),
        capabilities=_capabilities(table["capabilities"], f"{place}: capabilities"),
        search=_search(table["search"], f"{place}: search"),
        identity=_identity(table["identity"], f"{place}: identity"),
        quality=_quality(table["quality"], f"{place}: quality"),
    )
    _check_tier(manifest, place)
    return manifest


def disagreements(manifest: Manifest, spec: Spec) -> list[str]:
    """Where manifest and code differ, in both directions; empty where they agree."""
    found: list[str] = []
    pairs: list[tuple[str, object, object]] = [
        ("connector", manifest.connector, spec.connector),
        ("system", manifest.system, spec.system),
        ("webhooks", manifest.webhooks, spec.webhooks is not None),
        ("search", manifest.search, searched(spec)),
    ]
    kinds = {*manifest.capabilities, *spec.kinds}
    pairs += [
        (f"capabilities.{kind.name.lower()}", manifest.capabilities.get(kind), able(spec, kind))
        for kind in sorted(kinds)
    ]
    for name, said, done in pairs:
        if said != done:
            found.append(f"{name}: the manifest says {_shown(said)}, the code {_shown(done)}")
    if bool(manifest.identity) != (Kind.CONTACT in spec.kinds):
        found.append("identity: said of contacts, and of nothing else")
    return found


def next_tier(manifest: Manifest) -> tuple[Tier | None, list[str]]:
    """The tier above the claimed one with the rules that are still to do; None at the top."""
    tiers = list(RULES)
    above = tiers[tiers.index(manifest.tier) + 1 :][:1]
    if not above:
        return None, []
    rules = [rule for tier in tiers[: tiers.index(above[0]) + 1] for rule in RULES[tier]]
    return above[0], [rule for rule in rules if manifest.quality[rule] == "todo"]


def able(spec: Spec, kind: Kind) -> frozenset[Capability] | None:
    """What the code can do with a kind; None where it knows nothing of it."""
    endpoint = spec.kinds.get(kind)
    if endpoint is None:
        return None
    able = {
        Capability.GET_MANY: endpoint.get_many,
        Capability.CHILDREN_OF: endpoint.children,
        Capability.SEARCH: endpoint.search,
        Capability.CHANGED_SINCE: endpoint.changed_since,
    }
    return frozenset(capability for capability, form in able.items() if form)


def searched(spec: Spec) -> frozenset[KeyKind]:
    contacts = spec.kinds.get(Kind.CONTACT)
    return frozenset(contacts.search) if contacts else frozenset()


_TEXTS = ("connector", "title", "api_version", "documentation", "owner")
_KINDS = {kind.name.lower(): kind for kind in Kind}
M = TypeVar("M", bound=StrEnum)
T = TypeVar("T")


def _check_keys(table: Mapping[str, Any], expected: Sequence[str], place: str) -> None:
    for name in table:
        if name not in expected:
            near = get_close_matches(name, expected, 1)
            hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(expected)}"
            raise ConfigError(f"{place}: unknown key {name}{hint}")
    for name in expected:
        if name not in table:
            raise ConfigError(f"{place}: {name} is missing")


def _text(table: Mapping[str, Any], name: str, place: str) -> str:
    value: str = _typed(str, table[name], f"{place}: {name}")
    return value.strip() or _refuse(f"{place}: {name}", "must not be empty")


def _typed(kind: type[T], value: object, place: str) -> T:
    if type(value) is not kind:
        _refuse(place, f"must be a {kind.__name__}")
    return value


def _member(members: type[M], value: object, place: str) -> M:
    try:
        return members(_typed(str, value, place))
    except ValueError:
        _refuse(place, f"must be one of {', '.join(m.value for m in members)}")


def _table(value: object, place: str) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _refuse(place, "must be a table")


def _list(value: object, place: str) -> list[Any]:
    return value if isinstance(value, list) else _refuse(place, "must be a list")


def _capabilities(value: object, place: str) -> dict[Kind, frozenset[Capability]]:
    able: dict[Kind, frozenset[Capability]] = {}
    for name, listed in _table(value, place).items():
        kind = _KINDS.get(name) or _refuse(f"{place}.{name}", f"must be of {', '.join(_KINDS)}")
        here = f"{place}.{name}"
        able[kind] = frozenset(_member(Capability, item, here) for item in _list(listed, here))
    return able


def _search(value: object, place: str) -> frozenset[KeyKind]:
    listed = _list(value, place)
    return frozenset(_member(KeyKind, item, place) for item in listed)


def _identity(value: object, place: str) -> dict[str, IdentityField]:
    found: dict[str, IdentityField] = {}
    for name, said in _table(value, place).items():
        here = f"{place}.{name}"
        if name not in IDENTITY_FIELDS:
            _refuse(here, f"must be of {', '.join(sorted(IDENTITY_FIELDS))}")
        table = {"note": "", **_table(said, here)}
        _check_keys(table, ["worth", "unique", "note"], here)
        found[name] = IdentityField(
            worth=_member(Worth, table["worth"], f"{here}.worth"),
            unique=_typed(bool, table["unique"], f"{here}.unique"),
            note=_typed(str, table["note"], f"{here}.note"),
        )
    return found


def _quality(value: object, place: str) -> dict[str, str]:
    table = _table(value, place)
    _check_keys(table, [rule for rules in RULES.values() for rule in rules], place)
    for rule, said in table.items():
        stated = said in {"done", "todo"} or (
            isinstance(said, str) and said.removeprefix("exempt:").strip() not in {"", said}
        )
        if not stated:
            _refuse(f"{place}.{rule}", 'must be "done", "todo" or "exempt: <reason>"')
    return dict(table)


def _check_tier(manifest: Manifest, place: str) -> None:
    """A tier is claimed with everything below it."""
    for tier, rules in RULES.items():
        for rule in rules:
            if manifest.quality[rule] == "todo":
                _refuse(f"{place}: tier", f"{manifest.tier.value} is claimed, {rule} is todo")
        if tier is manifest.tier:
            return


def _refuse(place: str, reason: str) -> NoReturn:
    raise ConfigError(f"{place}: {reason}")


def _shown(value: object) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "none"
    return "nothing" if value is None else str(value)
