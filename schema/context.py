"""What is known of a matter before anybody asks again, with what shows it."""

from collections.abc import Sequence
from datetime import datetime

import strawberry
from strawberry import UNSET

from domain import context as domain
from domain.vocabulary import CommitmentState, Completeness
from resolvers import commitments, context
from resolvers.customer import Customer as Person
from schema.base import Info, Node, Provenance, SourceStatus, speaks_for
from schema.directives import CONTENT, about
from schema.interaction import Actor
from schema.matters import Issue
from schema.paths import report


@strawberry.type(
    description="A claim with the messages or records that support it. No evidence, no statement."
)
class Statement:
    is_type_of = speaks_for(domain.Statement)

    text: str = strawberry.field(directives=[CONTENT])
    evidence: list[strawberry.ID] = strawberry.field(directives=[about(2)])
    confidence: float | None
    by: Actor


@strawberry.type
class Commitment(Node):
    is_type_of = speaks_for(domain.Commitment)

    what: Statement
    made_by: Actor
    made_at: datetime
    due_at: datetime | None
    state: CommitmentState
    fulfilled_by: strawberry.ID | None


@strawberry.type
class Attempt:
    is_type_of = speaks_for(domain.Attempt)

    step: str = strawberry.field(directives=[CONTENT])
    by: Actor
    at: datetime
    outcome: str = strawberry.field(directives=[CONTENT])
    evidence: list[strawberry.ID] = strawberry.field(directives=[about(2)])


def _age_seconds(root: strawberry.Parent[domain.Slot], info: Info) -> float:
    age = info.context.started_at - root.provenance.fetched_at
    return max(age.total_seconds(), 0.0)


@strawberry.type(description="Something already known about the matter, so that nobody asks again.")
class Slot:
    is_type_of = speaks_for(domain.Slot)

    name: str
    value: str | None = strawberry.field(directives=[CONTENT])
    age_seconds: float = strawberry.field(resolver=_age_seconds)
    provenance: Provenance


@strawberry.type
class CustomerContext:
    is_type_of = speaks_for(context.CustomerContext)

    goal: Statement | None
    attempted: list[Attempt] = strawberry.field(directives=[about(3)])
    commitments: list[Commitment] = strawberry.field(directives=[about(3)])
    open_question: Statement | None
    frustration: float | None = strawberry.field(description="0 calm to 1 furious.")
    intent_signals: list[Statement] = strawberry.field(directives=[about(2)])
    resolution_history: list[Issue] | None = strawberry.field(directives=[about(3)])
    known: list[Slot] = strawberry.field(directives=[about(6)])
    sensitivities: list[Statement] | None = strawberry.field(directives=[about(2)])
    completeness: Completeness
    sources: list[SourceStatus] = strawberry.field(directives=[about(4)])


async def context_of(
    root: strawberry.Parent[Person],
    info: Info,
    purpose: str,
    issue_id: strawberry.ID | None = UNSET,
) -> context.CustomerContext | None:
    wanted = context.purpose_of(purpose)
    found = await context.context(info.context, root, wanted, issue_id or None)
    if found is not None:
        report(info, found.failures)
    return found


async def commitments_of(
    root: strawberry.Parent[Person], info: Info, open: bool | None = UNSET
) -> Sequence[domain.Commitment] | None:
    wanted = None if open in (None, UNSET) else bool(open)
    return await commitments.of_owner(info.context, root, wanted)
