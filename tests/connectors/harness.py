"""What tests of connectors share: time that passes only when everybody waits, a vendor that answers
in memory, and a source in front of it. Loaded by the conftest files that need it.
"""

import asyncio
import importlib
import importlib.util
import json
import logging
import selectors
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import httpx

from connectors.auth import Secret
from connectors.httpx_sender import HttpxSender
from connectors.registry import Connector, load_connector
from connectors.sender import Sender
from connectors.settings import SourceSettings
from connectors.source import open_source
from connectors.spec import Spec, Stream
from domain.customer import LookupKey
from domain.errors import SourceError
from domain.ids import Kind
from domain.records import RECORD_TYPES
from domain.sources import ChildFilter, Deadline, PageRequest, Parent, Position, Source
from domain.vocabulary import OrderStatus, TicketStatus

HERE = Path(__file__).parent
FIXTURES = HERE.parent / "fixtures"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

Question = Callable[[Source, Deadline], Awaitable[Any]]
Handler = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


class _Selector:
    """Never waits: what would have been waited for passes at once."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._real = selectors.DefaultSelector()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = self._real.select(0)
        # A clock that stood still would let two timers at one instant wake each other for ever.
        self._loop.passed += 1e-9
        if ready or timeout == 0:
            return ready
        if timeout is None:
            # Nothing is planned: a thread may still wake the loop, and if none does, it hangs.
            return self._real.select(10) or self._stuck()
        self._loop.passed += max(0.0, timeout)
        return []

    def _stuck(self) -> list[Any]:
        raise RuntimeError("everybody waits, and nothing is planned")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock moves to the next timer when there is nothing else to do."""

    def __init__(self) -> None:
        self.passed = 1_000.0
        super().__init__(_Selector(self))  # type: ignore[arg-type]

    def time(self) -> float:
        return self.passed


class Clock:
    """The domain's clock, moved by the virtual loop where one runs."""

    def __init__(self, now: datetime = NOW) -> None:
        self.start = now
        self.shift = timedelta(0)

    def now(self) -> datetime:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self.start + self.shift
        passed = loop.passed - 1_000.0 if isinstance(loop, VirtualLoop) else 0.0
        return self.start + self.shift + timedelta(seconds=passed)


class Tally:
    """Telemetry that remembers."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, ...], float] = {}
        self.observed: list[tuple[str, Mapping[str, str], float]] = []

    def count(self, name: str, labels: Mapping[str, str], amount: float = 1.0) -> None:
        key = (name, *(f"{k}={v}" for k, v in sorted(labels.items())))
        self.counts[key] = self.counts.get(key, 0.0) + amount

    def observe(self, name: str, labels: Mapping[str, str], value: float) -> None:
        self.observed.append((name, labels, value))

    def total(self, name: str) -> float:
        return sum(count for key, count in self.counts.items() if key[0] == name)


class Taps(logging.Handler):
    """Every log record, formatted, with its traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def within(seconds: float = 3.0) -> Deadline:
    return Deadline(asyncio.get_running_loop().time() + seconds)


