"""Who took part in an interaction, as far as its events say, as records that identity settles.

    a trusted identifier       the records that carry it, where it leads to one customer
                               else a record of its own: customers/<kind>/<value>
    a visitor id               the record that stands for the visitor
    the customer's own id      the record the system has of them, else one that stands for the id
    only what was asserted     a record of this one interaction, which opens nothing

Nobody is glued together here. Who a visitor is, is remembered beside (domain.events.Visitor), and
counts with consent only and as long as it is one customer; so two who share a device stay two.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from domain.customer import CanonicalIdentifier, Cluster, KeyKind, LookupKey
from domain.errors import CapabilityDisabled, IdentityError
from domain.events import (
    STANDS_IN,
    VISITOR_SYSTEM,
    Claim,
    InteractionEvent,
    Told,
    Visitor,
    Word,
    stands_in,
)
from domain.ids import CustomerId, Kind, SourceKey
from domain.ports import Found
from domain.provenance import Provenance, System
from domain.records import Contact
from domain.vocabulary import ActorKind, ServedFrom, SystemKind
from resolvers.claimed import OF_CONTACTS, carrying, is_trusted, strongest, undated
from resolvers.services import Services

AT_ONCE: Final = 20
"""Records settled in one transaction: others wait for it."""

BESIDE: Final = ".events"
"""What a source's name ends with where it stands for what events tell of its people."""

T = TypeVar("T")

_UNSAID = System(name="", kind=SystemKind.CHAT, connector="events")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seating:
    """Events with who took part in each, and what identity has to be told."""

    told: tuple[Told, ...]
    contacts: tuple[Contact, ...] = field(repr=False)


@dataclass(slots=True, kw_only=True)
class _Seat:
    """One event on the way to its participants."""

    event: InteractionEvent
    trusted: tuple[Claim, ...] = field(repr=False)
    asserted: tuple[Claim, ...] = field(repr=False)
    visitor: str | None
    named: tuple[SourceKey, ...] = ()
    forms: Mapping[Claim, Sequence[CanonicalIdentifier]] = field(default_factory=dict, repr=False)
    """Of the trusted identifiers, as identity compares them."""
    own: SourceKey | None = None
    """The record that stands for the strongest of the trusted identifiers."""
    people: tuple[SourceKey, ...] = ()
    """The records the trusted identifiers lead to, else `own`."""
    doubtful: SourceKey | None = None
    stranger: SourceKey | None = None

    @property
    def customer_id(self) -> str | None:
        """The system's own id of the customer, where the event is of their doing."""
        actor = self.event.data.actor
        return actor.id if actor is not None and actor.kind is ActorKind.CUSTOMER else None


