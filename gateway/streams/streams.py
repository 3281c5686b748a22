"""Open subscriptions, whatever they travel by.

    judged like a query  >  source of events  >  each event: who listens, may they, an answer

Every event is answered in an operation of its own, with loaders and masks of the caller as known at
that moment. Nobody polls: a stream waits for its feed.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from inspect import isawaitable
from typing import Any, Final, Protocol

from graphql import ExecutionResult, GraphQLSchema
from graphql.execution import create_source_event_stream, execute_subscription_event
from strawberry import Schema
from strawberry.execution import optimized_is_awaitable

from domain.errors import GatewayError
from domain.ports import Clock, Telemetry
from gateway import answers
from gateway.answers import Answer
from gateway.documents import Prepared
from gateway.refusals import DeadlineExceeded
from gateway.streams.bounds import Bounds, GoingAway, TooManyStreams
from resolvers.caller import Caller
from resolvers.happenings import Following
from resolvers.operation import Operation

logger = logging.getLogger(__name__)

Judge = Callable[[], Awaitable[Caller]]
"""Who is listening, as known now. Raises a Refusal where nobody is known any more."""
NewOperation = Callable[[Caller, float, bool], Operation]
LOOK_S: Final = 1.0
"""How often the clock is asked whether somebody is to be judged again."""


class Unopened(Exception):  # an answer, not a fault
    """The operation was refused by what it asks for; `answer` says why."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("refused")
        self.answer = answer


class Socket(Protocol):
    """A connection that is told when this worker stops."""

    def leave(self) -> None: ...


class Stream:
    """One open subscription. `ready` may be given up; `step` must not be."""

    def __init__(
        self, streams: "Streams", executor: Any, following: Following[Any, Any], judge: Judge
    ) -> None:
        self._streams = streams
        self._executor = executor
        self._following = following
        self._judge = judge
        self._judged_at = streams.clock.now()
        self._why: GatewayError | None = None

    @property
    def cursor(self) -> str | None:
        """Where to go on after what has been handed out."""
        return self._following.cursor

    async def ready(self) -> None:
        """Until something happened that may be for this one, or it is to end."""
        if self._why is None:
            await self._following.feed.ready()

    async def step(self) -> Answer | None:
        """The next answer; None where there is nothing. Raises why the stream ends."""
        if self._why is not None:
            raise self._why
        entry = await self._following.feed.take()
        if entry is None:
            return None
        operation = self._streams.operation(await self._caller())
        await self._following.guard(operation)
        payload = await self._following.payload(operation, entry)
        if payload is None:
            return None
        answer = await self._streams.executed(self._executor, operation, payload)
        await operation.finish()
        return answer

    def is_due(self, now: datetime) -> bool:
        return (now - self._judged_at).total_seconds() >= self._streams.bounds.rejudge_s

    async def rejudge(self) -> None:
        """End it where who listens is not known any more, or may not any more."""
        try:
            operation = self._streams.operation(await self._caller())
            await self._following.guard(operation)
        except GatewayError as why:
            self.end(why)

    def end(self, why: GatewayError) -> None:
        self._why = self._why or why
        self._following.feed.call()

    def close(self) -> None:
        self._following.feed.close()
        self._streams.forget(self)

    async def _caller(self) -> Caller:
        caller = await self._judge()
        self._judged_at = self._streams.clock.now()
        return caller


class Streams:
    """The open streams of this worker."""

    def __init__(
        self,
        schema: Schema,
        new_operation: NewOperation,
        clock: Clock,
        telemetry: Telemetry,
        *,
        deadline_s: float,
        hide_suggestions: bool,
        bounds: Bounds | None = None,
    ) -> None:
        self._schema: GraphQLSchema = schema._schema  # Strawberry has no other name for it
        self._executor_class: Any = schema.execution_context_class
        self._new_operation = new_operation
        self._telemetry = telemetry
        self._deadline_s = deadline_s
        self._hide_suggestions = hide_suggestions
        self._open: set[Stream] = set()
        self._is_draining = False
        self.clock = clock
        self.bounds = bounds or Bounds()
        self.sockets: set[Socket] = set()

    def __len__(self) -> int:
        return len(self._open)

    async def open(
        self,
        prepared: Prepared,
        variables: dict[str, Any],
        judge: Judge,
        resume_after: str | None = None,
    ) -> Stream:
        """Of an operation that was judged. Raises Unopened, TooManyStreams, GoingAway."""
        if self._is_draining:
            raise GoingAway("this worker stops")
        if len(self._open) >= self.bounds.most:
            raise TooManyStreams(f"{self.bounds.most} streams are open here")
        operation = self.operation(await judge())
        operation.resume_after = resume_after
        executor = self._executor_class.build(
            self._schema,
            prepared.document,
            context_value=operation,
            raw_variable_values=variables,
            operation_name=prepared.name,
            is_awaitable=optimized_is_awaitable,
            hide_suggestions=self._hide_suggestions,
        )
        if isinstance(executor, list):
            raise Unopened(answers.executed(ExecutionResult(None, executor)))
        stream = Stream(self, executor, await self._source(executor), judge)
        self._open.add(stream)
        self._telemetry.count("streams_opened", {})
        return stream

    async def executed(self, executor: Any, operation: Operation, payload: object) -> Answer:
        """What is answered of one event."""
        one = executor.build_per_event_executor(payload)
        one.context_value = operation
        try:
            async with asyncio.timeout(self._deadline_s):
                result = execute_subscription_event(one)
                done = await result if isawaitable(result) else result
        except TimeoutError:
            return answers.failed(DeadlineExceeded("an event took too long to be answered"))
        return answers.executed(done, operation.problems)

    def operation(self, caller: Caller) -> Operation:
        return self._new_operation(caller, self._deadline_s * 0.95, True)

    def forget(self, stream: Stream) -> None:
        self._open.discard(stream)

    async def _source(self, executor: Any) -> Following[Any, Any]:
        async with asyncio.timeout(self._deadline_s):
            source = create_source_event_stream(executor)
            found = await source if isawaitable(source) else source
        if isinstance(found, ExecutionResult):
            answer = answers.executed(found)
            answer.pop("data", None)
            raise Unopened(answer)
        assert isinstance(found, Following)  # noqa: S101  # the graph has no other subscriptions
        return found

    # ---------------------------------------------------------------- while it serves

    async def watch(self) -> None:
        """Judge again who is due, for as long as this runs."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.rejudge()

    async def rejudge(self) -> None:
        now = self.clock.now()
        for stream in [one for one in self._open if one.is_due(now)]:
            await stream.rejudge()

    def drain(self) -> None:
        """End everything: clients go on at another worker, or at this one when it is back."""
        if not self._is_draining:
            logger.info("streams_ended count=%s", len(self._open))
        self._is_draining = True
        for socket in list(self.sockets):
            socket.leave()
        for stream in list(self._open):
            stream.end(GoingAway("this worker stops; go on after the cursor"))


def ending(why: GatewayError, cursor: str | None) -> list[Answer]:
    """Errors that end a stream: the code, and where to go on."""
    errors: list[Answer] = answers.failed(why)["errors"]
    if cursor is not None:
        errors[0]["extensions"]["cursor"] = cursor
    return errors
