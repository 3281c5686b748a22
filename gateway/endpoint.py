"""`/graphql`: one operation from request to answer.

    who calls > media type > body > document, shape > variables, cost > run > answer > keep

Nothing is resolved before the last limit is judged. The status says what the media type asks for
(GraphQL over HTTP): `application/json` answers every well-formed request with 200.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final, Protocol

import orjson
from graphql import GraphQLSchema, get_variable_values
from graphql.execution.values import VariableValues
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from domain.ports import Telemetry
from domain.slots import thawed
from domain.waiting import before, in_task, running_loop
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
    BodyTimeout,
    DeadlineExceeded,
    MethodNotAllowed,
    Refusal,
)
from gateway.request import GraphQLRequest, graphql_request
from resolvers.caller import Caller

RESERVE: Final = 0.05
"""Share of the deadline kept back, so that what sources did not answer is told by its fields."""
MAX_VARIABLE_ERRORS: Final = 10
COMMON_HEADERS: Final = {
    media: {"content-type": media.header, "vary": "Accept", "cache-control": "no-store"}
    for media in Media
}
"""Of every answer of a media type."""
_GRAPHQL: Final = Media.GRAPHQL
_JSON: Final = Media.JSON
_NOTHING: Final[Mapping[str, str]] = {}

Labels = tuple[Mapping[str, str], Mapping[str, str]]
"""Of a request's count, and of its time."""


class Context(Protocol):
    """What resolvers are handed."""

    @property
    def problems(self) -> Iterable[Problem]: ...

    async def finish(self) -> None: ...


Read = Callable[[], GraphQLRequest | Awaitable[GraphQLRequest]]
"""What is asked; at once where the body is there."""

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
        self.limits = graph.limits
        self._limit_s = graph.limits.deadline_s
        self._labels: dict[tuple[str, int], Labels] = {}

    async def respond(self, request: Request) -> Response:
        reply = await self.replied(request.headers, lambda: graphql_request(request, self.limits))
        response = Response(reply.body, reply.status, reply.headers)
        response.background = BackgroundTask(reply.finish)
        return response

    async def replied(self, headers: Mapping[str, str], read: Read) -> "Reply":
        """The answer to a request with these headers; `read` is called once the caller is known."""
        # In one piece, because whatever waits below is resumed through each function above it.
        started, now = perf_counter(), running_loop().time
        media, kind, asked, context = _GRAPHQL, "none", None, None
        limit_s = self._limit_s
        try:
            media = negotiated(headers.get("accept"))
            caller = self._doorkeeper.identify(headers.get("authorization"), headers.get("host"))
            found = read()
            if isinstance(found, GraphQLRequest):
                asked = found
            else:
                with before(now() + limit_s):
                    asked = await found
            if asked.hash is None and self._graph.library.takes_any:
                prepared, values = self._judged(asked, asked.query)
            else:
                await in_task()
                with before(now() + limit_s):
                    prepared, values = await self.judged(asked)
            kind = prepared.kind
            if prepared.is_subscription:
                raise BadRequest("a subscription goes over a WebSocket or as text/event-stream")
            context = self._new_context(caller, limit_s * (1 - RESERVE), asked.read_only)
            until = now() + limit_s
            executor = self._graph.executor
            result = await executor.run(prepared, asked.variables, context, values, until)
            answer = answers.executed(result, context.problems)
            status = 200 if "data" in answer or media is _JSON else 400
            reply = _reply(answer, media, status, context=context)
        except TimeoutError:
            reply = _late(limit_s, media, asked, context)
        except Refusal as refusal:
            is_formed = asked is not None and context is None
            is_formed = is_formed and not isinstance(refusal, MethodNotAllowed)
            kind = "refused" if is_formed else "none"
            reply = refused(refusal, media, is_formed)
        of_count, of_time = self._labels.get((kind, reply.status)) or self._new_labels(kind, reply)
        self._telemetry.count("graphql_requests", of_count)
        self._telemetry.observe("graphql_seconds", of_time, perf_counter() - started)
        return reply

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
        limit_s = self._limit_s
        context = self._new_context(caller, limit_s * (1 - RESERVE), asked.read_only)
        try:
            until = running_loop().time() + limit_s
            executor = self._graph.executor
            result = await executor.run(prepared, asked.variables, context, values, until)
        except TimeoutError:
            answer = answers.failed(_exceeded(limit_s))
        else:
            answer = answers.executed(result, context.problems)
        await context.finish()
        return answer

    def _judged(self, asked: GraphQLRequest, document: str) -> tuple[Prepared, VariableValues]:
        graph = self._graph
        prepared = graph.documents.prepare(document, asked.operation_name)
        if asked.read_only and not prepared.is_query:
            raise MethodNotAllowed("a GET only runs queries; send a POST")
        known = prepared.variables
        values = None if known is None else known.coerced(asked.variables)
        if values is None:
            values = self._coerced(prepared, asked.variables)
        variables = values.coerced
        sizes = () if known is not None and not known.have_sizes else sizes_of(variables)
        if sizes not in prepared.affordable:
            charge(prepared.operation, prepared.fragments, variables, graph.prices, graph.limits)
            prepared.affordable.add(sizes)
        return prepared, values

    def _coerced(self, prepared: Prepared, variables: dict[str, Any]) -> VariableValues:
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

    def _new_labels(self, kind: str, reply: "Reply") -> "Labels":
        labels = {"operation": kind, "status": str(reply.status)}, {"operation": kind}
        return self._labels.setdefault((kind, reply.status), labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as it goes out; `finish` is for when it is out."""

    status: int
    media: Media
    more: Mapping[str, str]
    """Headers beside those that every answer of its media type has."""
    body: bytes
    context: Context | None

    @property
    def headers(self) -> Mapping[str, str]:
        return {**COMMON_HEADERS[self.media], **self.more}

    async def finish(self) -> None:
        """What is kept of an answer is nobody's wait and nobody's error."""
        if self.context is not None:
            try:
                await self.context.finish()
            except Exception as error:  # noqa: BLE001  # the answer is out; it is logged by its id
                answers.logged(error)


_new_reply: Final = thawed(Reply)


def _reply(
    answer: Answer,
    media: Media,
    status: int,
    more: Mapping[str, str] = _NOTHING,
    context: Context | None = None,
) -> Reply:
    made = _new_reply()
    made.status, made.media, made.more, made.context = status, media, more, context
    made.body = orjson.dumps(answer)
    made.__class__ = Reply
    reply: Reply = made
    return reply


def failed(error: Exception) -> Reply:
    """For what nobody expected: told as INTERNAL, logged by its id."""
    answer = answers.failed(error)
    del answer["data"]
    return _reply(answer, Media.GRAPHQL, 500)


def refused(refusal: Refusal, media: Media, is_formed: bool = False) -> Reply:
    """`application/json` answers every well-formed request with 200."""
    status = 200 if is_formed and media is _JSON else refusal.status
    return _reply(answers.refused(refusal), media, status, refusal.headers)


def _late(
    limit_s: float, media: Media, asked: GraphQLRequest | None, context: Context | None
) -> Reply:
    """Of a body that did not come, or an operation that did not end."""
    if asked is None:
        return refused(BodyTimeout("the body did not arrive in time"), media)
    return _reply(answers.failed(_exceeded(limit_s)), media, 200, context=context)


def _exceeded(limit_s: float) -> DeadlineExceeded:
    return DeadlineExceeded(f"the operation took longer than {limit_s} s")
