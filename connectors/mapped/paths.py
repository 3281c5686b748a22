"""Where a value stands in what a source says: dotted keys, or a JMESPath expression.

Keys joined by dots are plain look-ups, since nearly all paths are; anything else is an expression
of JMESPath (jmespath.org), compiled once. A place that is not there is None.
"""

import re
from collections.abc import Callable
from typing import Any

import jmespath
from jmespath.exceptions import ArityError, JMESPathError, UnknownFunctionError

_KEYS = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
NOTHING: dict[str, Any] = {}


class Path:
    """One place. Raises ValueError for a text that is no path."""

    __slots__ = ("keys", "search", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.keys: tuple[str, ...] = ()
        self.search: Callable[[Any], Any] | None = None
        if text == "@":
            return
        if _KEYS.fullmatch(text):
            self.keys = tuple(text.split("."))
        else:
            self.search = _expression(text)

    def __call__(self, value: Any) -> Any:
        """What stands there. Raises AttributeError where the way leads through no table."""
        if self.search is not None:
            return self.search(value)
        for key in self.keys:
            value = (NOTHING if value is None else value).get(key)
        return value

    def source(self, name: str, bind: Callable[[object], str]) -> str:
        """The same as Python: an expression over the variable `name`; `bind` names a constant."""
        if self.search is not None:
            return f"{bind(self.search)}({name})"
        for depth, key in enumerate(self.keys):
            found = name if depth == 0 else f"({name} or {bind(NOTHING)})"
            name = f"{found}.get({key!r})"
        return name

    @property
    def key(self) -> str:
        """The one key it is, "" where there is more to it."""
        return self.keys[0] if len(self.keys) == 1 else ""

    def __repr__(self) -> str:
        return f"Path({self.text!r})"


def _expression(text: str) -> Callable[[Any], Any]:
    """An unknown function shows only when an expression is run, so it is run once over nothing."""
    try:
        compiled = jmespath.compile(text)
    except JMESPathError as error:
        raise ValueError(f"not a path: {str(error).splitlines()[0]}") from None
    try:
        compiled.search({})
    except (UnknownFunctionError, ArityError) as error:
        raise ValueError(f"not a path: {error}") from None
    except JMESPathError:
        pass  # over a row there are values it can work with
    search: Callable[[Any], Any] = compiled.search
    return search
