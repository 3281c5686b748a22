"""The desk as a part of the application."""

from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from gateway.desk import customers, entry, frame, people, review
from gateway.desk.sessions import PATH
from gateway.desk.visits import Desk, Visit, to

Respond = Callable[[Request], Awaitable[Response]]


def mounted(
    desk: Desk,
    events: Respond | None = None,
    *,
    thresholds: Sequence[float],
    without_token: bool,
) -> Mount:
    """`thresholds`: the weights from which pairs are reviewed and from which they join. `events`
    answers subscriptions, here under the cookie of the desk.
    """

    async def start(_request: Request) -> Response:
        return to("/review")

    async def nowhere(visit: Visit) -> Response:
        return visit.nothing("There is no such page.")

    return Mount(
        PATH,
        routes=[
            Route("/", start, methods=["GET"]),
            frame.assets(),
            *entry.routes(desk, without_token=without_token),
            *review.routes(desk, thresholds),
            *customers.routes(desk),
            *people.routes(desk),
            *([Route("/events", events, methods=["GET"])] if events else []),
            desk.page("/{rest:path}", nowhere),
        ],
    )
