"""What no webhook told: read as a sync reads it, and settled at once."""

from domain.ids import SourceKey
from domain.live import Arrivals as Waiting
from domain.ports import IdentityGraph
from domain.sources import Source
from resolvers.ingest import KIND, Index, SyncReport, sync_source
from resolvers.services import Services

AT_ONCE = 500


async def reconcile(
    source: Source, services: Services, waiting: Waiting, index: Index
) -> SyncReport | None:
    """Read what changed at a source since the last time, and settle everybody who has not been.
    None for a source whose people were never read whole: that is for `knownas sync`.

    Raises what `sync_source` raises; what was stored by then is settled the next time.
    """
    stand = await services.records.cursor(source.name, KIND)
    if KIND not in source.changes or stand.scan_finished_at is None:
        return None
    report = await sync_source(source, services.records, index, services.clock)
    await settle_waiting(services.identity, waiting)
    return report


async def settle_waiting(identity: IdentityGraph, waiting: Waiting) -> int:
    """Settle whoever was stored, or is gone, and has not been settled since. Returns how many."""
    settled = 0
    before: list[SourceKey] = []
    while (keys := await waiting.waiting(AT_ONCE)) and keys != before:
        await identity.settle(keys)
        settled += len(keys)
        before = keys
    return settled
