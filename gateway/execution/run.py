"""One run of a plan: values read, put in their places, and the steps between them awaited.

    root  >  its generated function builds what is at hand, and tells of objects that wait
          >  steps, each once for all objects of a selection
          >  what they found is put in its place, and tells of the objects below
          >  late fields, once all below their siblings is there

Where all is as expected, generated functions do this by lists. What is not is read again field by
field, and only then it is known where in the answer it is (`_again`).
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

from graphql import ExecutionResult, GraphQLError, located_error
from graphql.execution.values import VariableValues
from graphql.pyutils import is_iterable

from gateway.execution.fields import Info, PlacelessInfo
from gateway.execution.places import Answer, Place
from gateway.execution.shapes import Field, Item, Leaf, Many, Selection, Shape
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


class Run:
    """The state of one operation. Generated functions add to `waiting` and `known`, read `info` and
    call `arguments`.
    """

    __slots__ = (
        "_bound",
        "_in_step",
        "_tasks",
        "_variables",
        "answer",
        "context",
        "info",
        "known",
        "waiting",
    )

    def __init__(self, context: Any, variables: VariableValues, *, in_step: bool = False) -> None:
        """`in_step`: places that may share a call begin in one turn of the event loop, so that none
        has left before the others ask.
        """
        self.context = context
        self.info = PlacelessInfo(context)
        self.answer = Answer()
        self.waiting: list[list[Item]] = []
        """By the index of a selection: the objects to read its steps of."""
        self.known: defaultdict[object, dict[object, Any]] = defaultdict(dict)
        """What a resolver answers for each value of the attribute from which it follows."""
        self._variables = variables
        self._bound: dict[Field, dict[str, Any] | Exception] = {}
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

    def _read(self, root: Selection) -> None:
        answer = self.answer
        if root.groups:
            self.waiting = [[] for _ in range(root.groups)]
        try:
            assert root.build is not None  # noqa: S101  # that of a root is always generated
            answer.top["data"] = root.build(None, self, None, None)
            return
        except Exception:  # noqa: BLE001, S110  # it is read again below, with its place
            pass
        for waiting in self.waiting:
            waiting.clear()
        try:
            answer.top["data"] = self._one_by_one(root, None, answer.root, None)
        except GraphQLError as error:
            answer.lose(answer.root, error)

    def arguments(self, field: Field) -> dict[str, Any]:
        """What a resolver is called with, worked out once. Raises what does not fit, each time."""
        bound = self._bound.get(field)
        if bound is None:
            try:
                bound = field.arguments.bind(self._variables)
            except Exception as error:  # noqa: BLE001  # an error of every field it is read for
                bound = error
            self._bound[field] = bound
        if isinstance(bound, Exception):
            raise bound
        return bound

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

    # ---------------------------------------------------------------- putting values in place

    def _again(self, field: Field, failed: list[tuple[Item, Any]]) -> None:
        """Put in place what a generated function could not."""
        items = {id(item) for item, _ in failed}
        for selection in field.collected:
            waiting = self.waiting[selection.index]
            waiting[:] = [one for one in waiting if not _is_below(one, items)]
        for item, value in failed:
            read = partial(_given, value) if field.is_found else self._reading(field, item)
            place = self._spot(field, item)
            try:
                item[1][field.key] = self._settle(field, field.shape, read, place, item)
            except GraphQLError as error:
                self.answer.lose(place, error)

    def _settle(
        self,
        field: Field,
        shape: Shape,
        read: Callable[[], Any],
        place: Place,
        above: Item,
    ) -> Any:
        """What goes to the place. An error is told there where null may stand for it, else it is
        raised with its place.
        """
        try:
            value = _given(read())
            if value is None:
                if shape.non_null:
                    raise field.missing
                return None
            of = shape.of
            if isinstance(of, Leaf):
                return of.answer(value)
            if isinstance(of, Many):
                return self._list(field, of, value, place, above)
            return self._object(of.selection(value), value, place, above)
        except Exception as error:
            located = located_error(error, field.nodes, place.as_list())
            if shape.non_null:
                raise located from error
            self.answer.lose(place, located)
            return None

    def _list(self, field: Field, of: Many, values: Any, place: Place, above: Item) -> list[Any]:
        if not is_iterable(values):
            raise GraphQLError(
                f"Expected Iterable, but did not find one for field '{field.parent}.{field.name}'."
            )
        found: list[Any] = []
        for i, value in enumerate(values):
            found.append(None)
            spot = place.below(i, found, not of.item.non_null)
            found[i] = self._settle(field, of.item, partial(_given, value), spot, above)
        return found

    def _object(
        self, selection: Selection, value: Any, place: Place, above: Item
    ) -> dict[str, Any]:
        if selection.build is not None and not selection.waits:
            try:
                return selection.build(value, self, None, None)
            except Exception:  # noqa: BLE001, S110  # whose error it is, and where, is found below
                pass
        return self._one_by_one(selection, value, place, above)

    def _one_by_one(
        self,
        selection: Selection,
        value: Any,
        place: Place,
        above: Item | None,
    ) -> dict[str, Any]:
        """What a generated function would have built, with its errors told."""
        out: dict[str, Any] = dict.fromkeys(field.key for field in selection.fields)
        item = value, out, above, place.key if isinstance(place.key, int) else None
        for field in (*selection.at_hand, *selection.relations):
            spot = place.below(field.key, out, not field.shape.non_null)
            read = self._reading(field, item)
            out[field.key] = self._settle(field, field.shape, read, spot, item)
        if selection.waits:
            self.waiting[selection.index].append(item)
        return out

    def _reading(self, field: Field, item: Item) -> Callable[[], Any]:
        resolver = field.resolver
        if field.name == "__typename":
            return lambda: field.parent
        if resolver is None:
            return lambda: getattr(item[0], field.attribute)
        return lambda: resolver.of(item[0], self._info(field, item), self.arguments(field))

    # ---------------------------------------------------------------- where things are

    def _info(self, field: Field, item: Item) -> Any:
        return Info(self.context, partial(self._spot, field, item))

    def _spot(self, field: Field, item: Item) -> Place:
        """The place of a field of an object."""
        place = self._place(field.owner, item)
        return place.below(field.key, item[1], not field.shape.non_null)

    def _place(self, selection: Selection, item: Item) -> Place:
        """The place of an object."""
        _, _, above, index = item
        field = selection.of
        if above is None or field is None:
            return self.answer.root
        place = self._spot(field, above)
        if index is None:
            return place
        assert isinstance(field.shape.of, Many)  # noqa: S101  # or it had no index
        nullable = not field.shape.of.item.non_null
        return place.below(index, place.container[place.key], nullable)


def _is_below(item: Item, those: set[int]) -> bool:
    above = item[2]
    while above is not None:
        if id(above) in those:
            return True
        above = above[2]
    return False


async def _settled(some: list[Awaitable[Any]]) -> list[Any]:
    """What each came to: a value, or the exception that is the error of its field."""
    found = await asyncio.gather(*some, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, Exception):
            raise one
    return found


def _given(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value
