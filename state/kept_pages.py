"""What is kept of orders, tickets and conversations, brought up to date by single rows."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import ColumnElement, Connection, delete, select, update

from domain.customer import CanonicalIdentifier
from domain.ids import Kind, SourceKey
from domain.records import Contact, Message, Record
from domain.sources import ChildPage, ParentBy
from domain.vocabulary import IdentifierKind
from state import bulk, codec
from state.keys import indexed
from state.tables import kept_children

Page = ChildPage[Record]
_OWN = kept_children.c.parent_by == ParentBy.OWN.value
_PARENTS = {IdentifierKind.EMAIL: ParentBy.EMAIL, IdentifierKind.PHONE: ParentBy.PHONE}


def refresh(connection: Connection, records: Iterable[Record]) -> None:
    """Put each record in the place of an older version of it, in its owners' pages. One that is on
    no page stays out: its place may be on a page that was never read.
    """
    for record in records:
        for owner in getattr(record, "owner_ids", ()):
            _rewrite(connection, record.key, owner, partial(_with, new=record))


def remove(connection: Connection, keys: Iterable[SourceKey]) -> None:
    """Take rows out of every page of their source and kind, whoever its owner is; and whole pages
    of what hung on them.
    """
    for key in keys:
        _rewrite(connection, key, None, partial(_without, gone=key))
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


def _rewrite(
    connection: Connection,
    key: SourceKey,
    owner: str | None,
    change: Callable[[Page], Page],
) -> None:
    """Change the pages that hold the row. Their text names it, which is far quicker to look for
    than to read them all.
    """
    found = select(kept_children).where(
        kept_children.c.source == key.source, kept_children.c.kind == key.kind.value
    )
    if owner is not None:
        found = found.where(_OWN, kept_children.c.parent == indexed(owner))
    named = codec.encode(key.external_id)
    for row in connection.execute(found.execution_options(yield_per=bulk.CHUNK)).all():
        if named not in row.page:
            continue
        before = codec.decode_page(key.kind, row.page)
        after = change(before)
        if after is not before:
            place = [column == getattr(row, column.name) for column in kept_children.primary_key]
            changed = update(kept_children).where(*place).values(page=codec.encode(after))
            connection.execute(changed)


def _with(page: Page, new: Record) -> Page:
    items = tuple(new if _is_older(item, new) else item for item in page.items)
    return page if items == page.items else replace(page, items=items)


def _is_older(item: Record, new: Record) -> bool:
    if item.key != new.key or isinstance(item, Message | Contact):
        return False
    ours, theirs = item.provenance.source_updated_at, new.provenance.source_updated_at
    if ours is not None and theirs is not None and ours != theirs:
        return ours < theirs
    return item.provenance.fetched_at < new.provenance.fetched_at


def _without(page: Page, gone: SourceKey) -> Page:
    items = tuple(item for item in page.items if item.key != gone)
    return page if len(items) == len(page.items) else replace(page, items=items)
