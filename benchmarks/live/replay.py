"""People whose records arrive in the order of time, beside all of them resolved at once."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from domain.ids import Kind, SourceKey
from domain.ports import SyncCursor
from domain.records import Address, Contact, Handle
from identity import records
from identity.engine import engine
from identity.evaluate import quality
from identity.graph import People
from identity.referee import Referee
from live.people import NOW, contact
from state.engine import State, open_state

Opens = Callable[[State, Referee], People]


async def run(folder: Path, referee: Referee, opens: Opens) -> dict[str, float]:
    late, everybody = _dated(folder)
    live = await _store(everybody, opens, referee, without=set(late))
    people = opens(live, referee)
    await referee.resolve(live.records, live.identities)
    minted = await live.identities.memberships()
    by_key = {one.key: one for one in everybody}
    spent = time.process_time()
    for key in late:
        await people.adopt([by_key[key]])
    spent = time.process_time() - spent
    whole = await _store(everybody, opens, referee)
    await referee.resolve(whole.records, whole.identities)
    found = await live.identities.memberships()
    batch_found = await whole.identities.memberships()
    owner = {key: customer for customer, members in found.items() for key in members}
    wanted = {key: customer for customer, members in batch_found.items() for key in members}
    standing = await live.identities.clusters(list(minted))
    good = sum(
        now is not None and now.id == Counter(owner[key] for key in members).most_common(1)[0][0]
        for now, members in zip(standing, minted.values(), strict=True)
    )
    for state in (live, whole):
        await state.close()
    return {
        "replayed": len(late),
        "replay_cpu_ms": round(spent / len(late) * 1_000, 2),
        "live_batch_bcubed": round(quality((owner[k], wanted[k]) for k in wanted).bcubed_f1, 5),
        "ids_resolving": round(good / len(minted), 5),
    }


def _dated(folder: Path) -> tuple[list[SourceKey], list[Contact]]:
    """The keys of the live part in the order of time, and everybody."""
    with engine() as connection:
        records.load(connection, folder)
        late = connection.execute(
            """select system, record_id from read_parquet($1)
            where split = 'live' order by created_at, system, record_id""",
            [str(folder / "truth.parquet")],
        ).fetchall()
        cursor = connection.execute("select * from raw_people order by uid")
        names = [name for name, *_ in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    keys = [SourceKey(system, Kind.CONTACT, id_) for system, id_ in late]
    return keys, [_contact(row) for row in rows]


def _contact(row: Mapping[str, Any]) -> Contact:
    return contact(
        row["system"],
        row["id"],
        full_name=row["full_name"],
        given_name=row["given_name"],
        family_name=row["family_name"],
        emails=tuple(row["emails"] or ()),
        phones=tuple(row["phones"] or ()),
        handles=tuple(Handle("unknown", name) for name in row["handles"] or ()),
        account_number=row["account_number"],
        company=row["company"],
        birth_date=_date(row["birth_date"]),
        address=Address(
            street=row["street"],
            city=row["city"],
            postcode=row["postcode"],
            country=row["country"],
        ),
    )


def _date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


async def _store(
    everybody: Sequence[Contact],
    opens: Opens,
    referee: Referee,
    without: Collection[SourceKey] = (),
) -> State:
    state = open_state("sqlite://")
    await state.upgrade()
    people = opens(state, referee)
    chosen = [one for one in everybody if one.key not in without]
    for source in sorted({one.key.source for one in chosen}):
        own = [people.index(one) for one in chosen if one.key.source == source]
        stand = SyncCursor(cursor="end", updated_at=NOW)
        await state.records.put_page(source, Kind.CONTACT, own, [], stand)
    return state
