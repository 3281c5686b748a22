"""What callers hand in, and what it is in the language of the domain."""

from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry import UNSET

from domain import provenance
from domain.customer import KeyKind, LookupKey
from domain.errors import InputError
from domain.ids import CustomerId
from domain.sources import ChildFilter
from domain.vocabulary import Channel, InteractionState, OrderStatus, TicketStatus
from resolvers import decisions
from resolvers.stretches import Where

MAX_KEY_CHARS = 320
"""The longest e-mail address there can be (RFC 3696, errata 1690); nothing else is longer."""


@strawberry.input
class HandleInput:
    platform: str
    handle: str


@strawberry.input
class ExternalRef:
    system: str
    external_id: str


@strawberry.input(one_of=True, description="Exactly one of them.")
class CustomerKey:
    id: strawberry.ID | None = UNSET
    email: str | None = UNSET
    phone: str | None = UNSET
    account_number: str | None = UNSET
    handle: HandleInput | None = UNSET
    order_number: str | None = UNSET
    visitor_id: str | None = UNSET
    external: ExternalRef | None = UNSET


_PLAIN = (
    (KeyKind.ID, "id"),
    (KeyKind.EMAIL, "email"),
    (KeyKind.PHONE, "phone"),
    (KeyKind.ACCOUNT_NUMBER, "account_number"),
    (KeyKind.ORDER_NUMBER, "order_number"),
    (KeyKind.VISITOR_ID, "visitor_id"),
)
_HANDLE, _EXTERNAL = KeyKind.HANDLE, KeyKind.EXTERNAL


def lookup_key(by: CustomerKey) -> LookupKey:
    """Raises InputError: see `lookup_keys`."""
    return lookup_keys([by])[0]


def lookup_keys(some: Sequence[CustomerKey]) -> list[LookupKey]:
    """One for each, in order. Raises InputError: the federation drops @oneOf from a supergraph, so
    it is enforced here. One call for all of them, since a list may have a hundred.
    """
    found: list[LookupKey] = []
    for by in some:
        given = by.__dict__
        # What was not given is not there, where a plan has made it; else it is UNSET, or null.
        named = given.get("external") if len(given) == 1 else None
        if named:
            key = (_EXTERNAL, named.external_id, named.system)
        else:
            keys = _given(by)
            if len(keys) != 1:
                raise InputError(f"by: exactly one key, not {len(keys)}")
            key = keys[0]
        value = key[1]
        if not value.strip():
            raise InputError(f"by.{key[0].value}: must not be empty")
        if len(value) > MAX_KEY_CHARS:
            raise InputError(f"by.{key[0].value}: at most {MAX_KEY_CHARS} characters")
        found.append(tuple.__new__(LookupKey, key))
    return found


def _given(by: CustomerKey) -> list[tuple[KeyKind, str, str]]:
    keys = []
    for kind, name in _PLAIN:
        value = getattr(by, name)
        if value is not None and value is not UNSET:
            keys.append((kind, value, ""))
    if by.handle is not None and by.handle is not UNSET:
        keys.append((_HANDLE, by.handle.handle, by.handle.platform.lower()))
    if by.external is not None and by.external is not UNSET:
        keys.append((_EXTERNAL, by.external.external_id, by.external.system))
    return keys


@strawberry.input(description="How old an answer may be, and how long the caller will wait for it.")
class Freshness:
    max_age_ms: int | None = 60_000
    deadline_ms: int | None = 3_000
    allow_stale: bool | None = True


_DEFAULT = provenance.Freshness()


def freshness(
    given: Freshness | None, inherited: provenance.Freshness | None = None
) -> provenance.Freshness:
    """What was asked for, else what the parent was read with. Raises InputError."""
    if given is None or given is UNSET:
        return inherited or _DEFAULT
    age, wait, stale = given.max_age_ms, given.deadline_ms, given.allow_stale
    if (age is not None and age < 0) or (wait is not None and wait < 1):
        raise InputError("freshness: maxAgeMs is at least 0 and deadlineMs at least 1")
    return provenance.Freshness(
        max_age_ms=_DEFAULT.max_age_ms if age is None else age,
        deadline_ms=_DEFAULT.deadline_ms if wait is None else wait,
        allow_stale=_DEFAULT.allow_stale if stale is None else stale,
    )


@strawberry.input
class OrderFilter:
    text: str | None = UNSET
    around: datetime | None = UNSET
    status: list[OrderStatus] | None = UNSET


@strawberry.input
class TicketFilter:
    status: list[TicketStatus] | None = UNSET


_EVERYTHING = ChildFilter()


def order_filter(given: OrderFilter | None) -> ChildFilter:
    if given is None or given is UNSET:
        return _EVERYTHING
    return ChildFilter(
        order_status=frozenset(given.status or ()),
        text=given.text or None,
        around=given.around or None,
    )


def ticket_filter(given: TicketFilter | None) -> ChildFilter:
    return ChildFilter(ticket_status=frozenset(given.status or ())) if given else _EVERYTHING


@strawberry.input
class TimelineFilter:
    channels: list[Channel] | None = UNSET
    since: datetime | None = UNSET
    until: datetime | None = UNSET
    state: list[InteractionState] | None = UNSET


def timeline_filter(given: TimelineFilter | None) -> Where:
    if given is None or given is UNSET:
        return Where()
    return Where(
        channels=frozenset(given.channels or ()),
        states=frozenset(given.state or ()),
        since=given.since or None,
        until=given.until or None,
    )


@strawberry.input
class CustomerVersionInput:
    id: strawberry.ID
    expected_version: int


@strawberry.input
class MergeInput:
    keep: CustomerVersionInput
    absorb: list[CustomerVersionInput]
    reason: str
    idempotency_key: str


@strawberry.input
class SplitInput:
    customer: strawberry.ID
    records: list[strawberry.ID]
    expected_version: int
    reason: str
    never_relink: bool = True
    idempotency_key: str


def merge_wish(given: MergeInput) -> decisions.Merge:
    return decisions.Merge(
        keep=_version(given.keep),
        absorb=tuple(map(_version, given.absorb)),
        reason=given.reason,
        idempotency_key=given.idempotency_key,
    )


def split_wish(given: SplitInput) -> decisions.Split:
    return decisions.Split(
        customer=decisions.Version(CustomerId(given.customer), given.expected_version),
        records=tuple(given.records),
        reason=given.reason,
        never_relink=given.never_relink,
        idempotency_key=given.idempotency_key,
    )


def _version(given: CustomerVersionInput) -> decisions.Version:
    return decisions.Version(CustomerId(given.id), given.expected_version)
