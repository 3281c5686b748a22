"""What Strawberry makes of a coerced value: instances of input classes, of plain fields.

As in `gateway.execution.inputs`, each type becomes a function once. An instance is made as its
class would make it, by setting what was given: defaults are attributes of the class, which
`dataclasses` leaves there.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any

from strawberry import ID
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import (
    StrawberryList,
    StrawberryObjectDefinition,
    StrawberryOptional,
    StrawberryType,
    has_object_definition,
)

from gateway.execution.inputs import MAX_NESTING, Coerce, Uncommon
from gateway.execution.written import Written

_PLAIN = (str, bool, int, float, ID)


def converter(kind: StrawberryType | type, config: StrawberryConfig) -> Coerce:
    """What Strawberry makes of a coerced value of the type. Raises Uncommon."""
    return _Converter(config).function(kind)


class _Converter:
    """Writes the function of one type. Each part changes the value in a variable in its place."""

    def __init__(self, config: StrawberryConfig) -> None:
        self._config = config
        self._text = Written(new=object.__new__)
        self._nesting = 0

    def function(self, kind: StrawberryType | type) -> Coerce:
        text = self._text
        x = text.variable()
        with text.block(f"def convert({x}):"):
            self._value(kind, x)
            text.line(f"return {x}")
        convert: Coerce = text.function("convert", "<convert>")
        return convert

    def _value(self, kind: StrawberryType | type, x: str) -> None:
        if type(kind) is StrawberryOptional:
            kind = kind.of_type
        if kind in _PLAIN:
            return
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            raise Uncommon
        with self._text.block(f"if {x} is not None:"):
            if type(kind) is StrawberryList:
                self._list(kind.of_type, x)
            elif has_object_definition(kind):
                self._instance(kind, kind.__strawberry_definition__, x)
            else:
                raise Uncommon
        self._nesting -= 1

    def _list(self, item: StrawberryType | type, x: str) -> None:
        with self._text.list_of(x) as one:
            self._value(item, one)

    def _instance(
        self, kind: Callable[..., Any], definition: StrawberryObjectDefinition, x: str
    ) -> None:
        if definition.from_input is not None or not definition.is_input:
            raise Uncommon
        if not is_filled_by_setting(kind):
            raise Uncommon
        text = self._text
        made = text.variable()
        text.line(f"{made} = new({text.named(kind)})")
        for field in definition.fields:
            name, one = self._config.name_converter.from_field(field), text.variable()
            with text.block(f"if {name!r} in {x}:"):
                text.line(f"{one} = {x}[{name!r}]")
                self._value(field.resolve_type(type_definition=definition), one)
                text.line(f"{made}.{field.python_name} = {one}")
            if field.default_value is MISSING:
                text.line(f"else: {made}.{field.python_name} = None")
        text.line(f"{x} = {made}")


def is_filled_by_setting(kind: Any) -> bool:
    """Whether its constructor does nothing but set what it is given."""
    set_up: Any = getattr(kind, "__dataclass_params__", None)
    return (
        set_up is not None
        and set_up.init
        and not set_up.frozen
        and not hasattr(kind, "__post_init__")
        and kind.__new__ is object.__new__
        and all(_is_kept_by_class(kind, field) for field in fields(kind))
    )


def _is_kept_by_class(kind: type, field: Field[Any]) -> bool:
    if field.default is not MISSING:
        return getattr(kind, field.name, MISSING) is field.default
    return field.init and field.default_factory is MISSING
