"""A source behind the cache: the same ports, for one age a caller takes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from operator import itemgetter
from typing import Final, cast

from domain.errors import SourceError, SourceProtocolError
from domain.ids import Kind
from domain.provenance import Freshness
from domain.records import Record
from domain.sources import (
    BatchGet,
    ChildFilter,
    ChildPage,
    ChildrenOf,
    Deadline,
    Fields,
    PageRequest,
    Parent,
    ParentBy,
    Source,
)
from gateway.entities.cache import EntityCache, Window, told
from gateway.entities.entry import Answer
from gateway.entities.flights import Call, Question
from gateway.entities.shelves import Key, Shelves

_BY, _VALUE = itemgetter(0), itemgetter(1)
"""The parts of a Parent."""
MOST_VIEWS: Final = 64
"""Callers that name an age name few different ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Behind:
    """Where its answers stand."""

    cache: EntityCache
    source: str
    kind: str
    shelves: Shelves
    window: Window
    hit: Mapping[str, str] = field(init=False)
    """What is told of answers at hand."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hit", told(self.source, self.kind, "hit"))

    async def read(
        self, keys: Sequence[Key], fields: Fields, deadline: Deadline, call: Call
    ) -> list[Answer]:
        """One answer per key, in order."""
        unique = keys if len(keys) == 1 else list(dict.fromkeys(keys))
        question = Question(self.source, self.kind, unique, fields, deadline, call)
        found = await self.cache.read(question, self.window)
        return [found[key] for key in keys]

    def places(self, parents: Sequence[Parent], page: PageRequest, where: ChildFilter) -> list[Key]:
        """Where the pages of these stand, in order."""
        by: ParentBy | None = parents[0].by if parents else None
        if by is not None and list(map(_BY, parents)).count(by) == len(parents):
            return list(zip(repeat(self.shelves.pages(by, page, where)), map(_VALUE, parents)))
        keys: list[Key] = []
        by = None
        for parent in parents:
            if parent.by is not by:  # those of one source go by the same
                by = parent.by
                shelf = self.shelves.pages(by, page, where)
            keys.append((shelf, parent.value))
        return keys

    def paired(self, keys: Sequence[Key], answers: Sequence[Answer]) -> Mapping[Key, Answer]:
        if len(answers) != len(keys):
            said = f"{len(answers)} answers to {len(keys)} questions"
            raise SourceProtocolError(self.source, said)
        return dict(zip(keys, answers, strict=True))


@dataclass(frozen=True, slots=True)
class KeptRows:
    """BatchGet in front of another one."""

    inner: BatchGet[Record]
    behind: _Behind

    async def get_many(
        self, external_ids: Sequence[str], fields: Fields, deadline: Deadline
    ) -> list[Record | SourceError | None]:
        behind = self.behind
        shelf = behind.shelves.rows
        keys = [(shelf, one) for one in external_ids]

        async def call(
            keys: Sequence[Key], fields: Fields, deadline: Deadline
        ) -> Mapping[Key, Answer]:
            ids = [name for _, name in keys]
            return behind.paired(keys, await self.inner.get_many(ids, fields, deadline))

        answers = await behind.read(keys, fields, deadline, call)
        return cast("list[Record | SourceError | None]", answers)


@dataclass(frozen=True, slots=True)
class KeptPages:
    """ChildrenOf in front of another one."""

    inner: ChildrenOf[Record]
    behind: _Behind

    async def children_of(
        self,
        parents: Sequence[Parent],
        page: PageRequest,
        where: ChildFilter,
        fields: Fields,
        deadline: Deadline,
    ) -> list[ChildPage[Record] | SourceError]:
        behind = self.behind
        keys = behind.places(parents, page, where)

        async def call(
            due: Sequence[Key], fields: Fields, deadline: Deadline
        ) -> Mapping[Key, Answer]:
            known = dict(zip(keys, parents, strict=True))
            asked = [known[key] for key in due]
            answers = await self.inner.children_of(asked, page, where, fields, deadline)
            return behind.paired(due, answers)

        answers = await behind.read(keys, fields, deadline, call)
        return cast("list[ChildPage[Record] | SourceError]", answers)


@dataclass(frozen=True, slots=True)
class KeptAtHand:
    """AtHand: what the process has in its memory."""

    behind: Mapping[Kind, _Behind]

    def rows(
        self, kind: Kind, external_ids: Sequence[str], fields: Fields
    ) -> Sequence[Record | None] | None:
        behind = self.behind[kind]
        shelf = behind.shelves.rows
        keys = []
        for one in external_ids:
            keys.append((shelf, one))
        return behind.cache.young(keys, fields, behind.window, behind.hit)

    def pages(
        self,
        kind: Kind,
        parents: Sequence[Parent],
        page: PageRequest,
        where: ChildFilter,
        fields: Fields,
    ) -> Sequence[ChildPage[Record]] | None:
        behind = self.behind[kind]
        keys = behind.places(parents, page, where)
        return behind.cache.young(keys, fields, behind.window, behind.hit)


def cached(source: Source, cache: EntityCache, fingerprint: str) -> Source:
    """The source, with a view for each age a caller takes. It answers live itself. `fingerprint`
    names it with its credentials and settings.
    """
    kinds = {*source.gets, *source.children}
    shelves = {kind: Shelves(fingerprint, kind) for kind in kinds}
    views = _Views(lambda freshness: _view(source, cache, shelves, freshness))
    return replace(source, within=views.__getitem__)  # without a call of ours for those there are


class _Views(dict[Freshness, Source]):
    """Made as they are asked for."""

    def __init__(self, make: Callable[[Freshness], Source]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, freshness: Freshness) -> Source:
        if len(self) >= MOST_VIEWS:
            self.clear()
        made = self[freshness] = self._make(freshness)
        return made


def _view(
    source: Source, cache: EntityCache, shelves: Mapping[Kind, Shelves], freshness: Freshness
) -> Source:
    window = cache.window(freshness, source.timeout_s)
    behind = {
        kind: _Behind(cache=cache, source=source.name, kind=kind.value, shelves=own, window=window)
        for kind, own in shelves.items()
    }
    return replace(
        source,
        gets={kind: KeptRows(reader, behind[kind]) for kind, reader in source.gets.items()},
        children={
            kind: KeptPages(reader, behind[kind]) for kind, reader in source.children.items()
        },
        at_hand=KeptAtHand(behind),
    )
