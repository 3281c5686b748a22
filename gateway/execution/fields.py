"""What a field of an operation is to a plan: an attribute, a call on what is at hand, or a step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, GraphQLField, Node, VariableNode, Visitor, visit
from graphql.execution.values import VariableValues, get_argument_values
from strawberry import Schema
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from gateway.execution.converting import converter
from gateway.execution.inputs import Coerce, Uncommon
from schema.bulk import AtHand, Many, OfAll, all_of, at_hand_of, many_of
from schema.following import followed_by


class Unplanned(Exception):
    """The operation holds something that only the reference executor knows."""


class NeedsPlace(Exception):
    """A generated function met what can only be told with its place."""


class Info:
    """What a resolver may ask of the operation: a part of Strawberry's own. Its place is looked for
    where it is asked for.
    """

    __slots__ = ("_find", "context")

    def __init__(self, context: object, find: Callable[[], object]) -> None:
        self.context = context
        self._find = find

    @property
    def path(self) -> Any:
        return self._find()


class PlacelessInfo:
    """Handed to resolvers by generated functions, which do not keep track of places."""

    __slots__ = ("context",)

    def __init__(self, context: object) -> None:
        self.context = context

    @property
    def path(self) -> Any:
        raise NeedsPlace


class Arguments:
    """The arguments of one field of an operation, as its resolver takes them."""

    def __init__(
        self, schema: Schema, field: GraphQLField, node: FieldNode, hide_suggestions: bool
    ) -> None:
        self._converter = schema.schema_converter
        self._config = schema.config
        self._field = field
        self._node = node
        self._hide_suggestions = hide_suggestions
        self.constant: dict[str, Any] | None = {} if not field.args else None
        """What they are for all variables, once that is known."""
        self._is_constant = not _names_variables(*(node.arguments or ()))
        self._plain = self._plainly()
        self._fixed: dict[str, Any] | None = None
        """What the others are, once that is known."""

    @property
    def any(self) -> bool:
        return bool(self._field.args)

    def bind(self, variables: VariableValues) -> dict[str, Any]:
        """Raises what graphql-core and Strawberry raise for values that do not fit."""
        if self.constant is not None:
            return self.constant
        plain, fixed = self._plain, self._fixed
        if plain is not None and fixed is not None:
            coerced, found = variables.coerced, fixed.copy()
            for name, variable, convert in plain:
                value = coerced.get(variable)
                if value is None:
                    break
                found[name] = convert(value)
            else:
                return found
        given = get_argument_values(
            self._field, self._node, variables, None, self._hide_suggestions
        )
        bound = convert_arguments(
            given,
            self._field.extensions["strawberry-definition"].arguments,
            scalar_registry=self._converter.scalar_registry,
            config=self._config,
            info=None,
        )
        if self._is_constant:
            self.constant = bound
        elif plain is not None:
            ours = {name for name, _, _ in plain}
            self._fixed = {name: value for name, value in bound.items() if name not in ours}
        return bound

    def _plainly(self) -> list[tuple[str, str, Coerce]] | None:
        """Python name, variable and conversion of each that is a whole variable, where the others
        are the same for all variables.
        """
        nodes = {one.name.value: one.value for one in self._node.arguments or ()}
        declared = self._field.extensions.get("strawberry-definition")
        if not isinstance(declared, StrawberryField):
            return None
        found = []
        try:
            for argument in declared.arguments if nodes else ():
                value = nodes.pop(self._config.name_converter.from_argument(argument), None)
                if isinstance(value, VariableNode):
                    convert = converter(argument.type, self._config)
                    found.append((argument.python_name, value.name.value, convert))
                elif value is not None and _names_variables(value):
                    return None
        except Uncommon:
            return None
        return found if found and not nodes else None


class _FindVariables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found = False

    def enter_variable(self, _node: VariableNode, *_args: object) -> None:
        self.found = True


def _names_variables(*nodes: Node) -> bool:
    finder = _FindVariables()
    for node in nodes:
        visit(node, finder)
    return finder.found


@dataclass(frozen=True, slots=True)
class Resolver:
    """A resolver as it was declared, with the names under which it takes parent and info."""

    call: Callable[..., Any]
    by_position: bool
    parents: tuple[str, ...]
    info: str | None
    is_async: bool
    many: Many | None = None
    """The form that answers for all parents at once, where it has one."""
    at_hand: AtHand | None = None
    """That of these which waits for nothing, and does not always know."""
    of_all: OfAll | None = None
    """The same of a resolver that waits for nothing."""
    follows: str | None = None
    """The attribute of a parent from which alone the answer follows, where there is one."""

    def of(self, parent: object, info: object, arguments: Mapping[str, Any]) -> Any:
        named = {**arguments, **dict.fromkeys(self.parents, parent)}
        if self.info is not None:
            named[self.info] = info
        return self.call(parent, **named) if self.by_position else self.call(**named)


def declared(field: GraphQLField) -> StrawberryField:
    """Raises Unplanned for what Strawberry did not declare, or wraps in extensions."""
    found = field.extensions.get("strawberry-definition")
    if not isinstance(found, StrawberryField) or found.extensions:
        raise Unplanned("a field of another kind")
    if found.default_resolver is not getattr:
        raise Unplanned("fields that are not attributes")
    return found


def resolver(found: StrawberryField) -> Resolver | None:
    """None for a field that is an attribute."""
    base = found.base_resolver
    if base is None:
        return None
    if not callable(base.wrapped_func):
        raise Unplanned("a method of a class")
    parents = (base.parent_parameter, base.root_parameter)
    return Resolver(
        call=base.wrapped_func,
        by_position=base.self_parameter is not None,
        parents=tuple(dict.fromkeys(one.name for one in parents if one is not None)),
        info=base.info_parameter.name if base.info_parameter else None,
        is_async=found.is_async,
        many=many_of(base.wrapped_func),
        at_hand=at_hand_of(base.wrapped_func),
        of_all=all_of(base.wrapped_func),
        follows=followed_by(base.wrapped_func),
    )
