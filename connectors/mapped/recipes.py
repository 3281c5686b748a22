"""How rows of one kind become records: put together from a mapping once, as one function."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.mapped.paths import Path
from connectors.mapped.rules import Code
from connectors.reading import UNREADABLE, Reading, RecordMapping, Row
from domain.ids import Kind


@dataclass(frozen=True, slots=True)
class Step:
    """`target = expression`; `field` is the mapping's name for it, "" where it has none."""

    field: str
    target: str
    expression: str


@dataclass(frozen=True, slots=True)
class Fact:
    """What one field of one row came to: a value (of words, with the source's own), or why it has
    none.
    """

    field: str
    value: Any
    problem: str = ""
    raw: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """`map` makes a record of a row and raises what a mapping raises; `explain` says, field by
    field, what came of it. `owners` is where a row names whose it is.
    """

    kind: Kind
    map: RecordMapping
    steps: Sequence[Step]
    space: dict[str, Any]
    owners: Path | None = None

    def explain(self, row: Row, at: Reading) -> list[Fact]:
        names: dict[str, Any] = {"row": row, "at": at}
        facts: list[Fact] = []
        for step in self.steps:
            problem = ""
            try:
                found = eval(step.expression, {**self.space, **names})  # noqa: S307  # of rules.py
            except UNREADABLE as error:
                found, problem = None, str(error) or type(error).__name__
            first, _, second = step.target.partition(", ")
            value, raw = (found or (None, None)) if second else (found, None)
            names |= {first: value, second: raw}
            if step.field:
                facts.append(Fact(step.field, value, problem, raw))
        return facts


def recipe(
    kind: Kind, steps: Sequence[Step], record: str, code: Code, owners: Path | None
) -> Recipe:
    """Generated, like the plans of operations (docs/adr/0008): a call for each field, through
    closures, would cost about twice the time, and rows come by the thousand.
    """
    lines = [f"    {step.target} = {step.expression}" for step in steps]
    source = "\n".join(["def record(row, at):", *lines, f"    return {record}"])
    space = {"__builtins__": {}, **code.space}
    exec(compile(source, f"<mapping of {kind.name.lower()}>", "exec"), space)  # noqa: S102
    made: RecordMapping = space["record"]
    return Recipe(kind=kind, map=made, steps=steps, space=space, owners=owners)
