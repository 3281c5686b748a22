"""The forms of a mapping (`get`, `children`, `search`, `changes`) as the forms of a `Spec`."""

from collections.abc import Callable, Mapping
from datetime import timedelta
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
from connectors.mapped.childforms import read_children
from connectors.mapped.paging import Paging, read_paging
from connectors.mapped.rules import path_of
from connectors.mapped.tables import Table
from connectors.mapped.templates import Blank
from connectors.request import Request
from connectors.spec import (
    BatchRead,
    KeyRead,
    Page,
    Since,
    SinceAsk,
    Stream,
    StreamAsk,
)
from domain.customer import KeyKind
from domain.ids import Kind
from domain.sources import CursorKind, CursorPolicy

KEYS = {
    "email": KeyKind.EMAIL,
    "phone": KeyKind.PHONE,
    "account_number": KeyKind.ACCOUNT_NUMBER,
    "handle": KeyKind.HANDLE,
    "order_number": KeyKind.ORDER_NUMBER,
    "external": KeyKind.EXTERNAL,
}
REFUSED = UNKNOWN | {422}
"""What it may say of a batch that holds an id it does not know, unless `refused_with` says more."""


def read_forms(table: Table, desk: Desk, search: Mapping[KeyKind, KeyRead]) -> dict[str, Any]:
    """The arguments of an `Endpoint`. `search`: the contacts' own forms, for detours."""
    found: dict[str, Any] = {}
    get, children, keys, changes = (
        table.table(n) for n in ("get", "children", "search", "changes")
    )
    if get is not None:
        found["get_many"] = _get(get, desk)
    if children is not None:
        found["children"] = read_children(children, desk, search)
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
    wanted = Wanted(name=question_name(desk, "get"), blank=blank, empty=empty)
    ask = desk.transport.question(form, wanted)
    size = form.whole("size", 1)
    if len(blank.used & {"id", "ids"}) != 1:
        form.wrong("", "must ask by {id}, or by {ids} and a size")
    if blank.used == {"id"} and size > 1:
        form.wrong("size", "more than one needs {ids}")
    read = reader(form, desk, paging)
    form.done()
    return BatchRead(
        ask=lambda asked: ask(ids_of(asked.ids, "id", "ids", desk.integer)),
        read=read,
        size=figure(size, "get.size"),
        valid=valid_ids(desk.integer, size),
        strict=True,
        splits=refuses and size > 1,
    )


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
    wanted = Wanted(name=question_name(desk, f"search.{name}"), blank=blank, empty=UNKNOWN)
    ask = desk.transport.question(form, wanted)
    if "value" not in blank.used:
        form.wrong("", "must ask for {value}")
    fuzzy = form.flag("fuzzy")
    read = reader(form, desk, paging)
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
    blank = Blank(("since", "limit", *page_places(paging)))
    wanted = Wanted(name=question_name(desk, "changes"), blank=blank)
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
    read = reader(form, desk, paging, deleted)
    check_places(form, blank, paging)
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
        follow=follow_of(paging),
        policy=policy,
        keyset=keyset,
        cap=figure(cap, "changes.cap") if cap else None,
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
