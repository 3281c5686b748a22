"""Versions of a contact: what comes in, what is kept, and which of the two is the truth."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from hashlib import blake2b

from domain.errors import StoreError
from domain.ids import Kind
from domain.ports import Comparable, IndexedContact
from domain.records import Contact
from state import codec
from state.keys import indexed, pack

_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is kept under a key: a record, or the tombstone of one (`deleted_at` is set)."""

    key: str
    updated_at: datetime | None
    fetched_at: datetime
    seen_at: datetime
    deleted_at: datetime | None
    merged_into: str | None
    digest: bytes | None
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A contact that came in, as it would be kept."""

    key: str
    contact: Contact
    body: bytes
    digest: bytes
    identifiers: tuple[tuple[str, str, str], ...]
    words: tuple[str, ...]
    comparable: Comparable | None = None

    @property
    def updated_at(self) -> datetime | None:
        return self.contact.provenance.source_updated_at

    @property
    def fetched_at(self) -> datetime:
        return self.contact.provenance.fetched_at


class Verdict(Enum):
    NEW = auto()
    CHANGED = auto()
    SAME = auto()
    LATE = auto()
    """Older than what is kept, or than the deletion: left out."""


def newest(incoming: Sequence[IndexedContact]) -> Iterable[Arrival]:
    """One arrival per key, the newest version of it."""
    found: dict[str, IndexedContact] = {}
    for item in incoming:
        if item.contact.key.kind is not Kind.CONTACT:
            raise StoreError(f"a {item.contact.key.kind.value} is not kept among contacts")
        key = pack(item.contact.key)
        if key not in found or _age(found[key].contact) <= _age(item.contact):
            found[key] = item
    return (_arrival(key, item) for key, item in found.items())


def _age(contact: Contact) -> tuple[datetime, datetime]:
    said = contact.provenance
    return said.source_updated_at or _UNDATED, said.fetched_at


def _arrival(key: str, item: IndexedContact) -> Arrival:
    body = codec.encode(item.contact)
    identifiers = {(indexed(i.value), i.kind.value, indexed(i.scope)) for i in item.identifiers}
    words = {indexed(word) for word in item.words if word}
    words.update(indexed(i.value.lower()) for i in item.identifiers if i.value.lower() != i.value)
    terms = sorted(identifiers), sorted(words)
    digest = blake2b(codec.encode(terms), digest_size=16)
    # What reads the same is the same, whenever it was read. The first such text is the
    # provenance's: only the key and the system, which cannot hold it, are written before it.
    read_at = b'"fetched_at":' + codec.encode(item.contact.provenance.fetched_at)
    digest.update(body.replace(read_at, b"", 1))
    return Arrival(
        key=key,
        contact=item.contact,
        body=body,
        digest=digest.digest(),
        identifiers=tuple(terms[0]),
        words=tuple(terms[1]),
        comparable=item.comparable,
    )


def judge(arrival: Arrival, kept: Standing | None, scan_started_at: datetime | None) -> Verdict:
    """What becomes of an arrival. Between versions the source's own time decides, where it has one
    for both, then the time of reading.
    """
    if kept is None:
        return Verdict.NEW
    if kept.deleted_at is not None:
        return Verdict.CHANGED if _revives(arrival, kept, scan_started_at) else Verdict.LATE
    if arrival.digest == kept.digest:
        return Verdict.SAME
    return Verdict.LATE if _is_older(arrival, kept) else Verdict.CHANGED


def _is_older(arrival: Arrival, kept: Standing) -> bool:
    ours, theirs = kept.updated_at, arrival.updated_at
    if ours is not None and theirs is not None and ours != theirs:
        return theirs < ours
    return arrival.fetched_at < kept.fetched_at


def _revives(arrival: Arrival, tomb: Standing, scan_started_at: datetime | None) -> bool:
    """Whether a record lives that was deleted: read after its deletion was known, and newer than
    anything known before (than the deletion, where nothing was). What was merged into another is
    not brought back by a scan: search indexes go on showing it. Who was redacted never is: what is
    erased by law is not told apart from what its source goes on showing.
    """
    if tomb.redacted:
        return False
    died = tomb.deleted_at or tomb.fetched_at
    if scan_started_at is not None and scan_started_at > died and tomb.merged_into is None:
        return True
    if arrival.fetched_at < died:
        return False
    return arrival.updated_at is None or arrival.updated_at > (tomb.updated_at or died)
