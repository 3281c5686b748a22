"""Contacts: which version wins, what a deletion leaves behind, what is indexed, what is there."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter

from sqlalchemy import Connection, bindparam, func, select, update
from sqlalchemy import delete as delete_from

from domain.ids import Kind, SourceKey
from domain.ports import IndexedContact, StoredPage
from domain.records import Contact
from state import bulk, codec, live_index, released
from state.keys import SEPARATOR, all_of, begins, pack, unpack
from state.tables import contact_identifiers, contact_words, contacts
from state.versions import Arrival, Standing, Verdict, judge, newest

_STANDING = select(*(contacts.c[name] for name in Standing.__slots__)).where(
    bulk.among(contacts.c.key)
)
LIVING = select(contacts.c.key, contacts.c.body, contacts.c.fetched_at).where(
    contacts.c.deleted_at.is_(None)
)
_NAMED = LIVING.where(bulk.among(contacts.c.key))
_TOUCH = (
    update(contacts)
    .where(bulk.among(contacts.c.key))
    .values(fetched_at=bindparam("fetched"), seen_at=bindparam("seen"))
)


@dataclass(slots=True)
class _Plan:
    written: list[Arrival] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    touched: dict[tuple[datetime, datetime], list[str]] = field(
        default_factory=lambda: defaultdict(list)
    )
    unchanged: int = 0


def put(
    connection: Connection,
    incoming: Sequence[IndexedContact],
    deleted: Iterable[SourceKey],
    told_at: datetime,
    scan_started_at: datetime | None = None,
) -> StoredPage:
    """Store contacts and deletions that one answer told of; what is both is deleted.

    `told_at` is when the deletions became known. A full scan that began after a deletion brings
    back what it sees: the source has the record, whatever was said before.
    """
    arrivals = {arrival.key: arrival for arrival in newest(incoming)}
    graves = dict.fromkeys(map(pack, deleted)) | _absorbed(arrivals.values())
    keys = arrivals.keys() | graves.keys()
    lock_sources(connection, keys)
    standing = _standing(connection, keys)
    plan = _Plan()
    for key in arrivals.keys() - graves.keys():
        _decide(plan, arrivals[key], standing.get(key), scan_started_at)
    let_go = released.shared_by(connection, {*plan.replaced, *graves})
    _write(connection, plan)
    tombs = [
        _tombstone(key, survivor, standing.get(key), arrivals.get(key), told_at)
        for key, survivor in sorted(graves.items())
        if survivor is None or not _is_tombstone(standing.get(key))
    ]
    killed = _bury(connection, tombs, standing)
    written = {arrival.key: arrival.comparable for arrival in plan.written}
    live_index.replace(connection, written, stale=plan.replaced, gone=killed)
    beside = released.wake(connection, let_go)
    return StoredPage(
        changed=len(plan.written),
        unchanged=plan.unchanged,
        deleted=len(killed),
        unsettled=tuple(map(unpack, dict.fromkeys([*written, *killed, *beside]))),
    )


def bury_unseen(
    connection: Connection, source: str, kind: Kind, since: datetime, told_at: datetime
) -> int:
    """Delete every record of the source that was not seen since then. Returns how many."""
    prefix = all_of(source, kind)
    lock_sources(connection, {prefix})
    unseen = (
        begins(contacts.c.key, prefix)
        & contacts.c.deleted_at.is_(None)
        & (contacts.c.seen_at < since)
    )
    gone = connection.execute(select(contacts.c.key).where(unseen)).scalars().all()
    let_go = released.shared_by(connection, gone)
    for index in (contact_words, contact_identifiers):
        keys = select(contacts.c.key).where(unseen)
        connection.execute(delete_from(index).where(index.c.key.in_(keys)))
    live_index.replace(connection, {}, gone=gone)
    released.wake(connection, let_go)
    emptied = update(contacts).where(unseen).values(deleted_at=told_at, body=None, digest=None)
    return connection.execute(emptied).rowcount


def restored(body: bytes, fetched_at: datetime) -> Contact:
    """A contact as it was put; `fetched_at` is the last time it read like that."""
    contact = codec.decode(body, Contact)
    if contact.provenance.fetched_at == fetched_at:
        return contact
    return replace(contact, provenance=replace(contact.provenance, fetched_at=fetched_at))


def stored(connection: Connection, keys: Iterable[SourceKey]) -> dict[SourceKey, Contact]:
    """Those of the contacts that are there and not deleted."""
    rows = bulk.answers(connection, _NAMED, map(pack, keys))
    return {unpack(key): restored(body, fetched_at) for key, body, fetched_at in rows}


# ---------------------------------------------------------------- one page


def _absorbed(arrivals: Iterable[Arrival]) -> dict[str, str]:
    """The keys that were merged into one of the arrivals, each with the key of that one."""
    return {
        pack(replace(arrival.contact.key, external_id=merged)): arrival.key
        for arrival in arrivals
        for merged in arrival.contact.merged_ids
        if merged != arrival.contact.key.external_id
    }


def _decide(
    plan: _Plan, arrival: Arrival, kept: Standing | None, scan_started_at: datetime | None
) -> None:
    verdict = judge(arrival, kept, scan_started_at)
    if verdict in (Verdict.NEW, Verdict.CHANGED):
        plan.written.append(arrival)
    else:
        plan.unchanged += 1
    if kept is None or kept.deleted_at is not None:
        return
    if verdict is Verdict.CHANGED:
        plan.replaced.append(arrival.key)
        return
    fetched = (
        max(kept.fetched_at, arrival.fetched_at) if verdict is Verdict.SAME else kept.fetched_at
    )
    seen = max(kept.seen_at, arrival.fetched_at)
    if (fetched, seen) != (kept.fetched_at, kept.seen_at):
        plan.touched[fetched, seen].append(arrival.key)


def _is_tombstone(kept: Standing | None) -> bool:
    return kept is not None and kept.deleted_at is not None


# ---------------------------------------------------------------- statements


def lock_sources(connection: Connection, keys: Iterable[str]) -> None:
    """Writers of one source's contacts follow one another, in the order of the sources' names.
    SQLite has one writer anyway.
    """
    if connection.dialect.name != "postgresql":
        return
    for source in sorted({key.split(SEPARATOR, 1)[0] for key in keys}):
        lock = func.pg_advisory_xact_lock(func.hashtextextended(f"contacts of {source}", 0))
        connection.execute(select(lock))


def _standing(connection: Connection, keys: Iterable[str]) -> dict[str, Standing]:
    rows = bulk.answers(connection, _STANDING, keys)
    return {row.key: Standing(**row._mapping) for row in rows}


def _write(connection: Connection, plan: _Plan) -> None:
    _forget_terms(connection, plan.replaced)
    written = sorted(plan.written, key=attrgetter("key"))
    bulk.upsert(connection, contacts, map(_row, written))
    bulk.insert_missing(connection, contact_identifiers, _identifiers(written))
    bulk.insert_missing(connection, contact_words, _words(written))
    for (fetched_at, seen_at), keys in plan.touched.items():
        bulk.update_among(connection, _TOUCH, keys, fetched=fetched_at, seen=seen_at)


def _row(arrival: Arrival) -> bulk.Values:
    return {
        "key": arrival.key,
        "updated_at": arrival.updated_at,
        "fetched_at": arrival.fetched_at,
        "seen_at": arrival.fetched_at,
        "deleted_at": None,
        "merged_into": None,
        "digest": arrival.digest,
        "body": arrival.body,
    }


def _identifiers(arrivals: Iterable[Arrival]) -> Iterable[bulk.Values]:
    rows = sorted((*term, arrival.key) for arrival in arrivals for term in arrival.identifiers)
    return (dict(zip(("value", "kind", "scope", "key"), row, strict=True)) for row in rows)


def _words(arrivals: Iterable[Arrival]) -> Iterable[bulk.Values]:
    rows = sorted((word, arrival.key) for arrival in arrivals for word in arrival.words)
    return (dict(zip(("word", "key"), row, strict=True)) for row in rows)


def _bury(
    connection: Connection, tombs: list[bulk.Values], standing: dict[str, Standing]
) -> list[str]:
    """Leave tombstones, also for what was never known. Returns the records it cost."""
    bulk.upsert(connection, contacts, tombs)
    keys = [str(tomb["key"]) for tomb in tombs]
    killed = [key for key in keys if key in standing and not _is_tombstone(standing[key])]
    _forget_terms(connection, killed)
    return killed


def _tombstone(
    key: str,
    survivor: str | None,
    kept: Standing | None,
    arrival: Arrival | None,
    told_at: datetime,
) -> bulk.Values:
    known = [version.updated_at for version in (kept, arrival) if version is not None]
    told_before = kept.deleted_at if kept else None
    return {
        "key": key,
        "updated_at": max((time for time in known if time is not None), default=None),
        "fetched_at": kept.fetched_at if kept else told_at,
        "seen_at": kept.seen_at if kept else told_at,
        "deleted_at": max(told_before or told_at, told_at),
        "merged_into": survivor or (kept.merged_into if kept else None),
        "digest": None,
        "body": None,
    }


def _forget_terms(connection: Connection, keys: Sequence[str]) -> None:
    bulk.delete_among(connection, contact_words.c.key, keys)
    bulk.delete_among(connection, contact_identifiers.c.key, keys)
