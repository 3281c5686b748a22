"""Whether requests that name others may share one run of a plan, and in what they have to agree."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from graphql import Node, VariableNode, Visitor, visit

from gateway.documents import Prepared
from gateway.execution.shapes import Field, Selection
from schema.bulk import EachOf, each_of


@dataclass(frozen=True, slots=True, eq=False)
class Sharing:
    """What makes a plan one that requests may share. Told apart by identity."""

    step: Field
    answer: EachOf
    common: tuple[str, ...]
    """The variables in which requests must agree: all but those that only say who is asked for."""


def sharing(root: Selection, prepared: Prepared) -> Sharing | None:
    """None where the root has more in it than one step that answers for several requests."""
    if len(root.steps) != 1 or root.relations or root.late:
        return None
    (step,) = root.steps
    found = None if step.resolver is None else each_of(step.resolver.call)
    if found is None:
        return None
    answer, argument = found
    own = _variables(_said(step, argument))
    named = _variables([prepared.operation.selection_set, *prepared.fragments.values()])
    common = [name for name, times in named.items() if own[name] != times]
    return Sharing(step, answer, tuple(sorted(common)))


def _said(step: Field, argument: str) -> list[Node]:
    return [
        one for node in step.nodes for one in node.arguments or () if one.name.value == argument
    ]


def _variables(nodes: Iterable[Node]) -> Counter[str]:
    """How often each is named."""
    finder = _Variables()
    for node in nodes:
        visit(node, finder)
    return finder.times


class _Variables(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.times: Counter[str] = Counter()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.times[node.name.value] += 1
