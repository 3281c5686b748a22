"""Answers that are no answers, given to every question of a source: none may pass for "nothing"."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from random import Random
from typing import Any

from connectors.mapped.credentials import NoCredentials
from connectors.sender import Incoming, Outgoing
from connectors.settings import SourceSettings
from connectors.source import open_source
from connectors.spec import Spec
from connectors.trial.notebook import Notebook
from connectors.trial.questions import NOBODY, Finding
from domain.customer import LookupKey
from domain.errors import SourceAuthError, SourceError, SourceProtocolError
from domain.ids import Kind
from domain.ports import Clock
from domain.sources import ChildFilter, Deadline, PageRequest, Parent, Source

_JSON = {"content-type": "application/json"}
_ID = "1"
ANSWERS: dict[str, tuple[Incoming, type[SourceError]]] = {
    "401": (Incoming(status=401, headers=_JSON, body=b"{}"), SourceAuthError),
    "an empty object": (Incoming(status=200, headers=_JSON, body=b"{}"), SourceProtocolError),
    "null": (Incoming(status=200, headers=_JSON, body=b"null"), SourceProtocolError),
    "a text": (Incoming(status=200, headers=_JSON, body=b'"fine"'), SourceProtocolError),
    "broken JSON": (Incoming(status=200, headers=_JSON, body=b'{"rows": ['), SourceProtocolError),
    "HTML": (
        Incoming(status=200, headers={"content-type": "text/html"}, body=b"<html>"),
        SourceProtocolError,
    ),
}
Ask = Callable[[Source, Deadline], Awaitable[Any]]


class _Always:
    """A sender that has one answer to everything."""

    def __init__(self, answer: Incoming) -> None:
        self._answer = answer

    async def send(self, outgoing: Outgoing) -> Incoming:
        return self._answer

    async def close(self) -> None:
        """Nothing is held."""


async def refusals(spec: Spec, settings: SourceSettings, clock: Clock) -> AsyncIterator[Finding]:
    """One finding for what passed, and one in all where nothing did."""
    asked, passed = list(_questions(spec)), 0
    for what, (answer, meant) in ANSWERS.items():
        for name, ask in asked:
            source = _source(spec, settings, _Always(answer), clock)
            deadline = Deadline(asyncio.get_running_loop().time() + source.timeout_s)
            if not await _refused(ask(source, deadline), meant):
                passed += 1
                yield Finding(question=name, told="", problem=f"{what} is taken for an answer")
    if not passed:
        told = f"{len(asked)} x {len(ANSWERS)} answers that are none, all refused"
        yield Finding(question="refusals", told=told)


def _source(spec: Spec, settings: SourceSettings, sender: _Always, clock: Clock) -> Source:
    return open_source(
        replace(spec, auth=NoCredentials(), sender=None),
        "source",
        replace(settings, base_url="http://nowhere.invalid"),
        sender,
        clock=clock,
        telemetry=Notebook(),
        dice=Random(0),  # noqa: S311  # nothing is waited for
    )


async def _refused(asking: Awaitable[Any], meant: type[SourceError]) -> bool:
    """An error of the right kind, or rows that were dropped and counted."""
    try:
        answer = await asking
    except SourceError as error:
        return isinstance(error, meant)
    entries = answer if isinstance(answer, list) else [answer]
    return all(isinstance(one, meant) or getattr(one, "dropped", 0) for one in entries)


def _questions(spec: Spec) -> list[tuple[str, Ask]]:
    found: list[tuple[str, Ask]] = []
    for kind, endpoint in spec.kinds.items():
        name = kind.name.lower()
        if endpoint.get_many:
            found.append((f"{name}.get", _get(kind)))
        if endpoint.changed_since:
            found.append((f"{name}.changes", _changes(kind)))
        for by in endpoint.children:
            parents = [Parent(by, _ID)]
            found.append((f"{name}.children.{by.value}", _children(kind, parents)))
        for key in endpoint.search:
            lookup = LookupKey(key, NOBODY.get(key, _ID), "x")
            found.append((f"{name}.search.{key.value}", _search(lookup)))
    return found


def _get(kind: Kind) -> Ask:
    return lambda source, deadline: source.gets[kind].get_many([_ID], None, deadline)


def _changes(kind: Kind) -> Ask:
    return lambda source, deadline: source.changes[kind].changed_since(None, deadline)


def _children(kind: Kind, parents: list[Parent]) -> Ask:
    return lambda source, deadline: source.children[kind].children_of(
        parents, PageRequest(1), ChildFilter(), None, deadline
    )


def _search(key: LookupKey) -> Ask:
    async def ask(source: Source, deadline: Deadline) -> Any:
        if source.search is None:
            raise AssertionError("a spec with searches makes a source with a search")
        return await source.search.search(key, deadline)

    return ask
