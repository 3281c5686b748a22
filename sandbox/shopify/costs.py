"""What a query costs, before it runs and after; and the limits its arguments must keep.

Source: shopify.dev, "GraphQL Admin API rate limits": scalars and enums cost 0, objects 1,
interfaces the most of their possible selections, connections are "sized by first and last", a
single query may cost 1,000; "Shopify API limits": input arrays hold at most 250. Two numbers are
not in them:
- How a connection grows. 2 + max(1, floor(2 ln n)) x children fits every published measurement that
  was found (n = 1, 3, 10, 100, 150, 200, 250, API 2025-07), in which money costs nothing.
- What one of `nodes(ids:)` costs. Charged for each id here: the reading that refuses more.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values

MOST_PER_PAGE: Final = 250
MOST_INPUTS: Final = 250
_FREE: Final = frozenset({"MoneyBag", "MoneyV2", "PageInfo"})

Path = tuple[str, ...]
_Place = tuple[str | int, ...]


class LimitProblem(Exception):
    """An argument breaks a limit of the API. `code` is the vendor's, `path` where it stands."""

    def __init__(self, message: str, code: str, path: Path) -> None:
        super().__init__(message)
        self.code = code
        self.path = path


class _Asked:
    """Stands for a value not fetched yet: every list is as long as it may be."""


_ASKED: Final = _Asked()


def connection_cost(items: int, children: int) -> int:
    """Points of a connection of this many items, each worth `children`; an empty one costs 2."""
    if items < 1:
        return 2
    return 2 + max(1, math.floor(2 * math.log(items))) * children


@dataclass(frozen=True, slots=True)
class _Selected:
    """Fields that answer under one response key, merged as execution would merge them."""

    key: str
    name: str
    field: GraphQLField
    arguments: Mapping[str, Any]
    sets: list[SelectionSetNode]


