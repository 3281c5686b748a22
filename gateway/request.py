"""From an HTTP request to a GraphQL request, within limits and by the rules of GraphQL over HTTP.

    POST  a JSON object in UTF-8; the body is read in pieces and cut where it grows too large
    GET   the same keys in the query; only with proof that no other site's page sent it

Everything that is not a well-formed request is refused with a 4xx and its reason.
"""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from email.message import Message
from typing import Any, Final

import orjson
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

from domain.slots import thawed
from gateway.config import Limits
from gateway.refusals import (
    BadRequest,
    BodyTimeout,
    MethodNotAllowed,
    TooLarge,
    UnsupportedMedia,
)

_HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})")

_HASHED: Final = frozenset({"documentId", "id", "extensions"})
"""Where a hash of the document may be."""

PROOF_HEADERS = ("x-requested-with", "apollo-require-preflight", "x-apollo-operation-name")
"""No page can send one to another site without a preflight, which CORS answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphQLRequest:
    """What is asked; `read_only` where it came by a safe method. The query of a known `hash` may be
    empty.
    """

    query: str
    operation_name: str | None
    variables: dict[str, Any]
    read_only: bool
    hash: str | None = None


_new: Final = thawed(GraphQLRequest)


async def graphql_request(request: Request, limits: Limits) -> GraphQLRequest:
    """Raises a Refusal for everything that is not a well-formed request."""
    if request.method == "GET":
        return _from_query(request, limits)
    if request.method != "POST":
        raise MethodNotAllowed("send GET or POST")
    _must_be_json(request.headers)
    body = await read_body(request, limits.body_bytes, limits.deadline_s)
    return from_body(body, limits)


def from_body(body: bytes, limits: Limits) -> GraphQLRequest:
    """Of the body of a POST. Raises a Refusal for everything that is not a well-formed request."""
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _undecoded(body, error) from None
    # The usual request is looked at here and now; what is wrong with another is told below.
    if data.__class__ is dict and _HASHED.isdisjoint(data):
        query, name, variables = data.get("query"), data.get("operationName"), data.get("variables")
        if (
            query.__class__ is str
            and len(query) <= limits.document_chars
            and query.strip()
            and (name is None or name.__class__ is str)
            and (variables is None or variables.__class__ is dict)
            # A value takes two bytes at least: its digit and what parts it from the next.
            and len(body) <= 2 * limits.variable_values
        ):
            made = _new()
            made.query, made.operation_name = query, name or None
            made.variables, made.read_only, made.hash = variables or {}, False, None
            made.__class__ = GraphQLRequest
            return made  # type: ignore[no-any-return]  # filled as `thawed` says
    return _from_object(data, limits)


# ---------------------------------------------------------------- POST


def _must_be_json(headers: Headers) -> None:
    """A page of another site cannot send JSON without a preflight, so this also keeps CSRF out."""
    kind = Message()
    kind["content-type"] = headers.get("content-type", "")
    if "content-type" not in headers or kind.get_content_type() != "application/json":
        raise UnsupportedMedia("a POST must have the content type application/json")
    if str(kind.get_param("charset", "utf-8")).lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMedia("JSON must be in UTF-8")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("the body must not be compressed")


async def read_body(request: Request, most_bytes: int, timeout_s: float) -> bytes:
    """The body, never more of it than allowed in memory, whatever its length is said to be. Raises
    TooLarge, BodyTimeout and BadRequest.
    """
    too_large = TooLarge(f"the body is larger than {most_bytes} bytes")
    if _declared(request.headers.get("content-length", "")) > most_bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for piece in request.stream():
                body += piece
                if len(body) > most_bytes:
                    raise too_large
    except TimeoutError:
        raise BodyTimeout("the body did not arrive in time") from None
    except ClientDisconnect:
        raise BadRequest("the body was cut off") from None
    return bytes(body)


def _declared(length: str) -> int:
    return int(length[:19]) if length.isascii() and length.isdecimal() else 0


def _undecoded(body: bytes, error: orjson.JSONDecodeError) -> BadRequest:
    if not body.strip():
        return BadRequest("the body is empty; send a JSON object with a query")
    return BadRequest(f"the body is not JSON: {error.msg} at byte {error.pos}")


# ---------------------------------------------------------------- GET


def _from_query(request: Request, limits: Limits) -> GraphQLRequest:
    _must_not_be_forged(request.headers)
    found: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in found:
            raise BadRequest(f"{name} is given twice")
        found[name] = value
    for name in ("variables", "extensions"):
        if text := found.pop(name, None):
            try:
                found[name] = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                raise BadRequest(f"{name} is not JSON: {error.msg} at {error.pos}") from None
    found["operationName"] = found.get("operationName") or None
    return _from_object(found, limits, read_only=True)


def _must_not_be_forged(headers: Headers) -> None:
    """A GET changes nothing, but a page of another site shall not even make us work: the browser
    says it is not one, or a header does that no such page may send.
    """
    if headers.get("sec-fetch-site") in {"same-origin", "none"} or "authorization" in headers:
        return
    if any(headers.get(name) for name in PROOF_HEADERS):
        return
    if headers.get("content-type", "").split(";")[0].strip().lower() == "application/json":
        return
    raise BadRequest(
        f"a GET needs the content type application/json or a header {PROOF_HEADERS[0]},"
        " against requests forged by other sites"
    )


# ---------------------------------------------------------------- both


def _from_object(data: Any, limits: Limits, read_only: bool = False) -> GraphQLRequest:
    if isinstance(data, list):
        raise BadRequest("batches are not taken: send one JSON object")
    if not isinstance(data, dict):
        raise BadRequest("send a JSON object with a query")
    query, name, variables = data.get("query"), data.get("operationName"), data.get("variables")
    known = _known(data)
    if known is not None and query is None:
        query = ""
    elif not isinstance(query, str) or not query.strip():
        raise BadRequest("query must be a GraphQL document in a string")
    elif known is not None and hashlib.sha256(query.encode()).hexdigest() != known:
        raise BadRequest("persistedQuery, documentId: the query has another hash")
    if name is not None and not isinstance(name, str):
        raise BadRequest("operationName must be a string")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest("variables must be an object")
    if len(query) > limits.document_chars:
        raise TooLarge(f"the document is longer than {limits.document_chars} characters")
    if _holds_more_values(variables, limits.variable_values):
        raise TooLarge(f"the variables hold more than {limits.variable_values} values")
    return GraphQLRequest(
        query=query,
        operation_name=name or None,
        variables=variables or {},
        read_only=read_only,
        hash=known,
    )


def _known(data: dict[str, Any]) -> str | None:
    """The hash of the document that is meant, in any of its forms: `documentId` (the draft of
    persisted documents), `id` (what clients sent before), or an extension (APQ). Raises BadRequest.
    """
    told = {data.get("documentId"), data.get("id")} if _are_texts(data) else {None}
    found = {_digest(one) for one in told if one is not None}
    found |= {one for one in (_persisted(data.get("extensions")),) if one is not None}
    if len(found) > 1:
        raise BadRequest("persistedQuery, documentId: two different hashes")
    return next(iter(found), None)


def _are_texts(data: dict[str, Any]) -> bool:
    if all(isinstance(data.get(name), str | None) for name in ("documentId", "id")):
        return True
    raise BadRequest("documentId must be a string")


def _digest(told: str) -> str:
    match = _HASH.fullmatch(told)
    if match is None:
        raise BadRequest("documentId: sha256: and a SHA-256 in small hexadecimal letters")
    return match[1]


def _persisted(extensions: Any) -> str | None:
    """The hash of a persisted query. Raises BadRequest for one of another form."""
    if not isinstance(extensions, dict | None):
        raise BadRequest("extensions must be an object")
    asked = (extensions or {}).get("persistedQuery")
    if asked is None:
        return None
    known = asked.get("sha256Hash") if isinstance(asked, dict) else None
    match = _HASH.fullmatch(known) if isinstance(known, str) else None
    if match is None or asked.get("version") != 1:
        raise BadRequest("extensions.persistedQuery: version 1 and a sha256Hash in small letters")
    return match[1]


def _holds_more_values(value: Any, most: int) -> bool:
    """Coercion costs about 10 us a value, so their number is what a caller can burden us with."""
    pending, seen = [value], 0
    while pending:
        value = pending.pop()
        inner = value.values() if isinstance(value, dict) else value
        if isinstance(inner, list) or isinstance(value, dict):
            seen += len(inner)
            if seen > most:
                return True
            pending.extend(inner)
    return False
