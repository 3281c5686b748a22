"""A shop that counts what it is asked, behind the cache in each of its forms."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.settings import SourceSettings
from domain.errors import SourceError
from domain.ids import Kind, SourceKey
from domain.ports import Cache
from domain.provenance import Freshness, Provenance, SourceStatus, System
from domain.records import Order, Record
from domain.sources import ChildFilter, ChildPage, Deadline, PageRequest, Parent, ParentBy, Source
from domain.vocabulary import SourceState, SystemKind
from gateway.cache import MemoryCache
from gateway.config_kept import Cache as Settings
from gateway.entities.keeping import Keeping
from gateway.redis_cache import RedisCache, open_redis
from gateway.telemetry import PrometheusTelemetry

SHOP = System(name="shop", kind=SystemKind.OMS, connector="test")
PAGE = PageRequest(20)


@dataclass
class Shop:
    """Orders by owner. `calls` are what it was asked; `broken` is raised, or handed back for one
    owner or id; `gate` holds every call up.
    """

    clock: Any
    orders: dict[str, list[str]] = field(default_factory=lambda: {"ann": ["1", "2"], "bob": ["3"]})
    word: str = ""
    calls: list[tuple[str, ...]] = field(default_factory=list)
    fields: list[Any] = field(default_factory=list)
    broken: SourceError | None = None
    broken_for: dict[str, SourceError] = field(default_factory=dict)
    gate: asyncio.Event | None = None

    def order(self, number: str, owner: str) -> Order:
        return Order(
            key=SourceKey("shop", Kind.ORDER, number),
            provenance=Provenance(system=SHOP, external_id=number, fetched_at=self.clock.now()),
            occurred_at=datetime(2026, 1, int(number) % 28 + 1, tzinfo=UTC),
            number=f"{number}{self.word}",
            owner_ids=(owner,),
        )

    async def asked(self, names: Sequence[str], fields: Any) -> None:
        self.calls.append(tuple(names))
        self.fields.append(fields)
        if self.gate is not None:
            await self.gate.wait()
        if self.broken is not None:
            raise self.broken

    async def get_many(self, ids: Sequence[str], fields: Any, deadline: Deadline) -> list[Any]:
        rows = {n: self.order(n, who) for who, some in self.orders.items() for n in some}
        await self.asked(ids, fields)
        return [self.broken_for.get(one) or rows.get(one) for one in ids]

    async def children_of(
        self, parents: Sequence[Parent], page: Any, where: Any, fields: Any, deadline: Deadline
    ) -> list[Any]:
        pages: dict[str, ChildPage[Record]] = {
            one.value: ChildPage(
                items=tuple(self.order(n, one.value) for n in self.orders.get(one.value, ()))
            )
            for one in parents
        }
        await self.asked([one.value for one in parents], fields)
        return [self.broken_for.get(one.value) or pages[one.value] for one in parents]

    def source(self, credential: str = "") -> Source:
        return Source(
            system=SHOP,
            gets={Kind.ORDER: self},
            children={Kind.ORDER: self},
            search=None,
            changes={},
            webhooks=None,
            status=lambda: SourceStatus(system=SHOP, state=SourceState.OK),
            credential=credential,
        )


class Intake:
    """The store, which has nothing to say here."""

    async def receive(self, contacts: Any, farewells: Any, read_at: Any) -> None: ...

    async def refresh(self, records: Any) -> None: ...

    async def remove(self, keys: Any) -> None: ...


class Counter:
    """One process: a source behind a cache, and the short forms in which tests ask it."""

    def __init__(self, shop: Shop, keeping: Keeping, source: Source) -> None:
        self.shop = shop
        self.keeping = keeping
        self.source = source
        self.intake = keeping.told(Intake())

    async def page(self, owner: str, age_s: float = 60.0, **how: Any) -> Any:
        return (await self.pages([owner], age_s, **how))[0]

    async def pages(
        self,
        owners: Sequence[str],
        age_s: float = 60.0,
        *,
        fields: Any = None,
        by: ParentBy = ParentBy.OWN,
        allow_stale: bool = True,
        patience_s: float = 5.0,
        page: PageRequest = PAGE,
    ) -> list[Any]:
        source = self.source.fresh(Freshness(max_age_ms=int(age_s * 1000), allow_stale=allow_stale))
        parents = [Parent(by, owner) for owner in owners]
        if source.at_hand is not None:  # as a use case asks
            young = source.at_hand.pages(Kind.ORDER, parents, page, ChildFilter(), fields)
            if young is not None:
                return list(young)
        deadline = Deadline(asyncio.get_running_loop().time() + patience_s)
        return await source.children[Kind.ORDER].children_of(
            parents, page, ChildFilter(), fields, deadline
        )

    async def rows(self, ids: Sequence[str], age_s: float = 60.0, *, fields: Any = None) -> Any:
        source = self.source.fresh(Freshness(max_age_ms=int(age_s * 1000)))
        if source.at_hand is not None:
            young = source.at_hand.rows(Kind.ORDER, ids, fields)
            if young is not None:
                return list(young)
        deadline = Deadline(asyncio.get_running_loop().time() + 5.0)
        return await source.gets[Kind.ORDER].get_many(ids, fields, deadline)

    async def row(self, one: str, age_s: float = 60.0, *, fields: Any = None) -> Any:
        return (await self.rows([one], age_s, fields=fields))[0]

    async def told_changed(self, number: str, owner: str) -> None:
        await self.intake.refresh([self.shop.order(number, owner)])

    async def told_gone(self, number: str) -> None:
        await self.intake.remove([SourceKey("shop", Kind.ORDER, number)])


@pytest.fixture
def shop(clock: Any) -> Shop:
    return Shop(clock)


@pytest.fixture
async def make(clock: Any, shop: Shop) -> AsyncIterator[Callable[..., Counter]]:
    """A process over `cache`; `shop` is the one of the test."""
    async with AsyncExitStack() as closing:

        def made(
            cache: Cache | None = None, *, credential: str = "", settings: Any = None, **how: Any
        ) -> Counter:
            kept = cache or MemoryCache(0)
            keeping = Keeping(Settings(**how), kept, clock, PrometheusTelemetry("test"))
            closing.push_async_callback(keeping.close)
            plain = settings or SourceSettings(connector="test")
            return Counter(shop, keeping, keeping.wrapped(shop.source(credential), plain))

        yield made


@pytest.fixture
async def shared(redis_url: str) -> AsyncIterator[RedisCache]:
    opened = open_redis(redis_url, 0.5)
    yield opened
    await opened.close()


@pytest.fixture(params=["in the process", "in Redis"])
def counter(
    request: pytest.FixtureRequest, make: Callable[..., Counter], shared: RedisCache
) -> Counter:
    """Each test that asks for it runs over both forms."""
    return make() if request.param == "in the process" else make(shared)


@pytest.fixture
def later(clock: Any) -> Callable[[float], None]:
    def pass_(seconds: float) -> None:
        clock.advance(timedelta(seconds=seconds))

    return pass_
