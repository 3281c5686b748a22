"""`children_of`: things that hang on parents, newest first, by batch, fan-out or a detour."""

from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.batch import chunked
from connectors.childpages import Items, List, Lists, Read, page_of, pages_of, rank_of
from connectors.desk import Desk, Sheet
from connectors.gathering import answered
from connectors.matching import belongs, named, needed, position, satisfies, spelling
from connectors.reading import Row
from connectors.spec import ChildRead, ChildrenAsk, GetAsk, Via, are_valid
from domain.errors import NotSupported, SourceError, SourceProtocolError
from domain.records import Contact, Message, Record
from domain.slots import quick
from domain.sources import (
    ChildFilter,
    ChildPage,
    Deadline,
    Fields,
    PageRequest,
    Parent,
    ParentBy,
    Position,
)
from domain.waiting import together


@dataclass(frozen=True, slots=True, kw_only=True)
class _Want:
    page: PageRequest
    where: ChildFilter
    fields: Fields
    deadline: Deadline


_want, _read, _children_ask = quick(_Want), quick(Read), quick(ChildrenAsk)
_EVERYTHING = ChildFilter()

_Part = Mapping[Parent, List | SourceError]
_Routes = Mapping[Parent, Sequence[Parent] | SourceError]


class ChildReader:
    """The `ChildrenOf` port: at most ceil(parents / size) first calls, further pages while a parent
    has fewer than `first` items and the list goes on (`ChildRead.pages` calls in all).
    """

    def __init__(
        self, desk: Desk, forms: Mapping[ParentBy, ChildRead | Via], contacts: Desk | None
    ) -> None:
        self._desk = desk
        self._forms = forms
        self._contacts = contacts

    async def children_of(
        self,
        parents: Sequence[Parent],
        page: PageRequest,
        where: ChildFilter,
        fields: Fields,
        deadline: Deadline,
    ) -> list[ChildPage[Record] | SourceError]:
        want = _want(page=page, where=where, fields=needed(where, fields), deadline=deadline)
        form = self._only(parents)
        if form is not None:
            try:
                read = await self._read(form, parents, want, 0)
                return pages_of(read, rank_of(self._desk.kind), page.first)
            except SourceError as error:
                return [error] * len(parents)
        routes = await self._routes(list(dict.fromkeys(parents)), deadline)
        targets = dict.fromkeys(
            target
            for route in routes.values()
            if not isinstance(route, SourceError)
            for target in route
        )
        lists = await self._lists(list(targets), want)
        rank = rank_of(self._desk.kind)
        return [page_of(routes[parent], lists, rank, page.first) for parent in parents]

    def _only(self, parents: Sequence[Parent]) -> ChildRead | None:
        """The form, where one call of it answers for all parents, which is the usual case."""
        by = parents[0].by if parents else None
        form = self._forms.get(by) if by is not None else None
        if not isinstance(form, ChildRead) or len(parents) > form.size.value:
            return None
        if form.lists > 1 and not form.gather:
            return None
        bys, values = zip(*parents, strict=True)
        if bys.count(by) < len(bys) or len(set(values)) < len(values):
            return None
        return form if are_valid(form.valid, values) else None

    async def _routes(self, parents: Sequence[Parent], deadline: Deadline) -> _Routes:
        """The parents to ask about for each one given: itself, or this source's own contacts."""
        routes: dict[Parent, Sequence[Parent] | SourceError] = {}
        for by in dict.fromkeys(parent.by for parent in parents):
            form, group = self._forms.get(by), [p for p in parents if p.by is by]
            if form is None:
                error = NotSupported(self._desk.source, f"{self._desk.kind.name} by {by.value}")
                routes |= dict.fromkeys(group, error)
            elif isinstance(form, Via):
                routes |= await self._detours(form, group, deadline)
            else:
                routes |= {parent: [parent] for parent in group}
        return routes

    async def _detours(
        self, form: Via, parents: Sequence[Parent], deadline: Deadline
    ) -> dict[Parent, Sequence[Parent] | SourceError]:
        routes: dict[Parent, Sequence[Parent] | SourceError] = {p: [] for p in parents}
        valid = [parent for parent in parents if form.valid(parent.value)]
        chunks = chunked(valid, form.size.value)
        for part in await together([self._detour(form, chunk, deadline) for chunk in chunks]):
            routes |= part
        return routes

    async def _detour(
        self, form: Via, parents: Sequence[Parent], deadline: Deadline
    ) -> Mapping[Parent, Sequence[Parent] | SourceError]:
        if self._contacts is None:
            raise AssertionError("a spec with Via has contacts")
        ask = GetAsk(ids=[parent.value for parent in parents], options=self._desk.options)
        try:
            sheet = await self._contacts.asked(form, ask, deadline)
        except SourceError as error:
            return dict.fromkeys(parents, error)
        contacts = [record for record in sheet.records if isinstance(record, Contact)]
        found = {parent: _own(parent, contacts) for parent in parents}
        strangers = _strangers(contacts, parents) if form.strict else 0
        if strangers:
            self._contacts.ignored("search for parents", strangers)
        if not sheet.whole or strangers:
            # The contact of a parent without one may be what was left out.
            unsure = SourceProtocolError(self._contacts.source, "contacts were left out")
            return {parent: own or unsure for parent, own in found.items()}
        return found

    async def _lists(self, targets: Sequence[Parent], want: _Want) -> Lists:
        lists: dict[Parent, list[List | SourceError]] = {target: [] for target in targets}
        jobs: list[Coroutine[Any, Any, _Part]] = []
        for by in dict.fromkeys(target.by for target in targets):
            form = self._forms[by]
            if isinstance(form, Via):
                raise AssertionError("a detour leads to a form that is asked directly")
            valid = [t for t in targets if t.by is by and form.valid(t.value)]
            chunks = chunked(valid, form.size.value)
            parts = range(1 if form.gather else form.lists)
            jobs += [self._chunk(form, chunk, want, part) for chunk in chunks for part in parts]
        for found in await together(jobs):
            for target, each in found.items():
                lists[target].append(each)
        return lists

    async def _chunk(
        self, form: ChildRead, parents: Sequence[Parent], want: _Want, part: int
    ) -> _Part:
        try:
            read = await self._read(form, parents, want, part)
        except SourceError as error:
            return dict.fromkeys(parents, error)
        rest = read.more, read.cut_at, read.dropped
        pairs = zip(parents, read.lists, strict=True)
        return {parent: List(items, *rest) for parent, items in pairs}

    async def _read(
        self, form: ChildRead, parents: Sequence[Parent], want: _Want, part: int
    ) -> Read:
        """The lists of one chunk, page by page. Raises SourceProtocolError over a cursor that does
        not move.
        """
        owners = _Owners(form, parents)
        lists, dropped = owners.lists, 0
        cursor: str | None = None
        last: Position | None = None
        for _ in range(form.pages):
            ask = self._ask(form, parents, want, cursor, part)
            sheet = await answered(self._desk, form, ask, want.deadline)
            dropped += self._distribute(owners, sheet, want)
            previous, cursor = cursor, sheet.page.cursor
            if cursor is not None:
                last = _last(sheet.records, last)
            if cursor is None or (form.newest_first and _enough(lists, want.page.first)):
                break
            if cursor == previous:
                raise SourceProtocolError(self._desk.source, "a list whose pages do not end")
        more = cursor is not None
        return _read(lists, more, last if more else None, dropped)

    def _ask(
        self,
        form: ChildRead,
        parents: Sequence[Parent],
        want: _Want,
        cursor: str | None,
        part: int,
    ) -> ChildrenAsk:
        # One more than is wanted tells whether there is more; a filter may throw any of them away.
        worth = (want.page.first + 1) * len(parents)
        filtered = want.where != ChildFilter() or not form.newest_first
        return _children_ask(
            parents=[parent.value for parent in parents],
            limit=form.page.value if filtered else min(form.page.value, worth),
            until=want.page.after.at if want.page.after else None,
            part=part,
            cursor=cursor,
            where=want.where,
            fields=want.fields,
            options=self._desk.options,
        )

    def _distribute(self, owners: "_Owners", sheet: Sheet, want: _Want) -> int:
        """Puts the records on the lists. Returns how many rows of the answer were left out."""
        every = want.page.after is None and want.where == _EVERYTHING
        known, key = owners.known, owners.key
        astray = 0
        for row, record in zip(sheet.rows, sheet.records, strict=True):
            # Nearly every row names one owner as plainly as can be: no call is made to see that.
            name = row.get(key) if row.__class__ is dict else None
            if name.__class__ is str:
                items = known.get(name)
            else:
                items = known.get(str(name)) if name.__class__ is int else None
            if items is not None:
                if every or _wanted(record, want):
                    items.setdefault(record.key.external_id, record)
                continue
            own = owners.of(row, record)
            if not own:
                astray += 1
            elif every or _wanted(record, want):
                for each in own:
                    each.setdefault(record.key.external_id, record)
        if astray:
            self._desk.ignored("children_of", astray)
            self._desk.dropped(astray + sheet.dropped)
        return astray + sheet.dropped


