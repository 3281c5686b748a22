"""What everything is resolved by, and what came of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from domain.ports import Clock
from identity.clusters import Policy
from identity.model import Model

DUCKDB: Final = "duckdb"
"""What pairs are scored on where nothing else is asked for, see run.ENGINES."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLimits:
    """`memory_mb` bounds DuckDB's own buffers, not the whole process; with many records it may hold
    `bytes_a_record` instead, and goes to the disk beyond that.
    """

    memory_mb: int = 600
    bytes_a_record: int = 2_000
    threads: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """One model and two weights (log2): that of `policy` joins, from `review_weight` on a link is
    kept. `regions` reads numbers without a country, by source; `unique_sources` guarantee one
    record a person.
    """

    model: Model
    policy: Policy
    review_weight: float
    regions: Mapping[str, str | None]
    unique_sources: Collection[str]
    clock: Clock
    limits: EngineLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What a resolution of everything came to. `pending` links wait for review."""

    version: int
    records: int
    customers: int
    changed: int
    links: int
    pending: int
    steps: Mapping[str, float] = field(default_factory=dict)
    """Seconds."""
    processor_steps: Mapping[str, float] = field(default_factory=dict)
    """Seconds of processors of this process."""
