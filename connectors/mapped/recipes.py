"""How rows of one kind become records: put together from a mapping once, as one function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.mapped.paths import Path
from connectors.mapped.rules import Code
from connectors.mapped.values import Value
from connectors.reading import UNREADABLE, Reading, RecordMapping, Row, RowsMapping
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
    """`map` makes a record of a row and raises what a mapping raises, `records` makes those of all
    rows of an answer; `explain` says, field by field, what came of a row. `owners` is where a row
    names whose it is.
    """

    kind: Kind
    map: RecordMapping
    records: RowsMapping
    steps: Sequence[Step]
    space: dict[str, Any]
    owners: Path | None = None

    def explain(self, row: Row, at: Reading) -> list[Fact]:
        names: dict[str, Any] = {"row": row, "at": at, "system": at.system}
        names |= {"source": at.system.name, "fetched_at": at.fetched_at}
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
    lines += record.into("record")
    source = _FUNCTIONS.format(one="\n    ".join(lines), each="\n            ".join(lines))
    space = {"__builtins__": {}, **_KNOWN, **code.space}
    exec(compile(source, f"<mapping of {kind.name.lower()}>", "exec"), space)  # noqa: S102
    return Recipe(
        kind=kind,
        map=space["record"],
        records=space["records"],
        steps=steps,
        space=space,
        owners=owners,
    )


_SAME = "system, source, fetched_at = at.system, at.system.name, at.fetched_at"
"""What all rows of an answer have in common."""
_KNOWN: Mapping[str, Any] = {
    **{each.__name__: each for each in (str, int, float, len)},
    "UNREADABLE": UNREADABLE,
}
_FUNCTIONS = f"""
def record(row, at):
    {_SAME}
    {{one}}
    return record

def records(rows, at):
    {_SAME}
    found_records, unread = [], []
    for row in rows:
        try:
            {{each}}
            found_records.append(record)
        except UNREADABLE:
            unread.append(len(found_records) + len(unread))
    return found_records, unread
"""
