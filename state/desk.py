"""What stands, as the judge of arrivals reads it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import BigInteger, Connection, Text, TextualSelect, column, select, text

from domain.ids import CustomerId, SourceKey
from domain.live import Term, Tie, Value
from domain.vocabulary import LinkStatus
from state import bulk, codec
from state.keys import indexed, number, pack, unpack
from state.live_tables import compared_records, term_counts
from state.tables import links, memberships, shared_identifiers

_CARRIED = (column("block", BigInteger), column("numbers", Text))
# For each key its records up to a number: an index range of each, however many there are.
_CARRIERS: Mapping[str, TextualSelect] = {
    "sqlite": text("""SELECT told.value AS block, (SELECT json_group_array(number) FROM (
        SELECT number FROM record_blocks WHERE block = told.value LIMIT :most)) AS numbers
        FROM json_each(:listed) AS told""").columns(*_CARRIED),
    "postgresql": text("""SELECT told.block, found.numbers FROM (
        SELECT CAST(json_array_elements_text(CAST(:listed AS JSON)) AS BIGINT) AS block) AS told
        CROSS JOIN LATERAL (SELECT CAST(json_agg(number) AS TEXT) AS numbers FROM (
            SELECT number FROM record_blocks WHERE block = told.block LIMIT :most) AS few) AS found
        """).columns(*_CARRIED),
}
_ROWS = select(compared_records.c.number, compared_records.c.key, compared_records.c.row).where(
    bulk.among_numbers(compared_records.c.number)
)
_COUNTS = select(term_counts.c.kind, term_counts.c.value, term_counts.c.count).where(
    bulk.among(term_counts.c.value)
)
_SHARED = select(
    shared_identifiers.c.kind, shared_identifiers.c.value, shared_identifiers.c.public
).where(bulk.among(shared_identifiers.c.value))
_TIES = select(links.c.left_key, links.c.right_key, links.c.status, links.c.match_weight)
_TIES_BY_END = tuple(_TIES.where(bulk.among(end)) for end in (links.c.left_key, links.c.right_key))
_own = memberships.alias()
_COMPANY = (
    select(memberships.c.customer, memberships.c.key)
    .join(_own, _own.c.customer == memberships.c.customer)
    .where(bulk.among(_own.c.key))
    .distinct()
)


class SqlDesk:
    """Implements `domain.live.Desk` in the transaction at hand."""

    def __init__(self, connection: Connection, arrived: Sequence[SourceKey]) -> None:
        self._connection = connection
        self._arrived = arrived

    @property
    def arrived(self) -> Sequence[SourceKey]:
        return self._arrived

    def number(self, key: SourceKey) -> int:
        return number(pack(key))

    def carriers(self, blocks: Collection[int], at_most: int) -> Mapping[int, Sequence[int]]:
        if not blocks:
            return {}
        statement = _CARRIERS[self._connection.dialect.name]
        asked = {"listed": codec.encode(sorted(blocks)).decode(), "most": at_most}
        rows = bulk.fetch(self._connection, statement, asked)
        return {
            block: codec.decode(numbers.encode(), list[int]) if numbers else []
            for block, numbers in rows
        }

    def rows(self, numbers: Collection[int]) -> Mapping[int, tuple[SourceKey, bytes]]:
        found = bulk.answers(self._connection, _ROWS, numbers) if numbers else ()
        return {own: (unpack(key), row) for own, key, row in found}

    def counts(self, terms: Collection[Term]) -> Mapping[Term, int]:
        wanted = {(kind, indexed(value)): (kind, value) for kind, value in terms}
        values = {value for _, value in wanted}
        rows = bulk.answers(self._connection, _COUNTS, values) if values else ()
        return {
            wanted[kind, value]: count for kind, value, count in rows if (kind, value) in wanted
        }

    def shared(self, values: Collection[Value]) -> Mapping[Value, bool]:
        wanted = {(kind.value, indexed(value)): (kind, value) for kind, value in values}
        asked = {value for _, value in wanted}
        rows = bulk.answers(self._connection, _SHARED, asked) if asked else ()
        return {
            wanted[kind, value]: public for kind, value, public in rows if (kind, value) in wanted
        }

    def ties(self, keys: Collection[SourceKey]) -> Sequence[Tie]:
        packed = [pack(key) for key in keys]
        found = {
            (left, right): Tie(unpack(left), unpack(right), LinkStatus(status), weight)
            for statement in _TIES_BY_END
            for left, right, status, weight in bulk.answers(self._connection, statement, packed)
        }
        return list(found.values())

    def clusters(self, keys: Collection[SourceKey]) -> Mapping[CustomerId, tuple[SourceKey, ...]]:
        company: dict[CustomerId, list[SourceKey]] = defaultdict(list)
        for customer, key in bulk.answers(self._connection, _COMPANY, map(pack, keys)):
            company[CustomerId(customer)].append(unpack(key))
        return {customer: tuple(sorted(members)) for customer, members in company.items()}