def load_vendor(name: str) -> ModuleType:
    """The fake vendor that lies beside a connector's tests, or in a package from elsewhere."""
    path = HERE / name / "vendor.py"
    package = load_connector(name).package
    if not path.exists() and not package.startswith("connectors."):
        return importlib.import_module(f"{package}.vendor")
    if not path.exists():
        raise LookupError(f"connector {name} has no fake vendor: {path} is missing")
    spec = importlib.util.spec_from_file_location(f"fake_vendor_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def fixture(connector: str, name: str) -> Any:
    return json.loads((FIXTURES / connector / name).read_text(encoding="utf-8"))


@dataclass
class Line:
    """One connector, its fake vendor, and a source between them.

    `answer` is what the vendor does; a test puts a fault in its place. `calls` are the requests
    that reached the vendor.
    """

    connector: Connector
    vendor: ModuleType
    rows: dict[Kind, list[dict[str, Any]]]
    clock: Clock = field(default_factory=Clock)
    tally: Tally = field(default_factory=Tally)
    calls: list[httpx.Request] = field(default_factory=list)
    answer: Handler | None = None
    closed: int = 0

    @classmethod
    def open(cls, name: str, count: int = 7) -> "Line":
        vendor = load_vendor(name)
        return cls(connector=load_connector(name), vendor=vendor, rows=vendor.seed(count))

    @property
    def settings(self) -> SourceSettings:
        return SourceSettings(
            connector=self.connector.name,
            base_url=getattr(self.vendor, "BASE_URL", ""),
            secrets={name: Secret(text) for name, text in self.vendor.SECRETS.items()},
            phone_region="GB",
            customer_key=getattr(self.vendor, "CUSTOMER_KEY", "own"),
            options=self.vendor.OPTIONS,
            # Plenty, since these tests are not about the limiter.
            rates=dict.fromkeys(self.connector.spec.limits.rates, 100_000.0),
        )

    def source(self, sender: Sender | None = None, **changes: Any) -> Source:
        """A fresh source: nothing is remembered of an earlier one."""
        settings = self.settings
        for name, value in changes.items():
            object.__setattr__(settings, name, value)
        return open_source(
            self.connector.spec,
            "here",
            settings,
            sender or HttpxSender(httpx.MockTransport(self._respond)),
            clock=self.clock,
            telemetry=self.tally,
            dice=Random(7),
        )

    async def _respond(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        if self.answer is None:
            return self.vendor.answer(self.rows, request)
        response = self.answer(request)
        return response if isinstance(response, httpx.Response) else await response

    # ------------------------------------------------------------ questions

    def ids(self, kind: Kind) -> list[str]:
        return [self.vendor.external_id(kind, row) for row in self.rows[kind]]

    def parents(self, kind: Kind) -> dict[Parent, list[str]]:
        """Parents of a kind, with the ids of their children, newest first."""
        found: dict[Parent, list[str]] = self.vendor.parents(self.rows, kind)
        return found

    def questions(self) -> Iterator[tuple[str, Question]]:
        """Each call the connector declares, in each of its forms."""
        for kind, endpoint in self.connector.spec.kinds.items():
            if endpoint.get_many:
                yield f"get_many {kind.name}", _get(kind, self.ids(kind)[:2])
            for by in endpoint.children:
                some = [p for p in self.parents(kind) if p.by is by][:1]
                assert some, f"the fake vendor names no parent of {kind.name} by {by.value}"
                yield f"children_of {kind.name} by {by.value}", _children(kind, some)
            if endpoint.changed_since:
                yield f"changed_since {kind.name}, from nothing", _changes(kind)
                if not isinstance(endpoint.changed_since, Stream):
                    yield f"changed_since {kind.name}, from a time", _changes(kind, SINCE)
        for key, _ in self.vendor.searches(self.rows):
            yield f"search {key.kind.value}", _search(key)

    def variations(self) -> Iterator[tuple[str, Question]]:
        """The same questions with fewer fields, older pages and filters."""
        for kind, endpoint in self.connector.spec.kinds.items():
            if endpoint.get_many:
                for name in sorted(f.name for f in fields(RECORD_TYPES[kind])):
                    only = frozenset({name})
                    yield f"get_many {kind.name}: {name}", _get(kind, self.ids(kind)[:1], only)
            for by in endpoint.children:
                some = [p for p in self.parents(kind) if p.by is by][:2]
                for where in FILTERS:
                    name = f"children_of {kind.name} by {by.value}: {where}"
                    yield name, _children(kind, some, where)
                older = PageRequest(5, Position(NOW, "5"))
                name = f"children_of {kind.name} by {by.value}: older"
                yield name, _children(kind, some, ChildFilter(), older)


FILTERS = (
    ChildFilter(order_status=frozenset({OrderStatus.SHIPPED})),
    ChildFilter(ticket_status=frozenset({TicketStatus.OPEN, TicketStatus.ON_HOLD})),
    ChildFilter(text="red shoes"),
    ChildFilter(around=NOW),
)
SINCE = json.dumps(
    {
        "since": "2026-01-01T00:00:00Z",
        "start": "2026-01-01T00:00:00Z",
        "begun": "2026-01-01T00:00:00Z",
        "page": None,
        "read": 0,
    }
)


def _get(kind: Kind, ids: Sequence[str], only: frozenset[str] | None = None) -> Question:
    return lambda source, deadline: source.gets[kind].get_many(ids, only, deadline)


def _children(
    kind: Kind,
    parents: Sequence[Parent],
    where: ChildFilter | None = None,
    page: PageRequest | None = None,
) -> Question:
    return lambda source, deadline: source.children[kind].children_of(
        parents, page or PageRequest(5), where or ChildFilter(), None, deadline
    )


def _changes(kind: Kind, cursor: str | None = None) -> Question:
    return lambda source, deadline: source.changes[kind].changed_since(cursor, deadline)


def _search(key: LookupKey) -> Question:
    async def ask(source: Source, deadline: Deadline) -> Any:
        assert source.search is not None
        return await source.search.search(key, deadline)

    return ask


async def outcome(asked: Awaitable[Any]) -> Any:
    """The error a question came to, raised or given in place of an entry; else the answer."""
    try:
        answer = await asked
    except SourceError as error:
        return error
    entries = answer if isinstance(answer, list) else []
    return next((entry for entry in entries if isinstance(entry, SourceError)), answer)


def opened(spec: Spec, answer: Callable[[httpx.Request], httpx.Response], **more: Any) -> Source:
    """A source over any spec, in front of a vendor that is a function."""
    secrets = {name: Secret(f"planted-{name}") for name in spec.auth.secrets}
    return open_source(
        spec,
        "here",
        SourceSettings(connector=spec.connector, secrets=secrets, **more),
        HttpxSender(httpx.MockTransport(answer)),
        clock=Clock(),
        telemetry=Tally(),
        dice=Random(7),
    )
