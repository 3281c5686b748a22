"""Commitments on SQL: those recorded, each kept whole, and by what any of them was kept."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from domain.context import NotedCommitment
from domain.events import Activity
from domain.ids import CustomerId
from domain.vocabulary import ActivityKind
from state import bulk, codec, log
from state.codec import storable
from state.commitment_tables import commitment_fulfilments, commitments
from state.transactions import Transactions

_MADE = select(commitments.c.body).where(
    commitments.c.actor == bindparam("by"), commitments.c.key == bindparam("under")
)
_MANY = select(commitments.c.number, commitments.c.body).where(bulk.among(commitments.c.number))
_OF_CUSTOMERS = select(commitments.c.body).where(bulk.among(commitments.c.customer))
_KEPT = select(commitment_fulfilments.c.commitment, commitment_fulfilments.c.evidence).where(
    bulk.among(commitment_fulfilments.c.commitment)
)


class SqlCommitments:
    """Implements `domain.context.CommitmentStore`. What changes is told in the log of activities,
    whose head is taken first: two who say the same do so one after the other.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def record(self, noted: NotedCommitment) -> NotedCommitment:
        return await self._transactions.write_apart(_record, noted)

    async def of_customers(
        self, customers: Sequence[CustomerId]
    ) -> Mapping[CustomerId, tuple[NotedCommitment, ...]]:
        return await self._transactions.read(_of_customers, customers)

    async def by_numbers(self, numbers: Sequence[str]) -> list[NotedCommitment | None]:
        return await self._transactions.read(_by_numbers, numbers)

    async def fulfil(
        self, commitment: str, evidence: str, customer: CustomerId, at: datetime
    ) -> str:
        return await self._transactions.write_apart(_fulfil, commitment, evidence, customer, at)

    async def fulfilments(self, commitments: Sequence[str]) -> Mapping[str, str]:
        return await self._transactions.read(_fulfilments, commitments)


def _record(connection: Connection, noted: NotedCommitment) -> NotedCommitment:
    last = log.take(connection)
    made = {"by": storable(noted.by.id), "under": storable(noted.idempotency_key)}
    standing = connection.execute(_MADE, made).scalar_one_or_none()
    if standing is not None:
        return codec.decode(standing, NotedCommitment)
    values = {
        "number": noted.number,
        "actor": made["by"],
        "key": made["under"],
        "customer": noted.customer,
        "body": codec.encode(noted),
    }
    bulk.insert_missing(connection, commitments, [values])
    log.write(connection, last, [_told(noted.customer, noted.at)])
    return noted


def _fulfil(
    connection: Connection, commitment: str, evidence: str, customer: CustomerId, at: datetime
) -> str:
    last = log.take(connection)
    standing = _fulfilments(connection, [commitment]).get(storable(commitment))
    if standing is not None:
        return standing
    values = {"commitment": storable(commitment), "evidence": storable(evidence), "at": at}
    bulk.insert_missing(connection, commitment_fulfilments, [values])
    log.write(connection, last, [_told(customer, at)])
    return evidence


def _told(customer: CustomerId, at: datetime) -> Activity:
    return Activity(sequence=0, kind=ActivityKind.COMMITMENT, at=at, customer=customer)


def _of_customers(
    connection: Connection, customers: Sequence[CustomerId]
) -> dict[CustomerId, tuple[NotedCommitment, ...]]:
    rows = bulk.answers(connection, _OF_CUSTOMERS, {storable(one) for one in customers})
    found: dict[CustomerId, list[NotedCommitment]] = defaultdict(list)
    for noted in sorted((codec.decode(row.body, NotedCommitment) for row in rows), key=_place):
        found[noted.customer].append(noted)
    return {customer: tuple(some) for customer, some in found.items()}


def _place(noted: NotedCommitment) -> tuple[datetime, str]:
    return noted.at, noted.number


def _by_numbers(connection: Connection, numbers: Sequence[str]) -> list[NotedCommitment | None]:
    rows = bulk.answers(connection, _MANY, {storable(number) for number in numbers})
    found = {row.number: codec.decode(row.body, NotedCommitment) for row in rows}
    return [found.get(number) for number in numbers]


def _fulfilments(connection: Connection, wanted: Sequence[str]) -> dict[str, str]:
    rows = bulk.answers(connection, _KEPT, {storable(one) for one in wanted})
    return {row.commitment: row.evidence for row in rows}