class _Owners:
    """Whose list of those asked for a row belongs on. `known` are the lists by what stands under
    `key` of a row, where that is how rows name their owner; else there are none.
    """

    def __init__(self, form: ChildRead, parents: Sequence[Parent]) -> None:
        self.lists: list[Items] = [{} for _ in parents]
        self._form = form
        self._parents = parents
        self._by = by = parents[0].by
        self._exact: dict[str, Items] = {}
        self._named: dict[str, list[Items]] = {}
        if by is ParentBy.EMAIL or by is ParentBy.PHONE:
            for parent, each in zip(parents, self.lists, strict=True):
                self._named.setdefault(spelling(by, parent.value), []).append(each)
        else:
            values = [parent.value for parent in parents]
            self._exact = dict(zip(values, self.lists, strict=True))
        self.key = form.owner
        self.known = self._exact if form.owner else {}

    def of(self, row: Row, record: Record) -> Sequence[Items]:
        """Where the row names nobody, it belongs to the one asked for."""
        names = self._names(row, record) if self._form.owners is None else self._form.owners(row)
        if not names:
            return self.lists if len(self.lists) == 1 else ()
        if self._exact:
            return [self._exact[name] for name in dict.fromkeys(names) if name in self._exact]
        if self._by is ParentBy.PHONE:  # numbers are one where they end alike
            pairs = zip(self._parents, self.lists, strict=True)
            return [each for p, each in pairs if any(named(p, name) for name in names)]
        found = (self._named.get(spelling(self._by, name), ()) for name in names)
        return list({id(each): each for some in found for each in some}.values())

    def _names(self, row: Row, record: Record) -> Sequence[str]:
        if isinstance(record, Message):
            return (record.key.external_id.rpartition("/")[0],)
        own = self._by is ParentBy.OWN and not isinstance(record, Contact)
        return record.owner_ids if own else ()  # type: ignore[union-attr]


def _strangers(contacts: Sequence[Contact], parents: Sequence[Parent]) -> int:
    return sum(not any(belongs(one, parent) for parent in parents) for one in contacts)


def _own(parent: Parent, contacts: Sequence[Contact]) -> list[Parent]:
    ids = (contact.key.external_id for contact in contacts if belongs(contact, parent))
    return [Parent(ParentBy.OWN, external_id) for external_id in dict.fromkeys(ids)]


def _wanted(record: Record, want: _Want) -> bool:
    after = want.page.after
    return (after is None or position(record) < after) and satisfies(record, want.where)


def _enough(lists: Sequence[Items], first: int) -> bool:
    return all(len(items) >= first for items in lists)


def _last(records: Iterable[Record], so_far: Position | None) -> Position | None:
    places = [position(record) for record in records]
    return min([*places, *([so_far] if so_far else [])], default=None)