class Estimate:
    """The costs of one operation with its variables."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        variables: VariableValues,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._variables = variables
        self._known: dict[_Place, list[_Selected]] = {}
        self._fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }

    def requested(self) -> int:
        """The most it can cost. LimitProblem where an argument breaks a limit."""
        return self._whole(_ASKED)

    def actual(self, data: Mapping[str, Any] | None) -> int:
        """What this answer cost."""
        return self._whole(data or {})

    def _whole(self, value: object) -> int:
        root = self._schema.get_root_type(self._operation.operation)
        if root is None:
            return 0
        return self._object([self._operation.selection_set], root, value, ())

    def _object(
        self, sets: Sequence[SelectionSetNode], kind: Any, value: object, path: Path
    ) -> int:
        """An object's fields; for an interface the dearest of its possible types."""
        kinds = self._schema.get_possible_types(kind) if is_abstract_type(kind) else [kind]
        return max(self._fields(sets, one, value, path) for one in kinds)

    def _fields(
        self, sets: Sequence[SelectionSetNode], kind: GraphQLObjectType, value: object, path: Path
    ) -> int:
        return sum(
            self._field(one, _child(value, one.key), (*path, one.key))
            for one in self._selected(sets, kind)
        )

    def _selected(
        self, sets: Sequence[SelectionSetNode], kind: GraphQLObjectType
    ) -> Sequence[_Selected]:
        """What may cost points; leaves are free. The same for every row, so worked out once."""
        place: _Place = (kind.name, *(id(one) for one in sets))
        if place not in self._known:
            self._known[place] = list(self._select(sets, kind).values())
        return self._known[place]

    def _select(
        self, sets: Sequence[SelectionSetNode], kind: GraphQLObjectType
    ) -> dict[str, _Selected]:
        selected: dict[str, _Selected] = {}
        for node in self._flat(sets, kind):
            field = kind.fields.get(node.name.value)
            if field is None or node.selection_set is None:
                continue
            key = node.alias.value if node.alias else node.name.value
            if key not in selected:
                arguments = get_argument_values(field, node, self._variables)
                selected[key] = _Selected(key, node.name.value, field, arguments, [])
            selected[key].sets.append(node.selection_set)
        return selected

    def _field(self, selected: _Selected, value: object, path: Path) -> int:
        if value is _MISSING:
            return 0
        named = get_named_type(selected.field.type)
        if named.name.endswith("Connection"):
            size = _page_size(selected.arguments, path)
            return self._connection(selected, named, value, path, size)
        return self._plain(selected, value, path)

    def _plain(self, selected: _Selected, value: object, path: Path) -> int:
        named = get_named_type(selected.field.type)
        own = 0 if named.name in _FREE else 1
        if value is None:
            return own
        ids = _ids(selected.arguments, path)
        if not isinstance(get_nullable_type(selected.field.type), GraphQLList):
            return own + self._object(selected.sets, named, value, path)
        items = [value] * (1 if ids is None else ids) if value is _ASKED else _list(value)
        costs = [own + self._object(selected.sets, named, item, path) for item in items]
        return sum(costs) if ids is not None else max(costs, default=own)

    def _connection(
        self, selected: _Selected, kind: Any, value: object, path: Path, size: int
    ) -> int:
        if value is None:
            return 0
        children, most = 0, 0
        for rows in self._selected(selected.sets, kind):
            if rows.name in ("nodes", "edges"):
                items = [_ASKED] if value is _ASKED else _list(_child(value, rows.key))
                costs = [self._row(rows, item, (*path, rows.key)) for item in items]
                children += max(costs, default=0)
                most = max(most, len(items))
        return connection_cost(size if value is _ASKED else most, children)

    def _row(self, rows: _Selected, value: object, path: Path) -> int:
        """One of the `nodes`: 1 and its fields. An edge is free, its `node` field is the node."""
        kind = get_named_type(rows.field.type)
        return (0 if rows.name == "edges" else 1) + self._object(rows.sets, kind, value, path)

    def _flat(
        self, sets: Sequence[SelectionSetNode], kind: GraphQLObjectType
    ) -> Iterator[FieldNode]:
        """The fields selected for a type, fragments opened, skipped ones left out."""
        for selection_set in sets:
            for node in selection_set.selections:
                if not self._included(node):
                    continue
                if isinstance(node, FieldNode):
                    yield node
                elif (inner := self._fragment(node, kind)) is not None:
                    yield from self._flat([inner], kind)

    def _fragment(self, node: object, kind: GraphQLObjectType) -> SelectionSetNode | None:
        """What a fragment selects on `kind`; None where it is about another type."""
        fragment: InlineFragmentNode | FragmentDefinitionNode
        if isinstance(node, FragmentSpreadNode):
            fragment = self._fragments[node.name.value]
        elif isinstance(node, InlineFragmentNode):
            fragment = node
        else:
            return None
        on = None if fragment.type_condition is None else fragment.type_condition.name.value
        names = {kind.name, *(interface.name for interface in kind.interfaces)}
        return fragment.selection_set if on is None or on in names else None

    def _included(self, node: Any) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return not (skip and skip["if"]) and (include is None or bool(include["if"]))


class _Missing:
    """Stands for a response key the answer does not have."""


_MISSING: Final = _Missing()


def _child(value: object, key: str) -> object:
    if value is _ASKED:
        return _ASKED
    return value.get(key, _MISSING) if isinstance(value, Mapping) else _MISSING


def _list(value: object) -> Sequence[object]:
    return [item for item in value if item is not None] if isinstance(value, list) else []


def _ids(arguments: Mapping[str, Any], path: Path) -> int | None:
    """How many ids were given to a field of many; None for any other field."""
    ids = arguments.get("ids")
    if not isinstance(ids, list):
        return None
    if len(ids) > MOST_INPUTS:
        raise LimitProblem(
            f"The input array size of {len(ids)} is greater than the maximum allowed of "
            f"{MOST_INPUTS}.",
            "MAX_INPUT_SIZE_EXCEEDED",
            (*path, "ids"),
        )
    return len(ids)


def _page_size(arguments: Mapping[str, Any], path: Path) -> int:
    first, last = arguments.get("first"), arguments.get("last")
    if first is None and last is None:
        raise LimitProblem("you must provide one of first or last", "BAD_REQUEST", path)
    if first is not None and last is not None:
        raise LimitProblem("providing both first and last is not supported", "BAD_REQUEST", path)
    size = int(last or 0) if first is None else int(first)
    if not 0 <= size <= MOST_PER_PAGE:
        raise LimitProblem(
            f"a page holds 0 to {MOST_PER_PAGE} items, {size} were asked for", "BAD_REQUEST", path
        )
    return size
