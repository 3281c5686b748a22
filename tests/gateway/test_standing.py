"""What is remembered of the store, and when it is looked up again."""

import asyncio
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from sys import getsizeof
from typing import Any

import pytest

from domain.customer import Cluster, KeyKind, LookupKey
from domain.errors import StoreError
from domain.ids import CustomerId, Kind, SourceKey
from domain.ports import Finding, Found
from domain.provenance import Provenance, System
from domain.records import Contact
from domain.sources import ChildPage, Parent, ParentBy
from domain.vocabulary import ServedFrom, SystemKind
from gateway.standing import MOST_WAITING, ROW_S, Recent, StandingPeople, StandingRecords
from gateway.weights import ENTRY, weight

ALICE = LookupKey(KeyKind.EMAIL, "alice@example.com")
SPOT = ("shop", Parent(ParentBy.OWN, "s1"))


class People:
    """An identity graph of one person, that counts."""

    def __init__(self) -> None:
        self.id = CustomerId("cus_1")
        self.asked: list[Any] = []
        self.version = 1
        self.was_asked = asyncio.Event()
        self.clustered: dict[CustomerId, Cluster] = {}
        self.rows: dict[SourceKey, Contact] = {}

    async def look_up(self, keys: Any) -> Finding:
        self.asked.append(list(keys))
        self.was_asked.set()
        found = [Found(customers=(self.id,) if key == ALICE else ()) for key in keys]
        return Finding(found, self.clustered, self.rows)

    async def clusters(self, ids: Any) -> list[Cluster | None]:
        self.asked.append(list(ids))
        return [Cluster(id=self.id, version=1, members=()) for _ in ids]

    async def read_version(self) -> int:
        return self.version


class Store:
    def __init__(self) -> None:
        self.asked = 0
        self.kept: list[Any] = []
        self.rows: dict[SourceKey, Any] = {}
        self.release = asyncio.Event()
        self.release.set()
        self.refuses: set[Kind] = set()

    async def contacts(self, keys: Any) -> list[Any]:
        self.asked += len(keys)
        return [self.rows.get(key) for key in keys]

    async def keep_children(self, kind: Kind, pages: Any) -> None:
        await self.release.wait()
        if kind in self.refuses:
            raise StoreError("full")
        self.kept.append(dict(pages))

    async def kept_children(self, kind: Kind, parents: Any) -> list[Any]:
        known = {spot: page for pages in self.kept for spot, page in pages.items()}
        return [known.get(spot) for spot in parents]


class Changes:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        return self.count


@pytest.fixture
def changes() -> Changes:
    return Changes()


async def test_a_key_is_looked_up_once_while_the_version_stands(changes: Changes) -> None:
    people = People()
    standing: Any = StandingPeople(people, people.read_version, changes)  # type: ignore[arg-type]
    for _ in range(3):
        assert (await standing.find([ALICE]))[0].customers == ("cus_1",)
        assert (await standing.clusters([people.id]))[0].id == "cus_1"
    assert people.asked == [[ALICE], ["cus_1"]]


async def test_nobody_is_looked_for_each_time(changes: Changes) -> None:
    people = People()
    standing: Any = StandingPeople(people, people.read_version, changes)  # type: ignore[arg-type]
    stranger = LookupKey(KeyKind.EMAIL, "new@example.com")
    for _ in range(2):
        assert (await standing.find([stranger]))[0].customers == ()
    assert len(people.asked) == 2


async def test_what_this_process_decides_is_seen_at_once(changes: Changes) -> None:
    people = People()
    standing: Any = StandingPeople(people, people.read_version, changes)  # type: ignore[arg-type]
    await standing.find([ALICE])
    people.id, people.version, changes.count = CustomerId("cus_2"), 2, 1
    assert (await standing.find([ALICE]))[0].customers == ("cus_2",)


