"""Functions written out as Python source: for what is done to thousands of values in one way that
is known before, where a call for each would take longer than the work itself.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class Written:
    """The lines of functions, and what they refer to. Nothing of a caller's own gets into the
    text but as a literal.
    """

    def __init__(self, **scope: Any) -> None:
        self._lines: list[str] = []
        self._scope: dict[str, Any] = dict(scope)
        self._blocks = 0
        self._count = 0

    def line(self, text: str) -> None:
        self._lines.append("    " * self._blocks + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        self.line(head)
        self._blocks += 1
        yield
        self._blocks -= 1

    @contextmanager
    def list_of(self, x: str) -> Iterator[str]:
        """Around what is made of each in the list `x`, which is the list of these from then on."""
        found, one = self.variable(), self.variable()
        self.line(f"{found} = []")
        with self.block(f"for {one} in {x}:"):
            yield one
            self.line(f"{found}.append({one})")
        self.line(f"{x} = {found}")

    def variable(self) -> str:
        self._count += 1
        return f"x{self._count}"

    def named(self, thing: Any) -> str:
        """A name under which the text refers to the thing."""
        self._count += 1
        name = f"g{self._count}"
        self._scope[name] = thing
        return name

    def functions(self, place: str) -> Mapping[str, Any]:
        """What was written, by name; `place` is what a traceback calls the text."""
        exec(compile("\n".join(self._lines), place, "exec"), self._scope)  # noqa: S102
        return self._scope

    def function(self, name: str, place: str) -> Any:
        """The one that was written under the name."""
        return self.functions(place)[name]
