"""One loader for each thing an operation reads, so that a tick of the event loop is one batch.

Here, and in no other place, records are masked: what a loader returns is what the caller may see.
The work itself is in the batch functions, which a compiled plan calls without loaders.
"""

from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from domain.customer import Link, LinkEvidence, LookupKey
from domain.errors import UnknownCustomer
from domain.ids import CustomerId, Kind, SourceKey
from domain.provenance import Freshness
from domain.records import Contact, Message, Record
from domain.sources import Fields
from domain.vocabulary import LinkStatus
from resolvers import (
    access,
    children,
    customer,
    links,
    lookup,
    matters,
    messages,
    people,
    rows,
    texts,
    timeline,
    told,
)
from resolvers.batches import Batch, Once
from resolvers.connection import Connection
from resolvers.customer import Customer
from resolvers.leads import follow
from resolvers.listed import Listed, are_distinct, here
from resolvers.lookup import Answer, Match
from resolvers.matters import Matters
from resolvers.pages import CUT, Cut
from resolvers.people import Person
from resolvers.texts import Texts
from resolvers.timeline import Timeline, Walk
from resolvers.trails import Trail

if TYPE_CHECKING:
    from resolvers.operation import Operation

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

GRAPH_TYPES = {
    Kind.CONTACT: "SourceRecord",
    Kind.ORDER: "Order",
    Kind.TICKET: "Ticket",
    Kind.CONVERSATION: "Conversation",
    Kind.CALL: "Call",
    Kind.VISIT: "Visit",
    Kind.MESSAGE: "Message",
}
"""The types of the graph whose fields say what is read of a record."""


_id: Final = attrgetter("id")
_customers: Final = attrgetter("customers")
_nodes: Final = attrgetter("nodes")
_records: Final = attrgetter("records")


