"""The forms of a mapping (`get`, `children`, `search`, `changes`) as the forms of a `Spec`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from connectors.mapped.paging import Paging, link_header, read_paging
from connectors.mapped.paths import Path
from connectors.mapped.rules import path_of
from connectors.mapped.tables import Table
from connectors.mapped.templates import Blank, Values
from connectors.reading import Row, RowError, identifier, texts
from connectors.request import Request
from connectors.spec import (
    BatchRead,
    ChildRead,
    ChildrenAsk,
    Figure,
    GetAsk,
    KeyRead,
    Page,
    SearchAsk,
    Since,
    SinceAsk,
    Stream,
    StreamAsk,
    Via,
    any_id,
    decimal_id,
)
from domain.customer import KeyKind, LookupKey
from domain.ids import Kind
from domain.sources import CursorKind, CursorPolicy, ParentBy

KEYS = {
    "email": KeyKind.EMAIL,
    "phone": KeyKind.PHONE,
    "account_number": KeyKind.ACCOUNT_NUMBER,
    "handle": KeyKind.HANDLE,
    "order_number": KeyKind.ORDER_NUMBER,
    "external": KeyKind.EXTERNAL,
}
PARENTS = {by.value: by for by in ParentBy}
UNKNOWN = frozenset({404, 410})
"""What a source may say of one thing it does not have."""
REFUSED = UNKNOWN | {422}
"""What it may say of a batch that holds an id it does not know, unless `refused_with` says more."""
_SEPARATED = ", ;|"

Ask = Callable[[Values], Request]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a transport is told about a question: its name, its blank, what an empty answer is."""

    name: str
    blank: Blank
    empty: frozenset[int] = frozenset()


class Transport(Protocol):
    """How questions are put: as HTTP requests, GraphQL operations or SQL statements."""

    one_is_a_row: bool
    """Whether an answer may be one object in place of a list of them."""

    def question(self, form: Table, wanted: Wanted) -> Ask:
        """Reads its own keys of the form; what is wrong is noted there."""
        ...

    def scoped(self, form: Table) -> bool:
        """Whether the question itself, and not a filter beside it, says whose rows are meant."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What the forms of one kind share. `integer`: its ids are numbers; `id_path` is where they
    stand in a row; `owners` where a row names its customer.
    """

    kind: Kind
    transport: Transport
    id_path: Path
    owners: Path | None
    integer: bool


def read_forms(table: Table, desk: Desk, search: Mapping[KeyKind, KeyRead]) -> dict[str, Any]:
    """The arguments of an `Endpoint`. `search`: the contacts' own forms, for detours."""
    found: dict[str, Any] = {}
    get, children, keys, changes = (
        table.table(n) for n in ("get", "children", "search", "changes")
    )
    if get is not None:
        found["get_many"] = _get(get, desk)
    if children is not None:
        found["children"] = _children(children, desk, search)
    if keys is not None:
        found["search"] = read_search(keys, desk)
    if changes is not None:
        found["changed_since"] = _changes(changes, desk)
    return found


# ---------------------------------------------------------------- get


def _get(form: Table, desk: Desk) -> BatchRead:
    paging = read_paging(form)
    if paging.style != "none":
        form.wrong("page", "a batch by id is one answer: ask for fewer ids (size) instead")
    refuses = form.one_of("unknown_ids", {"left_out": False, "refused": True}, False)
    blank = Blank(("id", "ids"))
    refused_with = form.whole("refused_with", 422, 400)
    empty = frozenset() if form.mentions("{ids") else UNKNOWN
    empty = REFUSED | {refused_with} if refuses else empty
    ask = desk.transport.question(form, Wanted(name=_name(desk, "get"), blank=blank, empty=empty))
    size = form.whole("size", 1)
    if len(blank.used & {"id", "ids"}) != 1:
        form.wrong("", "must ask by {id}, or by {ids} and a size")
    if blank.used == {"id"} and size > 1:
        form.wrong("size", "more than one needs {ids}")
    read = _reader(form, desk, paging)
    form.done()
    return BatchRead(
        ask=lambda asked: ask(_ids(asked.ids, "id", "ids", desk.integer)),
        read=read,
        size=_figure(size, "get.size"),
        valid=_valid(desk.integer, size),
        strict=True,
        splits=refuses and size > 1,
    )


