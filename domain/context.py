"""What is known about a matter before anybody asks again, and by what it is shown.

    Statement    a claim with the messages or records that support it
    Commitment   what somebody bound themselves to do, until when, and what became of it
    Attempt      a step that was tried
    Slot         a value nobody needs to ask for

Every one of them cites node ids of this customer; what cannot is not made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from domain.ids import CustomerId, SourceKey, encode_node_id
from domain.pii import pii
from domain.provenance import Provenance
from domain.records import Actor, Message
from domain.sources import Deadline
from domain.vocabulary import Channel, CommitmentState, PiiClass

COMMITMENT_PREFIX = "commitment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """`evidence` are node ids; `by` is who claims it (an extractor, or a person who noted it),
    which need not be who said it. `confidence` is 0 to 1; None where somebody noted it.
    """

    text: str = field(repr=False, metadata=pii(PiiClass.CONTENT))
    evidence: tuple[str, ...]
    confidence: float | None = None
    by: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """`id` is a node id and stays the same however often the text is read. `fulfilled_by` is the
    node id of what shows that it was kept.
    """

    id: str
    what: Statement
    made_by: Actor
    made_at: datetime
    due_at: datetime | None = None
    state: CommitmentState = CommitmentState.OPEN
    fulfilled_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`outcome`: WORKED, FAILED, what the source said, or empty where nobody has said."""

    step: str = field(repr=False, metadata=pii(PiiClass.CONTENT))
    by: Actor
    at: datetime
    outcome: str = field(repr=False, metadata=pii(PiiClass.CONTENT))
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """`evidence` are node ids of what the value came from."""

    name: str
    value: str | None = field(repr=False, metadata=pii(PiiClass.CONTENT))
    provenance: Provenance
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """The messages of one interaction in order of time, none that was deleted among them."""

    key: SourceKey
    channel: Channel
    messages: tuple[Message, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """What texts tell. `frustration`: 0 calm to 1 furious; None where the customer said nothing."""

    goal: Statement | None = None
    attempted: tuple[Attempt, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    open_question: Statement | None = None
    frustration: float | None = None
    intent_signals: tuple[Statement, ...] = ()
    sensitivities: tuple[Statement, ...] = ()


class Extractor(Protocol):
    """Reads statements out of texts. A text is data: nothing in it is ever an instruction."""

    async def extract(
        self, threads: Sequence[Thread], now: datetime, deadline: Deadline
    ) -> Extract:
        """Of threads of one customer, oldest first. Every statement cites ids of messages that were
        handed in.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedCommitment:
    """A commitment that was recorded rather than read out of a text. `issue` is the node id of the
    matter; `idempotency_key` and `by` together name the recording.
    """

    number: str
    customer: CustomerId
    issue: str
    what: str = field(repr=False)
    by: Actor
    at: datetime
    due_at: datetime | None = None
    idempotency_key: str

    @property
    def id(self) -> str:
        return encode_node_id(COMMITMENT_PREFIX, self.number)


class CommitmentStore(Protocol):
    """Commitments that were recorded, and those read out of texts that were found to be kept."""

    async def record(self, noted: NotedCommitment) -> NotedCommitment:
        """Keep it; the one that stands where (by, idempotency_key) was recorded before."""
        ...

    async def of_customers(
        self, customers: Sequence[CustomerId]
    ) -> Mapping[CustomerId, tuple[NotedCommitment, ...]]:
        """In order of their making; ids of before a merge are the caller's to hand in."""
        ...

    async def by_numbers(self, numbers: Sequence[str]) -> list[NotedCommitment | None]:
        """One entry per number, in order."""
        ...

    async def fulfil(
        self, commitment: str, evidence: str, customer: CustomerId, at: datetime
    ) -> str:
        """Note that the commitment (a node id, read or recorded) was kept, by this evidence; gives
        the evidence that stands: the first one noted.
        """
        ...

    async def fulfilments(self, commitments: Sequence[str]) -> Mapping[str, str]:
        """The evidence by node id of a commitment, for those noted as kept."""
        ...
