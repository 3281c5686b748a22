"""The shape of an operation as it would be executed, judged before anything is resolved.

Fragments are followed and count each time they are spread; a cycle counts once (validation refuses
it). Work and memory grow with the size of the document alone, whatever it would expand to.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from gateway.config import Limits
from gateway.refusals import (
    Refusal,
    TooDeep,
    TooManyAliases,
    TooManyDirectives,
    TooManyRootFields,
)


@dataclass(slots=True)
class Shape:
    """Of a selection: nesting of fields, number of aliases, of directives, and of fields at its
    top.
    """

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    top_fields: int = 0


@dataclass(slots=True)
class _Body:
    """What a definition says itself, and the fragments it spreads: (name, depth around it)."""

    own: Shape = field(default_factory=Shape)
    spreads: list[tuple[str, int]] = field(default_factory=list)


Fragments = Mapping[str, FragmentDefinitionNode]


def judge(operation: OperationDefinitionNode, fragments: Fragments, limits: Limits) -> Shape:
    """The shape of the operation. Raises the Refusal of the first limit it exceeds."""
    shape = shape_of(operation, fragments)
    for found, most, what, refusal in (
        (shape.depth, limits.depth, "levels of fields", TooDeep),
        (shape.top_fields, limits.root_fields, "fields at its root", TooManyRootFields),
        (shape.aliases, limits.aliases, "aliases", TooManyAliases),
        (shape.directives, limits.directives, "directives", TooManyDirectives),
    ):
        _refuse_above(found, most, what, refusal)
    return shape


def _refuse_above(found: int, most: int, what: str, refusal: type[Refusal]) -> None:
    if found > most:
        shown = str(found) if found <= 1_000_000 else "more than a million"
        raise refusal(f"the operation has {shown} {what}; at most {most} are allowed")


def shape_of(operation: OperationDefinitionNode, fragments: Fragments) -> Shape:
    shapes: dict[str, Shape] = {}
    for name, body in _bodies(operation, fragments):
        shapes[name] = _joined(body, shapes)
    return shapes[""]


def innermost_first(operation: OperationDefinitionNode, fragments: Fragments) -> list[str]:
    """The names of the fragments an operation reaches, each after those it spreads itself."""
    return [name for name, _ in _bodies(operation, fragments) if name]


def _bodies(
    operation: OperationDefinitionNode, fragments: Fragments
) -> Iterator[tuple[str, _Body]]:
    """The definitions an operation reaches, each after those it spreads; the operation is "".

    Without recursion: a chain of fragments may be longer than Python's stack.
    """
    root = _body(operation)
    path = [("", root, iter(root.spreads))]
    met = {""}
    while path:
        name, body, spreads = path[-1]
        for spread, _ in spreads:
            if spread in fragments and spread not in met:
                met.add(spread)
                inner = _body(fragments[spread])
                path.append((spread, inner, iter(inner.spreads)))
                break
        else:
            path.pop()
            yield name, body


def _joined(body: _Body, shapes: Mapping[str, Shape]) -> Shape:
    """The body with its fragments in their places; one not met yet closes a cycle."""
    total = body.own
    for name, depth in body.spreads:
        inner = shapes.get(name)
        if inner is None:
            continue
        total.depth = max(total.depth, depth + inner.depth)
        total.aliases += inner.aliases
        total.directives += inner.directives
        total.top_fields += inner.top_fields if depth == 0 else 0
    return total


def _body(definition: OperationDefinitionNode | FragmentDefinitionNode) -> _Body:
    body = _Body()
    own = body.own
    own.directives = len(definition.directives or ())
    own.directives += sum(
        len(node.directives or ()) for node in definition.variable_definitions or ()
    )
    pending: list[tuple[SelectionSetNode, int]] = [(definition.selection_set, 0)]
    while pending:
        selection_set, depth = pending.pop()
        for node in selection_set.selections:
            own.directives += len(node.directives or ())
            if isinstance(node, FragmentSpreadNode):
                body.spreads.append((node.name.value, depth))
            elif isinstance(node, InlineFragmentNode):
                pending.append((node.selection_set, depth))
            elif isinstance(node, FieldNode):
                _count(node, depth, own)
                if node.selection_set:
                    pending.append((node.selection_set, depth + 1))
    return body


def _count(node: FieldNode, depth: int, own: Shape) -> None:
    own.depth = max(own.depth, depth + 1)
    own.aliases += node.alias is not None
    own.top_fields += depth == 0
