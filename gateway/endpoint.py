"""`/graphql`: one operation from request to answer.

    who calls > media type > body > document, shape > variables, cost > run > answer > keep

Nothing is resolved before the last limit is judged. The status says what the media type asks for
(GraphQL over HTTP): `application/json` answers every well-formed request with 200.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final, Protocol

from graphql import GraphQLSchema, get_variable_values
from graphql.execution.values import VariableValues
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from domain.ports import Telemetry
from domain.waiting import before
from gateway import answers
from gateway.answers import Answer, Problem
from gateway.auth import Doorkeeper
from gateway.config import Limits
from gateway.cost import charge, sizes_of
from gateway.documents import Documents, Prepared
from gateway.execution.executor import Executor
from gateway.library import Library
from gateway.negotiation import Media, negotiated
from gateway.prices import PriceList
from gateway.refusals import (
    BadRequest,
    DeadlineExceeded,
    MethodNotAllowed,
    Refusal,
)
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
    library: Library = field(default_factory=Library)
    """Documents that may be asked for by their hash."""


class GraphQLEndpoint:
    """Answers requests for one graph."""

    def __init__(
        self, graph: Graph, doorkeeper: Doorkeeper, new_context: NewContext, telemetry: Telemetry
    ) -> None:
        self._graph = graph
        self._doorkeeper = doorkeeper
        self._new_context = new_context
        self._telemetry = telemetry

    @property
    def limits(self) -> Limits:
        return self._graph.limits

    async def respond(self, request: Request) -> Response:
        reply = await self.replied(request.headers, lambda: graphql_request(request, self.limits))
        response = Response(reply.body, reply.status, reply.headers)
        response.background = BackgroundTask(reply.finish)
        return response

    async def replied(
        self, headers: Mapping[str, str], read: Callable[[], Awaitable[GraphQLRequest]]
    ) -> "Reply":
        """The answer to a request with these headers; `read` is called once the caller is known."""
        started = perf_counter()
        media, kind = Media.GRAPHQL, "none"
        try:
            media = negotiated(headers.get("accept"))
            caller = self._doorkeeper.identify(headers.get("authorization"), headers.get("host"))
            reply, kind = await self._answer(await read(), caller, media)
        except Refusal as refusal:
            reply = _reply(answers.refused(refusal), media, refusal.status, refusal.headers)
        self._note(kind, reply.status, perf_counter() - started)
        return reply

    async def _answer(
        self, asked: GraphQLRequest, caller: Caller, media: Media
    ) -> tuple["Reply", str]:
        """The answer to a well-formed request, and the kind of its operation."""
        try:
            prepared, values = await self.judged(asked)
            if prepared.is_subscription:
                raise BadRequest("a subscription goes over a WebSocket or as text/event-stream")
        except MethodNotAllowed:
            raise
        except Refusal as refusal:
            status = 200 if media is Media.JSON else refusal.status
            return _reply(answers.refused(refusal), media, status), "refused"
        context = self._new_context(
            caller, self._graph.limits.deadline_s * (1 - RESERVE), asked.read_only
        )
        answer = await self._run(prepared, asked.variables, values, context)
        status = 200 if "data" in answer or media is Media.JSON else 400
        reply = _reply(answer, media, status, context=context)
        return reply, prepared.operation.operation.value

    async def judged(self, asked: GraphQLRequest) -> tuple[Prepared, VariableValues]:
        """An operation that may be run, or followed. Raises a Refusal."""
        library = self._graph.library
        prepared, values = self._judged(asked, await library.text(asked.query, asked.hash))
        if asked.hash is not None:
            await library.keep(asked.query, asked.hash)
        return prepared, values

    async def answered(
        self, asked: GraphQLRequest, prepared: Prepared, values: VariableValues, caller: Caller
    ) -> Answer:
        """The answer to a query or mutation that may be run, where it goes out in a stream."""
        deadline_s = self._graph.limits.deadline_s * (1 - RESERVE)
        context = self._new_context(caller, deadline_s, asked.read_only)
        answer = await self._run(prepared, asked.variables, values, context)
        await context.finish()
        return answer

    def _judged(self, asked: GraphQLRequest, document: str) -> tuple[Prepared, VariableValues]:
        graph = self._graph
        prepared = graph.documents.prepare(document, asked.operation_name)
        if asked.read_only and not prepared.is_query:
            raise MethodNotAllowed("a GET only runs queries; send a POST")
        values = self._coerced(prepared, asked.variables)
        self._charge(prepared, values.coerced)
        return prepared, values

    def _charge(self, prepared: Prepared, variables: Mapping[str, Any]) -> None:
        sizes = sizes_of(variables)
        if sizes in prepared.affordable:
            return
        graph = self._graph
        charge(prepared.operation, prepared.fragments, variables, graph.prices, graph.limits)
        prepared.affordable.add(sizes)

    def _coerced(self, prepared: Prepared, variables: dict[str, Any]) -> VariableValues:
        known = prepared.variables.coerced(variables) if prepared.variables else None
        if known is not None:
            return known
        definitions = prepared.operation.variable_definitions or ()
        values = get_variable_values(
            self._graph.schema,
            definitions,
            variables,
            max_errors=MAX_VARIABLE_ERRORS,
            hide_suggestions=self._graph.hide_suggestions,
        )
        if isinstance(values, list):
            raise BadRequest(values[0].message, values)
        return values

    async def _run(
        self,
        prepared: Prepared,
        variables: dict[str, Any],
        values: VariableValues,
        context: Context,
    ) -> Answer:
        deadline_s = self._graph.limits.deadline_s
        try:
            with before(asyncio.get_running_loop().time() + deadline_s):
                result = await self._graph.executor.run(prepared, variables, context, values)
        except TimeoutError:
            return answers.failed(
                DeadlineExceeded(f"the operation took longer than {deadline_s} s")
            )
        return answers.executed(result, context.problems)

    def _note(self, kind: str, status: int, seconds: float) -> None:
        self._telemetry.count("graphql_requests", {"operation": kind, "status": str(status)})
        self._telemetry.observe("graphql_seconds", {"operation": kind}, seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as it goes out; `finish` is for when it is out."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    context: Context | None

    async def finish(self) -> None:
        """What is kept of an answer is nobody's wait and nobody's error."""
        if self.context is not None:
            try:
                await self.context.finish()
            except Exception as error:  # noqa: BLE001  # the answer is out; it is logged by its id
                answers.logged(error)


_COMMON: Final = {
    media: {"content-type": media.header, "vary": "Accept", "cache-control": "no-store"}
    for media in Media
}


def _reply(
    answer: Answer,
    media: Media,
    status: int,
    headers: Mapping[str, str] | None = None,
    context: Context | None = None,
) -> Reply:
    common = _COMMON[media]
    return Reply(
        status=status,
        headers={**common, **headers} if headers else common,
        body=answers.encoded(answer),
        context=context,
    )


def failed(error: Exception) -> Reply:
    """For what nobody expected: told as INTERNAL, logged by its id."""
    answer = answers.failed(error)
    del answer["data"]
    return _reply(answer, Media.GRAPHQL, 500)
