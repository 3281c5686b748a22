"""GraphQL documents: parsed under limits, checked against the graph, and remembered."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Final

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)
from graphql.validation.rules import overlapping_fields_can_be_merged as overlapping
from graphql.validation.validate import ValidationAbortedError
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from gateway.config import Limits
from gateway.cost import Verdicts
from gateway.execution.inputs import Variables, known_variables
from gateway.limits import Fragments, judge
from gateway.refusals import BadRequest, CostExceeded, NotAllowed, TooManyTokens

MAX_ERRORS: Final = 10
MAX_CHECKS: Final = 20_000
"""Work of the rule that compares fields of one name with each other: 0.1 s at most. The library's
own bound allows 1.4 s.
"""
REMEMBERED_CHARS: Final = 1_000_000
"""Text of all remembered documents; their trees take about a hundred times as much memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """An operation that may be executed: valid, and of a shape within limits."""

    document: DocumentNode
    operation: OperationDefinitionNode
    fragments: Fragments
    affordable: Verdicts = field(default_factory=Verdicts)
    variables: Variables | None = None
    """How its variables are coerced, where they are of plain types."""
    kind: str = field(init=False)
    """`query`, `mutation` or `subscription`."""
    is_query: bool = field(init=False)
    is_mutation: bool = field(init=False)
    is_subscription: bool = field(init=False)

    def __post_init__(self) -> None:
        """Said once: asking an enumeration is two calls, and each request asks."""
        kind = self.operation.operation
        object.__setattr__(self, "kind", kind.value)
        object.__setattr__(self, "is_query", kind is OperationType.QUERY)
        object.__setattr__(self, "is_mutation", kind is OperationType.MUTATION)
        object.__setattr__(self, "is_subscription", kind is OperationType.SUBSCRIPTION)

    @property
    def name(self) -> str | None:
        return self.operation.name.value if self.operation.name else None


class NoIntrospection(ASTValidationRule):
    """The graph is not described, neither in its own words nor as a federated subgraph."""

    def enter_field(self, node: FieldNode, *_args: object) -> None:
        if node.name.value in {"__schema", "__type", "_service"}:
            self.report_error(_Hidden("introspection is off", node))


class _Hidden(GraphQLError):
    """An error of NoIntrospection."""


class Documents:
    """Prepares operations for one graph. Valid ones are remembered, the latest used longest."""

    def __init__(self, schema: GraphQLSchema, limits: Limits, introspection: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._introspection = introspection
        rules = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
        self._rules = rules if introspection else (NoIntrospection, *rules)
        self._remembered: OrderedDict[tuple[str, str | None], Prepared] = OrderedDict()
        self._chars = 0
        # The library reads its bound from this attribute when a validation starts.
        overlapping.MAX_COMPLEXITY_BUDGET = MAX_CHECKS

    def prepare(self, text: str, operation_name: str | None) -> Prepared:
        """The operation to execute. Raises the Refusal of what is wrong with it."""
        key = (text, operation_name)
        found = self._remembered.get(key)
        if found is not None:
            self._remembered.move_to_end(key)
            return found
        document = self._parsed(text)
        prepared = _chosen(document, operation_name)
        judge(prepared.operation, prepared.fragments, self._limits)
        self._validate(document)
        definitions = prepared.operation.variable_definitions or ()
        prepared = replace(prepared, variables=known_variables(self._schema, definitions))
        self._remember(key, prepared)
        return prepared

    def _parsed(self, text: str) -> DocumentNode:
        try:
            return parse(text, max_tokens=self._limits.tokens)
        except GraphQLError as error:
            if f"more than {self._limits.tokens} tokens" in error.message:
                most = self._limits.tokens
                raise TooManyTokens(f"the document has more than {most} tokens") from None
            raise BadRequest(error.message, [error]) from None

    def _validate(self, document: DocumentNode) -> None:
        errors = validate(
            self._schema,
            document,
            self._rules,
            max_errors=MAX_ERRORS,
            hide_suggestions=not self._introspection,
        )
        for error in errors:
            if isinstance(error, _Hidden):
                raise NotAllowed(error.message, [error])
            if isinstance(error, ValidationAbortedError) and len(errors) <= MAX_ERRORS:
                raise CostExceeded("the document repeats too many fields to be checked")
        if errors:
            raise BadRequest(errors[0].message, errors)

    def _remember(self, key: tuple[str, str | None], prepared: Prepared) -> None:
        self._remembered[key] = prepared
        self._chars += len(key[0])
        while self._chars > REMEMBERED_CHARS:
            (text, _), _ = self._remembered.popitem(last=False)
            self._chars -= len(text)


def _chosen(document: DocumentNode, name: str | None) -> Prepared:
    """The operation that is to be executed. Raises BadRequest where that is not said."""
    operations: list[OperationDefinitionNode] = []
    fragments: dict[str, FragmentDefinitionNode] = {}
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            operations.append(node)
        elif isinstance(node, FragmentDefinitionNode):
            fragments[node.name.value] = node
    if name is not None:
        operations = [o for o in operations if o.name and o.name.value == name]
    if not operations:
        raise BadRequest("the document has no operation of that name" if name else "no operation")
    if len(operations) > 1:
        raise BadRequest("the document has several operations; operationName must name one")
    return Prepared(document, operations[0], fragments)
