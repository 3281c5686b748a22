"""Reads that several requests make in one turn of the event loop, as one call to the source.

When sixteen customers are looked at at once, a vendor with a batch read is asked once and not
sixteen times: its rate limit lasts that much longer, and what a call costs is paid once. Nobody
waits for company: who is alone in a turn asks as it would have.

Company takes nothing away: only who has as much time goes together, and where the common answer was
refused, had rows nobody could read, or was cut before a list was full, each asks again by itself.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Final, Generic, TypeVar

from connectors.batch import BatchReader
from connectors.children import ChildReader
from connectors.monitor import Monitor
from connectors.spec import ChildRead, Via
from domain.errors import SourceError, SourceProtocolError
from domain.records import Record
from domain.sources import (
    ChildFilter,
    ChildPage,
    Deadline,
    Fields,
    PageRequest,
    Parent,
    ParentBy,
)

I = TypeVar("I", bound=Hashable)  # noqa: E741  # what is asked about: an id, a parent
E = TypeVar("E")
Call = Callable[[Sequence[I], Deadline], Awaitable[Sequence[E]]]
Row = Record | SourceError | None
Page = ChildPage[Record] | SourceError
# Annotations of a function within a function are worked out at each call: these are for those.
Ids = Sequence[str]
Parents = Sequence[Parent]
Rows = Sequence[Row]
Pages = Sequence[Page]

CLOSE_S: Final = 0.02
"""Deadlines that lie no further apart are one: the earliest of them."""
_EVERYTHING: Final = ChildFilter()


class _Ask(Generic[I, E]):
    """What one request asks in a turn. `answer` is None for who turned out to be alone."""

    __slots__ = ("answer", "company", "deadline", "items")

    def __init__(self, items: Sequence[I], deadline: Deadline) -> None:
        self.items = items
        self.deadline = deadline
        self.answer: asyncio.Future[Sequence[E] | None] = asyncio.get_running_loop().create_future()
        self.company: _Company[I, E] | None = None


class _Company(Generic[I, E]):
    """Asks that go out as one call, which ends when nobody waits for it any more."""

    __slots__ = ("_asks", "_call", "_monitor", "_task")

    def __init__(self, asks: Sequence[_Ask[I, E]], call: Call[I, E], monitor: Monitor) -> None:
        self._asks = asks
        self._call = call
        self._monitor = monitor
        for one in asks:
            one.company = self
        self._task = asyncio.create_task(self._answered())

    def left(self) -> None:
        if all(one.answer.cancelled() for one in self._asks):
            self._task.cancel()

    async def _answered(self) -> None:
        try:
            await self._share()
        except Exception as error:  # noqa: BLE001  # it is told to each who asked
            for one in self._asks:
                if not one.answer.done():
                    one.answer.set_exception(error)
        finally:
            # They know each other: all that was told would stay until garbage is collected.
            for one in self._asks:
                one.company = None
            self._asks = ()

    async def _share(self) -> None:
        asks = self._asks
        items = [item for one in asks for item in one.items]
        self._monitor.merged(len(asks) - 1)
        deadline = min([one.deadline for one in asks])
        if len(set(items)) < len(items):
            some = list(dict.fromkeys(items))
            known = dict(zip(some, await self._call(some, deadline), strict=True))
            found: Sequence[E] = [known[item] for item in items]
        else:
            found = await self._call(items, deadline)
        if len(found) != len(items):
            raise AssertionError("an entry for each of those asked about")
        end = 0
        for one in self._asks:
            start, end = end, end + len(one.items)
            if not one.answer.done():
                one.answer.set_result(found[start:end])


class _Turns(Generic[I, E]):
    """The asks of the turn under way, by what they have in common."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._waiting: dict[Hashable, list[_Ask[I, E]]] = {}

    async def ask(
        self,
        common: Hashable,
        items: Sequence[I],
        deadline: Deadline,
        *,
        most: int,
        call: Call[I, E],
        spoilt: Callable[[Sequence[E]], bool],
    ) -> Sequence[E]:
        """One entry for each item, in order. At most `most` items go into a common call; entries
        that are `spoilt` may be so because of the company they were in.
        """
        if len(items) >= most:
            return await call(items, deadline)
        own: _Ask[I, E] = _Ask(items, deadline)
        waiting = self._waiting.get(common)
        if waiting is None:
            waiting = self._waiting[common] = []
            asyncio.get_running_loop().call_soon(self._depart, common, most, call)
        waiting.append(own)
        try:
            found = await own.answer
        except asyncio.CancelledError:
            if own.company is not None:
                own.company.left()
            raise
        if found is None or spoilt(found):
            return await call(items, deadline)
        return found

    def _depart(self, common: Hashable, most: int, call: Call[I, E]) -> None:
        asks = [one for one in self._waiting.pop(common) if not one.answer.done()]
        while asks:
            count = _fitting(asks, most)
            if count == 1:
                asks[0].answer.set_result(None)
            else:
                _Company(asks[:count], call, self._monitor)
            del asks[:count]


