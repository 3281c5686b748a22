"""What a plan knows of the answer: its selections, their fields, and the types of these."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, GraphQLObjectType
from graphql.pyutils import Undefined

from gateway.execution.fields import Arguments, Resolver

if TYPE_CHECKING:
    from gateway.execution.run import Run

Generated = Callable[[Any, "Run"], Any]
"""A function of a value, and of the run whose arguments it reads: what is answered of the value."""


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
    by_class: dict[type, "Selection"] = field(default_factory=dict)

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
    generated for what is put in its place once it is there, and has nothing to wait for: of
    what a step found, or of the parent of a late field.
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
    complete: Generated | None = None

    @property
    def is_step(self) -> bool:
        return self.resolver is not None and self.resolver.is_async

    @property
    def waits(self) -> bool:
        """Whether there is a step in it or below it."""
        return self.is_step or has_steps(self.shape)

    @property
    def missing(self) -> TypeError:
        return TypeError(f"Cannot return null for non-nullable field {self.parent}.{self.name}.")


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
    build: Generated | None = None
    waits: bool = False
    steps: list[Field] = field(default_factory=list)
    relations: list[Field] = field(default_factory=list)
    """Fields at hand with steps below them."""
    late: list[Field] = field(default_factory=list)
    """Fields that come last; only among fields that wait, else they are like any other."""

    def __post_init__(self) -> None:
        self.waits = any(one.waits for one in self.fields)
        if self.waits:
            self.late = [one for one in self.fields if one.is_late]
            waiting = [one for one in self.fields if one.waits and not one.is_late]
            self.steps = [one for one in waiting if one.is_step]
            self.relations = [one for one in waiting if not one.is_step]

    @property
    def completed(self) -> list[Field]:
        """The fields that get a function of their own: see `Field.complete`."""
        return [one for one in (*self.steps, *self.late) if not has_steps(one.shape)]

    @property
    def at_hand(self) -> list[Field]:
        """The fields that `build` reads."""
        return [one for one in self.fields if not (self.waits and (one.is_late or one.waits))]