class Participants:
    """Over the guests' book and identity."""

    def __init__(self, services: Services) -> None:
        if services.guests is None:
            raise CapabilityDisabled("nothing is kept here of who takes part")
        self._services = services
        self._guests = services.guests
        self._identity = services.identity

    async def seat(self, events: Sequence[InteractionEvent], *, own_rows: bool) -> Seating:
        """`own_rows`: whether the teller may name rows of sources, and customers, as theirs."""
        seats = await asyncio.to_thread(lambda: [self._seat(event) for event in events])
        if own_rows:
            await self._named(seats)
        await self._lead(seats)
        for one in seats:
            one.stranger = self._stranger(one, own_rows)
        visitors = await self._meet(seats)
        claims, words = _learned(seats, visitors)
        await self._guests.learn(claims, words)
        told = [
            Told(event=one.event, contacts=_once(self._who(one, visitors, own_rows)))
            for one in seats
        ]
        strangers = {one.stranger for one in seats if one.stranger is not None}
        contacts = await self._contacts({*claims, *strangers}, visitors.values())
        return Seating(told=tuple(told), contacts=contacts)

    async def settle(self, contacts: Sequence[Contact]) -> dict[SourceKey, IdentityError]:
        """Let identity know who is new or other than they were. Returns who could not be placed."""
        keys = [contact.key for contact in contacts]
        kept = await self._services.records.contacts(keys)
        owners = await self._identity.of_records(keys)
        due = [
            contact
            for contact, row, owner in zip(contacts, kept, owners, strict=True)
            if owner is None or row is None or undated(row) != undated(contact)
        ]
        failed: dict[SourceKey, IdentityError] = {}
        for first in range(0, len(due), AT_ONCE):
            failed |= await self._adopt(due[first : first + AT_ONCE])
        return failed

    async def _adopt(self, contacts: Sequence[Contact]) -> dict[SourceKey, IdentityError]:
        try:
            await self._identity.adopt(contacts)
        except IdentityError as error:
            if len(contacts) == 1:
                return {contacts[0].key: error}
            # One of them is the trouble: let the others not wait for it.
            failed: dict[SourceKey, IdentityError] = {}
            for contact in contacts:
                failed |= await self._adopt([contact])
            return failed
        return {}

    # ------------------------------------------------------------ one event

    def _seat(self, event: InteractionEvent) -> _Seat:
        said = [claim for claim in event.claims if claim.key.kind in OF_CONTACTS]
        visitor = next(
            (c.key.value for c in event.claims if c.key.kind is KeyKind.VISITOR_ID), None
        )
        seat = _Seat(
            event=event,
            trusted=tuple(claim for claim in said if is_trusted(claim)),
            asserted=tuple(claim for claim in said if not is_trusted(claim)),
            visitor=visitor,
        )
        blank = self._blank(event.system)
        canonical = self._identity.canonical
        seat.forms = {claim: canonical(carrying(blank, [claim])) for claim in seat.trusted}
        name = strongest(seat.forms)
        if name is not None:
            seat.own = self._record(event.system, STANDS_IN + "/".join(name))
        return seat

    def _blank(self, system: str) -> Contact:
        key = self._record(system, "")
        told_by = Provenance(
            system=self._services.tellers.get(system, _UNSAID),
            external_id="",
            fetched_at=self._services.clock.now(),
            served_from=ServedFrom.EVENT_STORE,
        )
        return Contact(key=key, provenance=told_by)

    def _record(self, system: str, name: str) -> SourceKey:
        """Beside the rows of a source that holds people: its scans know nothing of ours."""
        source = self._services.sources.get(system)
        place = f"{system}{BESIDE}" if source is not None and source.holds_people else system
        return SourceKey(place, Kind.CONTACT, name)

    # ------------------------------------------------------------ rows and customers by name

    async def _named(self, seats: Sequence[_Seat]) -> None:
        """Rows and customers that a trusted identifier names outright."""
        ids = {
            CustomerId(claim.key.value)
            for seat in seats
            for claim in seat.event.claims
            if claim.key.kind is KeyKind.ID and is_trusted(claim)
        }
        clusters = await self._identity.clusters(sorted(ids))
        members = {
            one: cluster.members[0]
            for one, cluster in zip(sorted(ids), clusters, strict=True)
            if cluster is not None and cluster.members
        }
        for seat in seats:
            seat.named = tuple(self._rows(seat.event, members))

    def _rows(
        self, event: InteractionEvent, members: Mapping[CustomerId, SourceKey]
    ) -> Iterable[SourceKey]:
        for claim in event.claims:
            if not is_trusted(claim):
                continue
            if claim.key.kind is KeyKind.ID and CustomerId(claim.key.value) in members:
                yield members[CustomerId(claim.key.value)]
            elif claim.key.kind is KeyKind.EXTERNAL and self._holds_people(claim.key.scope):
                yield SourceKey(claim.key.scope, Kind.CONTACT, claim.key.value)

    def _holds_people(self, name: str) -> bool:
        source = self._services.sources.get(name)
        return source is not None and source.holds_people

    # ------------------------------------------------------------ where identifiers lead

    async def _lead(self, seats: Sequence[_Seat]) -> None:
        """Find the people of trusted identifiers, and what has to be doubted: what is asserted,
        where nothing better is known; and beside somebody who is known, where it leads to others: a
        steward may want to see that.
        """
        keys = _once(claim.key for one in seats for claim in (*one.trusted, *one.asserted))
        found = await self._identity.find(keys) if keys else []
        leads = dict(zip(keys, found, strict=True))
        rows = await self._rows_of(
            {key: leads[key] for one in seats if (key := _proof(one, leads)) is not None}, seats
        )
        for seat in seats:
            if seat.own is not None:
                proof = _proof(seat, leads)
                seat.people = rows[proof] if proof is not None else (seat.own,)
            if self._is_doubtful(seat, leads):
                subject = seat.event.subject
                name = f"asserted/{subject.kind.value}/{subject.external_id}"
                seat.doubtful = self._record(seat.event.system, name)

    async def _rows_of(
        self, proofs: Mapping[LookupKey, Found], seats: Sequence[_Seat]
    ) -> dict[LookupKey, tuple[SourceKey, ...]]:
        """By identifier, the records that carry it of the one customer it leads to."""
        if not proofs:
            return {}
        forms = {claim.key: some for seat in seats for claim, some in seat.forms.items()}
        asked = _once(form for key in proofs for form in forms[key])
        carried = dict(zip(asked, await self._services.records.find(asked), strict=True))
        ids = _once(found.customers[0] for found in proofs.values())
        clusters = dict(zip(ids, await self._identity.clusters(ids), strict=True))
        return {
            key: _carriers(clusters[found.customers[0]], [carried[form] for form in forms[key]])
            for key, found in proofs.items()
        }

    def _is_doubtful(self, seat: _Seat, leads: Mapping[LookupKey, Found]) -> bool:
        if not seat.asserted or (seat.visitor is not None and seat.own is None):
            return False  # a visitor's own record carries it
        theirs = _meant(seat.asserted, leads)
        return seat.own is None or bool(theirs and not theirs & _meant(seat.trusted, leads))

    # ------------------------------------------------------------ visitors

    async def _meet(self, seats: Sequence[_Seat]) -> Mapping[str, Visitor]:
        proposed: dict[str, SourceKey] = {}
        for seat in seats:
            if seat.visitor is not None:
                home = self._record(seat.event.system, f"visitors/{seat.visitor}")
                proposed.setdefault(seat.visitor, home)
        return await self._guests.meet(proposed)

    def _who(
        self, seat: _Seat, visitors: Mapping[str, Visitor], own_rows: bool
    ) -> Iterable[SourceKey]:
        if seat.people:
            yield from seat.people
        elif seat.visitor is not None:
            yield visitors[seat.visitor].home
        yield from seat.named
        if own_rows and seat.customer_id and self._holds_people(seat.event.system):
            yield SourceKey(seat.event.system, Kind.CONTACT, seat.customer_id)
        for one in (seat.doubtful, seat.stranger):
            if one is not None:
                yield one

    def _stranger(self, seat: _Seat, own_rows: bool) -> SourceKey | None:
        """Stands for an id that only the system itself knows, where that is all there is."""
        system = seat.event.system
        known = seat.own or seat.visitor or seat.doubtful or seat.named
        if known or not seat.customer_id or (own_rows and self._holds_people(system)):
            return None
        return self._record(system, f"{STANDS_IN}id/{seat.customer_id}")

    # ------------------------------------------------------------ as records

    async def _contacts(
        self, keys: Collection[SourceKey], visitors: Collection[Visitor]
    ) -> tuple[Contact, ...]:
        """What is known of each by now, from all events."""
        homes = {one.home: one for one in visitors}
        wanted = sorted({*keys, *homes})
        known = await self._guests.claims(wanted)
        told = zip(wanted, known, strict=True)
        return tuple(self._contact(key, claims, homes.get(key)) for key, claims in told)

    def _contact(self, key: SourceKey, claims: Sequence[Claim], visitor: Visitor | None) -> Contact:
        blank = self._blank(key.source.removesuffix(BESIDE))
        provenance = replace(blank.provenance, external_id=key.external_id)
        contact = carrying(replace(blank, key=key, provenance=provenance), claims)
        if visitor is None:
            return contact
        return replace(contact, foreign_ids=((VISITOR_SYSTEM, visitor.id),))


