"""Names of kept answers: where they stand, and by which tags they are thrown away.

    row     of a source, by its external id      tag: the row
    page    of one parent, by page and filter    tag: the parent's pages, or of all parents
                                                      that go by something else than the source's
                                                      own id, since no event names that
    both                                         tag: everything of the source and kind

The source is its fingerprint: name, credentials and settings. The projection is no part of the
name: an answer says which fields it has.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from domain.ids import Kind, SourceKey
from domain.records import Contact, Record
from domain.sources import ChildFilter, PageRequest, ParentBy

MOST: Final = 10_000
"""Shelves; what stood on those that are forgotten is asked for anew."""

Tag = str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Shelf:
    """What the answers to one question have in common. There is one of each, so identity tells them
    apart.
    """

    text: str
    """As no other shelf's."""
    kind: Kind
    is_list: bool = False
    everything: Tag
    own: Tag
    """Begins the tag of each answer, or is the tag of all where it is shared."""
    is_shared: bool = False

    def tags(self, name: str) -> tuple[Tag, Tag]:
        return (self.everything, self.own if self.is_shared else self.own + name)


Key = tuple[Shelf, str]
"""On a shelf, by the external id of the row or the value of the parent."""


def tags(key: Key) -> tuple[Tag, Tag]:
    shelf, name = key
    return shelf.tags(name)


class Shelves:
    """Those of one source and kind."""

    def __init__(self, source: str, kind: Kind) -> None:
        self._source = source
        self._kind = kind
        self._pages: dict[tuple[ParentBy, PageRequest, ChildFilter], Shelf] = {}
        self.rows = _rows(source, kind)

    def pages(self, by: ParentBy, page: PageRequest, where: ChildFilter) -> Shelf:
        question = (by, page, where)
        shelf = self._pages.get(question)
        if shelf is None:
            if len(self._pages) >= MOST:
                self._pages.clear()
            shelf = self._pages[question] = _pages(self._source, self._kind, by, page, where)
        return shelf


def _rows(source: str, kind: Kind) -> Shelf:
    everything = _everything(source, kind)
    return Shelf(
        text=f"row\0{everything}",
        kind=kind,
        everything=everything,
        own=f"row\0{everything}\0",
    )


def _pages(source: str, kind: Kind, by: ParentBy, page: PageRequest, where: ChildFilter) -> Shelf:
    everything = _everything(source, kind)
    is_own = by is ParentBy.OWN
    return Shelf(
        text=f"page\0{everything}\0{by.value}\0{_page(page)}\0{_filter(where)}",
        kind=kind,
        is_list=True,
        everything=everything,
        own=f"{'owner' if is_own else 'others'}\0{everything}\0",
        is_shared=not is_own,
    )


def _everything(source: str, kind: Kind) -> Tag:
    return f"{source}\0{kind.value}"


def _page(page: PageRequest) -> str:
    after = page.after
    return f"{page.first}\0" + (f"{after.at.isoformat()}\0{after.external_id}" if after else "")


def _filter(where: ChildFilter) -> str:
    parts = [sorted(where.order_status), sorted(where.ticket_status), where.text, where.around]
    return repr(parts)


# ---------------------------------------------------------------- what an event throws away


def of_contact(source: str, contact: Contact) -> set[Tag]:
    """Its row; where it has absorbed others, whatever was theirs is its own now."""
    key = contact.key
    absorbed = (of_person(source, replace(key, external_id=one)) for one in contact.merged_ids)
    changed = {_row(source, key.kind, key.external_id)}.union(*absorbed)
    return changed | of_person(source, key) if contact.merged_ids else changed


def of_person(source: str, key: SourceKey) -> set[Tag]:
    """A contact and all lists of what is theirs."""
    row = _row(source, key.kind, key.external_id)
    lists = (_lists(source, kind, [key.external_id]) for kind in Kind)
    return {row}.union(*lists)


def of_changed(source: str, record: Record) -> set[Tag]:
    """The row, over all projections, and the lists it may be on by now."""
    key = record.key
    row, owners = _row(source, key.kind, key.external_id), getattr(record, "owner_ids", ())
    return {row} | _lists(source, key.kind, owners) | _messages(source, key.external_id)


def of_gone(source: str, key: SourceKey) -> set[Tag]:
    """Whose a row was that is gone, nobody says any more: every list of its kind goes."""
    row, everything = _row(source, key.kind, key.external_id), _everything(source, key.kind)
    return {row, everything} | _messages(source, key.external_id)


def _row(source: str, kind: Kind, name: str) -> Tag:
    return f"row\0{_everything(source, kind)}\0{name}"


def _lists(source: str, kind: Kind, owners: Iterable[str]) -> set[Tag]:
    everything = _everything(source, kind)
    own = {f"owner\0{everything}\0{owner}" for owner in owners}
    return own | {f"others\0{everything}\0"}


def _messages(source: str, thread: str) -> set[Tag]:
    return {f"owner\0{_everything(source, Kind.MESSAGE)}\0{thread}"}
