"""What an operation may cost, judged with its variables before anything is resolved.

    cost(field) = weight of the field + weights of its arguments + size x (weight of what it returns
                  + cost of what is selected in it)

An object weighs 1 and a leaf 0 unless @cost says otherwise. The size of a list is the value of a
slicing argument (its length, where that is a list), else what @listSize assumes, else ASSUMED_SIZE;
with `sizedFields` it goes to those children. A page is also held to the largest that is allowed.
Selections of several types of an abstract one are added up.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    value_from_ast_untyped,
)

from gateway.config import Limits
from gateway.limits import Fragments, innermost_first
from gateway.prices import FieldCost, PriceList
from gateway.refusals import BadRequest, CostExceeded, PageTooLarge

ASSUMED_SIZE: Final = 10
"""Entries of a list that says nothing about its size."""


MAX_REMEMBERED: Final = 64
"""Verdicts kept for one operation; its callers mostly ask with the same few sizes."""

Sizes = tuple[tuple[str, int | bool | None], ...]


@dataclass(slots=True)
class _Price:
    """Of a field, summed over its selections: once, for each entry, and with its own size."""

    once: float = 0.0
    each: float = 0.0
    total: float = 0.0

    def add(self, other: "_Price") -> None:
        self.once += other.once
        self.each += other.each
        self.total += other.total


_Prices = dict[str, _Price]


class Verdicts(set[Sizes]):
    """The sizes of variables with which an operation was found to be within its budget."""

    __slots__ = ()

    def add(self, sizes: Sizes) -> None:
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        super().add(sizes)


def sizes_of(variables: Mapping[str, Any]) -> Sizes:
    """What a cost can depend on of coerced variables: numbers, switches, lengths of lists."""
    sizes: list[tuple[str, int | bool | None]] = []
    for name, value in sorted(variables.items()):
        if isinstance(value, list):
            sizes.append((name, len(value)))
        elif value is None or isinstance(value, int):
            sizes.append((name, value))
    return tuple(sizes)


def charge(
    operation: OperationDefinitionNode,
    fragments: Fragments,
    variables: Mapping[str, Any],
    prices: PriceList,
    limits: Limits,
) -> float:
    """The cost of an operation that is valid and whose variables are coerced. Raises CostExceeded,
    PageTooLarge, or BadRequest for a negative page.
    """
    bill = _Bill(prices, variables, limits)
    root = prices.root(operation)
    for name in innermost_first(operation, fragments):
        on = fragments[name].type_condition.name.value
        bill.fragments[name] = bill.priced(fragments[name].selection_set, on)
    cost = sum(price.total for price in bill.priced(operation.selection_set, root).values())
    if cost > limits.cost:
        raise CostExceeded(f"the operation costs {cost:.4g}; at most {limits.cost} is allowed")
    return cost


class _Bill:
    """One operation with its variables. `fragments` are priced before what spreads them."""

    def __init__(self, prices: PriceList, variables: Mapping[str, Any], limits: Limits) -> None:
        self._list = prices
        self._variables = variables
        self._page = limits.page
        self.fragments: dict[str, _Prices] = {}

    def priced(self, selection_set: SelectionSetNode | None, on: str) -> _Prices:
        """The prices of what is selected on a type, by field name."""
        total: _Prices = {}
        for node in selection_set.selections if selection_set else ():
            if self._is_left_out(node):
                continue
            for name, price in self._selection(node, on):
                total.setdefault(name, _Price()).add(price)
        return total

    def _selection(self, node: SelectionNode, on: str) -> Iterable[tuple[str, _Price]]:
        if isinstance(node, FieldNode):
            cost = self._list.field(on, node.name.value)
            return [(node.name.value, self._field(node, cost))] if cost else ()
        if isinstance(node, FragmentSpreadNode):
            return self.fragments.get(node.name.value, {}).items()
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            inner = self.priced(node.selection_set, condition.name.value if condition else on)
            return inner.items()
        return ()

    def _field(self, node: FieldNode, cost: FieldCost) -> _Price:
        size = self._size(node, cost)
        entries = size if cost.is_list else 1
        each = self._list.weight(cost.returns)
        for name, inner in self.priced(node.selection_set, cost.returns).items():
            each += inner.once + inner.each * size if name in cost.sized else inner.total
        given = {argument.name.value for argument in node.arguments or ()}
        once = cost.weight + sum(weight for a, weight in cost.arguments.items() if a in given)
        return _Price(once, each, once + each * entries)

    def _size(self, node: FieldNode, cost: FieldCost) -> float:
        if not (cost.is_list or cost.sized or cost.slicing):
            return 1
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        sizes = [
            self._slice(node, name, self._value(given.get(name), cost.defaults.get(name)))
            for name in cost.slicing
            if name in given or name in cost.defaults
        ]
        return max(sizes, default=ASSUMED_SIZE if cost.assumed is None else cost.assumed)

    def _slice(self, node: FieldNode, argument: str, value: Any) -> int:
        """Entries asked for. Null leaves the size to us, so the largest is assumed."""
        if value is None:
            return self._page
        size = len(value) if isinstance(value, list) else value if isinstance(value, int) else 1
        if size > self._page:
            raise PageTooLarge(
                f"{node.name.value}: {argument} asks for {size}; at most {self._page} are allowed"
            )
        if size < 0:
            raise BadRequest(f"{node.name.value}: {argument} must not be negative")
        return size

    def _value(self, node: ValueNode | None, default: Any) -> Any:
        if isinstance(node, VariableNode):
            return self._variables.get(node.name.value, default)
        if isinstance(node, IntValueNode):
            return int(node.value)
        if isinstance(node, ListValueNode):
            return [None] * len(node.values)
        return default if node is None else None if isinstance(node, NullValueNode) else 1

    def _is_left_out(self, node: SelectionNode) -> bool:
        for directive in node.directives or ():
            if directive.name.value in {"skip", "include"} and directive.arguments:
                condition = directive.arguments[0].value
                if isinstance(condition, VariableNode):
                    holds = self._variables.get(condition.name.value)
                else:
                    holds = value_from_ast_untyped(condition)
                if holds is (directive.name.value == "skip"):
                    return True
        return False
