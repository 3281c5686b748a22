"""One run of a plan: values read, put in their places, and the steps between them awaited.

    selection  >  its generated function builds what is at hand
               >  steps, each once for all parents at its place  >  selections below them
               >  late fields

Nothing is awaited while values are put in their places, so places are consistent whenever a step
looks at them.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from graphql import ExecutionResult, GraphQLError, located_error
from graphql.execution.values import VariableValues
from graphql.pyutils import is_iterable

from gateway.execution.fields import Info, PlacelessInfo
from gateway.execution.places import Answer, Place
from gateway.execution.shapes import Field, Leaf, Many, Selection, Shape

Item = tuple[Any, dict[str, Any], Place]
"""An object whose fields are waited for: its value, what is built of it, and where that is."""
Waiting = dict[Selection, list[Item]]


class Run:
    """The state of one operation. Generated functions read `info` and call `arguments`."""

    def __init__(self, context: Any, variables: VariableValues) -> None:
        self.context = context
        self.info = PlacelessInfo(context)
        self.answer = Answer()
        self._variables = variables
        self._bound: dict[Field, dict[str, Any] | Exception] = {}

    async def execute(self, selection: Selection) -> ExecutionResult:
        waiting: Waiting = {}
        answer = self.answer
        try:
            answer.top["data"] = self._object(selection, None, answer.root, waiting)
        except GraphQLError as error:
            answer.lose(answer.root, error)
        await _together(self._below(waiting))
        return ExecutionResult(answer.top["data"], answer.errors or None)

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

    def _below(self, waiting: Waiting) -> list[Coroutine[Any, Any, None]]:
        return [self._complete(selection, items) for selection, items in waiting.items()]

    async def _complete(self, selection: Selection, items: list[Item]) -> None:
        waiting: Waiting = {}
        for field in selection.relations:
            for item in items:
                self._fill(field, item, self._reading(field, item), waiting)
        steps = [self._step(field, items) for field in selection.steps]
        await _together(self._below(waiting) + steps)
        for field in selection.late:
            for item in self._standing(items):
                self._fill_late(field, item, waiting)

    async def _step(self, field: Field, items: list[Item]) -> None:
        standing = self._standing(items)
        found = await self._answers(field, standing)
        waiting: Waiting = {}
        complete, key = field.complete, field.key
        for item, value in zip(standing, found, strict=True):
            if complete is not None and not isinstance(value, Exception):
                try:
                    item[1][key] = complete(value, self)
                    continue
                except Exception:  # noqa: BLE001, S110  # it is read again below, with its place
                    pass
            self._fill(field, item, partial(_given, value), waiting)
        if waiting:
            await _together(self._below(waiting))

    def _standing(self, items: list[Item]) -> list[Item]:
        """Those whose place has not been made null; nothing has where nothing is lost."""
        return [item for item in items if not item[2].is_gone] if self.answer.errors else items

    async def _answers(self, field: Field, items: list[Item]) -> Sequence[Any]:
        """For each item a value, or the exception that is the error of its field."""
        many = field.resolver.many if field.resolver else None
        if many is None:
            return await self._one_each(field, items)
        if not items:
            return ()
        try:
            arguments = self.arguments(field)
            parents = [item[0] for item in items]
            infos = lambda i: self._info(field, items[i])  # noqa: E731
            return await many(parents, self.context, infos, **arguments)
        except Exception as error:  # noqa: BLE001  # it is the error of each of the fields
            return [error] * len(items)

    async def _one_each(self, field: Field, items: list[Item]) -> list[Any]:
        if len(items) > 1:
            return await _settled([self._ask(field, item) for item in items])
        try:
            return [await self._ask(field, item) for item in items]
        except Exception as error:  # noqa: BLE001  # it is the error of the field
            return [error]

    async def _ask(self, field: Field, item: Item) -> Any:
        info = self._info(field, item)
        assert field.resolver is not None  # noqa: S101  # it is what makes a field a step
        return await field.resolver.awaited(item[0], info, self.arguments(field))

    def _info(self, field: Field, item: Item) -> Any:
        _, out, above = item
        return Info(self.context, Place(above, field.key, out, not field.shape.non_null))

    # ---------------------------------------------------------------- putting values in place

    def _fill_late(self, field: Field, item: Item, waiting: Waiting) -> None:
        if field.complete is not None:
            try:
                item[1][field.key] = field.complete(item[0], self)
                return
            except Exception:  # noqa: BLE001, S110  # it is read again below, with its place
                pass
        self._fill(field, item, self._reading(field, item), waiting)

    def _fill(self, field: Field, item: Item, read: Callable[[], Any], waiting: Waiting) -> None:
        _, out, above = item
        place = Place(above, field.key, out, not field.shape.non_null)
        try:
            out[field.key] = self._settle(field, field.shape, read, place, waiting)
        except GraphQLError as error:
            self.answer.lose(above, error)

    def _settle(
        self,
        field: Field,
        shape: Shape,
        read: Callable[[], Any],
        place: Place,
        waiting: Waiting,
    ) -> Any:
        """What goes to the place. An error is told there where null may stand for it, else it is
        raised with its place.
        """
        try:
            return self._value(field, shape, _given(read()), place, waiting)
        except Exception as error:
            located = located_error(error, field.nodes, place.as_list())
            if shape.non_null:
                raise located from error
            self.answer.lose(place, located)
            return None

    def _value(self, field: Field, shape: Shape, value: Any, place: Place, waiting: Waiting) -> Any:
        if value is None:
            if shape.non_null:
                raise field.missing
            return None
        of = shape.of
        if isinstance(of, Leaf):
            return of.answer(value)
        if isinstance(of, Many):
            return self._list(field, of, value, place, waiting)
        return self._object(of.selection(value), value, place, waiting)

    def _list(
        self, field: Field, of: Many, values: Any, place: Place, waiting: Waiting
    ) -> list[Any]:
        if not is_iterable(values):
            raise GraphQLError(
                f"Expected Iterable, but did not find one for field '{field.parent}.{field.name}'."
            )
        found: list[Any] = []
        for i, value in enumerate(values):
            found.append(None)
            spot = Place(place, i, found, not of.item.non_null)
            found[i] = self._settle(field, of.item, partial(_given, value), spot, waiting)
        return found

    def _object(
        self, selection: Selection, value: Any, place: Place, waiting: Waiting
    ) -> dict[str, Any]:
        if selection.build is None:
            return self._one_by_one(selection, value, place)
        try:
            out: dict[str, Any] = selection.build(value, self)
        except Exception:  # noqa: BLE001  # whose error it is, and where, is found field by field
            out = self._one_by_one(selection, value, place)
        if selection.waits:
            waiting.setdefault(selection, []).append((value, out, place))
        return out

    def _one_by_one(self, selection: Selection, value: Any, place: Place) -> dict[str, Any]:
        """What the generated function would have built, with its errors told. Nothing below a field
        at hand waits.
        """
        out: dict[str, Any] = dict.fromkeys(field.key for field in selection.fields)
        for field in selection.at_hand:
            item = (value, out, place)
            spot = Place(place, field.key, out, not field.shape.non_null)
            read = self._reading(field, item)
            out[field.key] = self._settle(field, field.shape, read, spot, {})
        return out

    def _reading(self, field: Field, item: Item) -> Callable[[], Any]:
        value, out, above = item
        resolver = field.resolver
        if field.name == "__typename":
            return lambda: field.parent
        if resolver is None:
            return lambda: getattr(value, field.attribute)
        info = Info(self.context, Place(above, field.key, out, not field.shape.non_null))
        return lambda: resolver.of(value, info, self.arguments(field))


def _given(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


async def _together(some: list[Coroutine[Any, Any, None]]) -> None:
    if len(some) == 1:
        await some[0]
    elif some:
        await asyncio.gather(*some)


async def _settled(some: list[Coroutine[Any, Any, Any]]) -> list[Any]:
    """What each came to: a value, or the exception that is the error of its field."""
    found = await asyncio.gather(*some, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException) and not isinstance(one, Exception):
            raise one
    return found
