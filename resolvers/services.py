"""What every operation works with, built once at start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.context import CommitmentStore, Extractor
from domain.decisions import Decisions, Mint
from domain.errors import CapabilityDisabled
from domain.events import EventStore, Guests
from domain.handoffs import HandoffStore
from domain.ids import CustomerId, Kind
from domain.ports import Cache, Clock, IdentityGraph, RecordStore, Telemetry
from domain.provenance import System
from domain.sources import Fields, ParentBy, Source
from journey.context.rules import RuleExtractor
from resolvers.lately import KeptLately
from resolvers.quiet import NoEvents

if TYPE_CHECKING:
    from domain.customer import Cluster
    from resolvers.happenings import Hubs
    from resolvers.parents import Parents


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
    events: EventStore = field(default_factory=NoEvents)
    hubs: "Hubs | None" = None
    """What subscribers follow; None where nothing can be followed."""
    guests: Guests | None = None
    extractor: Extractor = field(default_factory=RuleExtractor)
    commitments: CommitmentStore | None = None
    handoffs: HandoffStore | None = None
    tellers: Mapping[str, System] = field(default_factory=dict)
    """The systems whose events are taken, by name: the sources, and others beside them."""
    capabilities: tuple[Capability, ...] = ()
    kept_lately: KeptLately = field(default_factory=KeptLately)
    keeps: bool = field(init=False, repr=False, compare=False)
    """Whether a source stands behind a cache."""
    needs: dict[Fields, Fields] = field(default_factory=dict, init=False, repr=False, compare=False)
    """What `customer.contact_fields` has worked out for these sources."""
    parents: dict[tuple[str, ParentBy], dict[CustomerId, "tuple[Cluster, Parents]"]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """What `parents.parents_in` has worked out of clusters, by whose ids are asked for, and how."""
    _holding: dict[Kind, tuple[Source, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        keeps = any(source.within is not None for source in self.sources.values())
        object.__setattr__(self, "keeps", keeps)

    def require(self, name: str) -> None:
        """Raises CapabilityDisabled for a stage of the product that is off."""
        if any(one.name == name and not one.enabled for one in self.capabilities):
            raise CapabilityDisabled(f"the capability {name} is off here")

    def holding(self, kind: Kind) -> tuple[Source, ...]:
        """The sources that list things of this kind by whose they are."""
        found = self._holding.get(kind)
        if found is None:
            found = tuple(source for source in self.sources.values() if kind in source.children)
            self._holding[kind] = found
        return found