async def test_what_another_process_decides_is_seen_when_the_version_is_looked_at(
    changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, now = People(), [100.0]
    monkeypatch.setattr("gateway.standing.monotonic", lambda: now[0])
    standing: Any = StandingPeople(people, people.read_version, changes)  # type: ignore[arg-type]
    await standing.find([ALICE])
    people.id, people.version = CustomerId("cus_2"), 2
    now[0] += 0.06
    assert (await standing.find([ALICE]))[0].customers == ("cus_2",)


async def test_an_answer_from_before_a_change_is_not_remembered(changes: Changes) -> None:
    """The look-up began before the change and ended after it: what it says holds no more."""
    people = People()
    standing: Any = StandingPeople(people, people.read_version, changes)  # type: ignore[arg-type]
    gate, look_up = asyncio.Event(), people.look_up

    async def slow(keys: Any) -> Finding:
        found = await look_up(keys)
        await gate.wait()
        return found

    people.look_up = slow  # type: ignore[method-assign]
    early = asyncio.ensure_future(standing.find([ALICE]))
    await asyncio.wait_for(people.was_asked.wait(), 5)
    people.id, people.version, changes.count = CustomerId("cus_2"), 2, 1
    await standing.clusters([CustomerId("cus_2")])
    gate.set()
    assert (await early)[0].customers == ("cus_1",)
    assert (await standing.find([ALICE]))[0].customers == ("cus_2",)


async def test_a_cluster_from_before_a_change_is_not_remembered(changes: Changes) -> None:
    """Whether it was asked for, or came with who was looked up."""
    people = People()
    people.clustered = {people.id: Cluster(id=people.id, version=1, members=())}
    gate, clusters, look_up = asyncio.Event(), people.clusters, people.look_up

    async def slow(ids: Any) -> Any:
        found = await clusters(ids)
        await gate.wait()
        return found

    async def slow_look_up(keys: Any) -> Finding:
        found = await look_up(keys)
        await gate.wait()
        return found

    people.clusters, people.look_up = slow, slow_look_up  # type: ignore[method-assign]
    standing: Any = StandingPeople(people, people.read_version, changes)  # type: ignore[arg-type]
    early = [
        asyncio.ensure_future(standing.clusters([people.id])),
        asyncio.ensure_future(standing.find([ALICE])),
    ]
    while len(people.asked) < 2:  # noqa: ASYNC110  # they tell nobody
        await asyncio.sleep(0)
    people.version, changes.count = 2, 1
    await standing._looks.read((None,))
    gate.set()
    await asyncio.gather(*early)
    await standing.clusters([people.id])
    assert len(people.asked) == 3
    await standing.close()


async def test_a_row_from_before_a_change_is_not_remembered(changes: Changes) -> None:
    store, row, gate = Store(), _row(), asyncio.Event()
    store.rows[row.key] = row
    contacts, asked = store.contacts, asyncio.Event()

    async def slow(keys: Any) -> list[Any]:
        found = await contacts(keys)
        asked.set()
        await gate.wait()
        return found

    store.contacts = slow  # type: ignore[method-assign]
    records: Any = StandingRecords(store, changes)  # type: ignore[arg-type]
    early = asyncio.ensure_future(records.contacts([row.key]))
    await asyncio.wait_for(asked.wait(), 5)
    store.rows[row.key], changes.count = replace(row, full_name="Alice Example"), 1
    await records.contacts([])
    gate.set()
    assert (await early)[0].full_name == "Alice"
    assert (await records.contacts([row.key]))[0].full_name == "Alice Example"


async def test_a_row_is_remembered_for_a_minute(
    changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may have stored a newer one."""
    store, row, now = Store(), _row(), [100.0]
    monkeypatch.setattr("gateway.standing.monotonic", lambda: now[0])
    store.rows[row.key] = row
    records: Any = StandingRecords(store, changes)  # type: ignore[arg-type]
    for after_s, asked in ((0, 1), (ROW_S - 1, 1), (1, 2)):
        now[0] += after_s
        await records.contacts([row.key])
        assert store.asked == asked


async def test_no_more_pages_wait_than_there_is_room_for(changes: Changes) -> None:
    store = Store()
    records = StandingRecords(store, changes)  # type: ignore[arg-type]
    spots = [("shop", Parent(ParentBy.OWN, f"s{i}")) for i in range(MOST_WAITING + 1)]
    await records.keep_children(Kind.ORDER, dict.fromkeys(spots[1:], ChildPage(items=())))
    await records.keep_children(Kind.ORDER, {spots[0]: ChildPage(items=())})
    await records.close()
    assert [len(pages) for pages in store.kept] == [MOST_WAITING]


def _row() -> Contact:
    system = System(name="crm", kind=SystemKind.CRM, connector="hubspot")
    provenance = Provenance(
        system=system, external_id="h1", fetched_at=datetime(2026, 3, 2, tzinfo=UTC)
    )
    key = SourceKey("crm", Kind.CONTACT, "h1")
    return Contact(key=key, provenance=provenance, full_name="Alice")


async def test_who_was_looked_up_is_known_with_cluster_and_rows(changes: Changes) -> None:
    people, store, row = People(), Store(), _row()
    people.clustered = {people.id: Cluster(id=people.id, version=1, members=(row.key,))}
    people.rows = {row.key: row}
    records = StandingRecords(store, changes)  # type: ignore[arg-type]
    await records.contacts([])
    standing = StandingPeople(people, people.read_version, changes, remember=records.remember)  # type: ignore[arg-type]
    assert (await standing.find([ALICE]))[0].customers == (people.id,)
    assert await standing.clusters([people.id]) == [people.clustered[people.id]]
    kept = replace(row, provenance=replace(row.provenance, served_from=ServedFrom.CACHE))
    assert await records.contacts([row.key]) == [kept]
    assert (people.asked, store.asked) == ([[ALICE]], 0)
    await standing.close()


async def test_what_changes_while_it_is_looked_up_is_not_remembered(changes: Changes) -> None:
    people, store, row = People(), Store(), _row()
    people.rows = {row.key: row}
    records = StandingRecords(store, changes)  # type: ignore[arg-type]
    look_up = people.look_up

    async def slow(keys: Any) -> Finding:
        found = await look_up(keys)
        changes.count += 1
        return found

    people.look_up = slow  # type: ignore[method-assign]
    standing = StandingPeople(people, people.read_version, changes, remember=records.remember)  # type: ignore[arg-type]
    await records.contacts([])
    await standing.find([ALICE])
    records._seen = changes.count
    assert await records.contacts([row.key]) == [None]
    assert store.asked == 1
    await standing.close()


async def test_rows_are_remembered_until_this_process_writes(changes: Changes) -> None:
    store, row = Store(), _row()
    store.rows[row.key] = row
    records: Any = StandingRecords(store, changes)  # type: ignore[arg-type]
    kept = replace(row, provenance=replace(row.provenance, served_from=ServedFrom.CACHE))
    for _ in range(2):
        assert await records.contacts([row.key]) == [kept]
    assert store.asked == 1
    store.rows[row.key] = replace(row, full_name="Alice Example")
    changes.count += 1
    assert await records.contacts([row.key]) == [replace(kept, full_name="Alice Example")]


async def test_pages_of_many_requests_are_kept_in_one_write(changes: Changes) -> None:
    store = Store()
    records = StandingRecords(store, changes)  # type: ignore[arg-type]
    for i in range(10):
        await records.keep_children(
            Kind.ORDER, {("shop", Parent(ParentBy.OWN, f"s{i}")): ChildPage(items=())}
        )
    await records.close()
    assert [len(pages) for pages in store.kept] == [10]


async def test_who_reads_a_page_waits_for_it_to_be_kept(changes: Changes) -> None:
    """The write is under way when the page is asked for: it has left the queue and is not in the
    store yet.
    """
    store = Store()
    store.release.clear()
    records = StandingRecords(store, changes)  # type: ignore[arg-type]
    await records.keep_children(Kind.ORDER, {SPOT: ChildPage(items=())})
    writing = asyncio.ensure_future(records.write())
    await asyncio.sleep(0)
    reading = asyncio.ensure_future(records.kept_children(Kind.ORDER, [SPOT]))
    await asyncio.sleep(0)
    assert not reading.done()
    store.release.set()
    await writing
    assert await reading == [ChildPage(items=())]
    await records.close()


async def test_what_the_store_does_not_take_keeps_nobody_from_what_it_has(
    changes: Changes, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk, on the day a source is away: what was kept before can still be read."""
    store = Store()
    records = StandingRecords(store, changes)  # type: ignore[arg-type]
    await records.keep_children(Kind.TICKET, {SPOT: ChildPage(items=())})
    await records.write()
    store.refuses = {Kind.ORDER}
    await records.keep_children(Kind.ORDER, {SPOT: ChildPage(items=(), has_more=True)})
    await records.keep_children(Kind.TICKET, {SPOT: ChildPage(items=(), dropped=1)})
    assert await records.kept_children(Kind.TICKET, [SPOT]) == [ChildPage(items=(), dropped=1)]
    assert [one.getMessage().partition(" ")[0] for one in caplog.records] == ["pages_unkept"]
    await records.close()


async def test_who_closes_in_the_middle_of_a_write_loses_nothing(
    changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.standing.WRITE_S", 0)
    store = Store()
    store.release.clear()
    records = StandingRecords(store, changes)  # type: ignore[arg-type]
    for kind in (Kind.ORDER, Kind.TICKET):
        await records.keep_children(kind, {SPOT: ChildPage(items=())})
    while not records._turn.locked():  # noqa: ASYNC110  # it tells nobody
        await asyncio.sleep(0)
    closing = asyncio.ensure_future(records.close())
    await asyncio.sleep(0)
    store.release.set()
    await closing
    assert len(store.kept) == 2


async def test_nothing_is_looked_up_any_more_after_the_end(changes: Changes) -> None:
    people, go_on = People(), asyncio.Event()

    async def slow() -> int:
        await go_on.wait()
        return 1

    standing = StandingPeople(people, slow, changes)  # type: ignore[arg-type]
    standing._look_early()
    closing = asyncio.ensure_future(standing.close())
    await asyncio.sleep(0)
    go_on.set()
    await closing
    assert standing._next is not None
    assert standing._next.cancelled()


def test_what_was_used_last_stays_where_there_is_no_room_for_all() -> None:
    each = ENTRY + weight("a") + weight("x" * 1000)
    recent: Recent[str, str] = Recent(3 * each)

    def there() -> str:
        found = recent.get_many("abcde")
        return "".join(key for key, one in zip("abcde", found, strict=True) if one)

    for key in "abc":
        recent.put(key, "x" * 1000)
    recent.get_many("a")
    recent.put("c", "y" * 1000)  # in place of what was there
    recent.put("d", "x" * 1000)
    assert there() == "acd"
    recent.put("e", "x" * 4000)  # more than all together
    assert there() == ""
    recent.clear()
    recent.put("a", "x" * 1000)
    assert there() == "a"


def _held(value: object) -> int:
    """Bytes of a value with all it holds, looked at one by one; of what there is one of, none."""
    if isinstance(value, Enum | int | None):
        return 0
    names = [field.name for field in fields(value)] if is_dataclass(value) else ()
    parts = [getattr(value, name) for name in names]
    parts += value if isinstance(value, tuple) else ()
    return getsizeof(value) + sum(map(_held, parts))


SYSTEM = System(name="crm", kind=SystemKind.CRM, connector="hubspot")


@pytest.mark.parametrize(
    "value",
    [
        ALICE,
        Found(customers=(CustomerId("cus_1"),)),
        Cluster(
            id=CustomerId("cus_1"),
            version=1,
            members=tuple(SourceKey("crm", Kind.CONTACT, str(i)) for i in range(9)),
        ),
        Contact(
            key=SourceKey("crm", Kind.CONTACT, "1"),
            provenance=Provenance(
                system=SYSTEM, external_id="1", fetched_at=datetime(2026, 3, 2, tzinfo=UTC)
            ),
            full_name="Alice Example",
            company="Example Limited",
        ),
        LookupKey(KeyKind.EMAIL, "half of a pair \ud83d"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_entry_weighs_no_less_than_it_takes_and_not_many_times_as_much(value: object) -> None:
    assert _held(value) <= ENTRY + weight(value) <= 5 * _held(value)


async def test_the_version_is_looked_up_before_anybody_has_to_wait_for_it(
    changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, now, looks = People(), [100.0], asyncio.Event()
    monkeypatch.setattr("gateway.standing.monotonic", lambda: now[0])
    gate = asyncio.Event()
    gate.set()

    async def version() -> int:
        looks.set()
        await gate.wait()
        return people.version

    standing: Any = StandingPeople(people, version, changes)  # type: ignore[arg-type]
    await standing.find([ALICE])
    looks.clear()
    gate.clear()
    people.id, people.version = CustomerId("cus_2"), 2
    now[0] += 0.04
    assert (await standing.find([ALICE]))[0].customers == ("cus_1",)
    await asyncio.wait_for(looks.wait(), 5)
    now[0] += 0.02
    waiting = asyncio.ensure_future(standing.find([ALICE]))
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.set()
    assert (await waiting)[0].customers == ("cus_2",)


async def test_while_it_is_used_the_version_is_looked_up_without_anybody_asking(
    changes: Changes, monkeypatch: pytest.MonkeyPatch
) -> None:
    people, now, looks = People(), [100.0], asyncio.Semaphore(0)
    monkeypatch.setattr("gateway.standing.monotonic", lambda: now[0])

    async def version() -> int:
        looks.release()
        return people.version

    standing: Any = StandingPeople(people, version, changes)  # type: ignore[arg-type]
    await standing.find([ALICE])
    people.id, people.version = CustomerId("cus_2"), 2
    async with asyncio.timeout(5):
        await looks.acquire()
        await looks.acquire()
        await looks.acquire()
    found = standing.find([ALICE])
    assert (await found)[0].customers == ("cus_2",)
    now[0] += 3.0
    standing._look_on()
    assert standing._early is None
    await standing.close()


async def test_strangers_of_many_requests_are_looked_for_together(changes: Changes) -> None:
    people = People()
    standing: Any = StandingPeople(people, people.read_version, changes)  # type: ignore[arg-type]
    await standing.find([ALICE])
    keys = [LookupKey(KeyKind.EMAIL, f"{i}@example.com") for i in range(5)]
    await asyncio.gather(*[standing.find([key]) for key in keys])
    assert people.asked == [[ALICE], keys]
