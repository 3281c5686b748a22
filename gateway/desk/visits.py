"""A request to the desk: by whom, with what to work with, and how refusals are shown.

Every page needs a session, and every form its secret; a handler is only called with both. What it
does it does as the caller of the session, through the use cases that the graph calls too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from domain.errors import Forbidden, GatewayError, InputError, UnknownCustomer
from gateway.desk import forms
from gateway.desk.forms import Form
from gateway.desk.frame import Frame
from gateway.desk.sessions import PATH, Session, Sessions
from gateway.refusals import DeadlineExceeded, Refusal
from resolvers.caller import Caller
from resolvers.operation import Operation

NewOperation = Callable[[Caller, float, bool], Operation]
"""Of a caller, a deadline in seconds from now, and whether the request is read-only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of somebody who is signed in."""

    request: Request
    session: Session
    operation: Operation
    frame: Frame

    def asked(self, name: str) -> str:
        """A parameter of the address; empty where it is not given."""
        return self.request.query_params.get(name, "")

    def page(self, template: str, status: int = 200, **data: Any) -> Response:
        return self.frame.page(template, self.session, status, **data)

    def nothing(self, what: str) -> Response:
        return self.page("refused.html", 404, title="Not found", message=what)


Show = Callable[[Visit], Awaitable[Response]]
Act = Callable[[Visit, Form], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Makes routes of handlers."""

    frame: Frame
    sessions: Sessions
    new_operation: NewOperation
    deadline_s: float

    def page(self, path: str, show: Show) -> Route:
        async def answer(request: Request) -> Response:
            session = await self.sessions.find(request)
            if session is None:
                return _to_sign_in(request)
            return await self._run(request, session, show, read_only=True)

        return Route(path, answer, methods=["GET"])

    def form(self, path: str, act: Act) -> Route:
        async def answer(request: Request) -> Response:
            session = await self.sessions.find(request)
            if session is None:
                return _to_sign_in(request)

            async def believed(visit: Visit) -> Response:
                return await act(visit, await forms.read(request, session.csrf))

            return await self._run(request, session, believed, read_only=False)

        return Route(path, answer, methods=["POST"])

    async def _run(
        self, request: Request, session: Session, handler: Show, *, read_only: bool
    ) -> Response:
        operation = self.new_operation(session.caller, self.deadline_s, read_only)
        visit = Visit(request=request, session=session, operation=operation, frame=self.frame)
        try:
            async with asyncio.timeout(self.deadline_s):
                response = await handler(visit)
        except TimeoutError:
            late = DeadlineExceeded(f"this took longer than {self.deadline_s} s; nothing is lost")
            return self.refused(session, late)
        except GatewayError as error:
            if type(error) is GatewayError:
                raise
            return self.refused(session, error)
        response.background = BackgroundTask(operation.finish)
        return response

    def refused(self, session: Session | None, error: GatewayError) -> Response:
        status = error.status if isinstance(error, Refusal) else _status(error)
        title = _TITLES.get(status, "This did not work")
        return self.frame.page("refused.html", session, status, title=title, message=str(error))


_STATUSES: Final[dict[type[GatewayError], int]] = {
    Forbidden: 403,
    UnknownCustomer: 404,
    InputError: 400,
}
_TITLES: Final = {403: "Not allowed", 404: "Not found", 413: "Too much at once"}


def _status(error: GatewayError) -> int:
    return next((code for kind, code in _STATUSES.items() if isinstance(error, kind)), 503)


def to(path: str, **query: str) -> RedirectResponse:
    """See another page of the desk."""
    given = {name: value for name, value in query.items() if value}
    return RedirectResponse(f"{PATH}{path}{'?' if given else ''}{urlencode(given)}", 303)


def _to_sign_in(request: Request) -> Response:
    """And back again afterwards, where there was something to read."""
    back = request.url.path if request.method == "GET" else ""
    return RedirectResponse(f"{PATH}/sign-in{f'?next={quote(back)}' if back else ''}", 303)
