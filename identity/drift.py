"""A resolution of everything as the referee of the live one: how far the two have come apart."""

from collections import Counter
from collections.abc import Mapping

from domain.ids import CustomerId, SourceKey
from domain.live import Arrivals, Drift
from domain.ports import IdentityStore, RecordStore
from identity.evaluate import quality
from identity.graph import People
from identity.judgement import DUCKDB, Resolved
from identity.referee import Referee
from identity.rows import FORM

INDEXED_AT_ONCE = 1_000

Memberships = Mapping[CustomerId, tuple[SourceKey, ...]]


async def refereed(
    referee: Referee,
    people: People,
    records: RecordStore,
    store: IdentityStore,
    arrivals: Arrivals,
    *,
    engine: str = DUCKDB,
) -> tuple[Resolved, Drift | None]:
    """Resolve everything, and say how far live resolution was from it; None where nothing stood.
    Records that an older release has stored are first brought into the form that live compares.
    """
    while missing := await arrivals.unindexed(FORM, INDEXED_AT_ONCE):
        await arrivals.index([people.index(contact) for contact in missing])
    await arrivals.begin_census()
    before = await store.memberships()
    resolved = await referee.resolve(records, store, engine)
    found = drift(before, await store.memberships())
    await arrivals.end_census(found)
    return resolved, found


def drift(live: Memberships, batch: Memberships) -> Drift | None:
    """Over the records that both have."""
    were = {key: customer for customer, members in live.items() for key in members}
    pairs = [
        (were[key], customer)
        for customer, members in batch.items()
        for key in members
        if key in were
    ]
    if not pairs:
        return None
    together, before, after = Counter(pairs), Counter(), Counter()  # type: ignore[var-annotated]
    for (was, is_), count in together.items():
        before[was] += count
        after[is_] += count
    same = sum(
        count
        for (was, is_), count in together.items()
        if count == before[was] and count == after[is_]
    )
    return Drift(
        records=len(pairs),
        moved=len(pairs) - same,
        disagreement=1.0 - quality(pairs).bcubed_f1,
    )
