"""`[<kind>.children.<key>]`: rows that hang on parents, who are known by one key or another."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from connectors.mapped.asking import (
    UNKNOWN,
    Desk,
    Wanted,
    check_places,
    figure,
    follow_of,
    ids_of,
    page_places,
    question_name,
    reader,
    valid_ids,
)
from connectors.mapped.paging import read_paging
from connectors.mapped.paths import Path
from connectors.mapped.rules import path_of
from connectors.mapped.tables import Table
from connectors.mapped.templates import Blank
from connectors.reading import UNREADABLE, Row, texts
from connectors.request import Request
from connectors.spec import ChildRead, ChildrenAsk, Figure, GetAsk, KeyRead, Page, SearchAsk, Via
from domain.customer import KeyKind, LookupKey
from domain.sources import ParentBy

PARENTS = {by.value: by for by in ParentBy}


def read_children(
    table: Table, desk: Desk, search: Mapping[KeyKind, KeyRead]
) -> dict[ParentBy, ChildRead | Via]:
    found: dict[ParentBy, ChildRead | Via] = {}
    for name, by in PARENTS.items():
        form = table.table(name)
        if form is None:
            continue
        if "via" in form:
            via = _via(form, by, search)
            found |= {by: via} if via else {}
        else:
            found[by] = _child(form, desk, by)
    table.done()
    if any(isinstance(form, Via) for form in found.values()) and ParentBy.OWN not in found:
        table.wrong("own", "must be set: `via` leads to this source's own ids")
        return {}
    return found


def _via(form: Table, by: ParentBy, search: Mapping[KeyKind, KeyRead]) -> Via | None:
    """Parents known by another key are led to contacts by the search for that key."""
    form.one_of("via", {"search": "search"}, "search")
    form.done()
    key = {
        ParentBy.EMAIL: KeyKind.EMAIL,
        ParentBy.PHONE: KeyKind.PHONE,
        ParentBy.FOREIGN: KeyKind.EXTERNAL,
    }.get(by)
    read = search.get(key) if key is not None else None
    if read is None or key is None:
        form.wrong("via", "needs contact.search of the same key")
        return None
    found: KeyRead = read
    kind: KeyKind = key

    def searched(asked: GetAsk) -> SearchAsk:
        return SearchAsk(key=LookupKey(kind, asked.ids[0]), options=asked.options)

    def ask(asked: GetAsk) -> Request | None:
        return found.ask(searched(asked))

    def rows(data: Any, asked: GetAsk) -> Page:
        return found.read(data, searched(asked))

    size = Figure(1, "ours: a search is by one key")
    return Via(ask=ask, read=rows, size=size, strict=found.strict)


def _child(form: Table, desk: Desk, by: ParentBy) -> ChildRead:
    paging = read_paging(form)
    blank = Blank(("parent", "parents", "until", "limit", *page_places(paging)))
    name = question_name(desk, f"children.{by.value}")
    empty = UNKNOWN if desk.transport.scoped(form) else frozenset()
    ask = desk.transport.question(form, Wanted(name=name, blank=blank, empty=empty))
    size = form.whole("size", 1)
    if len(blank.used & {"parent", "parents"}) != 1:
        form.wrong("", "must ask by {parent}, or by {parents} and a size")
    if "parents" not in blank.used and size > 1:
        form.wrong("size", "more than one needs {parents}")
    owners = _owner_path(form, desk, by)
    if owners is None and not (size == 1 and desk.transport.scoped(form)):
        form.wrong("owner", "must be set: where a row says whose it is, to tell strangers' rows")
    newest_first = form.flag("newest_first") or paging.style == "none"
    integer = form.flag("integer")
    read = reader(form, desk, paging)
    check_places(form, blank, paging)
    form.done()
    one_page = paging.style == "none"

    def asked(want: ChildrenAsk) -> Request:
        values = ids_of(want.parents, "parent", "parents", integer)
        values["until"] = want.until
        values["limit"] = min(want.limit, paging.size)
        if not one_page:
            values |= paging.values(want.cursor)
        return ask(values)

    return ChildRead(
        ask=asked,
        read=read,
        follow=follow_of(paging),
        size=figure(size, f"children.{by.value}.size"),
        page=figure(paging.size, f"children.{by.value}.page.size"),
        pages=paging.pages,
        newest_first=newest_first,
        whole=paging.style == "none" and "limit" not in blank.used,
        valid=valid_ids(integer, size),
        owners=None if owners is None else _owners(owners),
        owner="" if owners is None else owners.key,
    )


def _owner_path(form: Table, desk: Desk, by: ParentBy) -> Path | None:
    written = form.text("owner")
    if written:
        return path_of(form, "owner", written)
    return desk.owners if by is ParentBy.OWN else None


def _owners(path: Path) -> Callable[[Row], Sequence[str]]:
    """Whose a row is. A row that names nobody, or in a way that cannot be read, is nobody's, and
    not that of the one asked for.
    """

    def owners(row: Row) -> Sequence[str]:
        try:
            found = path(row)
            if type(found) is str:
                return (found,)
            return texts(*found) if isinstance(found, list) else texts(found) or _NOBODY
        except UNREADABLE:
            return _NOBODY

    return owners


_NOBODY = ("",)
