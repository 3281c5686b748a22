"""A run that several requests share: their roots differ in what they say of one step."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import ExecutionResult, GraphQLError
from graphql.execution.values import VariableValues

from gateway.execution.places import Place
from gateway.execution.run import Level, Run
from gateway.execution.shapes import Item, Selection
from gateway.execution.sharing import Sharing
from schema.bulk import APART


class SharedRun(Run):
    """As if the roots were a list: paths begin with the index of the request."""

    __slots__ = ("_roots",)

    def __init__(self, context: Any, variables: VariableValues) -> None:
        super().__init__(context, variables)
        self._roots: list[Any] = []

    async def each(
        self,
        root: Selection,
        how: Sharing,
        said: Sequence[Mapping[str, Any]],
        leave: Callable[[int], None],
    ) -> list[ExecutionResult]:
        """One answer for each request; `said` are its arguments of the step. `leave` is called for
        those that have to be run by themselves.
        """
        self.waiting = [[] for _ in range(root.groups)]
        assert root.build is not None  # noqa: S101  # that of a root is always generated
        self._roots = [root.build(None, self, None, i) for i in range(len(said))]
        self.answer.top["data"] = self._roots
        top = Level(root, self.waiting[root.index], None)
        await self._through(self._step(top, how, said, leave))
        errors = self._errors()
        return [ExecutionResult(data, errors.get(i)) for i, data in enumerate(self._roots)]

    async def _step(
        self,
        top: Level,
        how: Sharing,
        said: Sequence[Mapping[str, Any]],
        leave: Callable[[int], None],
    ) -> None:
        step, items = how.step, top.items
        infos = lambda i: self._info(step, items[i])  # noqa: E731
        found = list(await how.answer(said, self.context, infos))
        for i, one in enumerate(found):
            if one is APART:
                found[i] = None
                leave(i)
        await self._walk(self._put(step, top, items, found))

    def _errors(self) -> Mapping[int, list[GraphQLError]]:
        """By the request; each with its path in the answer of that."""
        errors: dict[int, list[GraphQLError]] = defaultdict(list)
        for error in self.answer.errors:
            assert error.path is not None  # noqa: S101  # each was told at a place
            errors[int(error.path[0])].append(error)
            error.path = error.path[1:]
        return errors

    def _place(self, selection: Selection, item: Item) -> Place:
        _, _, above, index = item
        if above is None and index is not None:
            return self.answer.root.below(index, self._roots, nullable=True)
        return super()._place(selection, item)
