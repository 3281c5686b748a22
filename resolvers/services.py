"""What every operation works with, built once at start."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.decisions import Decisions, Mint
from domain.ids import Kind
from domain.ports import Cache, Clock, IdentityGraph, RecordStore, Telemetry
from domain.sources import Source
from resolvers.lately import KeptLately


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """A stage of the product and, where it is off, why."""

    name: str
    enabled: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The ports, as `bootstrap` filled them. `sources` is in the order of the configuration."""

    sources: Mapping[str, Source]
    identity: IdentityGraph
    decisions: Decisions
    mint: Mint
    records: RecordStore
    cache: Cache
    clock: Clock
    telemetry: Telemetry
    capabilities: tuple[Capability, ...] = ()
    kept_lately: KeptLately = field(default_factory=KeptLately)

    def holding(self, kind: Kind) -> tuple[Source, ...]:
        """The sources that list things of this kind by whose they are."""
        return tuple(source for source in self.sources.values() if kind in source.children)
