"""The Shopify Admin API over HTTP: one endpoint, one access token, costs in every answer."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    OperationDefinitionNode,
    execute_sync,
    get_operation_ast,
    get_variable_values,
    parse,
    validate,
)
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.shopify.costs import Estimate, LimitProblem
from sandbox.shopify.graph import admin_schema
from sandbox.shopify.hooks import ShopifyHooks
from sandbox.shopify.request import Request, SearchNote
from sandbox.shopify.throttle import PLENTY, STANDARD, Bucket, Plan
from sandbox.vendor import Answer, Json, Vendor
from sandbox.world import World

VERSION: Final = "2026-07"
TOKEN: Final = "shpat_sandbox_0123456789abcdef"  # noqa: S105 - made up, opens nothing
MOST_PER_QUERY: Final = 1_000
_LIMITS_PAGE: Final = "https://shopify.dev/api/usage/rate-limits"


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A document that may run, or the errors why not."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...]


class ShopifyDialect:
    """The vendor's own refusals."""

    def unauthorized(self) -> Answer:
        text = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        return Answer(status=401, body={"errors": text})

    def rate_limited(self, retry_after_s: int) -> Answer:
        """THROTTLED with HTTP 200; the wait is what the missing points take to restore."""
        rate, most = STANDARD.restore_rate, STANDARD.maximum
        status = {"maximumAvailable": most, "currentlyAvailable": 0, "restoreRate": rate}
        return Answer(status=200, body=_throttled(int(rate * retry_after_s), status))

    def broken(self) -> Answer:
        return Answer(status=500, body={"errors": "Internal Server Error"})


def build(world: World, *, plan: Plan = PLENTY) -> ASGIApp:
    """The bare app. `plan` sizes the bucket of query costs."""
    endpoint = _Endpoint(world, plan)
    path = f"/admin/api/{VERSION}/graphql.json"
    return Starlette(routes=[Route(path, endpoint.post, methods=["POST"])])


class _Endpoint:
    def __init__(self, world: World, plan: Plan) -> None:
        self._world = world
        self._bucket = Bucket(plan, world.now)

    async def post(self, http: HttpRequest) -> Response:
        if http.headers.get("x-shopify-access-token") != TOKEN:
            refusal = ShopifyDialect().unauthorized()
            return _answer(refusal.body, refusal.status)
        body = _body(await http.body())
        if body is None:
            return _answer({"errors": {"query": "Required parameter missing or invalid"}}, 400)
        return _answer(self._run(body))

    def _run(self, body: Mapping[str, Any]) -> Json:
        prepared = _prepared(body["query"])
        if prepared.document is None:
            return _failed(list(prepared.errors))
        operation = get_operation_ast(prepared.document, body.get("operationName"))
        if operation is None:
            return _failed([GraphQLError("Must provide a valid operation name.")])
        return self._execute(prepared.document, operation, body.get("variables") or {})

    def _execute(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: dict[str, Any],
    ) -> Json:
        schema = admin_schema()
        coerced = get_variable_values(schema, operation.variable_definitions or (), variables)
        if isinstance(coerced, list):
            return _failed(coerced)
        estimate = Estimate(schema, document, operation, coerced)
        try:
            cost = estimate.requested()
        except LimitProblem as problem:
            return _refused(problem)
        if cost > MOST_PER_QUERY:
            return _too_dear(cost)
        if not self._bucket.allows(cost):
            return _throttled(cost, self._bucket.status())
        request = Request(self._world)
        name = None if operation.name is None else operation.name.value
        result = execute_sync(schema, document, None, request, variables, name)
        return self._charged(result, request, estimate, cost)

    def _charged(
        self, result: ExecutionResult, request: Request, estimate: Estimate, cost: int
    ) -> Json:
        actual = estimate.actual(result.data)
        self._bucket.spend(actual)
        extensions: dict[str, Json] = {"cost": _cost(cost, actual, self._bucket.status())}
        if request.notes:
            extensions["search"] = [_note(note) for note in request.notes]
        return {**result.formatted, "extensions": extensions}


def _body(raw: bytes) -> dict[str, Any] | None:
    """The request's JSON; None where it holds no query."""
    try:
        body = json.loads(raw)
    except ValueError:
        return None
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return None
    return body if isinstance(body.get("variables") or {}, dict) else None


@lru_cache(maxsize=256)
def _prepared(query: str) -> _Prepared:
    try:
        document = parse(query)
    except GraphQLError as problem:
        return _Prepared(None, (problem,))
    errors = validate(admin_schema(), document)
    return _Prepared(None if errors else document, tuple(errors))


def _answer(body: Json, status: int = 200) -> Response:
    headers = {"X-Shopify-API-Version": VERSION, "X-Request-Id": str(uuid.uuid4())}
    return JSONResponse(body, status_code=status, headers=headers)


def _failed(errors: list[GraphQLError]) -> Json:
    return {"errors": [error.formatted for error in errors]}


def _refused(problem: LimitProblem) -> Json:
    error = {
        "message": str(problem),
        "path": list(problem.path),
        "extensions": {"code": problem.code},
    }
    return {"errors": [error]}


def _too_dear(cost: int) -> Json:
    text = (
        f"Query cost is {cost}, which exceeds the single query max cost limit ({MOST_PER_QUERY}).\n"
        f"\nSee {_LIMITS_PAGE} for more information on how the cost of a query is calculated."
    )
    extensions = {
        "code": "MAX_COST_EXCEEDED",
        "cost": cost,
        "maxCost": MOST_PER_QUERY,
        "documentation": _LIMITS_PAGE,
    }
    return {"errors": [{"message": text, "extensions": extensions}]}


def _throttled(cost: int, status: Mapping[str, float]) -> Json:
    extensions = {"code": "THROTTLED", "documentation": _LIMITS_PAGE}
    return {
        "errors": [{"message": "Throttled", "extensions": extensions}],
        "extensions": {"cost": _cost(cost, None, status)},
    }


def _cost(requested: int, actual: int | None, status: Mapping[str, float]) -> Json:
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": dict(status),
    }


def _note(note: SearchNote) -> Json:
    return {
        "path": note.path,
        "query": note.query,
        "warnings": [
            {"field": one.field, "message": one.message, "code": one.code} for one in note.warned
        ],
    }


VENDOR: Final = Vendor(
    name="shopify",
    build=build,
    dialect=ShopifyDialect(),
    credentials={"token": TOKEN},
    hooks=ShopifyHooks,
)
