"""What whoever meets a customer next should know, for a purpose, and no more than that needs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.context import Attempt, Commitment, Slot, Statement
from domain.errors import InputError, SourceError
from domain.provenance import SourceStatus
from domain.vocabulary import Completeness, PiiClass
from journey.context.purposes import NEEDS, Purpose
from resolvers import commitments, slots
from resolvers.customer import Customer
from resolvers.matters import Matter
from resolvers.texts import Texts

if TYPE_CHECKING:
    from resolvers.operation import Operation

LATEST = 5
"""How many settled issues a context tells of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerContext:
    """As the caller may see it. `sensitivities` is None where the purpose does not need them or the
    caller may not see what is special.
    """

    goal: Statement | None
    attempted: tuple[Attempt, ...]
    commitments: tuple[Commitment, ...]
    open_question: Statement | None
    frustration: float | None
    intent_signals: tuple[Statement, ...]
    resolution_history: tuple[Matter, ...] | None
    known: tuple[Slot, ...]
    sensitivities: tuple[Statement, ...] | None
    completeness: Completeness
    sources: tuple[SourceStatus, ...]
    failures: tuple[SourceError, ...] = ()


def purpose_of(text: str) -> Purpose:
    """Raises InputError."""
    try:
        return Purpose(text.strip().upper())
    except ValueError as error:
        allowed = ", ".join(Purpose)
        raise InputError(f"purpose: one of {allowed}") from error


async def context(
    operation: "Operation", owner: Customer, purpose: Purpose, issue: str | None
) -> CustomerContext | None:
    """Of a customer who was handed out; None where they have no issue of this id. Raises
    SourceError.
    """
    texts = await operation.loaders.texts(owner, issue)
    if texts is None:
        return None
    need = NEEDS[purpose]
    promised = await commitments.of_customer(operation, owner, texts)
    known = await slots.known(operation, owner, texts.matter, about_person=need.about_person)
    mask, read = operation.masks.apply, texts.extract
    special = need.sensitivities and PiiClass.SPECIAL in operation.caller.visible
    return CustomerContext(
        goal=read.goal and mask(read.goal),
        attempted=tuple(mask(one) for one in read.attempted) if need.attempts else (),
        commitments=tuple(mask(one) for one in promised),
        open_question=read.open_question and mask(read.open_question),
        frustration=read.frustration if need.frustration else None,
        intent_signals=tuple(mask(one) for one in read.intent_signals) if need.intents else (),
        resolution_history=_settled(texts) if need.history else None,
        known=tuple(mask(one) for one in known),
        sensitivities=tuple(mask(one) for one in read.sensitivities) if special else None,
        completeness=texts.completeness,
        sources=operation.ledger.statuses(owner.id),
        failures=texts.failures,
    )


def _settled(texts: Texts) -> tuple[Matter, ...] | None:
    found = texts.matters.issues
    return None if found is None else tuple(one for one in found if not one.is_open)[:LATEST]
