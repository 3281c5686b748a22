"""Coming in by a token, and going out."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.desk import forms
from gateway.desk.forms import Form
from gateway.desk.sessions import ENTRY_COOKIE, PATH, Session, new_secret
from gateway.desk.visits import Desk, Visit, to
from gateway.refusals import NotAllowed, Refusal
from resolvers.caller import ANY_CUSTOMER, STAFF

NEEDED = (ANY_CUSTOMER, STAFF)


def routes(desk: Desk, *, without_token: bool) -> list[Route]:
    """`without_token`: callers on this machine need none."""

    async def show(request: Request) -> Response:
        return _form(desk, request, without_token=without_token)

    async def sign_in(request: Request) -> Response:
        try:
            form = await forms.read(request, request.cookies.get(ENTRY_COOKIE, ""))
            session = await _opened(desk, request, form)
        except Refusal as refused:
            return _form(desk, request, without_token=without_token, refused=refused)
        response = RedirectResponse(_inside(form.one("next")), 303)
        desk.sessions.give(response, session)
        return response

    async def sign_out(visit: Visit, _form: Form) -> Response:
        await desk.sessions.close(visit.session)
        response = to("/sign-in")
        desk.sessions.take_back(response)
        return response

    return [
        Route("/sign-in", show, methods=["GET"]),
        Route("/sign-in", sign_in, methods=["POST"]),
        desk.form("/sign-out", sign_out),
    ]


async def _opened(desk: Desk, request: Request, form: Form) -> Session:
    token = None if form.one("without") else form.one("token")
    session = await desk.sessions.open(request, token)
    missing = [scope for scope in NEEDED if not session.caller.may(scope)]
    if missing:
        await desk.sessions.close(session)
        raise NotAllowed(f"this token lacks the scopes {_listed(missing)}, which the desk needs")
    return session


def _listed(scopes: Sequence[str]) -> str:
    return " and ".join(scopes)


def _form(
    desk: Desk, request: Request, *, without_token: bool, refused: Refusal | None = None
) -> Response:
    secret = request.cookies.get(ENTRY_COOKIE) or new_secret()
    response = desk.frame.page(
        "sign-in.html",
        None,
        refused.status if refused else 200,
        secret=secret,
        next=_inside(request.query_params.get("next", "")),
        message=str(refused) if refused else "",
        without_token=without_token,
    )
    desk.sessions.give_entry(response, secret)
    return response


def _inside(path: str) -> str:
    """Where to go on: a page of the desk, whatever the address says."""
    inside = path.startswith(f"{PATH}/") and "\\" not in path and "//" not in path
    return path if inside and path.isprintable() else f"{PATH}/review"