class Loaders:
    """The loaders of one operation, made as they are needed."""

    def __init__(self, operation: "Operation") -> None:
        self._operation = operation
        self._made: dict[Hashable, Batch[Any, Any]] = {}
        self._known: dict[
            Freshness, Batch[CustomerId, Person | None] | Once[CustomerId, Person | None]
        ] = {}
        self.listed = Listed()
        self.at_once = False
        """No two places of the operation ask for the same kind of thing, and each asks for all it
        needs in one go: nothing has to be gathered.
        """

    def end(self) -> None:
        """Let go of the operation, which holds these in turn: what was read would wait for the
        collector. Where something was gathered it may still be under way.
        """
        held = self.__dict__  # nothing, where it has let go before
        if held and not self._made and (self.at_once or not self._known):
            held.clear()

    async def customer(self, one: CustomerId, freshness: Freshness) -> Customer | None:
        """None for who is unknown, erased, or not for this caller to see."""
        found: Customer | None = await self._customers(freshness).load(one)
        return found

    async def lookup(self, key: LookupKey, freshness: Freshness) -> Answer:
        return (await self.lookups([key], freshness))[0]

    def lookups(
        self, keys: Sequence[LookupKey], freshness: Freshness
    ) -> Coroutine[Any, Any, list[Answer]]:
        """One entry per key, in order. Not itself a coroutine: each wait is resumed through it."""
        is_open = access.may_read_anybody(self._operation)
        look_up = self._look_up if is_open else self._look_up_own
        if self.at_once and are_distinct(keys):
            return look_up(keys, freshness)
        fetch = partial(look_up, freshness=freshness)
        batch: Batch[LookupKey, Answer] = self._batch(("lookup", freshness), fetch)
        return batch.load_many(keys)

    async def connection(self, owner: Customer, cut: Cut) -> Connection:
        """Children of a customer that was handed out; of the cut, `fields` are set here."""
        return (await self.connections([owner], cut))[0]

    def connections(
        self, owners: Sequence[Customer], cut: Cut
    ) -> Coroutine[Any, Any, list[Connection]]:
        """One entry per customer, in order; all of them were handed out with one freshness. Not
        itself a coroutine, as `lookups`.
        """
        freshness = owners[0].freshness
        ids = [*map(_id, owners)]
        wanted = self._cut(cut)
        if self.at_once and (self._at_hand(ids, freshness) or are_distinct(ids)):
            return self._children(ids, freshness, wanted)
        fetch = partial(self._children, freshness=freshness, cut=wanted)
        batch: Batch[CustomerId, Connection] = self._batch(("children", freshness, wanted), fetch)
        return batch.load_many(ids)

    def connections_at_hand(self, owners: Sequence[Customer], cut: Cut) -> list[Connection] | None:
        """The same where nothing has to be waited for; None where it has."""
        ids = [*map(_id, owners)]
        standing = self._at_hand(ids, owners[0].freshness) if self.at_once else None
        if standing is None:
            return None
        connections = children.at_hand(self._operation, standing, self._cut(cut))
        return None if connections is None else self._followed(ids, connections, cut)

    async def timelines(self, owners: Sequence[Customer], walk: Walk) -> list[Timeline]:
        """One page per customer, in order; all of them were handed out with one freshness."""
        freshness = owners[0].freshness

        async def fetch(ids: list[CustomerId]) -> list[Timeline]:
            standing = await self._standing(ids, freshness)
            found = await timeline.fetch(self._operation, standing, walk)
            self._operation.follow_each(ids, map(_nodes, found), walk.freshness)
            return [timeline.masked(self._operation, page) for page in found]

        batch: Batch[CustomerId, Timeline] = self._batch(("timeline", freshness, walk), fetch)
        return await batch.load_many([owner.id for owner in owners])

    async def matters(self, owners: Sequence[Customer]) -> list[Matters]:
        """One entry per customer, in order; all of them were handed out with one freshness."""
        freshness = owners[0].freshness

        async def fetch(ids: list[CustomerId]) -> list[Matters]:
            standing = await self._standing(ids, freshness)
            found = await matters.fetch(self._operation, standing, freshness)
            self._operation.follow_each(ids, map(_records, found), freshness)
            return found

        # Issues and journeys share these, so that they are gathered whatever the plan.
        batch: Batch[CustomerId, Matters] = self._batch(("matters", freshness), fetch)
        return await batch.load_many([owner.id for owner in owners])

    async def texts(self, owner: Customer, issue: str | None) -> Texts | None:
        """Of a customer that was handed out; unmasked, for use in here."""

        async def fetch(ids: list[CustomerId]) -> list[Texts | None]:
            return [await texts.read(self._operation, owner, issue) for _ in ids]

        batch: Batch[CustomerId, Texts | None] = self._batch(("texts", owner.id, issue), fetch)
        found: Texts | None = await batch.load(owner.id)
        return found

    async def messages(self, thread: SourceKey, cut: Cut) -> Connection:
        """The messages of a ticket or conversation that was handed out; of the cut, `freshness` and
        `fields` are set here.
        """
        freshness = self._operation.trail(thread).freshness
        wanted = cut._replace(freshness=freshness, fields=self._fields(Kind.MESSAGE))

        async def fetch(threads: list[SourceKey]) -> list[Connection]:
            found = await messages.fetch(self._operation, threads, wanted)
            return [self._masked(one) for one in found]

        connection: Connection = await self._batch(("messages", wanted), fetch).load(thread)
        return connection

    async def record(self, key: SourceKey) -> Record | None:
        """A record by key, where the caller may see it. Raises SourceError."""
        found = await self._row(key) if await access.may_ask(self._operation) else None
        if found is None or not await self._open(found):
            return None
        return messages.shown(self._operation, self._operation.masks.apply(found))

    async def around(self, key: SourceKey, customer: CustomerId) -> Record | None:
        """What has just happened around a customer whom the caller may read: as the live record has
        it, else as its source has. Raises SourceError.
        """

        async def fetch(keys: list[SourceKey]) -> Sequence[Record | None]:
            return await told.records(self._operation, keys)

        found: Record | None = await self._batch("told", fetch).load(key)
        found = found or await self._row(key)
        if found is None:
            return None
        self._operation.follow([found], Trail(customers=frozenset({customer})))
        return messages.shown(self._operation, self._operation.masks.apply(found))

    async def links(
        self, one: CustomerId, status: frozenset[LinkStatus] | None
    ) -> tuple[Link, ...]:
        async def fetch(ids: list[CustomerId]) -> list[tuple[Link, ...]]:
            found = await links.of_customers(self._operation, ids, status)
            mask = self._operation.masks.apply
            return [tuple(mask(link) for link in some) for some in found]

        some: tuple[Link, ...] = await self._batch(("links", status), fetch).load(one)
        return some

    async def evidence(self, link: Link) -> tuple[LinkEvidence, ...]:
        async def fetch(keys: list[Link]) -> list[tuple[LinkEvidence, ...]]:
            found = await links.explain(self._operation, keys)
            mask = self._operation.masks.apply
            return [tuple(mask(one) for one in some) for some in found]

        some: tuple[LinkEvidence, ...] = await self._batch("evidence", fetch).load(link)
        return some

    async def link_end(self, key: SourceKey) -> Contact | None:
        row = (await self.kept_rows([key]))[0]
        return row and self._operation.masks.apply(row)

    async def kept_rows(self, keys: Sequence[SourceKey]) -> list[Contact | None]:
        """Contacts from the store, whatever their age; unmasked, for use in here."""
        store = self._operation.services.records
        return await self._batch("kept", store.contacts).load_many(keys)

    async def people(self, ids: Sequence[CustomerId], freshness: Freshness) -> list[Person | None]:
        """One entry per id, in order; unmasked, for use in here."""

        batch = self._people(freshness)
        found = await batch.load_many(ids)
        for one, person in zip(ids, found, strict=True):
            if person is not None and person.cluster.id != one:
                # An id of before a merge: what hangs on the person is asked for by the current one.
                batch.prime(person.cluster.id, person)
        return found

    def _people(
        self, freshness: Freshness
    ) -> Batch[CustomerId, Person | None] | Once[CustomerId, Person | None]:
        made = self._known.get(freshness)
        if made is None:
            fetch = partial(self._read_people, freshness)
            made = self._known[freshness] = Once(fetch) if self.at_once else Batch(fetch)
        return made

    def _read_people(
        self, freshness: Freshness, ids: list[CustomerId]
    ) -> Coroutine[Any, Any, list[Person | None]]:
        fields = customer.contact_fields(self._operation.services, self._customer_fields)
        return people.fetch(self._operation, ids, freshness, fields)

    @property
    def _customer_fields(self) -> Fields:
        return self._operation.fields("Customer")

    def _fields(self, kind: Kind) -> Fields:
        return self._operation.fields(GRAPH_TYPES[kind])

    def _batch(
        self, name: Hashable, fetch: Callable[[list[K]], Awaitable[Sequence[V]]]
    ) -> Batch[K, V]:
        if name not in self._made:
            self._made[name] = Batch(fetch)
        return self._made[name]

    def _customers(self, freshness: Freshness) -> Batch[CustomerId, Customer | None]:
        async def fetch(ids: list[CustomerId]) -> list[Customer | None]:
            allowed = await access.may_read(self._operation, ids)
            own = [one for one, may in zip(ids, allowed, strict=True) if may]
            matches = dict(zip(own, await self._matches(own, freshness), strict=True))
            return [matches[one].customer if one in matches else None for one in ids]

        return self._batch(("customers", freshness), fetch)

    async def _matches(self, ids: Sequence[CustomerId], freshness: Freshness) -> list[Match]:
        found = await self.people(ids, freshness)
        stitched = await customer.stitch(self._operation, found, self._customer_fields)
        masks = self._operation.masks
        if not masks.hide_nothing:
            stitched = [one and masks.apply(one) for one in stitched]
        return lookup.matched(found, stitched)

    async def _look_up_own(self, keys: Sequence[LookupKey], freshness: Freshness) -> list[Answer]:
        """For a caller who may not read anybody: what it has proven to be its own."""
        allowed = [await access.may_look_up(self._operation, key) for key in keys]
        own = [key for key, may in zip(keys, allowed, strict=True) if may]
        answers = dict(zip(own, await self._look_up(own, freshness), strict=True))
        return [answers.get(key) or lookup.NotVerified() for key in keys]

    async def _look_up(self, keys: Sequence[LookupKey], freshness: Freshness) -> list[Answer]:
        leads = await follow(self._operation, keys, freshness)
        ids = list(dict.fromkeys(chain.from_iterable(map(_customers, leads))))
        matches = dict(zip(ids, await self._matches(ids, freshness), strict=True))
        return lookup.answers(self._operation, keys, leads, matches)

    async def _children(
        self, ids: Sequence[CustomerId], freshness: Freshness, cut: Cut
    ) -> list[Connection]:
        operation = self._operation
        standing = self._at_hand(ids, freshness)
        if standing is None:
            standing = await self._standing(ids, freshness)
        return self._followed(ids, await children.fetch(operation, standing, cut), cut)

    def _followed(
        self, ids: Sequence[CustomerId], connections: list[Connection], cut: Cut
    ) -> list[Connection]:
        """As they are handed out."""
        operation = self._operation
        operation.follow_each(ids, map(_nodes, connections), cut.freshness)
        if operation.masks.hide_nothing:
            return connections
        return [self._masked(connection) for connection in connections]

    def _cut(self, cut: Cut) -> Cut:
        kind, first, after, where, freshness, _ = cut
        fields = self._operation.wanted.get(GRAPH_TYPES[kind])
        return CUT((kind, first, after, where, freshness, fields))

    def _at_hand(self, ids: Sequence[CustomerId], freshness: Freshness) -> list[Person] | None:
        return self.listed.people(ids, freshness, self._known.get(freshness))

    async def _standing(self, ids: Sequence[CustomerId], freshness: Freshness) -> list[Person]:
        """Raises UnknownCustomer for who went away since the customer was handed out."""
        found = self._people(freshness).at_hand(ids) or await self.people(ids, freshness)
        standing = here(found)
        if standing is None:
            raise UnknownCustomer("a customer changed while it was read")
        return standing

    def _masked(self, connection: Connection) -> Connection:
        if connection.nodes is None:
            return connection
        mask = self._operation.masks.apply
        return replace(connection, nodes=tuple(mask(node) for node in connection.nodes))

    async def _row(self, key: SourceKey) -> Record | None:
        async def fetch(ids: list[str]) -> Sequence[Any]:
            fields = self._fields(key.kind)
            return await rows.fetch(self._operation, key.source, key.kind, ids, fields)

        if key.kind is Kind.MESSAGE:
            return await rows.message(self._operation, key, self._fields(Kind.MESSAGE))
        batch = self._batch(("rows", key.source, key.kind), fetch)
        found: Record | None = await batch.load(key.external_id)
        return found

    async def _open(self, record: Record) -> bool:
        if access.may_read_anybody(self._operation):
            return True
        thread = await self._thread(record.key) if isinstance(record, Message) else None
        if await access.may_read_record(self._operation, record, thread):
            return True
        told_of = await told.contacts(self._operation, record.key)
        return await access.may_read_rows(self._operation, told_of)

    async def _thread(self, message: SourceKey) -> Record | None:
        """What a message belongs to: a ticket or a conversation, as its source has it."""
        source = self._operation.services.sources.get(message.source)
        gets = {} if source is None else source.gets
        kinds = [kind for kind in (Kind.TICKET, Kind.CONVERSATION) if kind in gets]
        for kind in kinds:
            found = await self._row(SourceKey(message.source, kind, rows.thread_id(message)))
            if found is not None:
                return found
        return None
