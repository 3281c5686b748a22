"""Which connectors there are: ours, and those others registered as `knownas.connectors`.

A connector is an import package that holds `SPEC` and, beside it, `manifest.toml`.
"""

import importlib
import importlib.resources
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import connectors
from connectors.manifest import Manifest, parse_manifest
from connectors.mapped.compose import Composed, unreachable
from connectors.mapped.tables import MappingError
from connectors.sender import InPlace, Sender
from connectors.settings import SourceSettings
from connectors.source import open_source
from connectors.spec import Option, Spec
from domain.errors import ConfigError
from domain.ids import Kind
from domain.ports import Clock, Telemetry
from domain.sources import Source
from domain.tokens import TokenShelf

GROUP = "knownas.connectors"
MANIFEST = "manifest.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """One connector. `package` is where it was loaded from, `readme` its README.md or empty.

    `compose` is set where a source is described by its configuration; `spec` is that of an example
    then.
    """

    name: str
    package: str
    spec: Spec
    manifest: Manifest
    readme: str = ""
    compose: Callable[[Mapping[str, Any]], Composed] | None = None

    @property
    def options(self) -> tuple[Option, ...]:
        return tuple(self.spec.options)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the secrets it takes; those of webhooks are optional."""
        webhook = self.spec.webhooks
        also = (webhook.secret, f"{webhook.secret}_previous") if webhook else ()
        return (*self.spec.auth.secrets, *also)


def connector_names() -> list[str]:
    """Every name, sorted, without loading a connector."""
    return sorted(_packages())


def load_connector(name: str) -> Connector:
    """Raises ConfigError for a name nobody registered, and for a package that is no connector."""
    packages = _packages()
    if name not in packages:
        raise ConfigError(f"no connector {name!r}; there are {', '.join(sorted(packages))}")
    package = packages[name]
    try:
        module = importlib.import_module(package)
    except ImportError as error:
        raise ConfigError(f"connector {name}: {package} cannot be imported: {error}") from error
    spec = getattr(module, "SPEC", None)
    if not isinstance(spec, Spec):
        raise ConfigError(f"connector {name}: {package} holds no SPEC")
    manifest = parse_manifest(_file(module, MANIFEST, name), f"{package}/{MANIFEST}")
    if {spec.connector, manifest.connector} != {name}:
        raise ConfigError(
            f"connector {name}: SPEC calls it {spec.connector}, manifest.toml {manifest.connector}"
        )
    return Connector(
        name=name,
        package=package,
        spec=spec,
        manifest=manifest,
        readme=_file(module, "README.md", name),
        compose=getattr(module, "compose", None),
    )


def load_connectors() -> list[Connector]:
    """All of them, by name. Raises ConfigError for the first that is broken."""
    return [load_connector(name) for name in connector_names()]


def build_source(
    name: str,
    settings: SourceSettings,
    sender: Sender,
    *,
    clock: Clock,
    telemetry: Telemetry,
    dice: Random | None = None,
    tokens: TokenShelf | None = None,
) -> Source:
    """The source `name` of the configuration. Opens no connection; raises ConfigError.

    The sender must be this source's own: `Source.close` closes it. `dice` spreads waits, so that
    processes that failed together do not return together.
    """
    spec = described_by(settings, name)
    spread = dice or Random()  # noqa: S311  # spreads waits, guards nothing
    if spec.sender is not None:
        address = (settings.base_url or spec.base_url).rstrip("/")
        sender = InPlace(sender, own_sender(spec, name, settings), address)
    return open_source(
        spec,
        name,
        settings,
        sender,
        clock=clock,
        telemetry=telemetry,
        dice=spread,
        tokens=tokens,
    )


def own_sender(spec: Spec, name: str, settings: SourceSettings) -> Sender:
    """The sender of a source that is not reached over HTTP. Raises ConfigError with its place."""
    if spec.sender is None:
        raise AssertionError(f"{spec.connector} is reached over HTTP")
    try:
        return spec.sender(settings)
    except ConfigError as error:
        raise ConfigError(f"sources.{name}.{error}") from None


def described_by(settings: SourceSettings, name: str) -> Spec:
    """What the source `name` can be asked: by its connector, or by its own mapping. Raises
    ConfigError.
    """
    connector = load_connector(settings.connector)
    if connector.compose is None:
        return connector.spec
    try:
        spec = connector.compose(settings.mapping).spec
    except MappingError as error:
        raise MappingError(f"sources.{name}.mapping", error.problems) from None
    if problems := unreachable(spec, settings.customer_key):
        raise MappingError(f"sources.{name}.mapping", problems)
    return spec


def described(connector: Connector) -> Mapping[str, object]:
    """What `connectors show` prints: text, lists and tables only."""
    manifest, spec = connector.manifest, connector.spec
    return {
        "connector": manifest.connector,
        "title": manifest.title,
        "system": manifest.system.value,
        "package": connector.package,
        "tier": manifest.tier.value,
        "api_version": manifest.api_version,
        "documentation": manifest.documentation,
        "read_on": manifest.read_on.isoformat(),
        "owner": manifest.owner,
        "base_url": spec.base_url,
        "capabilities": {
            kind.name.lower(): sorted(capability.value for capability in able)
            for kind, able in manifest.capabilities.items()
        },
        "children_by": {
            kind.name.lower(): sorted(by.value for by in endpoint.children)
            for kind, endpoint in spec.kinds.items()
            if endpoint.children
        },
        "search": sorted(key.value for key in manifest.search),
        "webhooks": manifest.webhooks,
        "secrets": list(connector.secrets),
        "options": {option.name: option.help for option in connector.options},
        "rates": {
            lane: f"{rate.amount.value} in {rate.period_s:g} s ({rate.amount.document})"
            for lane, rate in spec.limits.rates.items()
        },
        "batch": {
            kind.name.lower(): endpoint.get_many.size.value
            for kind, endpoint in spec.kinds.items()
            if endpoint.get_many
        },
        "identity": {
            name: field.worth.value + (" (unique)" if field.unique else "")
            for name, field in manifest.identity.items()
        },
        "quality": dict(manifest.quality),
        "holds_people": Kind.CONTACT in spec.kinds,
    }


@cache
def _packages() -> Mapping[str, str]:
    """Import package by connector name. Ours cannot be replaced by somebody else's. Looked up once:
    what is installed stays as it is while a process runs, and to look through every distribution
    takes longer than to load a connector.
    """
    others = {point.name: point.value for point in entry_points(group=GROUP)}
    own = {
        module.name: f"connectors.{module.name}"
        for module in pkgutil.iter_modules(connectors.__path__)
        if module.ispkg and (Path(connectors.__path__[0]) / module.name / MANIFEST).exists()
    }
    return {**others, **own}


def _file(module: ModuleType, name: str, connector: str) -> str:
    try:
        return (importlib.resources.files(module) / name).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"connector {connector}: no {name} in {module.__name__}") from error
