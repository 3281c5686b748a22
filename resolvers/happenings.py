"""What subscribers follow: a person, interactions that begin, changes of who is who.

A topic names a person by an id. To whom an entry belongs is looked up when it is handed out, by the
records it is around: who is merged or split meanwhile goes on being followed as the person of now.
"""

from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from domain.customer import Cluster, IdentityEvent
from domain.decisions import Decisions
from domain.errors import Forbidden, InputError, UnknownCustomer
from domain.events import Activity, EventStore
from domain.ids import CustomerId, MalformedNodeId, SourceKey, decode_node_id, encode_node_id
from domain.ports import IdentityGraph
from domain.vocabulary import ActivityKind, Channel
from resolvers.access import may_read, require_anybody, require_steward
from resolvers.decisions import could_be_id
from resolvers.hub import E, Feed, Hub
from resolvers.places import event_cursor, event_place

if TYPE_CHECKING:
    from resolvers.operation import Operation

_ACTIVITY = "activity"
_LAST_SEQUENCE = 2**63 - 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Around:
    """What happens around a person."""

    customer: CustomerId


@dataclass(frozen=True, slots=True)
class Begun:
    """Interactions of anybody known that begin on these channels; on all where none is named."""

    channels: frozenset[Channel] = frozenset()

    def takes(self, one: Activity) -> bool:
        begins = one.kind is ActivityKind.STARTED and one.item is not None
        return begins and (not self.channels or one.channel in self.channels)


@dataclass(frozen=True, slots=True)
class Changed:
    """Who is who; of one person, or of anybody."""

    customer: CustomerId | None = None


def activity_cursor(sequence: int) -> str:
    return encode_node_id(_ACTIVITY, str(sequence))


def activity_place(cursor: str) -> int:
    """Raises InputError."""
    try:
        prefix, (text,) = decode_node_id(cursor)
        sequence = int(text)
        if prefix != _ACTIVITY or not 0 <= sequence <= _LAST_SEQUENCE:
            raise ValueError
    except (MalformedNodeId, ValueError) as error:
        raise InputError("after: not a cursor of activities") from error
    return sequence


class Activities:
    """The log of what happens, to `resolvers.hub.Log`."""

    def __init__(self, events: EventStore, identity: IdentityGraph) -> None:
        self._events = events
        self._identity = identity

    async def after(self, sequence: int, first: int) -> Sequence[Activity]:
        return await self._events.activities(sequence, first)

    async def head(self) -> int:
        return await self._events.head()

    async def topics(
        self, entries: Sequence[Activity], asked: Collection[Hashable]
    ) -> list[Collection[Hashable]]:
        followed = [one for one in asked if isinstance(one, Around)]
        begun = [one for one in asked if isinstance(one, Begun)]
        owners = await owners_of(self._identity, entries)
        standing = await _standing(self._identity, [one.customer for one in followed])
        around: dict[CustomerId, list[Hashable]] = {}
        for topic in followed:
            cluster = standing.get(topic.customer)
            if cluster is not None:
                around.setdefault(cluster.id, []).append(topic)
        return [
            {topic for owner in own for topic in around.get(owner, ())}
            | {topic for topic in begun if own and topic.takes(entry)}
            for entry, own in zip(entries, owners, strict=True)
        ]


async def owners_of(
    identity: IdentityGraph, entries: Sequence[Activity]
) -> list[tuple[CustomerId, ...]]:
    """The people each entry is around, as they stand now."""
    keys = list(dict.fromkeys(key for one in entries for key in one.contacts))
    named = [one.customer for one in entries if one.customer is not None]
    found = dict(zip(keys, await identity.of_records(keys), strict=True)) if keys else {}
    standing = await _standing(identity, named)
    return [_owners(one, found, standing) for one in entries]


def _owners(
    one: Activity, owners: dict[SourceKey, CustomerId | None], standing: dict[CustomerId, Cluster]
) -> tuple[CustomerId, ...]:
    own = [owners.get(key) for key in one.contacts]
    if one.customer in standing:
        own.insert(0, standing[one.customer].id)
    return tuple(dict.fromkeys(owner for owner in own if owner is not None))


async def _standing(
    identity: IdentityGraph, ids: Iterable[CustomerId]
) -> dict[CustomerId, Cluster]:
    unique = list(dict.fromkeys(one for one in ids if could_be_id(one)))
    found = await identity.clusters(unique) if unique else []
    return {
        one: cluster
        for one, cluster in zip(unique, found, strict=True)
        if cluster is not None and not cluster.erased_at
    }


