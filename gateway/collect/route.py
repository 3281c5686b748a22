"""The door for sites: who sends, how much, and what is answered, which is never about people.

POST /collect      one call or a batch; the write key in the body, or by Basic authentication
GET  /collect.js   the snippet for pages
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from domain.errors import InputError
from gateway.collect.segment import Call, reports, write_key
from gateway.collect.segment import Site as Sender
from gateway.config_record import LiveRecord, Site
from gateway.refusals import BadRequest, Unauthenticated, UnsupportedMedia
from gateway.request import read_body
from resolvers.caller import INGEST, INGEST_VERIFIED, Caller
from resolvers.services import Services
from resolvers.telling import MOST_EVENTS, take

PATH: Final = "/collect"
SNIPPET: Final = Path(__file__).parent / "snippet.js"
BODY_TIMEOUT_S: Final = 10.0
_KINDS: Final = ("application/json", "text/plain")
"""A page sends the second where it is left: no preflight is made for it then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    settings: LiveRecord
    services: Callable[[], Services]

    @property
    def routes(self) -> Sequence[Route]:
        """None where no site is collected from."""
        if not self.settings.sites:
            return ()
        return (
            Route(PATH, self.receive, methods=["POST"]),
            Route(f"{PATH}.js", self.snippet, methods=["GET"]),
        )

    async def snippet(self, _: Request) -> Response:
        headers = {"cache-control": "public, max-age=3600", "x-content-type-options": "nosniff"}
        return Response(SNIPPET.read_bytes(), media_type="text/javascript", headers=headers)

    async def receive(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _KINDS:
            raise UnsupportedMedia("send JSON")
        body = _decoded(await read_body(request, self.settings.collect_bytes, BODY_TIMEOUT_S))
        sender = self._sender(request.headers.get("authorization"), body)
        services = self.services()
        try:
            events = reports(sender, body, services.clock.now())
        except InputError as error:
            raise BadRequest(str(error)) from error
        if len(events) > MOST_EVENTS:
            raise BadRequest(f"batch: at most {MOST_EVENTS} calls")
        done = await take(services, _caller(sender), events)
        told = {"accepted": done.accepted, "duplicates": done.duplicates}
        refused = [
            {"code": one.code, "message": one.message, "field": list(one.field or ())}
            for one in done.user_errors
        ]
        return JSONResponse({"success": True, **told, "refused": refused})

    def _sender(self, authorization: str | None, body: Call) -> Sender:
        key = write_key(body) or _basic(authorization)
        for site in self.settings.sites:
            if key is not None and _is(key, site.write_key):
                return Sender(system=site.system, trusted=False)
            if key is not None and _is_secret(key, site):
                return Sender(system=site.system, trusted=True)
        raise Unauthenticated("the write key is not known")


def _caller(sender: Sender) -> Caller:
    scope = INGEST_VERIFIED if sender.trusted else INGEST
    return Caller(name=f"site:{sender.system}", scopes=frozenset({scope}))


def _is(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(), known.encode())


def _is_secret(given: str, site: Site) -> bool:
    digest = hashlib.sha256(given.encode()).hexdigest()
    return site.server_key is not None and hmac.compare_digest(digest, site.server_key)


def _basic(authorization: str | None) -> str | None:
    """The user of Basic authentication, as Segment's libraries send the key (RFC 7617)."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error.msg} at byte {error.pos}") from None
    if not isinstance(found, dict):
        raise BadRequest("the body must be a JSON object")
    return found
