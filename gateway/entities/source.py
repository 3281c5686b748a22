"""A source behind the cache: the same ports, for one age a caller takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    Source,
)
from gateway.entities.cache import EntityCache, Window
from gateway.entities.entry import Answer
from gateway.entities.flights import Call, Question
from gateway.entities.shelves import Key

MOST_VIEWS: Final = 64
"""Callers that name an age name few different ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Behind:
    """Where it stands: `fingerprint` names the source with its credentials and settings."""

    cache: EntityCache
    source: str
    fingerprint: str
    kind: Kind
    window: Window

    async def read(
        self, keys: Sequence[Key], fields: Fields, deadline: Deadline, call: Call
    ) -> list[Answer]:
        """One answer per key, in order."""
        question = Question(
            source=self.source,
            kind=self.kind.value,
            keys=list(dict.fromkeys(keys)),
            fields=fields,
            deadline=deadline,
            call=call,
        )
        found = await self.cache.read(question, self.window)
        return [found[key] for key in keys]

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
        shelf = behind.cache.shelves.of_rows(behind.fingerprint, behind.kind)

        async def call(
            keys: Sequence[Key], fields: Fields, deadline: Deadline
        ) -> Mapping[Key, Answer]:
            ids = [name for _, name in keys]
            return behind.paired(keys, await self.inner.get_many(ids, fields, deadline))

        keys = [(shelf, one) for one in external_ids]
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
        keys = self._keys(parents, page, where)
        known = dict(zip(keys, parents, strict=True))

        async def call(
            keys: Sequence[Key], fields: Fields, deadline: Deadline
        ) -> Mapping[Key, Answer]:
            asked = [known[key] for key in keys]
            answers = await self.inner.children_of(asked, page, where, fields, deadline)
            return behind.paired(keys, answers)

        answers = await behind.read(keys, fields, deadline, call)
        return cast("list[ChildPage[Record] | SourceError]", answers)

    def _keys(self, parents: Sequence[Parent], page: PageRequest, where: ChildFilter) -> list[Key]:
        behind = self.behind
        kinds = {id(parent.by): parent.by for parent in parents}
        shelves = {
            known: behind.cache.shelves.of_pages(behind.fingerprint, behind.kind, by, page, where)
            for known, by in kinds.items()
        }
        return [(shelves[id(parent.by)], parent.value) for parent in parents]


def cached(source: Source, cache: EntityCache, fingerprint: str) -> Source:
    """The source, with a view for each age a caller takes. It answers live itself."""
    views: dict[tuple[int, bool], Source] = {}

    def within(freshness: Freshness) -> Source:
        age = freshness.max_age_ms, freshness.allow_stale
        if age not in views:
            if len(views) >= MOST_VIEWS:
                views.clear()
            views[age] = _view(source, cache, fingerprint, freshness)
        return views[age]

    return replace(source, within=within)


def _view(source: Source, cache: EntityCache, fingerprint: str, freshness: Freshness) -> Source:
    window = cache.window(freshness, source.timeout_s)

    def behind(kind: Kind) -> _Behind:
        return _Behind(
            cache=cache, source=source.name, fingerprint=fingerprint, kind=kind, window=window
        )

    return replace(
        source,
        gets={kind: KeptRows(reader, behind(kind)) for kind, reader in source.gets.items()},
        children={
            kind: KeptPages(reader, behind(kind)) for kind, reader in source.children.items()
        },
    )
