"""What a plan knows of the answer: its selections, their fields, and the types of these."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, GraphQLObjectType
from graphql.pyutils import Undefined

from gateway.execution.fields import Arguments, Resolver

if TYPE_CHECKING:
    from gateway.execution.reading import Reading

Item = tuple[Any, dict[str, Any], "Item | None", int | None]
"""An object whose fields are waited for: its value, what is built of it, the object it was read of
(None for the root), and its index where it is in a list.
"""
Builder = Callable[[Any, "Reading", Item | None, int | None], dict[str, Any]]
"""Generated: what is at hand of a value, which is below the item and at the index. It, and
all below it, is added to the run's `waiting`, as far as there are steps.
"""
Completer = Callable[[Sequence[Item], Sequence[Any], "Reading", list[tuple[Item, Any]]], None]
"""Generated: puts in its place what was found for each item. What is not as expected is added to
the list, to be read again field by field; what had been added to `waiting` below it has to go then.
"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar or an enumeration; `members` is the Python enumeration where each of its members is
    answered by its own name.
    """

    type_name: str
    serialize: Callable[[Any], Any]
    members: type | None = None

    def answer(self, value: Any) -> Any:
        """Of a value that is not None. Raises what the schema raises for one that does not fit."""
        found = self.serialize(value)
        if found is None or found is Undefined:
            kind = value.__class__.__qualname__
            raise TypeError(f"{self.type_name} cannot represent a {kind}")
        return found


@dataclass(frozen=True, slots=True)
class Many:
    """A list."""

    item: "Shape"


@dataclass(frozen=True, slots=True, eq=False)
class Objects:
    """An object type, or an abstract one: which it is follows from the class of the value."""

    name: str
    selections: Mapping[str, "Selection"]
    is_exact: bool
    """Whether it is an object type, so that nothing has to be told apart."""
    known: dict[type, str]
    """By the class of a value its type; the plans of a schema share what they come to know."""
    by_class: dict[type, "Selection"] = field(init=False)

    def __post_init__(self) -> None:
        known = {kind: self.selections[name] for kind, name in self.known.items()}
        object.__setattr__(self, "by_class", known)

    def selection(self, value: Any) -> "Selection":
        """Raises TypeError for a value that is of none of the types."""
        known = self.by_class.get(value.__class__)
        if known is None:
            known = self.by_class[value.__class__] = self._told(value)
        return known

    def _told(self, value: Any) -> "Selection":
        for selection in self.selections.values():
            is_type_of = selection.type.is_type_of
            if is_type_of is None or is_type_of(value, None):  # type: ignore[arg-type]
                self.known[value.__class__] = selection.type.name
                return selection
        raise TypeError(f"not a value of {self.name}: {value.__class__.__qualname__}")

    @property
    def waits(self) -> bool:
        return any(selection.waits for selection in self.selections.values())


@dataclass(frozen=True, slots=True)
class Shape:
    """A type as it is answered."""

    of: "Leaf | Many | Objects"
    non_null: bool


@dataclass(slots=True, eq=False, kw_only=True)
class Field:
    """One field of a selection, with all nodes of the document that ask for it. `complete` is
    generated for what is put in its place later on: steps and late fields.
    """

    key: str
    name: str
    parent: str
    shape: Shape
    nodes: list[FieldNode]
    attribute: str
    resolver: Resolver | None
    arguments: Arguments
    is_late: bool
    complete: Completer | None = None
    owner: "Selection" = field(init=False)
    is_step: bool = field(init=False)
    is_found: bool = field(init=False)
    """Whether `complete` takes what was found for all parents at once, and not the parents."""
    below: "list[Selection]" = field(init=False)
    """The selections of its values, as far as there are steps in or below these."""

    def __post_init__(self) -> None:
        resolver = self.resolver
        self.is_step = resolver is not None and resolver.is_async
        of_all = self.is_late and resolver is not None and resolver.of_all is not None
        self.is_found = self.is_step or (of_all and not self.arguments.any)
        of = objects(self.shape)
        for selection in of.selections.values() if of else ():
            selection.of = self
        self.below = [one for one in of.selections.values() if one.waits] if of else []

    @property
    def waits(self) -> bool:
        """Whether there is a step in it or below it."""
        return self.is_step or bool(self.below)

    @property
    def missing(self) -> TypeError:
        return TypeError(f"Cannot return null for non-nullable field {self.parent}.{self.name}.")

    @property
    def collected(self) -> "Iterator[Selection]":
        """The selections whose objects are added to `waiting` when it is completed."""
        for selection in self.below:
            yield selection
            for relation in selection.relations:
                yield from relation.collected


def objects(shape: Shape) -> Objects | None:
    """What a value, or each in the list, is; None for leaves."""
    if isinstance(shape.of, Many):
        return objects(shape.of.item)
    return shape.of if isinstance(shape.of, Objects) else None


def has_steps(shape: Shape) -> bool:
    of = objects(shape)
    return of is not None and of.waits


@dataclass(slots=True, eq=False)
class Selection:
    """What is read of an object, in the order asked for. `build` is generated where it is not part
    of another's: it builds what is at hand, with None for what waits, so that all is in order.
    """

    type: GraphQLObjectType
    fields: list[Field]
    build: Builder | None = None
    waits: bool = False
    steps: list[Field] = field(default_factory=list)
    relations: list[Field] = field(default_factory=list)
    """Fields at hand with steps below them."""
    late: list[Field] = field(default_factory=list)
    """Fields that come last; only among fields that wait, else they are like any other."""
    at_hand: list[Field] = field(default_factory=list)
    """Fields that wait for nothing."""
    of: Field | None = None
    """The one whose values it is read of; none for the root."""
    index: int = 0
    """Its number among the selections of its plan that wait."""
    groups: int = 0
    """Of a root: how many of its plan wait."""

    def __post_init__(self) -> None:
        self.waits = any(one.waits for one in self.fields)
        for one in self.fields:
            one.owner = self
            self._sort(one).append(one)

    def _sort(self, one: Field) -> list[Field]:
        if self.waits and one.is_late:
            return self.late
        if one.is_step:
            return self.steps
        return self.relations if one.waits else self.at_hand


def numbered(root: Selection) -> list[Selection]:
    """The selections of a plan that wait, each at its index."""
    found: list[Selection] = []

    def walk(selection: Selection) -> None:
        selection.index = len(found)
        found.append(selection)
        for one in (*selection.relations, *selection.steps):
            for below in one.below:
                walk(below)

    if root.waits:
        walk(root)
    root.groups = len(found)
    return found
