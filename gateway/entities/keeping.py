"""The cache put together, or left out, as the configuration says."""

import hashlib
from dataclasses import replace

from connectors.settings import SourceSettings
from domain.inbox import Intake
from domain.ports import Cache, Clock, Telemetry
from domain.sources import Source
from gateway.config_kept import Cache as Settings
from gateway.entities.cache import EntityCache
from gateway.entities.intake import DroppingIntake
from gateway.entities.shared import SharedEntries
from gateway.entities.source import cached
from gateway.entities.store import MemoryEntries
from gateway.redis_cache import RedisCache


class Keeping:
    """Over `cache` where that is Redis, else in the process."""

    def __init__(
        self, settings: Settings, cache: Cache, clock: Clock, telemetry: Telemetry
    ) -> None:
        self._fingerprints: dict[str, str] = {}
        self._cache: EntityCache | None = None
        if settings.records:
            local = MemoryEntries(settings.max_bytes)
            self._cache = EntityCache(
                SharedEntries(cache, local, settings.keep_s)
                if isinstance(cache, RedisCache)
                else local,
                clock,
                telemetry,
                keep_s=settings.keep_s,
                stale_s=settings.stale_s,
            )

    def wrapped(self, source: Source, settings: SourceSettings) -> Source:
        """The source, with what was kept of it for whoever takes that."""
        if self._cache is None:
            return source
        known = fingerprint(source, settings)
        self._fingerprints[source.name] = known
        return cached(source, self._cache, known)

    def told(self, intake: Intake) -> Intake:
        """The intake, throwing out what it is told has changed."""
        if self._cache is None:
            return intake
        return DroppingIntake(intake, self._cache, self._fingerprints)

    async def close(self) -> None:
        if self._cache is not None:
            await self._cache.close()


def fingerprint(source: Source, settings: SourceSettings) -> str:
    """Of whose data these are and how they are read: another credential, address or mapping is
    another source. Holds no secret.
    """
    plain = replace(settings, secrets={})
    told = repr((source.name, source.credential, plain, settings.mapping))
    return f"{source.name}-{hashlib.sha256(told.encode()).hexdigest()[:32]}"
