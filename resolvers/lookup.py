"""What a key led to, with the reason where it led to nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from domain.customer import LookupKey
from domain.errors import SourceError
from domain.ids import CustomerId
from domain.provenance import SourceStatus
from domain.vocabulary import Verification
from resolvers.access import may_read_anybody
from resolvers.customer import Customer
from resolvers.leads import Lead
from resolvers.ledger import failures, statuses
from resolvers.people import Person

if TYPE_CHECKING:
    from resolvers.operation import Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerAmbiguous:
    message: str
    candidates: tuple[Customer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerNotFound:
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerUnknown:
    message: str
    sources: tuple[SourceStatus, ...]
    failures: tuple[SourceError, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerErased:
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NotVerified:
    message: str = "the key has not been proven to be the caller's"
    required: Verification = Verification.VERIFIED


Answer = (
    Customer | CustomerAmbiguous | CustomerNotFound | CustomerUnknown | CustomerErased | NotVerified
)


class Match(NamedTuple):
    """Somebody a lead names: who they are, and their golden record where they have one."""

    person: Person | None
    customer: Customer | None


_MATCH = partial(tuple.__new__, Match)
"""Of its parts, without a call of ours."""


def matched(people: Sequence[Person | None], customers: Sequence[Customer | None]) -> list[Match]:
    return list(map(_MATCH, zip(people, customers, strict=True)))


def answers(
    operation: "Operation",
    keys: Sequence[LookupKey],
    leads: Sequence[Lead],
    found: Mapping[CustomerId, Match],
) -> list[Answer]:
    """One entry per key, in order. `found` holds an entry for each customer of the leads."""
    said: list[Answer] = []
    for key, lead in zip(keys, leads, strict=True):
        customers = lead.customers
        if len(customers) == 1 and (one := found[customers[0]].customer) is not None:
            said.append(one)  # the usual end, without a call
        else:
            said.append(answer(operation, key, lead, [found[one] for one in customers]))
    return said


def answer(operation: "Operation", key: LookupKey, lead: Lead, found: Sequence[Match]) -> Answer:
    """`found` holds an entry for each customer of the lead."""
    customers = [match.customer for match in found if match.customer is not None]
    if len(customers) == 1:
        return customers[0]
    if customers and not may_read_anybody(operation):
        return NotVerified(message=f"more than one customer has this {key.kind.value}")
    if customers:
        message = f"{len(customers)} customers have this {key.kind.value}"
        return CustomerAmbiguous(message=message, candidates=tuple(customers))
    erased = _erased_at(found)
    return CustomerErased(at=erased) if erased is not None else _nobody(operation, key, lead)


def _erased_at(found: Sequence[Match]) -> datetime | None:
    times = (match.person.cluster.erased_at for match in found if match.person is not None)
    return max((time for time in times if time is not None), default=None)


def _nobody(operation: "Operation", key: LookupKey, lead: Lead) -> Answer:
    if lead.certain:
        return CustomerNotFound(message=f"no customer has this {key.kind.value}")
    asked = {outcome.source for outcome in lead.outcomes}
    sources = (source for name, source in operation.services.sources.items() if name in asked)
    return CustomerUnknown(
        message=f"nobody known has this {key.kind.value}, and not every source answered",
        sources=statuses(sources, lead.outcomes),
        failures=failures(lead.outcomes),
    )
