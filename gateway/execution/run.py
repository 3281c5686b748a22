"""One run of a plan: values read, put in their places, and the steps between them awaited.

    root  >  its generated function builds what is at hand, and tells of objects that wait
          >  steps, each once for all objects of a selection
          >  what they found is put in its place, and tells of the objects below
          >  late fields, once all below their siblings is there

What is read, and what is done where it is not as expected, is told in `reading`.
"""

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from operator import itemgetter
from typing import Any

from graphql import ExecutionResult
from graphql.execution.values import VariableValues

from gateway.execution.reading import Reading
from gateway.execution.shapes import Field, Item, Selection
from gateway.execution.tasks import Tasks

_VALUE = itemgetter(0)


class Level:
    """The objects of a selection that waits, and how much below them is not there yet."""

    __slots__ = ("above", "items", "left", "selection")

    def __init__(self, selection: Selection, items: list[Item], above: "Level | None") -> None:
        self.selection = selection
        self.items = items
        self.above = above
        self.left = 1
        """Until all of it has begun it is not there itself."""


Step = tuple[Field, Level]
Job = Step | list["Job"]
"""A step, or those of the objects below a relation."""


class Run(Reading):
    """A reading whose steps are awaited."""

    __slots__ = ("_in_step", "_tasks")

    def __init__(self, context: Any, variables: VariableValues, *, in_step: bool = False) -> None:
        """`in_step`: places that may share a call begin in one turn of the event loop, so that none
        has left before the others ask.
        """
        super().__init__(context, variables)
        self._tasks: Tasks | None = None
        """None until a step begins beside another one."""
        self._in_step = in_step

    async def execute(self, root: Selection) -> ExecutionResult:
        answer = self.answer
        self._read(root)
        jobs: list[Job] = []
        if root.waits:
            self._begin(root, None, jobs)
        if jobs:
            await self._through(self._walk(jobs))
        return ExecutionResult(answer.top["data"], answer.errors or None)

    async def _through(self, first: Coroutine[Any, Any, None]) -> None:
        """Await a step, and all that it begins; none of them goes on where one fails."""
        try:
            await first
            if self._tasks is not None and self._tasks.left:
                await self._tasks.rest()
        except BaseException:
            if self._tasks is not None:
                await self._tasks.stop()
            raise

    # ---------------------------------------------------------------- what is waited for

    def _begin(self, selection: Selection, above: Level | None, jobs: list[Job]) -> None:
        """Add the steps of the objects there are of a selection, and of those at hand below it."""
        items = self.waiting[selection.index]
        if not items:
            return
        level = Level(selection, items, above)
        if above is not None:
            above.left += 1
        for relation in selection.relations:
            for below in relation.below:
                self._begin(below, level, self._apart(below, jobs))
        for step in selection.steps:
            level.left += 1
            jobs.append((step, level))
        level.left -= 1
        if not level.left:
            self._end(level)

    def _apart(self, selection: Selection, jobs: list[Job]) -> list[Job]:
        """Where jobs of a selection are put: where places may share a call, those of each selection
        begin together, a turn after the steps beside it, as graphql-core begins them.
        """
        if not self._in_step or not self.waiting[selection.index]:
            return jobs
        own: list[Job] = []
        jobs.append(own)
        return own

    async def _walk(self, jobs: list[Job]) -> None:
        """Await steps, side by side, and what is below them: the last of them in this task."""
        errors = self.answer.errors
        while jobs:
            if self._in_step and len(jobs) > 1:
                self._begin_beside(jobs)
                return
            if not self._in_step:
                jobs = self._at_hand(jobs)
                if not jobs:
                    return
            last = jobs.pop()
            if jobs:
                self._begin_beside(jobs)
            if isinstance(last, list):
                jobs = last
                continue
            field, level = last
            items = self._standing(level) if errors else level.items
            try:
                if len(items) == 1 and field.resolver.many is None:  # type: ignore[union-attr]  # of a step
                    found: Sequence[Any] = [await self._asked_for(field, items[0])]
                else:
                    found = await self._asked(field, items) if items else ()
            except Exception as error:  # noqa: BLE001  # it is the error of each of the fields
                found = [error] * len(items)
            jobs = self._put(field, level, items, found)

    def _at_hand(self, jobs: list[Job]) -> list[Job]:
        """Take the steps for which nothing has to be waited, and those below them: the others are
        left, in order. A task for a step costs more than all that is done for it.
        """
        left: list[Job] = []
        while jobs:
            job = jobs.pop(0)
            if isinstance(job, list):
                left.append(job)
                continue
            field, level = job
            found = None if self.answer.errors else self._tried(field, level.items)
            if found is None:
                left.append(job)
            else:
                jobs += self._put(field, level, level.items, found)
        return left

    def _tried(self, field: Field, items: list[Item]) -> Sequence[Any] | None:
        """As `_asked` where nothing has to be waited for; None where it has."""
        assert field.resolver is not None  # noqa: S101  # it is what makes a field a step
        at_hand, arguments = field.resolver.at_hand, field.arguments.constant
        if at_hand is None:
            return None
        infos = lambda i: self._info(field, items[i])  # noqa: E731
        try:
            if arguments is None:
                arguments = self.arguments(field)
            return at_hand([*map(_VALUE, items)], self.context, infos, **arguments)
        except Exception as error:  # noqa: BLE001  # it is the error of each of the fields
            return [error] * len(items)

    def _put(
        self, field: Field, level: Level, items: list[Item], found: Sequence[Any]
    ) -> list[Job]:
        """Put what was found in its places; the steps below it."""
        failed: list[tuple[Item, Any]] = []
        field.complete(items, found, self, failed)  # type: ignore[misc]  # a step has one
        if failed:
            self._again(field, failed)
        jobs: list[Job] = []
        for selection in field.below:
            self._begin(selection, level, self._apart(selection, jobs))
        level.left -= 1
        if not level.left:
            self._end(level)
        return jobs

    def _begin_beside(self, jobs: list[Job]) -> None:
        if self._tasks is None:
            self._tasks = Tasks()
        for job in jobs:
            self._tasks.begin(self._walk([job]))

    def _asked(self, field: Field, items: list[Item]) -> Awaitable[Sequence[Any]]:
        """For each item a value, or the exception that is the error of its field."""
        resolver, arguments = field.resolver, field.arguments.constant
        assert resolver is not None  # noqa: S101  # it is what makes a field a step
        if resolver.many is None:
            return _settled([self._asked_for(field, item) for item in items])
        if arguments is None:
            arguments = self.arguments(field)
        infos = lambda i: self._info(field, items[i])  # noqa: E731
        return resolver.many([*map(_VALUE, items)], self.context, infos, **arguments)

    def _asked_for(self, field: Field, item: Item) -> Awaitable[Any]:
        assert field.resolver is not None  # noqa: S101  # it is what makes a field a step
        info = self._info(field, item)
        found: Awaitable[Any] = field.resolver.of(item[0], info, self.arguments(field))
        return found

    def _end(self, level: Level | None) -> None:
        """All below the level is there, and so it may be of the one above it."""
        while level is not None and not level.left:
            for field in level.selection.late:
                self._fill(field, self._standing(level))
            level = level.above
            if level is not None:
                level.left -= 1

    def _fill(self, field: Field, items: list[Item]) -> None:
        """Complete a late field: with what was found for all, or else with the parents."""
        found: Sequence[Any] = [*map(_VALUE, items)]
        if field.is_found and items:
            try:
                found = field.resolver.of_all(found, self.context)  # type: ignore[union-attr,misc]
            except Exception as error:  # noqa: BLE001  # it is the error of each of the fields
                found = [error] * len(items)
        failed: list[tuple[Item, Any]] = []
        field.complete(items, found, self, failed)  # type: ignore[misc]  # a late field has one
        if failed:
            self._again(field, failed)

    def _standing(self, level: Level) -> list[Item]:
        """Those whose place has not been made null; nothing has where nothing is lost."""
        items, selection = level.items, level.selection
        if not self.answer.errors:
            return items
        return [item for item in items if not self._place(selection, item).is_gone]


async def _settled(some: list[Awaitable[Any]]) -> list[Any]:
    """What each came to: a value, or the exception that is the error of its field."""
    found = await asyncio.gather(*some, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, Exception):
            raise one
    return found
