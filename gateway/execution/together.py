"""Requests of one turn that ask the same of other customers, as one run of their plan.

Sixteen desks that each open a customer ask sixteen times for what one list of sixteen answers, and
a customer in a list costs a quarter of one alone. Nobody waits for company, and company takes
nothing away: only requests of one caller, who may read anybody, go together. Where one of them may
have cost the others something (an answer refused or unreadable, a list cut before it was full, an
error of ours in several), each is run by itself. A source that does not answer is told of at once:
it would have kept each of them waiting.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from itertools import chain, repeat
from typing import Any, Final

from graphql import ExecutionResult, GraphQLError
from graphql.execution.values import VariableValues
from graphql.pyutils import Undefined

from domain.errors import GatewayError
from domain.waiting import Later, before, in_task, running_loop
from gateway import answers
from gateway.execution.compiler import Plan
from gateway.execution.run import Run
from gateway.execution.shared import SharedRun
from gateway.execution.sharing import Sharing
from resolvers.access import may_read_anybody
from resolvers.operation import Operation

MOST: Final = 32
"""Requests of one run: all wait for the last of them, and the event loop for all."""
CLOSE_S: Final = 0.02
"""Deadlines that lie no further apart are one: the earliest of them."""
FOUL_S: Final = 1.0
"""How long requests go alone after company was spoilt: a source that fails would be asked twice."""

_NO_LABELS: Final[Mapping[str, str]] = {}


class _Ask(Later):
    """One request. Once it is there, `result` is None for who has to run by itself."""

    __slots__ = ("company", "context", "is_late", "is_over", "result", "said", "until", "values")

    def __init__(
        self, values: VariableValues, said: Mapping[str, Any], context: Operation, until: float
    ) -> None:
        self.then = None
        self.values = values
        self.said = said
        """The arguments of the step."""
        self.context = context
        self.until = until
        self.result: ExecutionResult | None = None
        self.company: _Company | None = None
        self.is_late = False
        self.is_over = False
        """It was told, or has left."""

    def leave(self) -> None:
        self.is_over = True
        if self.company is not None:
            self.company.left()


class Together:
    """Brings the requests of a turn together. Of one event loop."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, list[_Ask]] = {}
        self._foul: dict[Sharing, float] = {}
        """Until when requests go alone."""

    async def run(
        self, plan: Plan, values: VariableValues, context: Operation, until: float
    ) -> ExecutionResult:
        """What a run by itself answers. Company is waited for without a task of one's own."""
        own = self._joined(plan, values, context, until)
        if own is not None:
            try:
                await own
            except asyncio.CancelledError:
                own.leave()
                raise
            if own.is_late:
                raise TimeoutError
            if own.result is not None:
                return own.result
        return await alone(plan, values, context, until)

    def _joined(
        self, plan: Plan, values: VariableValues, context: Operation, until: float
    ) -> _Ask | None:
        """None for who goes alone."""
        how, caller = plan.sharing, context.caller
        if how is None or context.read_only or caller.proven or not may_read_anybody(context):
            return None
        if self._foul and running_loop().time() < self._foul.get(how, 0.0):
            return None
        agreed = tuple(map(values.coerced.get, how.common, repeat(Undefined))) if how.common else ()
        common = (how, caller.name, caller.scopes, agreed)
        try:
            waiting = self._waiting.get(common)
            said = how.step.arguments.bind(values)
        except Exception:  # noqa: BLE001  # lists among the variables; arguments a run will refuse
            return None
        if waiting is None:
            waiting = self._waiting[common] = []
            running_loop().call_soon(self._depart, common, plan)
        own = _Ask(values, said, context, until)
        waiting.append(own)
        return own

    def _depart(self, common: Hashable, plan: Plan) -> None:
        asks = [one for one in self._waiting.pop(common) if not one.is_over]
        while asks:
            count = _fitting(asks)
            if count == 1:
                _tell(asks[:1])
            else:
                _Company(plan, asks[:count], self._spoilt)
            del asks[:count]

    def _spoilt(self, how: Sharing) -> None:
        now = running_loop().time()
        self._foul = {one: until for one, until in self._foul.items() if until > now}
        self._foul[how] = now + FOUL_S


def _fitting(asks: Sequence[_Ask]) -> int:
    """How many of them, from the first on, go together."""
    first = asks[0].context.deadline
    for count, one in enumerate(asks[:MOST]):
        if abs(one.context.deadline - first) > CLOSE_S:
            return count
    return min(len(asks), MOST)


