"""`changed_since`: reading on where the last page ended, by time or by the vendor's own cursor.

Cursors are JSON texts of ours, opaque to whoever keeps them. One that was saved can be asked again
at any time: pages may repeat rows, and never miss one.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from connectors.desk import Desk, Sheet
from connectors.gathering import listed
from connectors.reading import UNREADABLE, required, rfc3339
from connectors.spec import Since, SinceAsk, Stream, StreamAsk
from domain.errors import InputError, SourceProtocolError
from domain.ids import SourceKey
from domain.ports import Clock
from domain.records import Record
from domain.sources import Changes, Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """Where a read by time stands.

    `since`: the newest change seen so far; None during a full scan. `start`: what this question
    asks from. `page`: the vendor's cursor in it. `read`: rows it gave. `begun`: when the scan
    began, which is where reading by time starts after it.
    """

    since: datetime | None
    start: datetime | None
    begun: datetime
    page: str | None = None
    read: int = 0

    def text(self) -> str:
        return orjson.dumps(asdict(self)).decode()


class TimeReader:
    """The `ChangedSince` port over `Since`."""

    def __init__(self, desk: Desk, form: Since, clock: Clock) -> None:
        self.policy = form.policy
        self._desk = desk
        self._form = form
        self._clock = clock

    async def changed_since(self, cursor: str | None, deadline: Deadline) -> Changes[Record]:
        window = self._scan() if cursor is None else self._window(cursor)
        ask = SinceAsk(since=window.start, cursor=window.page, options=self._desk.options)
        sheet = await listed(self._desk, self._form, ask, deadline)
        if self._form.strict and ask.since is not None:
            self._notice(ask.since - self.policy.resolution, sheet)
        if sheet.page.cursor is not None and sheet.page.cursor == window.page:
            raise SourceProtocolError(self._desk.source, "a list whose pages do not end")
        following = self._following(window, sheet)
        return _changes(self._desk, sheet, following.text(), more=sheet.page.cursor is not None)

    def _notice(self, since: datetime, sheet: Sheet) -> None:
        times = (record.provenance.source_updated_at for record in sheet.records)
        if older := sum(changed is not None and changed < since for changed in times):
            self._desk.ignored("changed_since", older)

    def _scan(self) -> _Window:
        return _Window(since=None, start=None, begun=self._clock.now())

    def _following(self, window: _Window, sheet: Sheet) -> _Window:
        if window.since is None or window.start is None:
            return self._scanned(window, sheet)
        reached = self._reached(window.start, sheet)
        since, page = max(window.since, reached), sheet.page.cursor
        if page is None:
            return replace(
                window, since=since, start=since - self.policy.overlap, page=None, read=0
            )
        read = window.read + len(sheet.page.rows)
        full = self._form.cap is not None and read + len(sheet.page.rows) > self._form.cap.value
        if reached > window.start and (self._form.keyset or full):
            return replace(window, since=since, start=reached, page=None, read=0)
        if full:
            # More rows changed at one instant than the vendor will list: only a scan sees them all.
            return self._scan()
        return replace(window, since=since, page=page, read=read)

    def _scanned(self, window: _Window, sheet: Sheet) -> _Window:
        if sheet.page.cursor is not None:
            return replace(window, page=sheet.page.cursor)
        start = window.begun - self.policy.overlap
        return replace(window, since=window.begun, start=start, page=None)

    def _reached(self, start: datetime, sheet: Sheet) -> datetime:
        """The newest change on the page. A row from the future is not believed: it would hide every
        change until then.
        """
        times = (record.provenance.source_updated_at for record in sheet.records)
        return max((t for t in times if t and t <= self._clock.now()), default=start)

    def _window(self, cursor: str) -> _Window:
        try:
            held: dict[str, Any] = orjson.loads(cursor)
            return _Window(
                since=rfc3339(held["since"]),
                start=rfc3339(held["start"]),
                begun=required(rfc3339(held["begun"])),
                page=held["page"],
                read=int(held["read"]),
            )
        except UNREADABLE:
            raise InputError(f"{self._desk.source}: not a cursor of this source") from None


class StreamReader:
    """The `ChangedSince` port over `Stream`."""

    def __init__(self, desk: Desk, form: Stream) -> None:
        self.policy = form.policy
        self._desk = desk
        self._form = form

    async def changed_since(self, cursor: str | None, deadline: Deadline) -> Changes[Record]:
        held = None if cursor is None else self._held(cursor)
        ask = StreamAsk(cursor=held, options=self._desk.options)
        sheet = await listed(self._desk, self._form, ask, deadline)
        following = sheet.page.cursor if sheet.page.cursor is not None else sheet.page.resume
        if following is None or (sheet.page.cursor is not None and following == held):
            raise SourceProtocolError(self._desk.source, "a stream without a next cursor")
        text = orjson.dumps({"stream": following}).decode()
        return _changes(self._desk, sheet, text, more=sheet.page.cursor is not None)

    def _held(self, cursor: str) -> str:
        try:
            return str(orjson.loads(cursor)["stream"])
        except UNREADABLE:
            raise InputError(f"{self._desk.source}: not a cursor of this source") from None


def _changes(desk: Desk, sheet: Sheet, cursor: str, *, more: bool) -> Changes[Record]:
    return Changes(
        records=tuple(sheet.records),
        deleted=tuple(SourceKey(desk.source, desk.kind, i) for i in sheet.page.deleted),
        cursor=cursor,
        more=more,
        dropped=sheet.dropped,
    )
