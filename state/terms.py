"""Finding contacts by what is indexed of them: identifiers, and the beginnings of words."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    exists,
    func,
    or_,
    select,
    union_all,
)

from domain.customer import CanonicalIdentifier
from domain.ids import SourceKey
from state import bulk
from state.keys import begins, indexed, unpack
from state.tables import contact_identifiers, contact_words, contacts

COMMON = 20_000
"""From this many terms on a word is common. Walking finds them about as fast as sorting them."""

_WORDS = contact_words.c
_IDENTIFIERS = contact_identifiers.c
_CARRYING = select(contact_identifiers).where(bulk.among(_IDENTIFIERS.value))


def find(
    connection: Connection, identifiers: Sequence[CanonicalIdentifier]
) -> list[tuple[SourceKey, ...]]:
    """The contacts that carry each identifier, in order and sorted."""
    wanted = [(indexed(i.value), i.kind.value, indexed(i.scope)) for i in identifiers]
    carriers: dict[tuple[str, str, str], list[SourceKey]] = defaultdict(list)
    rows = bulk.answers(connection, _CARRYING, (value for value, _, _ in wanted))
    for value, kind, scope, key in rows:
        carriers[value, kind, scope].append(unpack(key))
    return [tuple(sorted(carriers.get(term, ()))) for term in wanted]


def find_words(connection: Connection, words: Sequence[str], limit: int) -> list[SourceKey]:
    """Contacts of which every word begins a stored word or identifier, ordered by key.

    Starts from the carriers of the rarest word. Where all are common ("a", while somebody types)
    it walks the contacts in order instead, and meets enough of them soon.
    """
    wanted = [indexed(word) for word in words if word]
    # Who has a word that begins with "anna" has one that begins with "an".
    told = {word for word in wanted if not any(w != word and w.startswith(word) for w in wanted)}
    if not told:
        return []
    count, rarest = min((_count(connection, word), word) for word in told)
    found = _walk(told) if count == COMMON else _carriers(rarest, told - {rarest})
    return [unpack(key) for (key,) in connection.execute(found.limit(limit))]


def _walk(words: Collection[str]) -> Select[str]:
    """A tombstone has no terms, so that the index of keys is all that is read of `contacts`."""
    key = contacts.c.key
    return select(key).where(*(_has(key, word) for word in words)).order_by(key)


def _carriers(word: str, others: Collection[str]) -> Select[str]:
    key = select(_terms(word).subquery().c.key).distinct().subquery().c.key
    return select(key).where(*(_has(key, other) for other in others)).order_by(key)


def _count(connection: Connection, word: str) -> int:
    """How many terms begin with the word, COMMON where they are that many or more."""
    some = _terms(word).limit(COMMON).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()


def _terms(word: str) -> CompoundSelect[str]:
    return union_all(
        select(_WORDS.key).where(begins(_WORDS.word, word)),
        select(_IDENTIFIERS.key).where(begins(_IDENTIFIERS.value, word)),
    )


def _has(key: ColumnElement[str], word: str) -> ColumnElement[bool]:
    """Whether the contact with the key has a term that begins with the word."""
    return or_(
        exists().where(_WORDS.key == key, begins(_WORDS.word, word)),
        exists().where(_IDENTIFIERS.key == key, begins(_IDENTIFIERS.value, word)),
    )
