"""The price list of a graph: @cost and @listSize as its SDL has them (IBM cost specification)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ConstDirectiveNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    OperationDefinitionNode,
    OperationType,
    ScalarTypeDefinitionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    parse,
    value_from_ast_untyped,
)

_CONNECTION = ("edges", "nodes")
"""What `first` sizes where no @listSize says so; of a plain list it sizes the list itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCost:
    """What one field of one type costs."""

    returns: str
    weight: float
    is_list: bool
    assumed: int | None = None
    slicing: tuple[str, ...] = ()
    sized: frozenset[str] = frozenset()
    arguments: Mapping[str, float] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


_ENTITIES = FieldCost(returns="_Entity", weight=0.0, is_list=True, slicing=("representations",))
"""Federation's own batch of keys, which no SDL shows."""


class PriceList:
    """The costs of a graph, read from its SDL."""

    def __init__(self, sdl: str) -> None:
        definitions = parse(sdl).definitions
        self._weights = {"Boolean": 0.0, "Float": 0.0, "ID": 0.0, "Int": 0.0, "String": 0.0}
        self._fields: dict[tuple[str, str], FieldCost] = {("Query", "_entities"): _ENTITIES}
        self._roots = {
            OperationType.QUERY: "Query",
            OperationType.MUTATION: "Mutation",
            OperationType.SUBSCRIPTION: "Subscription",
        }
        for node in definitions:
            if isinstance(node, ScalarTypeDefinitionNode | EnumTypeDefinitionNode):
                self._weights[node.name.value] = _weight(node.directives, 0.0)
            elif isinstance(node, UnionTypeDefinitionNode):
                self._weights[node.name.value] = _weight(node.directives, 1.0)
            elif isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
                self._weights[node.name.value] = _weight(node.directives, 1.0)
                for field_node in node.fields or ():
                    key = (node.name.value, field_node.name.value)
                    self._fields[key] = _field_cost(field_node)

    def weight(self, type_name: str) -> float:
        return self._weights.get(type_name, 1.0)

    def field(self, type_name: str, name: str) -> FieldCost | None:
        """None for what is not of the graph itself (`__typename`, introspection)."""
        return self._fields.get((type_name, name))

    def root(self, operation: OperationDefinitionNode) -> str:
        return self._roots[operation.operation]


# ---------------------------------------------------------------- reading the SDL


def _field_cost(node: FieldDefinitionNode) -> FieldCost:
    sizes = _arguments_of(node.directives, "listSize") or {}
    arguments = node.arguments or ()
    is_paged = any(argument.name.value == "first" for argument in arguments)
    return FieldCost(
        returns=_named(node.type),
        weight=_weight(node.directives, 0.0),
        is_list=_is_list(node.type),
        assumed=sizes.get("assumedSize"),
        slicing=tuple(sizes.get("slicingArguments") or (("first",) if is_paged else ())),
        sized=frozenset(sizes.get("sizedFields") or (_CONNECTION if is_paged else ())),
        arguments={a.name.value: _weight(a.directives, 0.0) for a in arguments},
        defaults={a.name.value: _default(a) for a in arguments if a.default_value},
    )


def _default(argument: InputValueDefinitionNode) -> Any:
    return value_from_ast_untyped(argument.default_value) if argument.default_value else None


def _weight(directives: Iterable[ConstDirectiveNode] | None, otherwise: float) -> float:
    found = _arguments_of(directives, "cost")
    return otherwise if found is None else float(found["weight"])


def _arguments_of(
    directives: Iterable[ConstDirectiveNode] | None, name: str
) -> dict[str, Any] | None:
    for directive in directives or ():
        if directive.name.value == name:
            return {
                argument.name.value: value_from_ast_untyped(argument.value)
                for argument in directive.arguments or ()
            }
    return None


def _named(node: TypeNode) -> str:
    while isinstance(node, NonNullTypeNode | ListTypeNode):
        node = node.type
    return node.name.value if isinstance(node, NamedTypeNode) else ""


def _is_list(node: TypeNode) -> bool:
    return isinstance(node.type if isinstance(node, NonNullTypeNode) else node, ListTypeNode)
