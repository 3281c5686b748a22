"""The Intercom REST API over HTTP: contacts and conversations, read, searched and changed.

Source: the paths of the published description, API 2.16; rate limits as documented (10,000 requests
a minute for an app, spread over windows of ten seconds, told in X-RateLimit headers).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.allowance import Allowance, Standing, Window
from sandbox.door import Door, response
from sandbox.intercom import pages, search, wire
from sandbox.intercom.errors import IntercomDialect, Refused, conflict, invalid, merged, not_found
from sandbox.intercom.fields import CONTACT, conversation_fields
from sandbox.intercom.hooks import IntercomHooks
from sandbox.intercom.replies import replied
from sandbox.rows import ChatContact, Conversation
from sandbox.vendor import Json, Vendor
from sandbox.world import World

TOKEN: Final = "dG9rOnNhbmRib3g="  # noqa: S105 - made up, opens nothing
VERSION: Final = "2.16"
APP_ALLOWANCE: Final = Allowance(requests=1_666, window_s=10)
# Far above any limit, so that a demo or benchmark never meets it.
PLENTY: Final = Allowance(requests=100_000, window_s=10)
_TEXTS: Final = ("external_id", "email", "phone", "name", "role")
_TIMES: Final = ("signed_up_at", "last_seen_at")


def build(world: World, *, allowance: Allowance = PLENTY) -> ASGIApp:
    """The bare app. `allowance` is the rate limit of the one app there is."""
    api = _Api(world)
    routes = [
        Route("/contacts/search", api.search_contacts, methods=["POST"]),
        Route(
            "/contacts/find_by_external_id/{external_id}", api.show_by_external_id, methods=["GET"]
        ),
        Route("/contacts/{contact_id}", api.show_contact, methods=["GET"]),
        Route("/contacts/{contact_id}", api.update_contact, methods=["PUT"]),
        Route("/conversations/search", api.search_conversations, methods=["POST"]),
        Route("/conversations/{conversation_id}", api.show_conversation, methods=["GET"]),
        Route("/conversations/{conversation_id}/reply", api.reply, methods=["POST"]),
    ]
    handlers = {Refused: _refused, HTTPException: _unknown_path}

    def told(_: str, standing: Standing) -> Mapping[str, str]:
        reset = int((world.now() + timedelta(seconds=standing.reset_s)).timestamp())
        return {
            "Intercom-Version": VERSION,
            "X-RateLimit-Limit": str(standing.limit),
            "X-RateLimit-Remaining": str(standing.remaining),
            "X-RateLimit-Reset": str(reset),
        }

    return Door(
        Starlette(routes=routes, exception_handlers=handlers),
        dialect=IntercomDialect(world.now),
        authorized=lambda given: given == f"Bearer {TOKEN}",
        window=Window(allowance, world.now),
        told=told,
    )


class _Api:
    def __init__(self, world: World) -> None:
        self._world = world
        self._conversation_fields = conversation_fields(world)

    async def search_contacts(self, request: Request) -> Response:
        body = await _body(request)
        asked = pages.paging(body.get("pagination"), usual_size=50)
        sorting = pages.sorting(body.get("sort"), CONTACT, "created_at")
        test = search.predicate(body.get("query"), CONTACT, search.CONTACTS)
        rows = [row for row in self._world.chat_contacts.live() if test(row)]
        page = pages.page(rows, CONTACT[sorting.field], sorting.order, asked)
        data = [wire.contact(row) for row in page.rows]
        return JSONResponse(
            {"type": "list", "data": data, "total_count": page.total, "pages": page.pages}
        )

    async def show_contact(self, request: Request) -> Response:
        _check_version(request)
        return JSONResponse(wire.contact(self._contact(request.path_params["contact_id"])))

    async def show_by_external_id(self, request: Request) -> Response:
        """Users alone have an id of the client's that can be asked for."""
        _check_version(request)
        asked = request.path_params["external_id"]
        for row in self._world.chat_contacts.live():
            if row.role == "user" and row.external_id == asked:
                return JSONResponse(wire.contact(row))
        raise not_found("User Not Found")

    async def update_contact(self, request: Request) -> Response:
        body = await _body(request)
        row = self._contact(request.path_params["contact_id"])
        changes = _contact_changes(body)
        self._refuse_twins(row, changes)
        return JSONResponse(wire.contact(self._world.chat_contacts.change(row.id, **changes)))

    async def search_conversations(self, request: Request) -> Response:
        body = await _body(request)
        fields = self._conversation_fields
        asked = pages.paging(body.get("pagination"), usual_size=20)
        sorting = pages.sorting(body.get("sort"), fields, "updated_at")
        test = search.predicate(body.get("query"), fields, search.CONVERSATIONS)
        rows = [row for row in self._world.conversations.live() if test(row)]
        page = pages.page(rows, fields[sorting.field], sorting.order, asked)
        writer = wire.Writer(self._world)
        return JSONResponse(
            {
                "type": "conversation.list",
                "conversations": [writer.listed(row) for row in page.rows],
                "total_count": page.total,
                "pages": page.pages,
            }
        )

    async def show_conversation(self, request: Request) -> Response:
        _check_version(request)
        row = self._world.conversations.get(request.path_params["conversation_id"])
        if row is None or row.deleted_at is not None:
            raise not_found()
        plain = request.query_params.get("display_as") == "plaintext"
        return self._whole(row, plain=plain)

    async def reply(self, request: Request) -> Response:
        body = await _body(request)
        return self._whole(replied(self._world, request.path_params["conversation_id"], body))

    def _whole(self, row: Conversation, *, plain: bool = False) -> Response:
        return JSONResponse(wire.Writer(self._world, plain=plain).whole(row))

    def _contact(self, contact_id: str) -> ChatContact:
        """The contact; 410 with its successor where it was merged into another."""
        row = self._world.chat_contacts.get(contact_id)
        if row is not None and row.deleted_at is None:
            return row
        for other in self._world.chat_contacts.live():
            if contact_id in other.merged_ids:
                raise merged(other.id)
        raise not_found("User Not Found")

    def _refuse_twins(self, row: ChatContact, changes: Mapping[str, Any]) -> None:
        """An external id is one contact's; an e-mail is one user's (leads may share it)."""
        role = changes.get("role", row.role)
        for other in self._world.chat_contacts.live():
            shared = ("external_id", "email") if role == other.role == "user" else ("external_id",)
            same = any(
                changes.get(name) and changes[name] == getattr(other, name) for name in shared
            )
            if same and other.id != row.id:
                raise conflict(other.id)


