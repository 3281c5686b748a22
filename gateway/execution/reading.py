"""The values of an answer read and put in their places.

Where all is as expected, generated functions do this by lists. What is not is read again field by
field, and only then it is known where in the answer it is (`_again`).
"""

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

from graphql import GraphQLError, located_error
from graphql.execution.values import VariableValues
from graphql.pyutils import is_iterable

from gateway.execution.fields import Info, PlacelessInfo
from gateway.execution.places import Answer, Place
from gateway.execution.shapes import Field, Item, Leaf, Many, Selection, Shape


class Reading:
    """What has been read of one answer. Generated functions add to `waiting` and `known`, read
    `info` and call `arguments`.
    """

    __slots__ = ("_bound", "_variables", "answer", "context", "info", "known", "waiting")

    def __init__(self, context: Any, variables: VariableValues) -> None:
        self.context = context
        self.info = PlacelessInfo(context)
        self.answer = Answer()
        self.waiting: list[list[Item]] = []
        """By the index of a selection: the objects to read its steps of."""
        self.known: defaultdict[object, dict[object, Any]] = defaultdict(dict)
        """What a resolver answers for each value of the attribute from which it follows."""
        self._variables = variables
        self._bound: dict[Field, dict[str, Any] | Exception] = {}

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


def _given(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value
