"""Finding contacts by what is indexed of them: identifiers, and the beginnings of words."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import CompoundSelect, Connection, intersect, select, union

from domain.customer import CanonicalIdentifier
from domain.ids import SourceKey
from state import bulk
from state.keys import begins, indexed, unpack
from state.tables import contact_identifiers, contact_words


def find(
    connection: Connection, identifiers: Sequence[CanonicalIdentifier]
) -> list[tuple[SourceKey, ...]]:
    """The contacts that carry each identifier, in order and sorted."""
    wanted = [(indexed(i.value), i.kind.value, indexed(i.scope)) for i in identifiers]
    carriers: dict[tuple[str, str, str], list[SourceKey]] = defaultdict(list)
    table = contact_identifiers.c
    for chunk in bulk.chunks(sorted({value for value, _, _ in wanted})):
        rows = connection.execute(
            select(table.value, table.kind, table.scope, table.key).where(
                bulk.among(connection, table.value, chunk)
            )
        )
        for value, kind, scope, key in rows:
            carriers[value, kind, scope].append(unpack(key))
    return [tuple(sorted(carriers.get(term, ()))) for term in wanted]


def find_words(connection: Connection, words: Sequence[str], limit: int) -> list[SourceKey]:
    """Contacts of which every word begins a stored word or identifier, ordered by key."""
    wanted = {indexed(word) for word in words if word}
    if not wanted:
        return []
    carriers = intersect(*(select(_carriers(word).subquery()) for word in sorted(wanted)))
    keys = connection.execute(select(carriers.subquery().c.key).order_by("key").limit(limit))
    return [unpack(key) for key in keys.scalars()]


def _carriers(word: str) -> CompoundSelect[tuple[str]]:
    words, identifiers = contact_words.c, contact_identifiers.c
    return union(
        select(words.key).where(begins(words.word, word)),
        select(identifiers.key).where(begins(identifiers.value, word)),
    )
