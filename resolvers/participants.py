"""Who took part in an interaction, as far as its events say, as records that identity can settle.

    trusted identifiers        the record of that identifier: customers/<kind>/<value>
    a visitor id               the record that stands for the visitor
    the customer's own id      the record the system has of them, else one that stands for the id
    only what was asserted     a record of this one interaction, which opens nothing

Nothing is glued together here. A visitor's record takes on the identifiers of a person only with
consent, and only while nobody else has identified themselves under the same visitor id; each person
has a record of their own, so that two who share a device stay two.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from domain.customer import CanonicalIdentifier, KeyKind, LookupKey
from domain.errors import CapabilityDisabled, IdentityError
from domain.events import VISITOR_SYSTEM, Claim, InteractionEvent, Told, Visitor, Word
from domain.ids import CustomerId, Kind, SourceKey
from domain.provenance import Provenance, System
from domain.records import Contact, Handle
from domain.vocabulary import ActorKind, IdentifierKind, ServedFrom, SystemKind, Verification
from resolvers.services import Services

AT_ONCE: Final = 20
"""Records settled in one transaction: others wait for it."""

_OF_CONTACTS = frozenset({KeyKind.EMAIL, KeyKind.PHONE, KeyKind.HANDLE, KeyKind.ACCOUNT_NUMBER})
_STRONGEST_FIRST = (
    IdentifierKind.ACCOUNT_NUMBER,
    IdentifierKind.EMAIL,
    IdentifierKind.PHONE,
    IdentifierKind.HANDLE,
)
_UNREAD = datetime(1970, 1, 1, tzinfo=UTC)
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
    person: SourceKey | None = None
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
        await self._doubt(seats)
        for one in seats:
            one.stranger = self._stranger(one, own_rows)
        visitors = await self._meet(seats)
        claims, words = _learned(seats, visitors)
        await self._guests.learn(claims, words)
        visitors = await self._meet(seats)  # as they are now
        told = [
            Told(event=one.event, contacts=tuple(dict.fromkeys(self._who(one, visitors, own_rows))))
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
            if owner is None or row is None or _said(row) != _said(contact)
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
        said = [claim for claim in event.claims if claim.key.kind in _OF_CONTACTS]
        visitor = next(
            (c.key.value for c in event.claims if c.key.kind is KeyKind.VISITOR_ID), None
        )
        seat = _Seat(
            event=event,
            trusted=tuple(claim for claim in said if _is_trusted(claim)),
            asserted=tuple(claim for claim in said if not _is_trusted(claim)),
            visitor=visitor,
        )
        name = self._strongest(event, seat.trusted)
        if name is not None:
            seat.person = self._record(event.system, "/".join(("customers", *name)))
        return seat

    def _strongest(self, event: InteractionEvent, claims: Iterable[Claim]) -> Sequence[str] | None:
        """The identifier by which the record goes, in the form in which identity compares it."""
        by_strength: dict[int, list[CanonicalIdentifier]] = defaultdict(list)
        for claim in claims:
            found = self._identity.canonical(_carrying(self._blank(event.system), [claim]))
            by_strength[claim.verification.strength].extend(found)
        for _, found in sorted(by_strength.items(), reverse=True):
            if found:
                one = min(found, key=lambda c: (_STRONGEST_FIRST.index(c.kind), c.scope, c.value))
                kind = one.kind.value.lower()
                return (kind, one.scope, one.value) if one.scope else (kind, one.value)
        return None

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
        place = f"{system}.events" if source is not None and source.holds_people else system
        return SourceKey(place, Kind.CONTACT, name)

    # ------------------------------------------------------------ rows and customers by name

    async def _named(self, seats: Sequence[_Seat]) -> None:
        """Rows and customers that a trusted identifier names outright."""
        ids = {
            CustomerId(claim.key.value)
            for seat in seats
            for claim in seat.event.claims
            if claim.key.kind is KeyKind.ID and _is_trusted(claim)
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
            if not _is_trusted(claim):
                continue
            if claim.key.kind is KeyKind.ID and CustomerId(claim.key.value) in members:
                yield members[CustomerId(claim.key.value)]
            elif claim.key.kind is KeyKind.EXTERNAL and self._holds_people(claim.key.scope):
                yield SourceKey(claim.key.scope, Kind.CONTACT, claim.key.value)

    def _holds_people(self, name: str) -> bool:
        source = self._services.sources.get(name)
        return source is not None and source.holds_people

    # ------------------------------------------------------------ what is only asserted

    async def _doubt(self, seats: Sequence[_Seat]) -> None:
        """A record for what is asserted, where nothing better is known; and beside a person who is
        known, where it leads to somebody else: a steward may want to see that.
        """
        beside = [one for one in seats if one.asserted and one.person is not None]
        led = await self._led(beside)
        for seat in seats:
            if not seat.asserted or (seat.visitor is not None and seat.person is None):
                continue  # a visitor's record carries it
            if seat.person is None or led.get(id(seat), False):
                subject = seat.event.subject
                name = f"asserted/{subject.kind.value}/{subject.external_id}"
                seat.doubtful = self._record(seat.event.system, name)

    async def _led(self, seats: Sequence[_Seat]) -> dict[int, bool]:
        """By seat: whether what is asserted leads to people, none of whom the trusted does."""
        keys = list({c.key for one in seats for c in (*one.trusted, *one.asserted)})
        found = await self._identity.find(keys) if keys else []
        people = {key: set(one.customers) for key, one in zip(keys, found, strict=True)}

        def meant(claims: Iterable[Claim]) -> set[CustomerId]:
            return set().union(*(people[claim.key] for claim in claims))

        return {
            id(one): bool(theirs := meant(one.asserted)) and not theirs & meant(one.trusted)
            for one in seats
        }

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
        if seat.person is not None:
            yield seat.person
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
        known = seat.person or seat.visitor or seat.doubtful or seat.named
        if known or not seat.customer_id or (own_rows and self._holds_people(system)):
            return None
        return self._record(system, f"customers/id/{seat.customer_id}")

    # ------------------------------------------------------------ as records

    async def _contacts(
        self, keys: Collection[SourceKey], visitors: Collection[Visitor]
    ) -> tuple[Contact, ...]:
        """What is known of each by now, from all events."""
        homes = {one.home: one for one in visitors}
        people = [one.person for one in visitors if one.person is not None]
        wanted = sorted({*keys, *homes, *people})
        known = dict(zip(wanted, await self._guests.claims(wanted), strict=True))
        return tuple(self._contact(key, known, homes.get(key)) for key in wanted)

    def _contact(
        self,
        key: SourceKey,
        known: Mapping[SourceKey, Sequence[Claim]],
        visitor: Visitor | None,
    ) -> Contact:
        person = visitor.person if visitor is not None else None
        claims = known[person] if person is not None else known[key]
        blank = self._blank(key.source.removesuffix(".events"))
        provenance = replace(blank.provenance, external_id=key.external_id)
        contact = _carrying(replace(blank, key=key, provenance=provenance), claims)
        if visitor is None:
            return contact
        return replace(contact, foreign_ids=((VISITOR_SYSTEM, visitor.id),))


def _learned(
    seats: Sequence[_Seat], visitors: Mapping[str, Visitor]
) -> tuple[dict[SourceKey, list[Claim]], list[Word]]:
    claims: dict[SourceKey, list[Claim]] = defaultdict(list)
    words = []
    for seat in seats:
        if seat.person is not None:
            claims[seat.person].extend(seat.trusted)
        elif seat.visitor is not None and seat.asserted:
            claims[visitors[seat.visitor].home].extend(seat.asserted)
        if seat.doubtful is not None:
            claims[seat.doubtful].extend(seat.asserted)
        consent = seat.event.data.consent
        if seat.visitor is not None and (seat.person is not None or consent is not None):
            at = seat.event.occurred_at
            words.append(Word(visitor=seat.visitor, person=seat.person, consent=consent, at=at))
    return claims, words


def _is_trusted(claim: Claim) -> bool:
    return claim.verification is not Verification.ASSERTED


def _carrying(blank: Contact, claims: Iterable[Claim]) -> Contact:
    """The record with these identifiers; as trusted as the least of them."""
    values: dict[KeyKind, list[LookupKey]] = defaultdict(list)
    how = []
    for claim in claims:
        values[claim.key.kind].append(claim.key)
        how.append(claim.verification)
    accounts = [key.value for key in values[KeyKind.ACCOUNT_NUMBER]]
    return replace(
        blank,
        emails=tuple(key.value for key in values[KeyKind.EMAIL]),
        phones=tuple(key.value for key in values[KeyKind.PHONE]),
        handles=tuple(Handle(key.scope, key.value) for key in values[KeyKind.HANDLE]),
        account_number=min(accounts, default=None),
        verification=min(how, key=lambda one: one.strength, default=Verification.OBSERVED),
    )


def _said(contact: Contact) -> Contact:
    """What does not change by being told again."""
    at = replace(contact.provenance, fetched_at=_UNREAD)
    return replace(contact, provenance=at)
