"""What an operation reads of each type, so that sources are asked for that and no more."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_directive_values,
    get_named_type,
    is_composite_type,
)

Selected = Mapping[str, frozenset[str]]


def selected(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Any,
) -> Selected:
    """Python names of the fields selected on each object type, anywhere in the operation; those of
    its interfaces among them. Types of which nothing is selected have an empty set.
    """
    walk = _Walk(schema, fragments, variables)
    root = schema.get_root_type(operation.operation)
    if root is not None:
        walk.into(root.name, operation.selection_set)
    return {
        name: frozenset(walk.found[name].union(*(walk.found[i.name] for i in kind.interfaces)))
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLObjectType)
    }


class _Walk:
    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Any,
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables
        self._seen: set[str] = set()
        self.found: dict[str, set[str]] = defaultdict(set)

    def into(self, name: str, selection_set: SelectionSetNode) -> None:
        for node in selection_set.selections:
            if not self._left_out(node):
                self._step(name, node)

    def _step(self, name: str, node: SelectionNode) -> None:
        if isinstance(node, FieldNode):
            self._field(name, node)
        elif isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            self.into(condition.name.value if condition else name, node.selection_set)
        elif isinstance(node, FragmentSpreadNode) and node.name.value not in self._seen:
            # A fragment reads the same of its types wherever it is spread.
            self._seen.add(node.name.value)
            fragment = self._fragments[node.name.value]
            self.into(fragment.type_condition.name.value, fragment.selection_set)

    def _field(self, name: str, node: FieldNode) -> None:
        kind = self._schema.type_map[name]
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            return
        field = kind.fields.get(node.name.value)
        if field is None:
            return
        declared = field.extensions.get("strawberry-definition")
        self.found[name].add(declared.python_name if declared else node.name.value)
        inner = get_named_type(field.type)
        if node.selection_set and is_composite_type(inner):
            self.into(inner.name, node.selection_set)

    def _left_out(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self._variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self._variables)
        return bool((skip and skip["if"]) or (include and not include["if"]))