class Changes:
    """The history of who is who, to `resolvers.hub.Log`."""

    def __init__(self, decisions: Decisions, identity: IdentityGraph) -> None:
        self._decisions = decisions
        self._identity = identity

    async def after(self, sequence: int, first: int) -> Sequence[IdentityEvent]:
        return await self._decisions.every_event(sequence, first)

    async def head(self) -> int:
        return await self._decisions.last_event()

    async def topics(
        self, entries: Sequence[IdentityEvent], asked: Collection[Hashable]
    ) -> list[Collection[Hashable]]:
        followed = [one for one in asked if isinstance(one, Changed)]
        ids = [one.customer for one in followed if one.customer is not None]
        standing = await _standing(self._identity, ids)
        return [{one for one in followed if _is_about(entry, one, standing)} for entry in entries]


def _is_about(entry: IdentityEvent, topic: Changed, standing: dict[CustomerId, Cluster]) -> bool:
    if topic.customer is None:
        return True
    cluster = standing.get(topic.customer)
    names = {topic.customer, *((cluster.id, *cluster.aliases) if cluster else ())}
    return not names.isdisjoint((*entry.before, *entry.after))


# ---------------------------------------------------------------- following


@dataclass(frozen=True, slots=True, kw_only=True)
class Hubs:
    """What a process listens to."""

    activities: Hub[Activity]
    changes: Hub[IdentityEvent]


@dataclass(frozen=True, slots=True)
class Happening:
    """An activity as one subscriber is told of it: around the person they follow."""

    activity: Activity
    customer: CustomerId


class Following(Generic[E, T]):
    """A feed with what a subscriber must be allowed, each time anew, and what an entry is to it."""

    def __init__(
        self,
        feed: Feed[E],
        guard: Callable[["Operation"], Awaitable[None]],
        payload: Callable[["Operation", E], Awaitable[T | None]],
        cursor: Callable[[int], str | None],
    ) -> None:
        self.feed = feed
        self.guard = guard
        self.payload = payload
        self._cursor = cursor

    @property
    def cursor(self) -> str | None:
        """Where to go on; None where there is no place before the first."""
        return self._cursor(self.feed.position)

    def __aiter__(self) -> Feed[E]:
        return self.feed.__aiter__()


async def customer_activity(
    operation: "Operation", customer: CustomerId, after: str | None
) -> Following[Activity, Happening]:
    """Raises Forbidden for who may not read of them, CapabilityDisabled, InputError, and
    UnknownCustomer where nobody has the id.
    """
    operation.services.require("live_record")

    async def guard(operation: "Operation") -> None:
        if not (await may_read(operation, [customer]))[0]:
            raise Forbidden("may not follow this customer")

    async def payload(_operation: "Operation", one: Activity) -> Happening | None:
        return Happening(one, customer)

    place = activity_place(after) if after else None
    await guard(operation)
    if not await _standing(operation.services.identity, [customer]):
        raise UnknownCustomer("nobody has this id")
    hub = _hubs(operation).activities
    feed = await Feed.open(hub, Around(customer), place)
    return Following(feed, guard, payload, activity_cursor)


async def interaction_added(
    operation: "Operation", channels: Iterable[Channel], after: str | None
) -> Following[Activity, Happening]:
    """Raises Forbidden for who may not read of everybody, CapabilityDisabled, InputError."""
    operation.services.require("live_record")

    async def payload(operation: "Operation", one: Activity) -> Happening | None:
        ((own),) = await owners_of(operation.services.identity, [one])
        return Happening(one, own[0]) if own else None

    place = activity_place(after) if after else None
    await _anybody(operation)
    feed = await Feed.open(_hubs(operation).activities, Begun(frozenset(channels)), place)
    return Following(feed, _anybody, payload, activity_cursor)


async def identity_changed(
    operation: "Operation", customer: CustomerId | None, after: str | None
) -> Following[IdentityEvent, IdentityEvent]:
    """Raises Forbidden for who is no steward, InputError."""

    async def payload(_operation: "Operation", one: IdentityEvent) -> IdentityEvent | None:
        return one

    place = event_place(after) if after else None
    await _steward(operation)
    feed = await Feed.open(_hubs(operation).changes, Changed(customer), place)
    return Following(feed, _steward, payload, _change_cursor)


async def _anybody(operation: "Operation") -> None:
    require_anybody(operation)


async def _steward(operation: "Operation") -> None:
    require_steward(operation)


def _change_cursor(sequence: int) -> str | None:
    return event_cursor(sequence) if sequence else None


def _hubs(operation: "Operation") -> Hubs:
    hubs = operation.services.hubs
    if hubs is None:
        raise Forbidden("nothing can be followed here")
    return hubs