def _ids(ids: Sequence[str], one: str, many: str, integer: bool) -> Values:
    shown: Sequence[Any] = [int(each) for each in ids] if integer else list(ids)
    return {one: shown[0], many: shown}


def _valid(integer: bool, size: int) -> Callable[[str], bool]:
    """Ids that cannot be asked for: a separator in one would make two of it."""
    if integer:
        return decimal_id
    return any_id if size == 1 else lambda each: bool(each) and not set(each) & set(_SEPARATED)


# ---------------------------------------------------------------- children


def _children(
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
    blank = Blank(("parent", "parents", "until", "limit", *_page_places(paging)))
    name = _name(desk, f"children.{by.value}")
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
    read = _reader(form, desk, paging)
    _check_places(form, blank, paging)
    form.done()

    def asked(want: ChildrenAsk) -> Request:
        values = {
            **_ids(want.parents, "parent", "parents", integer),
            "until": want.until,
            "limit": min(want.limit, paging.size),
            **paging.values(want.cursor),
        }
        return ask(values)

    return ChildRead(
        ask=asked,
        read=read,
        follow=_follow(paging),
        size=_figure(size, f"children.{by.value}.size"),
        page=_figure(paging.size, f"children.{by.value}.page.size"),
        pages=paging.pages,
        newest_first=newest_first,
        valid=_valid(integer, size),
        owners=None if owners is None else _owners(owners),
    )


def _owner_path(form: Table, desk: Desk, by: ParentBy) -> Path | None:
    written = form.text("owner")
    if written:
        return path_of(form, "owner", written)
    return desk.owners if by is ParentBy.OWN else None


def _owners(path: Path) -> Callable[[Row], Sequence[str]]:
    """Whose a row is. A row that names nobody is nobody's, and not that of the one asked for."""

    def owners(row: Row) -> Sequence[str]:
        found = path(row)
        if type(found) is str:
            return (found,)
        return texts(*found) if isinstance(found, list) else texts(found) or _NOBODY

    return owners


_NOBODY = ("",)


# ---------------------------------------------------------------- search


def read_search(table: Table, desk: Desk) -> dict[KeyKind, KeyRead]:
    if desk.kind is not Kind.CONTACT:
        table.wrong("", "only contacts are searched for")
    found: dict[KeyKind, KeyRead] = {}
    for name, key in KEYS.items():
        form = table.table(name)
        if form is not None:
            found[key] = _key(form, desk, name)
    table.done()
    return found


def _key(form: Table, desk: Desk, name: str) -> KeyRead:
    paging = read_paging(form)
    if paging.style != "none":
        form.wrong("page", "a search is one answer")
    blank = Blank(("value", "scope"))
    wanted = Wanted(name=_name(desk, f"search.{name}"), blank=blank, empty=UNKNOWN)
    ask = desk.transport.question(form, wanted)
    if "value" not in blank.used:
        form.wrong("", "must ask for {value}")
    fuzzy = form.flag("fuzzy")
    read = _reader(form, desk, paging)
    form.done()
    return KeyRead(
        ask=lambda asked: ask({"value": asked.key.value, "scope": asked.key.scope or None}),
        read=read,
        exact=name != "order_number",
        strict=not fuzzy,
    )


# ---------------------------------------------------------------- changes


def _changes(form: Table, desk: Desk) -> Since | Stream:
    paging = read_paging(form)
    blank = Blank(("since", "limit", *_page_places(paging)))
    wanted = Wanted(name=_name(desk, "changes"), blank=blank)
    ask = desk.transport.question(form, wanted)
    stream, keyset = form.flag("stream"), form.flag("keyset")
    cap = form.whole("cap", 0, 0)
    policy = CursorPolicy(
        kind=CursorKind.OPAQUE if stream else CursorKind.TIMESTAMP,
        resolution=timedelta(seconds=form.seconds("resolution_s", 1.0)),
        overlap=timedelta(seconds=form.seconds("overlap_s", 60.0)),
        covers=frozenset({desk.kind}),
        full_scan_every=timedelta(days=form.whole("full_scan_days", 7)),
    )
    if stream and paging.style != "cursor":
        form.wrong("stream", 'needs page.style = "cursor"')
    deleted = path_of(form, "deleted", form.text("deleted")) if "deleted" in form else None
    form.raw("deleted")
    read = _reader(form, desk, paging, deleted)
    _check_places(form, blank, paging)
    form.done()

    def asked(want: SinceAsk) -> Request:
        return ask({"since": want.since, "limit": paging.size, **paging.values(want.cursor)})

    def streamed(want: StreamAsk) -> Request:
        return ask({"limit": paging.size, **paging.values(want.cursor)})

    if stream:
        return Stream(ask=streamed, read=_resuming(read, paging), policy=policy)
    return Since(
        ask=asked,
        read=read,
        follow=_follow(paging),
        policy=policy,
        keyset=keyset,
        cap=_figure(cap, "changes.cap") if cap else None,
        strict="since" in blank.used,
    )


def _resuming(read: Callable[[Any, Any], Page], paging: Paging) -> Callable[[Any, Any], Page]:
    """At the end of a stream its cursor, or the last one, is where the next reading begins."""

    def resuming(data: Any, asked: StreamAsk) -> Page:
        page = read(data, asked)
        if page.cursor is not None and page.cursor != asked.cursor:
            return page
        after = paging.next(data) if paging.next else None
        resume = str(after) if after else asked.cursor or ""
        return Page(rows=page.rows, deleted=page.deleted, resume=resume)

    return resuming


# ---------------------------------------------------------------- what forms share


def _page_places(paging: Paging) -> Collection[str]:
    place = {"page": "page", "offset": "offset", "cursor": "cursor"}.get(paging.style)
    return (place,) if place else ()


def _check_places(form: Table, blank: Blank, paging: Paging) -> None:
    for place in _page_places(paging):
        if place not in blank.used:
            form.wrong("page.style", f"is {paging.style}, and {{{place}}} is nowhere asked for")


def _follow(paging: Paging) -> Callable[[Mapping[str, str]], str | None] | None:
    return link_header if paging.style == "link" and paging.next is None else None


def _name(desk: Desk, form: str) -> str:
    return f"{desk.kind.name.lower()}.{form}"


def _figure(value: int, key: str) -> Figure:
    return Figure(value, f"the mapping of this source: {key}")


def _reader(
    form: Table, desk: Desk, paging: Paging, deleted: Path | None = None
) -> Callable[[Any, Any], Page]:
    """Rows of an answer: a list, or one object. Raises RowError for anything else."""
    path = path_of(form, "rows", form.text("rows", "@"))
    one_is_a_row, id_path = desk.transport.one_is_a_row, desk.id_path

    def read(data: Any, asked: Any) -> Page:
        rows = path(data)
        if one_is_a_row and isinstance(rows, dict):
            rows = [rows]
        if not isinstance(rows, list) or (rows and not isinstance(rows[0], dict)):
            raise RowError("no rows where they should be")
        cursor = paging.following(
            data, rows, getattr(asked, "cursor", None), getattr(asked, "limit", paging.size)
        )
        if deleted is None:
            return Page(rows=rows, cursor=cursor)
        gone = [row for row in rows if deleted(row)]
        kept = [row for row in rows if not deleted(row)]
        return Page(rows=kept, cursor=cursor, deleted=[identifier(id_path(row)) for row in gone])

    return read
