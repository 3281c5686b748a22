"""What is written down during a trial: answers, rows, records, and filters that were ignored."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from connectors.mapped.recipes import Recipe
from connectors.reading import UNREADABLE, Reading, RecordMapping, Row
from connectors.sender import Incoming, Outgoing, Sender
from connectors.spec import Endpoint, Spec
from domain.ids import Kind
from domain.records import Record

EXAMPLES = 3
"""Records of each kind that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A row no record could be made of; `reasons` by field where the mapping can say so."""

    kind: Kind
    row: Row = field(repr=False)
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Notebook:
    """A telemetry too, since that is where ignored filters are counted. `recipes` explain rows."""

    recipes: Mapping[Kind, Recipe] = field(default_factory=dict)
    question: str = ""
    records: dict[Kind, dict[str, Record]] = field(default_factory=lambda: defaultdict(dict))
    dropped: list[Dropped] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    filled: Counter[str] = field(default_factory=Counter)
    words: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    bodies: dict[str, bytes] = field(default_factory=dict)

    # ------------------------------------------------------------ telemetry

    def count(self, name: str, labels: Mapping[str, str], amount: float = 1.0) -> None:
        if name == "source_filter_ignored":
            self.ignored[self.question] += int(amount)

    def observe(self, name: str, labels: Mapping[str, str], value: float) -> None:
        """How long a call took is of no interest here."""

    # ------------------------------------------------------------ rows

    def noted(self, spec: Spec) -> Spec:
        """The same connector, whose rows are written down as they are mapped."""
        kinds = {kind: self._noted(kind, endpoint) for kind, endpoint in spec.kinds.items()}
        return replace(spec, kinds=kinds)

    def _noted(self, kind: Kind, endpoint: Endpoint) -> Endpoint:
        made = endpoint.map

        def mapped(row: Row, at: Reading) -> Record:
            self.rows[self.question] += 1
            try:
                record = made(row, at)
            except UNREADABLE as error:
                self._drop(kind, row, at, error)
                raise
            self.records[kind].setdefault(record.key.external_id, record)
            self._explain(kind, row, at)
            return record

        noted: RecordMapping = mapped
        return replace(endpoint, map=noted, records=None)

    def _drop(self, kind: Kind, row: Row, at: Reading, error: Exception) -> None:
        recipe = self.recipes.get(kind)
        facts = recipe.explain(row, at) if recipe is not None and isinstance(row, dict) else []
        reasons = tuple(f"{fact.field}: {fact.problem}" for fact in facts if fact.problem)
        self.dropped.append(
            Dropped(kind=kind, row=row, reasons=reasons or (str(error) or type(error).__name__,))
        )

    def _explain(self, kind: Kind, row: Row, at: Reading) -> None:
        recipe = self.recipes.get(kind)
        for fact in recipe.explain(row, at) if recipe is not None else ():
            name = f"{kind.name.lower()}.{fact.field}"
            self.filled[name] += fact.value not in (None, (), "")
            if isinstance(fact.value, StrEnum) and fact.value == "UNKNOWN":
                self.words[name][str(fact.raw)] += 1

    # ------------------------------------------------------------ telling

    def empty(self) -> Iterator[str]:
        """Fields that stood in no row at all, where rows were read: mostly a wrong path."""
        for name, count in self.filled.items():
            if not count:
                yield f"{name}: in none of the rows"

    def unknown(self) -> Iterator[str]:
        for name, words in self.words.items():
            told = ", ".join(f"{word} ({count})" for word, count in words.most_common(8))
            yield f"{name}: words that no table names: {told}"


class Listening:
    """A sender whose answers are written down."""

    def __init__(self, sender: Sender, notebook: Notebook) -> None:
        self._sender, self._notebook = sender, notebook

    async def send(self, outgoing: Outgoing) -> Incoming:
        incoming = await self._sender.send(outgoing)
        if incoming.status < 300:
            self._notebook.bodies.setdefault(self._notebook.question, incoming.body)
        return incoming

    async def close(self) -> None:
        await self._sender.close()


def told(record: Record) -> list[tuple[str, Any]]:
    """What a record says, attribute by attribute; nothing of where it came from."""
    hidden = {"key", "provenance", "raw"}
    shown = [(name, getattr(record, name)) for name in record.__dataclass_fields__]
    return [
        ("id", record.key.external_id),
        *((name, value) for name, value in shown if name not in hidden and value not in (None, ())),
    ]
