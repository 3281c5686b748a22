"""Recorded answers, read the way live ones are: `<source>.samples/<kind>.<form>.json`."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from connectors.reading import UNREADABLE, Reading, RecordMapping, Row
from connectors.settings import SourceSettings
from connectors.spec import (
    Call,
    ChildRead,
    ChildrenAsk,
    GetAsk,
    KeyRead,
    SearchAsk,
    SinceAsk,
    Spec,
    Stream,
    StreamAsk,
)
from connectors.trial.notebook import Notebook
from connectors.trial.questions import Finding
from domain.customer import LookupKey
from domain.ids import Kind
from domain.provenance import System
from domain.records import Record

Form = tuple[Kind, Call[Any], Any]


def forms(spec: Spec) -> dict[str, Form]:
    """Every question that has an answer of its own, by the name of its sample."""
    found: dict[str, Form] = {}
    for kind, endpoint in spec.kinds.items():
        name = kind.name.lower()
        if endpoint.get_many:
            found[f"{name}.get"] = (kind, endpoint.get_many, GetAsk(ids=["1"]))
        for by, child in endpoint.children.items():
            if isinstance(child, ChildRead):
                ask = ChildrenAsk(parents=["1"], limit=child.page.value)
                found[f"{name}.children.{by.value}"] = (kind, child, ask)
        for key, search in endpoint.search.items():
            found[f"{name}.search.{key.value}"] = (kind, search, _search(search, key))
        changes = endpoint.changed_since
        if isinstance(changes, Stream):
            found[f"{name}.changes"] = (kind, changes, StreamAsk(cursor=None))
        elif changes is not None:
            found[f"{name}.changes"] = (kind, changes, SinceAsk(since=None))
    return found


def _search(_form: KeyRead, key: Any) -> SearchAsk:
    return SearchAsk(key=LookupKey(key, "somebody"))


def read_samples(folder: Path, spec: Spec, notebook: Notebook, at: Reading) -> Iterator[Finding]:
    """One finding for each sample; the notebook holds what became of its rows."""
    noted, known = notebook.noted(spec), forms(spec)
    for path in sorted(folder.glob("*.json")):
        name = path.stem
        if name not in known:
            there = ", ".join(sorted(known))
            yield Finding(question=name, told="", problem=f"no such question; there are {there}")
            continue
        notebook.question = name
        kind, call, ask = known[name]
        before = len(notebook.dropped)
        finding = _sample(path, (call, ask), partial(_made, noted.kinds[kind].map, at))
        if not finding.problem:
            dropped = len(notebook.dropped) - before
            told = f"{finding.told}, {dropped} dropped" if dropped else finding.told
            finding = replace(finding, told=told)
        yield finding


def _made(make: RecordMapping, at: Reading, row: Row) -> Record:
    return make(row, at)


def _sample(path: Path, asked: tuple[Call[Any], Any], make: Callable[[Row], Any]) -> Finding:
    (call, ask), name = asked, path.stem
    try:
        page = call.read(orjson.loads(path.read_bytes()), ask)
    except UNREADABLE as error:
        return Finding(question=name, told="", problem=f"an answer of another form: {error}")
    for row in page.rows:
        with suppress(*UNREADABLE):  # the notebook says what was wrong with it
            make(row)
    more = ", and there is more" if page.cursor else ""
    return Finding(question=name, told=f"{len(page.rows)} rows{more}")


def reading(spec: Spec, name: str, settings: SourceSettings, now: datetime) -> Reading:
    """As the source would read."""
    return Reading(
        system=System(name=name, kind=spec.system, connector=spec.connector),
        fetched_at=now,
        phone_region=settings.phone_region,
        time_zone=settings.time_zone,
        customer_key=settings.customer_key,
    )
