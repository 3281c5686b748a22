"""Every question of a source, asked once with keys it has itself named, and once for nobody."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from connectors.spec import Endpoint, Spec, Stream
from connectors.trial.notebook import Notebook
from domain.customer import KeyKind, LookupKey
from domain.errors import GatewayError, SourceError
from domain.ids import Kind
from domain.ports import Clock
from domain.records import Contact, Record
from domain.sources import (
    ChangedSince,
    ChildFilter,
    ChildPage,
    Deadline,
    PageRequest,
    Parent,
    ParentBy,
    Source,
)

NOBODY = {
    KeyKind.EMAIL: "nobody@knownas.invalid",
    KeyKind.PHONE: "+15005550199",
}
NO_ID = "999999999999"
"""An id that is a number and a text, and nobody's."""
_FEW = 5
_PAGES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of a question; `problem` where it is not as it has to be."""

    question: str
    told: str
    problem: str = ""


@dataclass(slots=True, kw_only=True)
class Trial:
    """`ids` and `parents` are what the user names where the source lists nothing by itself."""

    source: Source
    spec: Spec
    notebook: Notebook
    clock: Clock
    ids: Sequence[str] = ()
    parents: Sequence[str] = ()

    async def run(self) -> AsyncIterator[Finding]:
        for kind, endpoint in self.spec.kinds.items():
            if endpoint.changed_since:
                yield await self._changes(kind, endpoint)
        for kind, endpoint in self.spec.kinds.items():
            if kind is Kind.CONTACT:
                async for finding in self._people(endpoint):
                    yield finding
            else:
                async for finding in self._things(kind, endpoint):
                    yield finding

    async def _people(self, endpoint: Endpoint) -> AsyncIterator[Finding]:
        if endpoint.get_many:
            yield await self._get(Kind.CONTACT)
        for key in endpoint.search:
            yield await self._search(key)

    async def _things(self, kind: Kind, endpoint: Endpoint) -> AsyncIterator[Finding]:
        for by in endpoint.children:
            yield await self._children(kind, by)
        if endpoint.get_many:
            yield await self._get(kind)

    # ------------------------------------------------------------ one question each

    async def _changes(self, kind: Kind, endpoint: Endpoint) -> Finding:
        """The first pages of everything, then what changed from now on: nothing old may come."""
        name = self._ask(kind, "changes")
        reader = self.source.changes[kind]
        try:
            told = await self._pages(reader)
            if not isinstance(endpoint.changed_since, Stream):
                self.notebook.question = f"{name} since now"
                await reader.changed_since(self._cursor(), self._deadline())
        except GatewayError as error:
            return Finding(question=name, told="", problem=str(error))
        ignored = self.notebook.ignored[f"{name} since now"]
        problem = f"since is ignored: {ignored} older rows came back" if ignored else ""
        return Finding(question=name, told=told, problem=problem)

    async def _pages(self, reader: ChangedSince[Record]) -> str:
        cursor, sizes = None, []
        for _ in range(_PAGES):
            page = await reader.changed_since(cursor, self._deadline())
            sizes.append(str(len(page.records)))
            cursor = page.cursor
            if not page.more:
                break
        more = ", and there is more" if page.more else ""
        return f"{' + '.join(sizes)} read, page by page{more}"

    async def _get(self, kind: Kind) -> Finding:
        known = [*self.notebook.records[kind], *(self.ids if kind is Kind.CONTACT else ())][:_FEW]
        name = self._ask(kind, "get")
        try:
            got = await self.source.gets[kind].get_many([*known, NO_ID], None, self._deadline())
        except GatewayError as error:
            return Finding(question=name, told="", problem=str(error))
        *found, nobody = got
        missing = [one for one, entry in zip(known, found, strict=True) if entry is None]
        told = f"{sum(entry is not None for entry in found)} of {len(known)} found"
        problem = self._wrong(name, got)
        if missing and not problem:
            problem = f"{', '.join(missing)} were listed, and are not found by their id"
        if nobody is not None and not problem:
            problem = "an id of nobody is found"
        return Finding(question=name, told=told, problem=problem)

    async def _search(self, key: KeyKind) -> Finding:
        name = self._ask(Kind.CONTACT, f"search.{key.value}")
        if self.source.search is None:
            raise AssertionError("a spec with searches makes a source with a search")
        lookup = self._lookup(key)
        nobody = LookupKey(key, NOBODY.get(key, NO_ID), lookup.scope if lookup else "")
        told, problem = "no contact to search for", ""
        try:
            if lookup is not None:
                found = await self.source.search.search(lookup, self._deadline())
                told = f"{len(found)} found"
                problem = "" if found else "who was listed with the key is not found by it"
            strangers = await self.source.search.search(nobody, self._deadline())
        except GatewayError as error:
            return Finding(question=name, told=told, problem=self._wrong(name, ()) or str(error))
        if strangers and not problem:
            problem = f"{len(strangers)} found by a key of nobody"
        return Finding(question=name, told=told, problem=problem)

    async def _children(self, kind: Kind, by: ParentBy) -> Finding:
        name = self._ask(kind, f"children.{by.value}")
        parents = list(dict.fromkeys(Parent(by, one) for one in self._parents(kind, by)))[:_FEW]
        nobody = Parent(by, NOBODY.get(_KEYS.get(by, KeyKind.ID), NO_ID))
        if not parents:
            return Finding(question=name, told="no parent to ask for (name one with --parent)")
        try:
            pages = await self.source.children[kind].children_of(
                [*parents, nobody], PageRequest(_FEW), ChildFilter(), None, self._deadline()
            )
        except GatewayError as error:
            return Finding(question=name, told="", problem=str(error))
        problem = self._wrong(name, pages)
        last = pages[-1]
        if isinstance(last, ChildPage) and last.items and not problem:
            problem = f"{len(last.items)} found for a parent that is nobody"
        whole = [page for page in pages if isinstance(page, ChildPage)]
        told = f"{sum(len(page.items) for page in whole)} of {len(parents)} parents"
        return Finding(question=name, told=told, problem=problem)

    # ------------------------------------------------------------ what is asked with

    def _lookup(self, key: KeyKind) -> LookupKey | None:
        for contact in self._contacts():
            for found, value, scope in _keys_of(contact):
                if found is key:
                    return LookupKey(key, value, scope)
        return None

    def _parents(self, kind: Kind, by: ParentBy) -> Iterable[str]:
        if kind is Kind.MESSAGE:
            held = (self.notebook.records[k] for k in (Kind.CONVERSATION, Kind.TICKET))
            return [one for records in held for one in records]
        own = _by(self.source.customer_key)
        named = self.parents if by is own else ()
        match by:
            case ParentBy.OWN:
                return [*named, *(contact.key.external_id for contact in self._contacts())]
            case ParentBy.EMAIL:
                return [*named, *(one for c in self._contacts() for one in c.emails[:1])]
            case ParentBy.PHONE:
                return [*named, *(one for c in self._contacts() for one in c.phones[:1])]
        return named

    def _contacts(self) -> list[Contact]:
        held = self.notebook.records[Kind.CONTACT].values()
        return [record for record in held if isinstance(record, Contact)]

    def _wrong(self, name: str, entries: Iterable[object]) -> str:
        ignored = self.notebook.ignored[name]
        if ignored:
            return f"the filter is ignored: {ignored} rows came back that were not asked for"
        error = next((one for one in entries if isinstance(one, SourceError)), None)
        return str(error) if error else ""

    def _ask(self, kind: Kind, form: str) -> str:
        self.notebook.question = f"{kind.name.lower()}.{form}"
        return self.notebook.question

    def _deadline(self) -> Deadline:
        return Deadline(asyncio.get_running_loop().time() + self.source.timeout_s)

    def _cursor(self) -> str:
        """One of ours that asks from now on."""
        now = self.clock.now().isoformat()
        return json.dumps({"since": now, "start": now, "begun": now, "page": None, "read": 0})


_KEYS = {ParentBy.EMAIL: KeyKind.EMAIL, ParentBy.PHONE: KeyKind.PHONE}


def _by(customer_key: str) -> ParentBy:
    held = {by.value: by for by in ParentBy}
    return held.get(customer_key, ParentBy.FOREIGN)


def _keys_of(contact: Contact) -> Iterable[tuple[KeyKind, str, str]]:
    yield from ((KeyKind.EMAIL, one, "") for one in contact.emails)
    yield from ((KeyKind.PHONE, one, "") for one in contact.phones)
    yield from ((KeyKind.HANDLE, one.name, one.platform) for one in contact.handles)
    yield from ((KeyKind.EXTERNAL, value, scope) for scope, value in contact.foreign_ids)
    if contact.account_number:
        yield KeyKind.ACCOUNT_NUMBER, contact.account_number, ""