class _Company:
    """Requests that share a run, which ends when nobody waits for it any more."""

    def __init__(self, plan: Plan, asks: list[_Ask], spoilt: Callable[[Sharing], None]) -> None:
        self._plan = plan
        self._asks = asks
        self._spoilt = spoilt
        for one in asks:
            one.company = self
        self._task = asyncio.create_task(self._shared())

    def left(self) -> None:
        if all(one.is_over for one in self._asks):
            self._task.cancel()

    async def _shared(self) -> None:
        asks = self._asks
        try:
            context = _common(asks)
            with before(min([one.until for one in asks])):
                found = await self._found(context)
            for one, result in zip(asks, found, strict=True):
                if not one.is_over:  # who was let go is about to run by itself
                    one.result = result
        except TimeoutError:
            for one in asks:
                one.is_late = True
        finally:
            for one in asks:
                one.company = None  # they know each other, until the collector comes
            self._asks = []
            running_loop().call_soon(_tell, asks)
        await asyncio.sleep(0)  # the answers go out
        await _finished(context)

    async def _found(self, context: Operation) -> Sequence[ExecutionResult | None]:
        """Nothing for anybody where company may have taken something away."""
        plan, asks, how = self._plan, self._asks, self._plan.sharing
        assert how is not None  # noqa: S101  # they are here because of it
        _told(context, plan)
        run = SharedRun(context, asks[0].values)
        try:
            found = await run.each(plan.root, how, [one.said for one in asks], self._leave)
        except Exception:  # noqa: BLE001  # it comes again in the run of who is to be told
            found = None
        if found is None or context.was_cut or context.ledger.was_misread:
            self._spoilt(how)
            context.let_go()
            for one in asks:
                one.context.asks_anew = True
            return [None] * len(asks)
        answered: Sequence[ExecutionResult | None] = found
        if any([one.errors for one in found]):  # noqa: C419  # a list is looked through sooner
            answered = [
                one if own else None for one, own in zip(found, _is_own(found), strict=True)
            ]
        for problem in context.reported:
            whose = int(problem.path[0])
            if answered[whose] is not None:
                asks[whose].context.report(problem.path[1:], (problem.error,))
        shared = len(asks) - answered.count(None) - sum([one.is_over for one in asks])
        context.services.telemetry.count("graphql_shared_requests", _NO_LABELS, shared)
        return answered

    def _leave(self, index: int) -> None:
        """Let a request go that has to be run by itself."""
        own = self._asks[index]
        if not own.is_over:
            own.is_over = True
            running_loop().call_soon(own.come)


def _tell(asks: Iterable[_Ask]) -> None:
    """In one turn of the event loop, in which each goes on to its answer: what goes wrong there
    with one must not leave the others waiting for ever.
    """
    for one in asks:
        if not one.is_over:
            one.is_over = True
            try:
                one.come()
            except Exception as error:  # noqa: BLE001  # it is logged by its id
                answers.logged(error)


def _is_own(results: Sequence[ExecutionResult]) -> list[bool]:
    """Of each whether what nobody expected of it, if anything, is in no other: then it would have
    been so by itself.
    """
    causes = [{id(error.original_error) for error in _unexpected(one)} for one in results]
    times = Counter(chain.from_iterable(causes))
    return [all(times[cause] == 1 for cause in own) for own in causes]


def _unexpected(result: ExecutionResult) -> list[GraphQLError]:
    errors = result.errors or ()
    return [one for one in errors if not isinstance(one.original_error, GatewayError)]


def _common(asks: Sequence[_Ask]) -> Operation:
    """One operation in place of those of the requests."""
    first = asks[0].context
    made = Operation(
        first.services,
        first.caller,
        deadline=min(one.context.deadline for one in asks),
        started_at=first.started_at,
        read_only=False,
    )
    made.is_shared = True
    return made


async def _finished(context: Operation) -> None:
    try:
        await context.finish()
    except Exception as error:  # noqa: BLE001  # the answers are out; it is logged by its id
        answers.logged(error)


async def alone(
    plan: Plan, values: VariableValues, context: object, until: float
) -> ExecutionResult:
    """A run by itself. Where it waits for nothing it needs neither a task nor a deadline."""
    if not plan.root.waits:
        return await begun(plan, values, context).execute(plan.root)
    await in_task()
    with before(until):
        return await begun(plan, values, context).execute(plan.root)


def begun(plan: Plan, values: VariableValues, context: object) -> Run:
    if isinstance(context, Operation):
        _told(context, plan)
    return Run(context, values, in_step=not plan.at_once)


def _told(context: Operation, plan: Plan) -> None:
    context.wanted = plan.wanted
    context.loaders.at_once = plan.at_once
