"""`get_many` over a vendor's batch read, or over single reads where that is all it has."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from connectors.desk import Desk, Sheet
from connectors.gathering import answered
from connectors.spec import BatchRead, GetAsk, are_valid
from domain.errors import SourceError, SourceProtocolError, SourceUnavailable
from domain.records import Contact, Record
from domain.slots import quick
from domain.sources import Deadline, Fields
from domain.waiting import together

T = TypeVar("T")
_get_ask = quick(GetAsk)
Found = dict[str, Record | SourceError]


class BatchReader:
    """The `BatchGet` port: ceil(distinct ids / size) calls, side by side."""

    def __init__(self, desk: Desk, form: BatchRead) -> None:
        self._desk = desk
        self._form = form

    async def get_many(
        self, external_ids: Sequence[str], fields: Fields, deadline: Deadline
    ) -> list[Record | SourceError | None]:
        wanted = list(dict.fromkeys(external_ids))
        if not are_valid(self._form.valid, wanted):
            wanted = list(filter(self._form.valid, wanted))
        found: Found = {}
        if 0 < len(wanted) <= self._form.size.value:
            found = await self._chunk(wanted, fields, deadline)
        else:
            chunks = chunked(wanted, self._form.size.value)
            for part in await together([self._chunk(ids, fields, deadline) for ids in chunks]):
                found |= part
        return [found.get(external_id) for external_id in external_ids]

    async def _chunk(self, ids: Sequence[str], fields: Fields, deadline: Deadline) -> Found:
        ask = _get_ask(ids=ids, fields=fields, options=self._desk.options)
        try:
            sheet = await answered(self._desk, self._form, ask, deadline)
        except SourceError as error:
            return dict.fromkeys(ids, error)
        if self._form.splits and sheet.page.refused and len(ids) > 1:
            half = len(ids) // 2
            parts = (self._chunk(some, fields, deadline) for some in (ids[:half], ids[half:]))
            return {i: one for part in await together(list(parts)) for i, one in part.items()}
        return self._placed(ids, sheet)

    def _placed(self, ids: Sequence[str], sheet: Sheet) -> Found:
        """Rows by the id asked for. An id without a row is unknown to the source, unless a row was
        unreadable: then nobody can say whose it was.
        """
        asked = set(ids)
        own: Found = {record.key.external_id: record for record in sheet.records}
        if own.keys() == asked and not sheet.dropped and not sheet.page.failed:
            return own
        found: Found = {}
        if sheet.dropped:
            error = SourceProtocolError(self._desk.source, "a row of the batch was unreadable")
            found = dict.fromkeys(ids, error)
        unanswered = SourceUnavailable(self._desk.source, "a part of the batch failed")
        found |= dict.fromkeys(sheet.page.failed, unanswered)
        if self._form.strict and (strangers := _strangers(sheet.records, asked)):
            self._desk.ignored("get_many", strangers)
            astray = SourceProtocolError(self._desk.source, "rows that were not asked for")
            found |= dict.fromkeys(ids, astray)
        for record in sheet.records:
            absorbed = record.merged_ids if isinstance(record, Contact) else ()
            found |= dict.fromkeys(asked.intersection(absorbed), record)
        found |= {wanted: record for wanted, record in own.items() if wanted in asked}
        return found


def _strangers(records: Sequence[Record], asked: set[str]) -> int:
    """How many rows are of none of the ids that were asked for."""
    return sum(
        record.key.external_id not in asked
        and not (isinstance(record, Contact) and asked.intersection(record.merged_ids))
        for record in records
    )


def chunked(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Consecutive runs of at most `size` items."""
    return (items[start : start + size] for start in range(0, len(items), size))