def _fitting(asks: Sequence[_Ask[I, E]], most: int) -> int:
    """How many of them, from the first on, go into one call."""
    first = asks[0]
    size = len(first.items)
    for count in range(1, len(asks)):
        size += len(asks[count].items)
        if size > most or abs(asks[count].deadline - first.deadline) > CLOSE_S:
            return count
    return len(asks)


class MergedReads:
    """The `BatchGet` port over another one, whose calls take `most` ids."""

    def __init__(self, reader: BatchReader, most: int, monitor: Monitor) -> None:
        self._reader = reader
        self._most = most
        self._turns: _Turns[str, Row] = _Turns(monitor)

    async def get_many(
        self, external_ids: Sequence[str], fields: Fields, deadline: Deadline
    ) -> Rows:
        async def call(ids: Ids, until: Deadline) -> Rows:
            return await self._reader.get_many(ids, fields, until)

        return await self._turns.ask(
            fields, external_ids, deadline, most=self._most, call=call, spoilt=_are_refused
        )


class MergedLists:
    """The `ChildrenOf` port over another one."""

    def __init__(
        self,
        reader: ChildReader,
        forms: Mapping[ParentBy, ChildRead | Via],
        monitor: Monitor,
    ) -> None:
        self._reader = reader
        self._forms = {by: form for by, form in forms.items() if isinstance(form, ChildRead)}
        self._turns: _Turns[Parent, Page] = _Turns(monitor)

    async def children_of(
        self,
        parents: Sequence[Parent],
        page: PageRequest,
        where: ChildFilter,
        fields: Fields,
        deadline: Deadline,
    ) -> Pages:
        async def call(some: Parents, until: Deadline) -> Pages:
            return await self._reader.children_of(some, page, where, fields, until)

        def spoilt(entries: Pages) -> bool:
            return _are_spoilt(entries, page.first)

        by = parents[0].by if parents else None
        form = self._forms.get(by) if by is not None else None
        if form is None or where != _EVERYTHING or not _are_all(parents, by):
            return await call(parents, deadline)
        return await self._turns.ask(
            (by, page.first, page.after, fields),
            parents,
            deadline,
            most=_together(form, page.first),
            call=call,
            spoilt=spoilt,
        )


def _are_all(parents: Parents, by: ParentBy | None) -> bool:
    for one in parents:  # noqa: SIM110  # a generator costs as much as the rest
        if one.by is not by:
            return False
    return True


def _together(form: ChildRead, first: int) -> int:
    """How many parents one call answers for: of a list in pages as many as its first page serves,
    since nobody shall wait for the pages of another.
    """
    size = form.size.value
    return size if form.whole else min(size, form.page.value // (first + 1))


def _are_spoilt(entries: Pages, first: int) -> bool:
    for entry in entries:
        if isinstance(entry, SourceError):
            if isinstance(entry, SourceProtocolError):
                return True
        elif entry.dropped or (entry.has_more and len(entry.items) < first):
            return True
    return False


def _are_refused(entries: Rows) -> bool:
    for entry in entries:  # noqa: SIM110  # as above
        if isinstance(entry, SourceProtocolError):
            return True
    return False
