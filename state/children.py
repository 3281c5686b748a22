"""The last good first pages of what hangs on people, for when their source does not answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, select, tuple_

from domain.ids import Kind
from domain.provenance import Provenance
from domain.records import Conversation, Record
from domain.sources import ChildPage, Parent
from domain.vocabulary import ServedFrom
from state import bulk, codec
from state.keys import indexed
from state.tables import kept_children

Owner = tuple[str, Parent]
"""The source asked, and whose children."""


def keep(connection: Connection, kind: Kind, pages: Mapping[Owner, ChildPage[Record]]) -> None:
    found = sorted((_place(kind, owner), codec.encode(page)) for owner, page in pages.items())
    names = [column.name for column in kept_children.c]
    rows = (dict(zip(names, (*place, page), strict=True)) for place, page in found)
    bulk.upsert(connection, kept_children, rows)


def kept(
    connection: Connection, kind: Kind, owners: Sequence[Owner]
) -> list[ChildPage[Record] | None]:
    """One entry per owner, in order."""
    places = [_place(kind, owner) for owner in owners]
    pages = dict(_read(connection, set(places)))
    return [_stale(kind, pages[place]) if place in pages else None for place in places]


def _place(kind: Kind, owner: Owner) -> tuple[str, str, str, str]:
    source, parent = owner
    return source, kind.value, parent.by.value, indexed(parent.value)


def _read(
    connection: Connection, places: set[tuple[str, str, str, str]]
) -> Iterable[tuple[tuple[str, str, str, str], bytes]]:
    key = list(kept_children.primary_key)
    for chunk in bulk.chunks(sorted(places), 500):
        rows = connection.execute(select(*key, kept_children.c.page).where(tuple_(*key).in_(chunk)))
        yield from (((row[0], row[1], row[2], row[3]), row[4]) for row in rows)


def _stale(kind: Kind, page: bytes) -> ChildPage[Record]:
    found = codec.decode_page(kind, page)
    return replace(found, items=tuple(_kept(item) for item in found.items))


def _kept(item: Record) -> Record:
    if isinstance(item, Conversation) and item.last_message is not None:
        message = replace(item.last_message, provenance=_from_store(item.last_message.provenance))
        item = replace(item, last_message=message)
    return replace(item, provenance=_from_store(item.provenance))


def _from_store(provenance: Provenance) -> Provenance:
    return replace(provenance, served_from=ServedFrom.STALE_CACHE)
