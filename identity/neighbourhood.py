"""The records around one that arrived, as far as they have been fetched from the desk."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.ids import SourceKey
from domain.live import Desk
from domain.vocabulary import IdentifierKind
from identity import rows
from identity.namesakes import count_bearers, users
from identity.rows import DOMAIN, RECORDS, Circumstances, Frequencies, Keys, Row
from identity.sharing import KINDS, PUBLIC_USERS

IDENTIFIERS = {
    "email": IdentifierKind.EMAIL,
    "phone": IdentifierKind.PHONE,
    "handle": IdentifierKind.HANDLE,
    "account": IdentifierKind.ACCOUNT_NUMBER,
}
MOST = 80
"""Records looked at under one key. Where more are, they tell nobody apart."""
SEVERAL = 2
"""What a value counts as that is known to be shared; how many people exactly is not kept."""

Used = tuple[str, str]
"""(kind, value)"""
Term = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Record:
    number: int
    key: SourceKey
    row: Row


class Neighbourhood:
    """Records by number, each fetched once, filled in with what others make of it."""

    def __init__(self, desk: Desk) -> None:
        self.uses: dict[Used, int] = {}
        """How many people use a value, of several."""
        self.rejudged: dict[Used, int] = {}
        """Those of them that turned out otherwise than was known."""
        self._desk = desk
        self._records: dict[int, Record] = {}
        self._blocks: dict[int, Sequence[int]] = {}
        self._keys: dict[int, Sequence[Keys]] = {}
        self._met: dict[int, frozenset[int]] = {}
        self._counts: dict[Term, int] = {}
        self._asked: set[Term] = set()
        self._told: set[Used] = set()
        self._judged: set[Used] = set()
        self._named: set[int] = set()
        self._circumstances = Circumstances(uses=self.uses, counts=self._counts)

    def fetch(self, numbers: Iterable[int], terms: Collection[Term] = ()) -> None:
        """Fetch records, and learn in how many the terms stand. Records that are gone are left
        out.
        """
        missing = set(numbers) - self._records.keys()
        found = {
            number: Record(number, key, rows.restored(row))
            for number, (key, row) in self._desk.rows(missing).items()
        }
        self._learn(found.values(), terms)
        for record in found.values():
            self._circumstances.fill(record.row)
        self._records |= found

    def get(self, number: int) -> Record | None:
        return self._records.get(number)

    def frequencies(self) -> Frequencies:
        return self._circumstances.frequencies()

    def under(self, blocks: Iterable[int]) -> Mapping[int, Sequence[int]]:
        """The records under each blocking key; of more than MOST one more than that."""
        asked = set(blocks)
        if missing := asked - self._blocks.keys():
            self._blocks |= self._desk.carriers(missing, MOST + 1)
        return {block: self._blocks.get(block, ()) for block in asked}

    def keys_of(self, record: Record) -> Sequence[Keys]:
        """The blocking keys by which a filled record finds others."""
        if record.number not in self._keys:
            self._keys[record.number] = rows.keys(record.row)
        return self._keys[record.number]

    def meets(self, record: Record) -> frozenset[int]:
        """Everybody batch would look at with this one."""
        if record.number not in self._met:
            others = (number for numbers in self.meeting(record) for number in numbers)
            self._met[record.number] = frozenset(others)
        return self._met[record.number]

    def look_up(self, records: Iterable[Record]) -> None:
        """Ask for all keys of several records at once."""
        keys = (key for record in records for key in self.keys_of(record))
        self.under(block for key in keys for block in (*key.blocks, *key.finer))

    def meeting(self, record: Record) -> Iterator[Sequence[int]]:
        """The records that batch would look at with this one, under each of its keys, itself among
        them. The rarest come first.
        """
        keys = self.keys_of(record)
        under = self.under(block for key in keys for block in (*key.blocks, *key.finer))
        found = []
        for key in keys:
            crowded = any(len(under[block]) > key.most for block in key.blocks)
            blocks = (*key.blocks, *key.finer) if crowded else key.blocks
            found += [under[block] for block in blocks if len(under[block]) <= key.most]
        yield from sorted(found, key=len)

    def judge_values(self, record: Record) -> None:
        """Count anew who uses the values of a record, whose carriers have been fetched."""
        for kind in KINDS:
            for value in record.row.values(kind):
                self._judge(kind, value)
        self._circumstances.fill(record.row)
        self._forget_keys(record)

    def count_namesakes(self, records: Iterable[Record]) -> None:
        """Fill in who else bears the names of these records."""
        blocks = {rows.name_block(record.row) for record in records} - {None} - self._named
        named = [block for block in blocks if block is not None]
        found = self.under(named)
        self.fetch(number for block in named for number in found[block])
        for block in named:
            self._named.add(block)
            count_bearers({record.number: record.row for record in self.namesakes(block)})

    def namesakes(self, block: int) -> list[Record]:
        """Those fetched under the key of a full name."""
        found = (self._records.get(number) for number in self._blocks.get(block, ()))
        return [one for one in found if one is not None and rows.name_block(one.row) == block]

    def carriers(self, kind: str, value: str) -> list[Record]:
        """Those fetched that carry a value."""
        numbers = self._blocks.get(rows.value_block(kind, value), ())
        found = (self._records.get(number) for number in numbers)
        return [one for one in found if one is not None and value in one.row.values(kind)]

    def _judge(self, kind: str, value: str) -> None:
        if (kind, value) in self._judged:
            return
        self._judged.add((kind, value))
        before = self.uses.get((kind, value), 1)
        numbers = self._blocks.get(rows.value_block(kind, value), ())
        carriers = [record.row for record in self.carriers(kind, value)]
        count = users(kind, value, carriers)
        if len(numbers) > MOST:
            count = max(count, before)  # not all of them were looked at
        if _standing(count) == _standing(before):
            return
        self.rejudged[kind, value] = count
        if count > 1:
            self.uses[kind, value] = count
        else:
            self.uses.pop((kind, value), None)
        for record in self.carriers(kind, value):
            self._circumstances.fill(record.row)
            self._forget_keys(record)

    def _forget_keys(self, record: Record) -> None:
        """They are others where its values are judged otherwise."""
        self._keys.pop(record.number, None)
        self._met.pop(record.number, None)

    def _learn(self, records: Collection[Record], terms: Collection[Term]) -> None:
        """What is known of the values and names of these records."""
        values = {
            (IDENTIFIERS[kind], value): (kind, value)
            for record in records
            for kind in KINDS
            for value in record.row.values(kind)
            if (kind, value) not in self._told
        }
        self._told.update(values.values())
        for one, is_public in self._desk.shared(values).items():
            self.uses.setdefault(values[one], PUBLIC_USERS if is_public else SEVERAL)
        self.count({*terms, *(term for record in records for term in _names(record.row))})

    def count(self, terms: Collection[Term]) -> None:
        """Learn in how many records terms stand."""
        missing = {*terms, (RECORDS, "")} - self._asked
        if missing:
            self._asked |= missing
            self._counts |= self._desk.counts(missing)


def _standing(count: int) -> int:
    """Of one person, of several, of nobody."""
    return 1 if count < SEVERAL else SEVERAL if count < PUBLIC_USERS else PUBLIC_USERS


def _names(row: Row) -> list[tuple[str, str]]:
    """What has to be counted to fill in a row."""
    said = (("given", row.given), ("family", row.family), (DOMAIN, row.email_domain))
    counted = [(kind, value) for kind, value in said if value is not None]
    return [*counted, (RECORDS, DOMAIN)]
