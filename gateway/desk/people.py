"""A customer as whoever serves them sees it: who they are, what goes on now, what it is about, what
was promised, and everything that happened, newest first.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from starlette.responses import Response
from starlette.routing import Route

from domain.errors import CapabilityDisabled, SourceError
from domain.events import InteractionRecord
from domain.ids import CustomerId
from domain.provenance import Freshness
from domain.vocabulary import HandoffMode
from gateway.desk.forms import Form
from gateway.desk.sessions import new_secret
from gateway.desk.visits import Desk, Visit, to
from journey.context.purposes import Purpose
from resolvers import active, context, handoffs, search
from resolvers.context import CustomerContext
from resolvers.customer import Customer
from resolvers.matters import Matters
from resolvers.refused import UserError
from resolvers.timeline import Timeline, Walk

FOUND = 20
ITEMS = 30
NOBODY = "Nobody has, or ever had, this id, or it is not for you to see."

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What there is to see of a customer; a part is None where it cannot be told just now."""

    customer: Customer
    active: tuple[InteractionRecord, ...] | None
    matters: Matters | None
    context: CustomerContext | None
    timeline: Timeline


def routes(desk: Desk) -> list[Route]:
    return [
        desk.page("/people", _search),
        desk.page("/people/{id}", _shown),
        desk.form("/people/{id}/handoff", _hand_over),
        desk.page("/handoffs/{id}", _packet),
        desk.form("/handoffs/{id}/accept", _accept),
        desk.form("/handoffs/{id}/end", _end),
    ]


async def _search(visit: Visit) -> Response:
    text = visit.asked("find").strip()
    found = await search.search(visit.operation, text, FOUND) if text else []
    return visit.page("people.html", text=text, found=found)


async def _shown(visit: Visit) -> Response:
    return await _person(visit, visit.request.path_params["id"])


async def _person(visit: Visit, id: str, errors: Sequence[UserError] = ()) -> Response:
    customer = await visit.operation.loaders.customer(CustomerId(id), Freshness())
    if customer is None:
        return visit.nothing(NOBODY)
    seen = await _seen(visit, customer)
    return visit.page(
        "person.html",
        409 if errors else 200,
        seen=seen,
        customer=customer,
        sources=visit.operation.ledger.statuses(customer.id),
        completeness=visit.operation.ledger.completeness(customer.id),
        key=new_secret(),
        errors=errors,
        notice=None,
    )


async def _seen(visit: Visit, customer: Customer) -> Seen:
    operation = visit.operation
    walk = Walk(first=ITEMS, after=visit.asked("after"), freshness=customer.freshness)
    going_on, matters, known, pages = await asyncio.gather(
        _told(_active(visit, customer)),
        _told(operation.loaders.matters([customer])),
        _told(context.context(operation, customer, Purpose.SUPPORT, None)),
        operation.loaders.timelines([customer], walk),
    )
    return Seen(
        customer=customer,
        active=going_on,
        matters=matters[0] if matters else None,
        context=known,
        timeline=pages[0],
    )


async def _active(visit: Visit, customer: Customer) -> tuple[InteractionRecord, ...] | None:
    people = await visit.operation.loaders.people([customer.id], customer.freshness)
    standing = [one for one in people if one is not None]
    found = await active.of_customers(visit.operation, standing, customer.freshness)
    return found[0].items if found else None


async def _told(asked: Awaitable[T | None]) -> T | None:
    """A part that cannot be told leaves the others whole. A source that is lost has its own line in
    the log.
    """
    try:
        return await asked
    except (CapabilityDisabled, SourceError):
        return None


# ---------------------------------------------------------------- handing over


async def _hand_over(visit: Visit, form: Form) -> Response:
    wish = handoffs.Wish(
        issue=form.one("issue"),
        to=form.one("to").strip() or None,
        mode=HandoffMode.MANUAL,
        reason=form.one("reason"),
        idempotency_key=form.one("key"),
    )
    payload = await handoffs.create(visit.operation, wish)
    if payload.handoff is None:
        return await _person(visit, visit.request.path_params["id"], payload.user_errors)
    return to(f"/handoffs/{payload.handoff.id}")


async def _packet(visit: Visit) -> Response:
    found = await handoffs.by_id(visit.operation, visit.request.path_params["id"])
    if found is None:
        return visit.nothing("There is no such handoff, or its matter cannot be read now.")
    return visit.page("handoff.html", handed=found)


async def _accept(visit: Visit, _form: Form) -> Response:
    return await _after(visit, await handoffs.accept(visit.operation, _id(visit)))


async def _end(visit: Visit, _form: Form) -> Response:
    return await _after(visit, await handoffs.end(visit.operation, _id(visit)))


async def _after(visit: Visit, payload: handoffs.HandoffPayload) -> Response:
    if payload.handoff is None:
        return visit.nothing("; ".join(one.message for one in payload.user_errors))
    return to(f"/handoffs/{payload.handoff.id}")


def _id(visit: Visit) -> str:
    return str(visit.request.path_params["id"])
