"""The CRM contacts API over HTTP: read, batch read, search, list, write, archive and merge.

Source: the description of HubSpot's official client (paths, bodies), its guides for limits
(100 inputs a batch, 100 results a listed page, 200 a searched one).
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.allowance import Allowance, Standing, Window
from sandbox.door import Door, response
from sandbox.hubspot import search
from sandbox.hubspot.contacts import Contacts
from sandbox.hubspot.errors import HubSpotDialect, Refused, error, invalid, missing_from_batch
from sandbox.hubspot.properties import DEFAULT, described
from sandbox.rows import CrmContact
from sandbox.vendor import Json
from sandbox.wire import iso_milliseconds
from sandbox.world import World

TOKEN: Final = "pat-eu1-sandbox-0000-4000-8000-000000000001"  # noqa: S105 - made up, opens nothing
MOST_INPUTS: Final = 100
MOST_LISTED: Final = 100
MOST_SEARCH_CHARACTERS: Final = 3_000
# Far above any plan (100 to 190 in ten seconds), so that a demo or benchmark never meets it.
PLENTY: Final = Allowance(requests=10_000, window_s=10)

_BASE: Final = "/crm/v3/objects/contacts"
M = TypeVar("M", bound=BaseModel)


class ObjectId(BaseModel):
    id: str


class BatchRead(BaseModel):
    """All three are required by the description, empty lists included."""

    inputs: list[ObjectId]
    properties: list[str]
    propertiesWithHistory: list[str]
    idProperty: str | None = None


class Write(BaseModel):
    properties: dict[str, str | None]


class Merge(BaseModel):
    primaryObjectId: str
    objectIdToMerge: str


class GdprDelete(BaseModel):
    objectId: str
    idProperty: str | None = None


def build(world: World, *, allowance: Allowance = PLENTY) -> ASGIApp:
    """The bare app. `allowance` is the burst limit of the one private app there is."""
    api = _Api(Contacts(world), world)
    routes = [
        Route(_BASE, api.list, methods=["GET"]),
        Route(_BASE, api.create, methods=["POST"]),
        Route(f"{_BASE}/batch/read", api.batch_read, methods=["POST"]),
        Route(f"{_BASE}/search", api.search, methods=["POST"]),
        Route(f"{_BASE}/merge", api.merge, methods=["POST"]),
        Route(f"{_BASE}/gdpr-delete", api.gdpr_delete, methods=["POST"]),
        Route(f"{_BASE}/{{contact_id}}", api.show, methods=["GET"]),
        Route(f"{_BASE}/{{contact_id}}", api.update, methods=["PATCH"]),
        Route(f"{_BASE}/{{contact_id}}", api.archive, methods=["DELETE"]),
    ]
    handlers = dict.fromkeys((Refused, ValidationError, HTTPException), _explained)
    return Door(
        Starlette(routes=routes, exception_handlers=handlers),
        dialect=HubSpotDialect(),
        authorized=lambda header: header == f"Bearer {TOKEN}",
        window=Window(allowance, world.now),
        told=_limits,
    )


class _Api:
    def __init__(self, contacts: Contacts, world: World) -> None:
        self._contacts = contacts
        self._world = world

    async def show(self, request: Request) -> Response:
        row = self._contacts.one(
            request.path_params["contact_id"],
            id_property=request.query_params.get("idProperty"),
            archived=_flag(request, "archived"),
        )
        history = _names(request, "propertiesWithHistory")
        return JSONResponse(described(row, _asked(request), history))

    async def list(self, request: Request) -> Response:
        """By id ascending; `after` is the last id of the page before."""
        limit = _number(request, "limit", default=10)
        if not 1 <= limit <= MOST_LISTED:
            raise invalid(f"limit must be between 1 and {MOST_LISTED}, was {limit}")
        after = _number(request, "after", default=0)
        rows = self._contacts.listed(archived=_flag(request, "archived"))
        rest = [row for row in rows if int(row.id) > after]
        more = rest[limit - 1].id if len(rest) > limit else None
        history = _names(request, "propertiesWithHistory")
        results = [described(row, _asked(request), history) for row in rest[:limit]]
        return JSONResponse({"results": results, **_paging(more, request)})

    async def batch_read(self, request: Request) -> Response:
        """Rows in no promised order; ids not found are named in `errors` and make it a 207."""
        asked = await _body(request, BatchRead)
        _check_inputs(len(asked.inputs))
        started = iso_milliseconds(self._world.now())
        archived = _flag(request, "archived")
        found: dict[str, CrmContact] = {}
        missing: list[str] = []
        for wanted in dict.fromkeys(ref.id for ref in asked.inputs):
            row = self._contacts.find(wanted, id_property=asked.idProperty, archived=archived)
            if row is None:
                missing.append(wanted)
            else:
                found[row.id] = row
        answer: dict[str, Json] = {
            "status": "COMPLETE",
            "results": [
                described(row, asked.properties or DEFAULT, asked.propertiesWithHistory)
                for row in _unordered(found)
            ],
            "startedAt": started,
            "completedAt": iso_milliseconds(self._world.now()),
        }
        if missing:
            answer |= {"numErrors": 1, "errors": [missing_from_batch(missing)]}
        return JSONResponse(
            answer, status_code=HTTPStatus.MULTI_STATUS if missing else HTTPStatus.OK
        )

    async def search(self, request: Request) -> Response:
        if len(await request.body()) > MOST_SEARCH_CHARACTERS:
            raise invalid(f"the request is longer than {MOST_SEARCH_CHARACTERS} characters")
        asked = await _body(request, search.SearchRequest)
        start, end = search.window(asked)
        hits = search.found(self._contacts.listed(), asked)
        more = str(end) if len(hits) > end else None
        results = [described(row, asked.properties or DEFAULT) for row in hits[start:end]]
        return JSONResponse({"total": len(hits), "results": results, **_paging(more)})

    async def create(self, request: Request) -> Response:
        asked = await _body(request, Write)
        row = self._contacts.create(asked.properties)
        return JSONResponse(described(row, asked.properties), status_code=HTTPStatus.CREATED)

    async def update(self, request: Request) -> Response:
        asked = await _body(request, Write)
        row = self._contacts.update(
            request.path_params["contact_id"],
            asked.properties,
            id_property=request.query_params.get("idProperty"),
        )
        return JSONResponse(described(row, asked.properties))

    async def archive(self, request: Request) -> Response:
        self._contacts.archive(request.path_params["contact_id"])
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def merge(self, request: Request) -> Response:
        asked = await _body(request, Merge)
        row = self._contacts.merge(asked.primaryObjectId, asked.objectIdToMerge)
        return JSONResponse(described(row, (*DEFAULT, "hs_merged_object_ids")))

    async def gdpr_delete(self, request: Request) -> Response:
        asked = await _body(request, GdprDelete)
        self._contacts.erase(asked.objectId, id_property=asked.idProperty)
        return Response(status_code=HTTPStatus.NO_CONTENT)


def _unordered(found: dict[str, CrmContact]) -> list[CrmContact]:
    """The order of a batch is not promised: this one is neither the asked nor the stored order."""
    return sorted(found.values(), key=lambda row: row.id[::-1])


def _check_inputs(count: int) -> None:
    if not 1 <= count <= MOST_INPUTS:
        raise invalid(f"inputs: the batch size must be between 1 and {MOST_INPUTS}, was {count}")


def _asked(request: Request) -> list[str]:
    return _names(request, "properties") or list(DEFAULT)


def _names(request: Request, name: str) -> list[str]:
    """A list in a query: the parameter repeated, its values separated by commas, or both."""
    return [part for text in request.query_params.getlist(name) for part in text.split(",") if part]


def _flag(request: Request, name: str) -> bool:
    return request.query_params.get(name, "false").lower() == "true"


def _number(request: Request, name: str, *, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise invalid(f"{name} must be a number, was {text!r}")
    return int(text)


def _paging(after: str | None, request: Request | None = None) -> dict[str, Json]:
    """`paging.next` where there is a next page; absent on the last one. Lists give a link too."""
    if after is None:
        return {}
    following: dict[str, Json] = {"after": after}
    if request is not None:
        following["link"] = str(request.url.include_query_params(after=after))
    return {"paging": {"next": following}}


async def _body(request: Request, model: type[M]) -> M:
    return model.model_validate_json(await request.body())


def _limits(path: str, standing: Standing) -> dict[str, str]:
    """The rate-limit headers; the search endpoint sends none."""
    if path == f"{_BASE}/search":
        return {}
    return {
        "x-hubspot-ratelimit-max": str(standing.limit),
        "x-hubspot-ratelimit-remaining": str(standing.remaining),
        "x-hubspot-ratelimit-interval-milliseconds": "10000",
        "x-hubspot-ratelimit-daily": "1000000",
        "x-hubspot-ratelimit-daily-remaining": "999000",
    }


async def _explained(_: Request, problem: Exception) -> Response:
    """Whatever was raised, in HubSpot's words."""
    if isinstance(problem, Refused):
        return response(problem.answer)
    if isinstance(problem, ValidationError):
        first = problem.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "body"
        return response(invalid(f"Invalid input JSON at {place}: {first['msg']}").answer)
    if isinstance(problem, HTTPException):
        return response(error(problem.status_code, "OBJECT_NOT_FOUND", problem.detail))
    return response(HubSpotDialect().broken())
