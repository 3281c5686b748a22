"""Asking one source about one kind of thing, and making records of what it says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.http import Http
from connectors.reading import UNREADABLE, Options, Reading, Row, each_by
from connectors.spec import A, Call, Endpoint, Page
from domain.errors import NotSupported, SourceProtocolError
from domain.ids import Kind
from domain.records import Record
from domain.slots import quick
from domain.sources import Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A page as records, and the rows they were made of, one for one. `dropped` rows could not be
    read.
    """

    records: Sequence[Record] = ()
    rows: Sequence[Row] = ()
    dropped: int = 0
    page: Page = field(default_factory=Page)

    @property
    def whole(self) -> bool:
        """Whether nothing was left out: no row unreadable, no further page."""
        return not self.dropped and self.page.cursor is None


_sheet = quick(Sheet)


class Desk:
    """One (source, kind). `reading` is made anew for each answer, since it holds the time."""

    def __init__(
        self,
        *,
        source: str,
        kind: Kind,
        endpoint: Endpoint,
        http: Http,
        reading: Callable[[], Reading],
        options: Options,
    ) -> None:
        self.source = source
        self.kind = kind
        self.options = options
        self.get_many = endpoint.get_many
        self._records = endpoint.records or each_by(endpoint.map)
        self._http = http
        self._reading = reading

    async def asked(self, call: Call[A], ask: A, deadline: Deadline) -> Sheet:
        """One call. Raises SourceError, SourceProtocolError where the answer has another form."""
        return self.sheet(await self.page(call, ask, deadline))

    async def page(self, call: Call[A], ask: A, deadline: Deadline) -> Page:
        """The same, as rows."""
        request = call.ask(ask)
        if request is None:
            raise NotSupported(self.source, f"this question about {self.kind.name}")
        reply = await self._http.call(request, deadline)
        if reply.status in request.empty:
            return Page(refused=True)
        page = self._read(call, ask, reply.data)
        if call.follow is not None and page.cursor is None:
            page = replace(page, cursor=self._followed(call.follow, reply.headers))
        return page

    def sheet(self, page: Page) -> Sheet:
        records, unread = self._records(page.rows, self._reading())
        rows = page.rows
        if unread:
            left_out = set(unread)
            rows = [row for place, row in enumerate(rows) if place not in left_out]
        self._http.monitor.mapped(self.kind, len(unread))
        return _sheet(records=records, rows=rows, dropped=len(unread), page=page)

    def dropped(self, count: int) -> None:
        """Rows of the answer just read were of no use after all."""
        self._http.monitor.mapped(self.kind, count)

    def ignored(self, question: str, rows: int) -> None:
        """An answer held rows that were not asked for: the vendor took no notice of a filter."""
        self._http.monitor.ignored(self.kind, question, rows)

    def _followed(
        self, follow: Callable[[Mapping[str, str]], str | None], headers: Mapping[str, str]
    ) -> str | None:
        try:
            return follow(headers)
        except UNREADABLE:
            raise SourceProtocolError(self.source, "a next page that leads nowhere") from None

    def _read(self, call: Call[A], ask: A, data: Any) -> Page:
        try:
            page = call.read(data, ask)
            if isinstance(page.rows, list | tuple):
                return page
        except UNREADABLE:
            pass
        self._http.monitor.mapped(self.kind, 1)
        raise SourceProtocolError(self.source, "an answer of another form")