async def _body(request: Request) -> dict[str, Any]:
    _check_version(request)
    try:
        body = json.loads(await request.body())
    except ValueError as problem:
        raise invalid("the body is no JSON", "bad_request") from problem
    if not isinstance(body, dict):
        raise invalid("the body is no JSON object", "bad_request")
    return body


def _check_version(request: Request) -> None:
    """Only the emulated version is served; without the header that is the app's own."""
    if request.headers.get("intercom-version", VERSION) != VERSION:
        text = "Requested resource is not available in current API version."
        raise invalid(text, "intercom_version_invalid")


def _contact_changes(body: Mapping[str, Json]) -> dict[str, Any]:
    """The fields of an update, read. Raises Refused for what the world does not keep."""
    changes: dict[str, Any] = {}
    for name, value in body.items():
        if name in _TEXTS and isinstance(value, str | None):
            changes[name] = value or None
        elif name in _TIMES and (value is None or type(value) is int):
            changes[name] = value and datetime.fromtimestamp(value, UTC)
        else:
            raise invalid(f"{name} cannot be set to {value!r}")
    if changes.get("role", "user") not in ("user", "lead"):
        raise invalid(f"role is user or lead, not {changes['role']}")
    return changes


async def _refused(_: Request, problem: Exception) -> Response:
    if not isinstance(problem, Refused):
        raise problem
    return response(problem.answer)


async def _unknown_path(_: Request, problem: Exception) -> Response:
    """A path or method the API does not have."""
    if not isinstance(problem, HTTPException):
        raise problem
    body = not_found("The requested URL was not found.").answer.body
    return JSONResponse(body, status_code=problem.status_code)


VENDOR: Final = Vendor(
    name="intercom",
    build=build,
    dialect=IntercomDialect(),
    credentials={"token": TOKEN},
    hooks=IntercomHooks,
)