def _learned(
    seats: Sequence[_Seat], visitors: Mapping[str, Visitor]
) -> tuple[dict[SourceKey, list[Claim]], list[Word]]:
    claims: dict[SourceKey, list[Claim]] = defaultdict(list)
    words: list[Word] = []
    for seat in seats:
        if seat.own is not None and seat.own in seat.people:
            claims[seat.own].extend(seat.trusted)
        elif seat.visitor is not None and seat.own is None and seat.asserted:
            claims[visitors[seat.visitor].home].extend(seat.asserted)
        if seat.doubtful is not None:
            claims[seat.doubtful].extend(seat.asserted)
        words.extend(_words(seat))
    return claims, words


def _words(seat: _Seat) -> Iterable[Word]:
    if seat.visitor is None:
        return
    at, consent = seat.event.occurred_at, seat.event.data.consent
    if consent is not None:
        yield Word(visitor=seat.visitor, consent=consent, at=at)
    for person in seat.people:
        yield Word(visitor=seat.visitor, person=person, at=at)


def _proof(seat: _Seat, leads: Mapping[LookupKey, Found]) -> LookupKey | None:
    """The identifier trusted most of those that lead to one customer."""
    for claim in sorted(seat.trusted, key=lambda one: -one.verification.strength):
        found = leads[claim.key]
        if len(found.customers) == 1 and not found.shared:
            return claim.key
    return None


def _carriers(
    cluster: Cluster | None, carried: Sequence[Sequence[SourceKey]]
) -> tuple[SourceKey, ...]:
    """Those of the customer's records that carry it; ones that only stand in where there are no
    others.
    """
    members = cluster.members if cluster is not None else ()
    found = {key for keys in carried for key in keys}
    own = tuple(key for key in members if key in found)
    return tuple(key for key in own if not stands_in(key)) or own or members[:1]


def _meant(claims: Iterable[Claim], leads: Mapping[LookupKey, Found]) -> set[CustomerId]:
    return {customer for claim in claims for customer in leads[claim.key].customers}


def _once(found: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(found))
