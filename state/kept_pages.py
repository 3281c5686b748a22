"""What is kept of orders, tickets and conversations, brought up to date by single rows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, select, update

from domain.customer import CanonicalIdentifier
from domain.ids import Kind, SourceKey
from domain.records import Call, Contact, Conversation, Message, Order, Record, Ticket, Visit
from domain.sources import ChildPage, ParentBy
from domain.vocabulary import IdentifierKind
from state import bulk, codec
from state.keys import indexed
from state.tables import kept_children

Page = ChildPage[Record]
Thing = Order | Ticket | Conversation | Call | Visit
MOST = 100
"""Rows of a page: events add to it while nobody reads it."""
_OWN = kept_children.c.parent_by == ParentBy.OWN.value
_PARENTS = {IdentifierKind.EMAIL: ParentBy.EMAIL, IdentifierKind.PHONE: ParentBy.PHONE}


def refresh(connection: Connection, records: Iterable[Record]) -> None:
    """Put each record into its owners' pages, in the place of an older version of it. One that is
    older than all of a page that goes on stays out: its place is where nobody has read.
    """
    for record in records:
        if isinstance(record, Contact | Message):
            continue
        for owner in record.owner_ids:
            own = _pages(record.key).where(_OWN, kept_children.c.parent == indexed(owner))
            _rewrite(connection, own, record.key.kind, partial(_with, new=record))


def remove(connection: Connection, keys: Iterable[SourceKey]) -> None:
    """Take rows out of every page of their source and kind, whoever its owner is; and whole pages
    of what hung on them. The text of a page names the row, which is far quicker to look for than
    to read them all.
    """
    for key in keys:
        named = codec.encode(key.external_id)
        _rewrite(connection, _pages(key), key.kind, partial(_without, gone=key), named)
        messages = kept_children.c.kind == Kind.MESSAGE.value
        _drop(connection, key.source, [(ParentBy.OWN, key.external_id)], messages)


def forget_owner(
    connection: Connection, key: SourceKey, identifiers: Iterable[CanonicalIdentifier]
) -> None:
    """Drop every page of a person's things in one system, by whatever that system knows them."""
    parents = [(ParentBy.OWN, key.external_id)]
    parents += [(_PARENTS[one.kind], one.value) for one in identifiers if one.kind in _PARENTS]
    _drop(connection, key.source, parents, kept_children.c.kind != Kind.MESSAGE.value)


def _drop(
    connection: Connection,
    source: str,
    parents: Sequence[tuple[ParentBy, str]],
    which: ColumnElement[bool],
) -> None:
    for by, value in parents:
        connection.execute(
            delete(kept_children).where(
                kept_children.c.source == source,
                kept_children.c.parent_by == by.value,
                kept_children.c.parent == indexed(value),
                which,
            )
        )


def _pages(key: SourceKey) -> Select[*tuple[Any, ...]]:
    """All of the source and kind of a row."""
    of_source = kept_children.c.source == key.source
    return select(kept_children).where(of_source, kept_children.c.kind == key.kind.value)


def _rewrite(
    connection: Connection,
    found: Select[*tuple[Any, ...]],
    kind: Kind,
    change: Callable[[Page], Page],
    named: bytes = b"",
) -> None:
    """Change those pages whose text has `named` in it."""
    for row in connection.execute(found.execution_options(yield_per=bulk.CHUNK)).all():
        if named not in row.page:
            continue
        before = codec.decode_page(kind, row.page)
        after = change(before)
        if after is not before:
            place = [column == getattr(row, column.name) for column in kept_children.primary_key]
            changed = update(kept_children).where(*place).values(page=codec.encode(after))
            connection.execute(changed)


def _with(page: Page, new: Thing) -> Page:
    if any(item.key == new.key for item in page.items):
        items = tuple(new if _is_older(item, new) else item for item in page.items)
        return page if items == page.items else replace(page, items=items)
    last = page.items[-1] if page.items else None
    if page.has_more and (last is None or _place(new) < _place(last)):
        return page
    items = tuple(sorted((*page.items, new), key=_place, reverse=True))
    return replace(page, items=items[:MOST], has_more=page.has_more or len(items) > MOST)


def _place(item: Record) -> tuple[datetime, str]:
    """As pages are ordered, see Position."""
    if isinstance(item, Contact | Message):
        raise TypeError("neither people nor messages are put into pages")
    return item.occurred_at, item.key.external_id


def _is_older(item: Record, new: Thing) -> bool:
    if item.key != new.key:
        return False
    ours, theirs = item.provenance.source_updated_at, new.provenance.source_updated_at
    if ours is not None and theirs is not None and ours != theirs:
        return ours < theirs
    return item.provenance.fetched_at < new.provenance.fetched_at


def _without(page: Page, gone: SourceKey) -> Page:
    items = tuple(item for item in page.items if item.key != gone)
    return page if len(items) == len(page.items) else replace(page, items=items)
