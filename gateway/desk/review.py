"""The review queue, and one pair of records beside each other."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from domain.customer import Link
from domain.records import Contact
from domain.vocabulary import LinkStatus
from gateway.desk.forms import Form
from gateway.desk.notices import decided, notice, seen
from gateway.desk.visits import Desk, Visit
from gateway.desk.waterfall import waterfall
from gateway.refusals import BadRequest
from resolvers import decisions, links, review
from resolvers.decisions import IdentityPayload
from resolvers.dossiers import Pair, pair
from resolvers.refused import UserError

PAGE = 20
ACTIONS = {
    "confirm": decisions.confirm,
    "reject": decisions.reject,
    "reopen": decisions.reopen,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A line of the queue."""

    link: Link
    left: Contact
    right: Contact
    summary: str


def routes(desk: Desk, thresholds: Sequence[float]) -> list[Route]:
    async def shown(visit: Visit) -> Response:
        return await _pair(visit, thresholds)

    async def act(visit: Visit, form: Form) -> Response:
        return await _decide(visit, form, thresholds)

    return [
        desk.page("/review", _queue),
        desk.page("/review/{link}", shown),
        desk.form("/review/{link}", act),
    ]


async def _queue(visit: Visit) -> Response:
    operation = visit.operation
    found = await review.queue(operation, PAGE, visit.asked("after") or None)
    waiting = await asyncio.gather(*(_waiting(visit, link) for link in found.nodes))
    return visit.page(
        "queue.html",
        waiting=[one for one in waiting if one is not None],
        count=await review.waiting_count(operation),
        page=found.page_info,
        notice=await notice(visit),
    )


async def _waiting(visit: Visit, link: Link) -> Waiting | None:
    load = visit.operation.loaders
    left, right = await asyncio.gather(load.link_end(link.left), load.link_end(link.right))
    if left is None or right is None:
        return None
    told = links.summary(link, await load.evidence(link))
    return Waiting(link=link, left=left, right=right, summary=told)


async def _pair(
    visit: Visit, thresholds: Sequence[float], errors: Sequence[UserError] = (), reason: str = ""
) -> Response:
    found = await pair(visit.operation, visit.request.path_params["link"])
    if found is None:
        return visit.nothing("There is no such pair of records, or one of them is gone.")
    return visit.page(
        "pair.html",
        409 if errors else 200,
        pair=found,
        steps=waterfall(found.link, found.evidence, thresholds),
        is_decided=found.link.status in {LinkStatus.CONFIRMED, LinkStatus.REJECTED},
        consequence=_consequence(found),
        errors=errors,
        reason=reason,
        notice=await notice(visit),
    )


def _consequence(found: Pair) -> str:
    """What confirming would do besides: people decide on pairs and change customers."""
    if len(found.customers) != 2:
        return "Both records are one customer at present; rejecting splits it."
    size = sum(len(one.members) for one in found.customers)
    return f"They are two customers; confirming makes one of {size} records."


async def _decide(visit: Visit, form: Form, thresholds: Sequence[float]) -> Response:
    action, link = ACTIONS.get(form.one("decision")), visit.request.path_params["link"]
    if action is None:
        raise BadRequest("a pair is confirmed, rejected or reopened")
    reason = form.one("reason")
    payload: IdentityPayload = await action(visit.operation, link, reason, seen(form))
    if payload.user_errors:
        return await _pair(visit, thresholds, payload.user_errors, reason)
    return decided(payload, "/review", link)
