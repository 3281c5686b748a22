"""`/graphql`: one operation from request to answer.

    who calls > media type > body > document, shape > variables, cost > run > answer > keep

Nothing is resolved before the last limit is judged. The status says what the media type asks for
(GraphQL over HTTP): `application/json` answers every well-formed request with 200.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, Protocol

from graphql import GraphQLSchema, get_variable_values
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from domain.ports import Telemetry
from gateway import answers
from gateway.answers import Answer, Problem
from gateway.auth import Doorkeeper
from gateway.config import Limits
from gateway.cost import charge, sizes_of
from gateway.documents import Documents, Prepared
from gateway.execution.executor import Executor
from gateway.negotiation import Media, negotiated
from gateway.prices import PriceList
from gateway.refusals import BadRequest, DeadlineExceeded, MethodNotAllowed, Refusal
from gateway.request import GraphQLRequest, graphql_request
from resolvers.caller import Caller

logger = logging.getLogger(__name__)

RESERVE: Final = 0.05
"""Share of the deadline kept back, so that what sources did not answer is told by its fields."""
MAX_VARIABLE_ERRORS: Final = 10


class Context(Protocol):
    """What resolvers are handed."""

    @property
    def problems(self) -> Iterable[Problem]: ...

    async def finish(self) -> None: ...


NewContext = Callable[[Caller, float, bool], Context]
"""Of a caller, a deadline in seconds from now, and whether the request is read-only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A graph with what it takes to judge and run operations on it."""

    schema: GraphQLSchema
    documents: Documents
    prices: PriceList
    executor: Executor
    limits: Limits
    hide_suggestions: bool


class GraphQLEndpoint:
    """Answers requests for one graph."""

    def __init__(
        self, graph: Graph, doorkeeper: Doorkeeper, new_context: NewContext, telemetry: Telemetry
    ) -> None:
        self._graph = graph
        self._doorkeeper = doorkeeper
        self._new_context = new_context
        self._telemetry = telemetry

    async def respond(self, request: Request) -> Response:
        started = perf_counter()
        media, kind = Media.GRAPHQL, "none"
        try:
            media = negotiated(request.headers.get("accept"))
            caller = self._identify(request)
            asked = await graphql_request(request, self._graph.limits)
            response, kind = await self._answer(asked, caller, media)
        except Refusal as refusal:
            response = _response(answers.refused(refusal), media, refusal.status, refusal.headers)
        self._note(kind, response, perf_counter() - started)
        return response

    def _identify(self, request: Request) -> Caller:
        headers = request.headers
        return self._doorkeeper.identify(headers.get("authorization"), headers.get("host"))

    async def _answer(
        self, asked: GraphQLRequest, caller: Caller, media: Media
    ) -> tuple[Response, str]:
        """The answer to a well-formed request, and the kind of its operation."""
        try:
            prepared = self._judged(asked)
        except MethodNotAllowed:
            raise
        except Refusal as refusal:
            status = 200 if media is Media.JSON else refusal.status
            return _response(answers.refused(refusal), media, status), "refused"
        context = self._new_context(
            caller, self._graph.limits.deadline_s * (1 - RESERVE), asked.read_only
        )
        answer = await self._run(prepared, asked.variables, context)
        status = 200 if "data" in answer or media is Media.JSON else 400
        response = _response(answer, media, status)
        response.background = BackgroundTask(_finish, context)
        return response, prepared.operation.operation.value

    def _judged(self, asked: GraphQLRequest) -> Prepared:
        graph = self._graph
        prepared = graph.documents.prepare(asked.query, asked.operation_name)
        if asked.read_only and not prepared.is_query:
            raise MethodNotAllowed("a GET only runs queries; send a POST")
        self._charge(prepared, self._coerced(prepared, asked.variables))
        return prepared

    def _charge(self, prepared: Prepared, variables: Mapping[str, Any]) -> None:
        sizes = sizes_of(variables)
        if sizes in prepared.affordable:
            return
        graph = self._graph
        charge(prepared.operation, prepared.fragments, variables, graph.prices, graph.limits)
        prepared.affordable.add(sizes)

    def _coerced(self, prepared: Prepared, variables: dict[str, Any]) -> Mapping[str, Any]:
        definitions = prepared.operation.variable_definitions
        if not definitions:
            return {}
        values = get_variable_values(
            self._graph.schema,
            definitions,
            variables,
            max_errors=MAX_VARIABLE_ERRORS,
            hide_suggestions=self._graph.hide_suggestions,
        )
        if isinstance(values, list):
            raise BadRequest(values[0].message, values)
        return values.coerced

    async def _run(self, prepared: Prepared, variables: dict[str, Any], context: Context) -> Answer:
        deadline_s = self._graph.limits.deadline_s
        try:
            async with asyncio.timeout(deadline_s):
                result = await self._graph.executor.run(prepared, variables, context)
        except TimeoutError:
            return answers.failed(
                DeadlineExceeded(f"the operation took longer than {deadline_s} s")
            )
        return answers.executed(result, context.problems)

    def _note(self, kind: str, response: Response, seconds: float) -> None:
        labels = {"operation": kind, "status": str(response.status_code)}
        self._telemetry.count("graphql_requests", labels)
        self._telemetry.observe("graphql_seconds", {"operation": kind}, seconds)


async def _finish(context: Context) -> None:
    """What is kept of an answer is nobody's wait and nobody's error."""
    try:
        await context.finish()
    except Exception as error:  # noqa: BLE001  # the answer is out; it is logged under an id
        answers.logged(error)


def _response(
    answer: Answer, media: Media, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        answers.encoded(answer),
        status_code=status,
        headers={
            "content-type": media.header,
            "vary": "Accept",
            "cache-control": "no-store",
            **(headers or {}),
        },
    )
