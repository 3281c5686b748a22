"""What events claimed of people, on SQL. Rows are only added, so that order does not matter; of
what visitors agree to the latest word stands, and of two at once the refusal.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, false, or_, select, update

from domain.customer import KeyKind, LookupKey
from domain.events import Claim, Visitor, Word
from domain.ids import SourceKey
from domain.vocabulary import Verification
from state import bulk
from state.codec import storable
from state.event_tables import event_claims, visitor_people, visitors
from state.keys import indexed, pack, unpack
from state.transactions import Transactions

_CLAIMS = select(event_claims).where(bulk.among(event_claims.c.contact))
_VISITORS = select(visitors).where(bulk.among(visitors.c.id))
_PEOPLE = select(visitor_people.c.visitor, visitor_people.c.person).where(
    bulk.among(visitor_people.c.visitor)
)
_MET = select(visitor_people.c.visitor).where(bulk.among(visitor_people.c.person))
_HOMES = (
    select(visitors.c.id, visitors.c.home)
    .where(bulk.among(visitors.c.id))
    .where(visitors.c.consent.is_(True))
)
_AT = bindparam("said_at", type_=visitors.c.consent_at.type)
_SAY = (
    update(visitors)
    .where(
        visitors.c.id == bindparam("visitor"),
        or_(
            visitors.c.consent_at.is_(None),
            visitors.c.consent_at < _AT,
            and_(visitors.c.consent_at == _AT, bindparam("said") == false()),
        ),
    )
    .values(consent=bindparam("said"), consent_at=_AT)
)


class SqlGuests:
    """Implements `domain.events.Guests`."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def meet(self, proposed: Mapping[str, SourceKey]) -> Mapping[str, Visitor]:
        if not proposed:
            return {}
        known = await self._transactions.read(_visitors, list(proposed))
        if len(known) == len(proposed):
            return known
        return await self._transactions.write_apart(_meet, proposed)

    async def learn(
        self, claims: Mapping[SourceKey, Collection[Claim]], words: Collection[Word]
    ) -> None:
        if claims or words:
            await self._transactions.write_apart(_learn, claims, words)

    async def visitor(self, id: str) -> Visitor | None:
        return (await self._transactions.read(_visitors, [id])).get(id)

    async def claims(self, keys: Sequence[SourceKey]) -> list[tuple[Claim, ...]]:
        return await self._transactions.read(_claims, keys) if keys else []


def with_visitors(connection: Connection, contacts: Collection[SourceKey]) -> list[str]:
    """The records, packed, with those of visitors who are, with consent, no others than these."""
    own = {pack(key) for key in contacts}
    met = {row.visitor for row in bulk.answers(connection, _MET, own)}
    if not met:
        return sorted(own)
    others = {
        visitor for visitor, person in bulk.pairs(connection, _PEOPLE, met) if person not in own
    }
    homes = (home for _, home in bulk.pairs(connection, _HOMES, met - others))
    return sorted(own.union(homes))


def _meet(connection: Connection, proposed: Mapping[str, SourceKey]) -> Mapping[str, Visitor]:
    rows = sorted((indexed(one), pack(home)) for one, home in proposed.items())
    blank = {"consent": None, "consent_at": None}
    new = ({"id": one, "home": home, **blank} for one, home in dict(rows).items())
    bulk.insert_missing(connection, visitors, new)
    return _visitors(connection, list(proposed))


def _visitors(connection: Connection, ids: Sequence[str]) -> Mapping[str, Visitor]:
    people: dict[str, list[SourceKey]] = defaultdict(list)
    for visitor, person in bulk.pairs(connection, _PEOPLE, map(indexed, ids)):
        people[visitor].append(unpack(person))
    rows = {row.id: row for row in bulk.answers(connection, _VISITORS, map(indexed, ids))}
    return {
        one: Visitor(
            id=one,
            home=unpack(row.home),
            people=tuple(sorted(people[row.id])),
            consent=row.consent,
        )
        for one in ids
        if (row := rows.get(indexed(one))) is not None
    }


def _learn(
    connection: Connection,
    claims: Mapping[SourceKey, Collection[Claim]],
    words: Collection[Word],
) -> None:
    rows = {_row(key, claim) for key, some in claims.items() for claim in some}
    names = tuple(column.name for column in event_claims.primary_key)
    told = (dict(zip(names, row, strict=True)) for row in sorted(rows))
    bulk.insert_missing(connection, event_claims, told)
    met = sorted({(indexed(w.visitor), pack(w.person)) for w in words if w.person is not None})
    people = ({"visitor": visitor, "person": person} for visitor, person in met)
    bulk.insert_missing(connection, visitor_people, people)
    for visitor, (said_at, refused) in sorted(_last_words(words).items()):
        said = {"visitor": visitor, "said_at": said_at, "said": not refused}
        connection.execute(_SAY, said)


def _row(key: SourceKey, claim: Claim) -> tuple[str, str, str, str, str]:
    said = claim.key
    how = claim.verification.value
    return pack(key), said.kind.value, indexed(said.scope), storable(said.value), how


def _last_words(words: Collection[Word]) -> dict[str, tuple[datetime, bool]]:
    """By visitor: when they last said something, and whether it was a refusal."""
    latest: dict[str, tuple[datetime, bool]] = {}
    for word in words:
        if word.consent is not None:
            said = (word.at, not word.consent)
            one = indexed(word.visitor)
            latest[one] = max(said, latest.get(one, said))
    return latest


def _claims(connection: Connection, keys: Sequence[SourceKey]) -> list[tuple[Claim, ...]]:
    found: dict[str, dict[LookupKey, Verification]] = defaultdict(dict)
    for row in bulk.answers(connection, _CLAIMS, map(pack, keys)):
        key, how = (
            LookupKey(KeyKind(row.kind), row.value, row.scope),
            Verification(row.verification),
        )
        known = found[row.contact].get(key, how)
        found[row.contact][key] = max(known, how, key=lambda one: one.strength)
    return [_sorted(found.get(pack(key), {})) for key in keys]


def _sorted(claims: Mapping[LookupKey, Verification]) -> tuple[Claim, ...]:
    said = (Claim(key, how) for key, how in claims.items())
    return tuple(sorted(said, key=lambda one: (one.key.kind, one.key.scope, one.key.value)))
