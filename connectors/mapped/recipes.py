"""How rows of one kind become records: put together from a mapping once, as one function."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.mapped.paths import Path
from connectors.mapped.rules import Code
from connectors.mapped.values import Value
from connectors.reading import UNREADABLE, Reading, RecordMapping, Row
from domain.ids import Kind


@dataclass(frozen=True, slots=True)
class Step:
    """`target = value`, of a word with the source's own: `target, also = value`. `field` is the
    mapping's name for it, "" where it has none.
    """

    field: str
    target: str
    value: Value
    also: str = ""


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
                code = step.value.expression
                found = eval(code, {**self.space, **names})  # noqa: S307  # of rules.py
            except UNREADABLE as error:
                found, problem = None, str(error) or type(error).__name__
            value, raw = (found or (None, None)) if step.also else (found, None)
            names |= {step.target: value, step.also: raw}
            if step.field:
                facts.append(Fact(step.field, value, problem, raw))
        return facts


def recipe(
    kind: Kind, steps: Sequence[Step], record: Value, code: Code, owners: Path | None
) -> Recipe:
    """Generated, like the plans of operations (docs/adr/0008): a call for each field, through
    closures, would cost about twice the time, and rows come by the thousand.
    """
    lines = [line for step in steps for line in step.value.into(step.target, step.also)]
    lines += [*record.into("record"), "return record"]
    source = "\n    ".join(["def record(row, at):", *lines])
    space = {"__builtins__": {}, "str": str, "int": int, "float": float, **code.space}
    exec(compile(source, f"<mapping of {kind.name.lower()}>", "exec"), space)  # noqa: S102
    made: RecordMapping = space["record"]
    return Recipe(kind=kind, map=made, steps=steps, space=space, owners=owners)
