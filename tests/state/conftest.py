"""A state store on each database, and short ways to write contacts and resolutions."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from domain.customer import CanonicalIdentifier, IdentityEvent, Link
from domain.ids import CustomerId, Kind, SourceKey
from domain.ports import Assignment, IndexedContact, Resolution, SyncCursor
from domain.provenance import Provenance, System
from domain.records import Actor, Contact
from domain.vocabulary import (
    ActorKind,
    IdentifierKind,
    IdentityEventKind,
    LinkMethod,
    LinkStatus,
    SystemKind,
)
from state.engine import open_state

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
async def state(state_url, clock):
    clock.set(NOON)
    state = open_state(state_url, clock=clock)
    yield state
    await state.close()


@pytest.fixture
def at() -> Callable[[float], datetime]:
    """Noon, plus some minutes."""
    return lambda minutes: NOON + timedelta(minutes=minutes)


@pytest.fixture
def key():
    def build(external_id: str, source: str = "crm", kind: Kind = Kind.CONTACT) -> SourceKey:
        return SourceKey(source, kind, external_id)

    return build


@pytest.fixture
def contact(key, at):
    """A contact read `read` minutes after noon, as changed `changed` minutes after (None: the
    source does not say).
    """

    def build(
        external_id: str,
        *,
        source: str = "crm",
        changed: float | None = 0,
        read: float = 0,
        email: str | None = None,
        words: tuple[str, ...] = (),
        **attributes: object,
    ) -> IndexedContact:
        record = Contact(
            key=key(external_id, source),
            provenance=Provenance(
                system=System(name=source, kind=SystemKind.CRM, connector="test"),
                external_id=external_id,
                fetched_at=at(read),
                source_updated_at=None if changed is None else at(changed),
            ),
            emails=(email,) if email else (),
            **attributes,
        )
        identifiers = (CanonicalIdentifier(IdentifierKind.EMAIL, email),) if email else ()
        return IndexedContact(contact=record, identifiers=identifiers, words=words)

    return build


@pytest.fixture
def put(state, at):
    """Store a page of one source; says what it did."""

    async def store(*contacts, deleted=(), cursor="next", told=0.0, scan=None, source="crm"):
        stand = SyncCursor(
            cursor=cursor,
            scan_started_at=None if scan is None else at(scan),
            updated_at=at(told),
        )
        return await state.records.put_page(source, Kind.CONTACT, contacts, deleted, stand)

    return store


SYSTEM = Actor(kind=ActorKind.SYSTEM, id="knownas")


@pytest.fixture
def resolution(key):
    """`resolution({"cus_1": "ab"})`: customer 1 is the records a and b of the CRM."""

    def build(clusters: dict[str, str], redirects: dict[str, str] | None = None, **more: object):
        return Resolution(
            assignments=[
                Assignment(
                    id=CustomerId(id),
                    members=tuple(key(member) for member in members),
                    confidence=0.9,
                )
                for id, members in clusters.items()
            ],
            redirects={CustomerId(a): CustomerId(b) for a, b in (redirects or {}).items()},
            **more,
        )

    return build


@pytest.fixture
def link(key, at):
    def build(
        left: str,
        right: str,
        *,
        status: LinkStatus = LinkStatus.AUTO,
        weight: float | None = 10.0,
        **more: object,
    ) -> Link:
        return Link(
            left=key(left),
            right=key(right),
            method=LinkMethod.PROBABILISTIC,
            status=status,
            match_weight=weight,
            decided_by=SYSTEM,
            decided_at=at(0),
            **more,
        )

    return build


@pytest.fixture
def happened(at):
    def build(kind: IdentityEventKind, before: tuple[str, ...], after: tuple[str, ...]):
        return IdentityEvent(
            sequence=0,
            kind=kind,
            before=tuple(map(CustomerId, before)),
            after=tuple(map(CustomerId, after)),
            by=SYSTEM,
            at=at(0),
        )

    return build
