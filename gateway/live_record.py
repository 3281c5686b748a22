"""The live record, put together from the configuration: who tells, and where it is kept."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from domain.events import EventStore
from domain.provenance import System
from domain.sources import Source
from domain.vocabulary import SystemKind
from gateway.collect.route import Collection
from gateway.config import Config
from gateway.config_record import LiveRecord
from journey.folding import folding
from resolvers.quiet import NoEvents
from state.engine import State

if TYPE_CHECKING:
    from gateway.bootstrap import Program


def tellers(config: Config, sources: Mapping[str, Source]) -> dict[str, System]:
    """The systems whose events are taken, by name."""
    beside = {
        name: System(name=name, kind=SystemKind(kind), connector="events")
        for name, kind in config.live_record.systems.items()
    }
    return {name: source.system for name, source in sources.items()} | beside


def event_store(config: Config, sources: Mapping[str, Source], state: State) -> EventStore:
    if not config.capabilities.live_record:
        return NoEvents()
    return state.events(folding(tellers(config, sources)))


def collection(program: "Program") -> Collection:
    """The door for sites."""
    on = program.config.capabilities.live_record
    return Collection(
        settings=program.config.live_record if on else LiveRecord(),
        services=lambda: program.services,
    )
